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

// Role is a Keycloak realm role.
type Role string

// The roles. None of them includes another.
const (
	Customer Role = "customer"
	Merchant Role = "merchant"
	Admin    Role = "admin"
)

// Account is the authenticated caller.
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

// Has reports whether the account has one of the roles.
func (a Account) Has(roles ...Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(a.Roles, r) })
}

// The errors of Require and Verify.
var (
	ErrUnauthenticated = fault.New(fault.Unauthenticated, "unauthenticated", "Please sign in.")
	ErrInvalidToken    = fault.New(fault.Unauthenticated, "invalid_token", "The access token is not valid.")
	ErrSessionEnded    = fault.New(fault.Unauthenticated, "session_ended", "Your session has ended. Please sign in again.")
	ErrEmailUnverified = fault.New(fault.Forbidden, "email_unverified", "Please confirm your email address first, with the link that we emailed you.")
	ErrForbidden       = fault.New(fault.Forbidden, "forbidden", "Your account does not have permission to do this.")
)

// Audience is the `aud` of every access token for Foyer's services.
const Audience = "foyer"

// Config has the accepted issuer of tokens, and where to get its keys.
type Config struct {
	Issuer  string `env:"OIDC_ISSUER,required"`
	JWKSURL string `env:"OIDC_JWKS_URL,required"`
}

// Verifier verifies access tokens offline with Keycloak's published keys. It caches the keys, and fetches them
// again if a token names an unknown key. It also caches verified tokens, since a client sends the same token
// many times.
type Verifier struct {
	tokens  *oidc.IDTokenVerifier
	known   *otter.Cache[[sha256.Size]byte, known]
	revoked *revocations // nil: none is known of
}

// known is a cached verified token.
type known struct {
	account Account
	until   time.Time
}

// A verified token is cached for this long, and never beyond its expiry. A retired signing key is accepted
// longer by this time.
const (
	knownFor  = 5 * time.Minute
	knownMost = 20_000
)

// NewVerifier returns a verifier. It fetches keys when the first token arrives.
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

// NewVerifierWithKeys returns a verifier that uses the given keys.
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

// Verify returns the account of a raw access token. It returns ErrInvalidToken for an invalid token, and
// ErrSessionEnded for a token whose session has been ended.
func (v *Verifier) Verify(ctx context.Context, raw string) (Account, error) {
	account, err := v.recognize(ctx, raw)
	if err == nil && v.revoked != nil && v.revoked.revoked(ctx, account) {
		return Account{}, ErrSessionEnded
	}
	return account, err
}

// Watch returns a context that ends when the account's token expires, or soon after its session has ended.
// Streams use it, since they outlast the check of the request.
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

// Reread makes the next verification read the list of revocations again. Call it after revoking.
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

// Bearer returns the token of an Authorization header (RFC 6750, 2.1).
func Bearer(header string) (token string, ok bool) {
	scheme, token, found := strings.Cut(header, " ")
	return token, found && strings.EqualFold(scheme, "Bearer") && token != ""
}

// clockSkew is the tolerated difference between our clock and Keycloak's.
const clockSkew = 30 * time.Second

type accountKey struct{}

// With returns a context with the caller's account.
func With(ctx context.Context, a Account) context.Context {
	return context.WithValue(ctx, accountKey{}, a)
}

// From returns the caller's account, or false for an anonymous request.
func From(ctx context.Context) (Account, bool) {
	a, ok := ctx.Value(accountKey{}).(Account)
	return a, ok
}

// Require returns the caller if signed in and, when roles are given, if the account has one of them. Otherwise
// it returns ErrUnauthenticated or ErrForbidden.
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
