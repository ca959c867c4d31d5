// Package rest serves sign-in, sessions and accounts over HTTP.
package rest

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/auth"
)

// SignInProvider signs people in with OpenID Connect's authorization code flow.
type SignInProvider interface {
	// LoginURL is the address of the provider's page for this sign-in.
	LoginURL(state, nonce, verifier string, request auth.SignInRequest) string
	// Exchange turns the code of a callback into tokens, if it answers this sign-in's nonce.
	Exchange(ctx context.Context, code, verifier, nonce string) (auth.Tokens, error)
	// LogoutSession verifies a logout token and gives the id of the session that it ends.
	LogoutSession(ctx context.Context, raw string) (string, error)
}

// Server implements the generated interface.
type Server struct {
	Sessions  *auth.SessionManager
	Provider  SignInProvider
	Directory auth.Directory
	Accounts  *auth.Accounts
	Audit     auth.Audit
	SignIns   auth.SignIns
	Deleter   *auth.Deleter
	Exports   *auth.Exports
	PublicURL string
	Seal      cipher.AEAD // of the sign-in cookie
}

var _ Handlers = Server{}

// Cookies. The session's holds only its id.
const (
	sessionCookie = "foyer_session"
	loginCookie   = "foyer_login"
	loginTTL      = 10 * time.Minute
)

// SealPurpose names the key of the sign-in cookie.
const SealPurpose = "foyer sign-in cookie"

// signIn is what a browser carries while it is at Keycloak.
type signIn struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	ReturnTo string    `json:"returnTo"`
	Began    time.Time `json:"began"`
}

// Login implements GET /auth/login.
func (s Server) Login(w http.ResponseWriter, r *http.Request, params LoginParams) error {
	flow := signIn{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), ReturnTo: "/", Began: time.Now()}
	if params.ReturnTo != nil {
		flow.ReturnTo = auth.SafeReturn(*params.ReturnTo)
	}
	raw, err := json.Marshal(flow)
	if err != nil {
		return err
	}
	sealed := base64.RawURLEncoding.EncodeToString(s.Seal.Seal(nil, nil, raw, []byte(loginCookie)))
	s.setCookie(w, loginCookie, sealed, loginTTL)
	in := auth.SignInRequest{
		Again:      params.Again != nil && *params.Again,
		AddPasskey: params.AddPasskey != nil && *params.AddPasskey,
	}
	if params.Locale != nil {
		in.Locale = *params.Locale
	}
	http.Redirect(w, r, s.Provider.LoginURL(flow.State, flow.Nonce, flow.Verifier, in), http.StatusFound)
	return nil
}

func (s Server) openSignIn(r *http.Request) (signIn, error) {
	var flow signIn
	cookie, err := r.Cookie(loginCookie)
	if err != nil {
		return flow, auth.ErrLoginExpired.Because(err)
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return flow, auth.ErrLoginExpired.Because(err)
	}
	raw, err := s.Seal.Open(nil, nil, sealed, []byte(loginCookie))
	if err != nil {
		return flow, auth.ErrLoginExpired.Because(err)
	}
	if err := json.Unmarshal(raw, &flow); err != nil {
		return flow, auth.ErrLoginExpired.Because(err)
	}
	if time.Since(flow.Began) > loginTTL {
		return flow, auth.ErrLoginExpired
	}
	return flow, nil
}

// Callback implements GET /auth/callback. Whatever goes wrong, the person is back on our pages,
// which say what to do; only the reason travels along.
func (s Server) Callback(w http.ResponseWriter, r *http.Request, params CallbackParams) error {
	if r.URL.RawQuery == "" { // back from what a mail led to: an address confirmed, a new password
		http.Redirect(w, r, "/auth/login", http.StatusFound)
		return nil
	}
	flow, err := s.openSignIn(r)
	if err == nil {
		err = s.finishSignIn(w, r, flow, params)
	}
	s.dropCookie(w, loginCookie)
	if err != nil {
		slog.InfoContext(r.Context(), "sign-in not finished", "error", err)
		http.Redirect(w, r, "/?sign_in=failed", http.StatusFound)
		return nil
	}
	http.Redirect(w, r, flow.ReturnTo, http.StatusFound)
	return nil
}

func (s Server) finishSignIn(w http.ResponseWriter, r *http.Request, flow signIn, params CallbackParams) error {
	if params.State == nil || params.Code == nil || subtle.ConstantTimeCompare([]byte(*params.State), []byte(flow.State)) != 1 {
		return auth.ErrLoginExpired
	}
	tokens, err := s.Provider.Exchange(r.Context(), *params.Code, flow.Verifier, flow.Nonce)
	if err != nil {
		return err
	}
	previous := ""
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		previous = cookie.Value
	}
	// A new id with each sign-in: one that was planted before is worth nothing, and the browser's
	// earlier session ends.
	id, ttl, err := s.Sessions.Begin(r.Context(), tokens, previous)
	if err != nil {
		return err
	}
	s.setCookie(w, sessionCookie, id, ttl)
	return nil
}

func (s Server) setCookie(w http.ResponseWriter, name, value string, ttl time.Duration) {
	maxAge := int(ttl.Seconds())
	if maxAge <= 0 { // over already: without an age it would stay until the browser closes
		maxAge = -1
	}
	s.cookie(w, name, value, maxAge)
}

// dropCookie removes a cookie: a negative age is written as Max-Age=0, and zero as no age at all.
func (s Server) dropCookie(w http.ResponseWriter, name string) { s.cookie(w, name, "", -1) }

func (s Server) cookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(s.PublicURL, "https://"),
	})
}

// Logout implements POST /auth/logout.
func (s Server) Logout(w http.ResponseWriter, r *http.Request) error {
	if !s.sameOrigin(r, r.Method) {
		return auth.ErrCrossSite
	}
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		if err := s.Sessions.End(r.Context(), cookie.Value); err != nil {
			slog.WarnContext(r.Context(), "session not ended at Keycloak", "error", err)
		}
	}
	s.dropCookie(w, sessionCookie)
	return httpapi.NoContent(w)
}

func (s Server) sameOrigin(r *http.Request, method string) bool {
	return auth.SameOrigin(method, r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin"), s.PublicURL)
}

// GetSession implements GET /auth/session.
func (s Server) GetSession(w http.ResponseWriter, r *http.Request) error {
	a, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpapi.WriteJSON(w, r, http.StatusOK, Session{Account: a.ID, Email: a.Email, Name: a.Name, Roles: ownRoles(a.Roles), Locale: a.Locale})
}

// ownRoles leaves out what Keycloak adds for itself.
func ownRoles(roles []identity.Role) []string {
	own := []string{}
	for _, r := range roles {
		switch r {
		case identity.Customer, identity.Merchant, identity.Admin:
			own = append(own, string(r))
		}
	}
	return own
}

// BackchannelLogout implements POST /auth/backchannel-logout.
func (s Server) BackchannelLogout(w http.ResponseWriter, r *http.Request) error {
	session, err := s.Provider.LogoutSession(r.Context(), r.PostFormValue("logout_token"))
	if err == nil {
		err = s.Sessions.EndKeycloakSession(r.Context(), session)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return nil
}

// Gateway answers nginx's auth_request (https://nginx.org/en/docs/http/ngx_http_auth_request_module.html):
// the bearer token of the session cookie in X-Foyer-Authorization. A session that is over is no
// session, and the service behind says 401 where one is needed. A changing request from another
// site is refused here, with 403.
func (s Server) Gateway(w http.ResponseWriter, r *http.Request) error {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return httpapi.NoContent(w)
	}
	if !s.sameOrigin(r, r.Header.Get("X-Original-Method")) {
		return auth.ErrCrossSite
	}
	token, err := s.Sessions.Access(r.Context(), cookie.Value)
	if err != nil {
		slog.WarnContext(r.Context(), "session not read", "error", err, "kind", fault.KindOf(err))
	}
	if token != "" {
		w.Header().Set("X-Foyer-Authorization", "Bearer "+token)
	}
	return httpapi.NoContent(w)
}
