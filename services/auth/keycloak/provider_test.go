package keycloak_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/auth"
	"github.com/foyer-tickets/foyer/services/auth/keycloak"
)

// Only a refused grant ends a session. A secret of ours that is out of date, or a limit, must not
// sign everybody out.
func TestOnlyARefusedGrantEndsASession(t *testing.T) {
	for _, c := range []struct {
		status  int
		body    string
		renewed fault.Kind
		revoked bool
	}{
		{http.StatusBadRequest, `{"error": "invalid_grant", "error_description": "Token is not active"}`, fault.Unauthenticated, true},
		{http.StatusUnauthorized, `{"error": "invalid_client"}`, fault.Unavailable, false},
		{http.StatusUnauthorized, `{"error": "unauthorized_client"}`, fault.Unavailable, false},
		{http.StatusTooManyRequests, `slow down`, fault.Unavailable, false},
		{http.StatusNotFound, `{"error": "Realm does not exist"}`, fault.Unavailable, false},
		{http.StatusServiceUnavailable, ``, fault.Unavailable, false},
	} {
		t.Run(http.StatusText(c.status)+c.body, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			p := keycloak.NewProvider(t.Context(), keycloak.WebConfig{
				Issuer: server.URL, URL: server.URL, Realm: "foyer", JWKSURL: server.URL, ClientID: "c", ClientSecret: "s", PublicURL: server.URL,
			})
			_, err := p.Refresh(t.Context(), "refresh")
			assert.Equal(t, c.renewed, fault.KindOf(err), "%v", err)
			_, err = p.Exchange(t.Context(), "code", "verifier", "nonce")
			assert.Equal(t, c.renewed, fault.KindOf(err), "%v", err)
			assert.Equal(t, c.revoked, p.Revoke(t.Context(), "refresh") == nil)
		})
	}
}

func TestWhatASignInAsksFor(t *testing.T) {
	p := keycloak.NewProvider(t.Context(), keycloak.WebConfig{Issuer: "https://id.example/realms/foyer", URL: "http://keycloak", Realm: "foyer", ClientID: "foyer-web", PublicURL: "https://foyer.example"})
	for _, c := range []struct {
		in                     auth.SignInRequest
		locale, prompt, action string
	}{
		{auth.SignInRequest{}, "", "", ""},
		{auth.SignInRequest{Locale: "de"}, "de", "", ""},
		{auth.SignInRequest{Again: true}, "", "login", ""},
		{auth.SignInRequest{AddPasskey: true}, "", "", "webauthn-register"},
	} {
		u, err := url.Parse(p.LoginURL("state", "nonce", "verifier", c.in))
		require.NoError(t, err)
		assert.Equal(t, "https://id.example/realms/foyer/protocol/openid-connect/auth", u.Scheme+"://"+u.Host+u.Path)
		q := u.Query()
		assert.Equal(t, []string{c.locale, c.prompt, c.action}, []string{q.Get("ui_locales"), q.Get("prompt"), q.Get("kc_action")}, "%+v", c.in)
		assert.Equal(t, []string{"state", "nonce", "S256"}, []string{q.Get("state"), q.Get("nonce"), q.Get("code_challenge_method")})
	}
}
