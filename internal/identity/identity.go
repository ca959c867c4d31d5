// Package identity authenticates the caller of a request. It verifies access tokens issued by Keycloak,
// checks them against the list of revoked accounts and sessions, and caches verified tokens. Headers that
// claim an identity are not trusted.
package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/maypok86/otter/v2"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// Role is a realm role of Keycloak.
type Role string

// The roles, each of which includes nothing of the others.
const (
	Customer Role = "customer"
	Merchant Role = "merchant"
	Admin    Role = "admin"
)

// Account is the caller.
type Account struct {
	ID      string // Keycloak's subject: opaque, stable
	Email   string
	Name    string
	Locale  string
	Roles   []Role
	Session string // Keycloak's session id

	EmailVerified bool
	IssuedAt      time.Time // of the token, to the second
	Expires       time.Time // of the token
	SignedInAt    time.Time // when a password was last asked for; zero where the token does not say
}

// Has tells whether the account holds one of the roles.
func (a Account) Has(roles ...Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(a.Roles, r) })
}

// What Require refuses with, and Verify for any token that is not good.
var (
	ErrUnauthenticated = fault.New(fault.Unauthenticated, "unauthenticated", "Please sign in.")
	ErrInvalidToken    = fault.New(fault.Unauthenticated, "invalid_token", "The access token is not valid.")
	ErrSessionEnded    = fault.New(fault.Unauthenticated, "session_ended", "Your session has ended. Please sign in again.")
	ErrEmailUnverified = fault.New(fault.Forbidden, "email_unverified", "Please confirm your email address first, with the link that we emailed you.")
	ErrForbidden       = fault.New(fault.Forbidden, "forbidden", "Your account does not have permission to do this.")
)

// Audience is the `aud` every access token for Foyer's services carries.
const Audience = "foyer"

// Config says whose tokens count.
type Config struct {
	Issuer  string `env:"OIDC_ISSUER,required"`
	JWKSURL string `env:"OIDC_JWKS_URL,required"`
}

// Verifier checks access tokens offline against Keycloak's published keys, which it caches
// and refetches when a token names a key it has not seen. A token it found good it knows again
// for a while: somebody who buys shows the same one many times.
type Verifier struct {
	tokens  *oidc.IDTokenVerifier
	known   *otter.Cache[[sha256.Size]byte, known]
	revoked *revocations // nil: none is known of
}

// known is what a good token said.
type known struct {
	account Account
	until   time.Time
}

// A token is known again for so long, and no longer than it is good; a key taken out of use stops
// working that much later.
const (
	knownFor  = 5 * time.Minute
	knownMost = 20_000
)

// NewVerifier returns a verifier. It fetches nothing until the first token arrives.
func NewVerifier(cfg Config, store Store) *Verifier {
	keys := &keySet{url: cfg.JWKSURL, client: &http.Client{Timeout: 3 * time.Second}}
	if store == nil {
		return NewVerifierWithKeys(cfg.Issuer, keys)
	}
	keys.store = store
	v := NewVerifierWithKeys(cfg.Issuer, keys)
	v.revoked = &revocations{load: store.Revocations}
	return v
}

// NewVerifierWithKeys returns a verifier that takes keys from elsewhere.
func NewVerifierWithKeys(issuer string, keys oidc.KeySet) *Verifier {
	return &Verifier{
		tokens: oidc.NewVerifier(issuer, keys, &oidc.Config{
			ClientID: Audience,
			// Asymmetric only: a public key must never pass as an HMAC secret (RFC 8725, 3.1).
			SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256},
		}),
		known: otter.Must(&otter.Options[[sha256.Size]byte, known]{MaximumSize: knownMost}),
	}
}

// Verify returns the account of a raw access token, or ErrInvalidToken; ErrSessionEnded for a token
// that was good until its session was ended.
func (v *Verifier) Verify(ctx context.Context, raw string) (Account, error) {
	account, err := v.recognize(ctx, raw)
	if err == nil && v.revoked != nil && v.revoked.revoked(ctx, account) {
		return Account{}, ErrSessionEnded
	}
	return account, err
}

// Watch returns a context that ends with the account's token: when it expires, or soon after its
// session has ended. It bounds what outlives a request's check, such as streams.
func (v *Verifier) Watch(ctx context.Context, a Account) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	ctx, cancel := context.WithDeadlineCause(ctx, a.Expires, ErrSessionEnded)
	if v.revoked == nil {
		return ctx, func() { cancel(); end(nil) }
	}
	w := &watch{account: a, end: end}
	v.revoked.add(w)
	return ctx, func() { v.revoked.remove(w); cancel(); end(nil) }
}

// Reread makes the next token be judged by what is revoked now. Who revokes calls it.
func (v *Verifier) Reread() {
	if v.revoked != nil {
		v.revoked.forget()
	}
}

func (v *Verifier) recognize(ctx context.Context, raw string) (Account, error) {
	key, now := sha256.Sum256([]byte(raw)), time.Now()
	if k, ok := v.known.GetIfPresent(key); ok && now.Before(k.until) {
		return k.account, nil
	}
	account, err := v.verify(ctx, raw)
	if err != nil {
		return Account{}, err
	}
	until := now.Add(knownFor)
	if account.Expires.Before(until) {
		until = account.Expires
	}
	v.known.Set(key, known{account, until})
	return account, nil
}

func (v *Verifier) verify(ctx context.Context, raw string) (a Account, err error) {
	token, err := v.tokens.Verify(ctx, raw) // signature, issuer, audience, expiry
	if err != nil {
		return Account{}, ErrInvalidToken.Because(err)
	}
	var claims struct {
		Type      string  `json:"typ"`
		NotBefore float64 `json:"nbf"`
		Session   string  `json:"sid"`
		Email     string  `json:"email"`
		Verified  bool    `json:"email_verified"`
		Name      string  `json:"name"`
		Locale    string  `json:"locale"`
		SignedIn  int64   `json:"auth_time"`
		Realm     struct {
			Roles []Role `json:"roles"`
		} `json:"realm_access"`
	}
	if err := token.Claims(&claims); err != nil {
		return Account{}, ErrInvalidToken.Because(err)
	}
	// An ID token is signed by the same keys and is not a key to any door.
	if claims.Type != "Bearer" {
		return Account{}, ErrInvalidToken.Because(errors.New("not an access token"))
	}
	if time.Unix(int64(claims.NotBefore), 0).After(time.Now().Add(clockSkew)) {
		return Account{}, ErrInvalidToken.Because(errors.New("not valid yet"))
	}
	if token.Subject == "" {
		return Account{}, ErrInvalidToken.Because(errors.New("no subject"))
	}
	account := Account{
		ID: token.Subject, Email: claims.Email, Name: claims.Name, Locale: claims.Locale,
		Roles: claims.Realm.Roles, Session: claims.Session,
		EmailVerified: claims.Verified, IssuedAt: token.IssuedAt, Expires: token.Expiry,
	}
	if claims.SignedIn > 0 {
		account.SignedInAt = time.Unix(claims.SignedIn, 0)
	}
	return account, nil
}

// Bearer takes the token from an Authorization header (RFC 6750, 2.1).
func Bearer(header string) (token string, ok bool) {
	scheme, token, found := strings.Cut(header, " ")
	return token, found && strings.EqualFold(scheme, "Bearer") && token != ""
}

// clockSkew is how far our clock and Keycloak's may be apart.
const clockSkew = 30 * time.Second

type accountKey struct{}

// With returns a context that carries the caller.
func With(ctx context.Context, a Account) context.Context {
	return context.WithValue(ctx, accountKey{}, a)
}

// From gives the caller, false when nobody signed in.
func From(ctx context.Context) (Account, bool) {
	a, ok := ctx.Value(accountKey{}).(Account)
	return a, ok
}

// Require gives the caller if signed in and, when roles are named, holding one of them;
// ErrUnauthenticated or ErrForbidden otherwise.
func Require(ctx context.Context, roles ...Role) (Account, error) {
	a, ok := From(ctx)
	if !ok {
		return Account{}, ErrUnauthenticated
	}
	if len(roles) > 0 && !a.Has(roles...) {
		return Account{}, ErrForbidden
	}
	return a, nil
}
