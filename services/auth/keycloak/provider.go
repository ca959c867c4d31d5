package keycloak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/auth"
)

// WebConfig is the browser's client at Keycloak.
type WebConfig struct {
	Issuer       string `env:"OIDC_ISSUER,required"`  // where browsers go
	URL          string `env:"KEYCLOAK_URL,required"` // where we ask
	Realm        string `env:"KEYCLOAK_REALM" envDefault:"foyer"`
	JWKSURL      string `env:"OIDC_JWKS_URL,required"`
	ClientID     string `env:"KEYCLOAK_WEB_CLIENT_ID" envDefault:"foyer-web"`
	ClientSecret string `secret:"keycloak-web-client-secret"`
	PublicURL    string `env:"FOYER_PUBLIC_URL,required"`
}

func (c WebConfig) callback() string { return c.PublicURL + "/auth/callback" }

// Provider is OpenID Connect's authorization code flow with PKCE (RFC 7636).
type Provider struct {
	cfg    WebConfig
	client *http.Client
	oauth  oauth2.Config
	ids    *oidc.IDTokenVerifier
}

var _ auth.Provider = (*Provider)(nil)

// NewProvider returns a provider. Its addresses are Keycloak's, known without discovery, so that
// the service starts while Keycloak is away.
func NewProvider(ctx context.Context, cfg WebConfig) *Provider {
	client := &http.Client{Timeout: Timeout}
	const protocol = "/protocol/openid-connect"
	front := strings.TrimSuffix(cfg.Issuer, "/") + protocol
	back := strings.TrimSuffix(cfg.URL, "/") + "/realms/" + url.PathEscape(cfg.Realm) + protocol
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(ctx, client), cfg.JWKSURL)
	return &Provider{
		cfg: cfg, client: client,
		oauth: oauth2.Config{
			ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, RedirectURL: cfg.callback(),
			Scopes:   []string{oidc.ScopeOpenID, "profile", "email"},
			Endpoint: oauth2.Endpoint{AuthURL: front + "/auth", TokenURL: back + "/token", AuthStyle: oauth2.AuthStyleInHeader},
		},
		ids: oidc.NewVerifier(cfg.Issuer, keys, &oidc.Config{ClientID: cfg.ClientID, SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256}}),
	}
}

// LoginURL is Keycloak's page for this sign-in.
func (p *Provider) LoginURL(state, nonce, verifier string, in auth.SignInRequest) string {
	options := []oauth2.AuthCodeOption{oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)}
	if in.Locale != "" {
		options = append(options, oauth2.SetAuthURLParam("ui_locales", in.Locale))
	}
	if in.Again {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	if in.AddPasskey { // an application-initiated action
		options = append(options, oauth2.SetAuthURLParam("kc_action", "webauthn-register"))
	}
	return p.oauth.AuthCodeURL(state, options...)
}

// Exchange turns the code of a callback into tokens, if the ID token answers this sign-in's nonce.
func (p *Provider) Exchange(ctx context.Context, code, verifier, nonce string) (auth.Tokens, error) {
	token, err := p.oauth.Exchange(p.context(ctx), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return auth.Tokens{}, p.refused(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.ids.Verify(ctx, raw)
	if err != nil || id.Nonce != nonce {
		return auth.Tokens{}, auth.ErrLoginExpired.Because(errors.Join(err, errors.New("ID token")))
	}
	return tokens(token), nil
}

// Refresh implements auth.Provider.
func (p *Provider) Refresh(ctx context.Context, refresh string) (auth.Tokens, error) {
	token, err := p.oauth.TokenSource(p.context(ctx), &oauth2.Token{RefreshToken: refresh}).Token()
	if err != nil {
		return auth.Tokens{}, p.refused(err)
	}
	return tokens(token), nil
}

func (p *Provider) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, p.client)
}

// refused tells Keycloak's no to this grant, which ends a sign-in, from all that is not the grant's
// fault: Keycloak's absence, its limits, and a client of ours that it does not know any more.
func (p *Provider) refused(err error) error {
	if re, ok := errors.AsType[*oauth2.RetrieveError](err); ok && re.ErrorCode == "invalid_grant" {
		return fault.New(fault.Unauthenticated, "session_ended", "Your session has ended. Please sign in again.").Because(err)
	}
	return fault.Away("accounts", err)
}

func tokens(t *oauth2.Token) auth.Tokens {
	session, _ := t.Extra("session_state").(string)
	ttl, _ := t.Extra("refresh_expires_in").(float64)
	return auth.Tokens{
		Access: t.AccessToken, Refresh: t.RefreshToken, Expires: t.Expiry, Session: session,
		SessionExpiry: time.Now().Add(time.Duration(ttl) * time.Second),
	}
}

// Revoke implements auth.Provider: it ends Keycloak's session, so that the next sign-in asks again.
func (p *Provider) Revoke(ctx context.Context, refresh string) error {
	form := url.Values{"client_id": {p.cfg.ClientID}, "client_secret": {p.cfg.ClientSecret}, "refresh_token": {refresh}}
	address := strings.TrimSuffix(p.oauth.Endpoint.TokenURL, "/token") + "/logout"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.client.Do(req)
	if err != nil {
		return fault.Away("accounts", err)
	}
	defer res.Body.Close()
	// A token that is not good any more is a bad request: its session has ended already.
	if res.StatusCode > http.StatusBadRequest {
		return fault.Away("accounts", fmt.Errorf("logout answered %d", res.StatusCode))
	}
	return nil
}

// logoutEvent is what makes a token a logout token (OpenID Connect Back-Channel Logout 1.0, 2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// LogoutSession checks a logout token and gives the Keycloak session that it ends.
func (p *Provider) LogoutSession(ctx context.Context, raw string) (string, error) {
	token, err := p.ids.Verify(ctx, raw)
	if err != nil {
		return "", auth.ErrBadLogoutToken.Because(err)
	}
	var claims struct {
		Events  map[string]json.RawMessage `json:"events"`
		Session string                     `json:"sid"`
		Nonce   string                     `json:"nonce"`
	}
	if err := token.Claims(&claims); err != nil {
		return "", auth.ErrBadLogoutToken.Because(err)
	}
	if _, ok := claims.Events[logoutEvent]; !ok || claims.Session == "" || claims.Nonce != "" {
		return "", auth.ErrBadLogoutToken
	}
	return claims.Session, nil
}
