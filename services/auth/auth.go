// Package auth keeps browsers signed in without ever showing them a token, and manages accounts
// in Keycloak. The browser holds a random session id in a cookie; the tokens stay here, and the
// gateway asks for the right one with each request.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
)

// Refusals.
var (
	ErrEmailTaken     = fault.New(fault.Conflict, "email_taken", "There is an account with this address. You can sign in, or reset the password.")
	ErrWeakPassword   = fault.New(fault.Invalid, "weak_password", "A password has at least 10 characters and is not your address.")
	ErrNoAccount      = fault.New(fault.NotFound, "account_not_found", "There is no such account.")
	ErrLoginExpired   = fault.New(fault.Malformed, "login_expired", "This sign-in took too long or was started elsewhere. Please try again.")
	ErrCrossSite      = fault.New(fault.Forbidden, "cross_site_request", "This request came from another site.")
	ErrBadLogoutToken = fault.New(fault.Malformed, "invalid_logout_token", "The logout token is not valid.")
	ErrTooBusy        = fault.New(fault.TooMany, "too_busy", "Too many requests of this kind; please try again in a minute.").After(time.Minute)
)

// Profile is what a person sees and may change of their account.
type Profile struct {
	ID            string
	Email         string
	EmailVerified bool
	Name          string
	Locale        string
	Roles         []identity.Role
	Enabled       bool
	CreatedAt     time.Time
}

// Registration is a new account's form.
type Registration struct {
	Email, Password, Name, Locale string
}

// minPassword repeats the realm's policy so that most refusals need no round trip.
const minPassword = 10

// Check refuses what Keycloak would refuse.
func (r Registration) Check() error {
	if utf8.RuneCountInString(r.Password) < minPassword || strings.EqualFold(r.Password, r.Email) {
		return ErrWeakPassword
	}
	return nil
}

// Directory is where accounts live.
type Directory interface {
	Register(ctx context.Context, r Registration) (id string, err error)
	Profile(ctx context.Context, id string) (Profile, error)
	Update(ctx context.Context, id string, name, locale *string) (Profile, error)
	RequestPasswordReset(ctx context.Context, email string) error
}

// Administration is what admins may do beyond.
type Administration interface {
	Search(ctx context.Context, query string, first, limit int) ([]Profile, error)
	SetRoles(ctx context.Context, id string, roles []identity.Role) (Profile, error)
	SetEnabled(ctx context.Context, id string, enabled bool) (Profile, error)
}

// Tokens are what Keycloak gave for a signed-in browser.
type Tokens struct {
	Access        string    `json:"access"`
	Refresh       string    `json:"refresh"`
	Expires       time.Time `json:"expires"`       // of the access token
	SessionExpiry time.Time `json:"sessionExpiry"` // of the refresh token
	Session       string    `json:"session"`       // Keycloak's session id, which its logout tokens name
}

// Stale tells whether the access token should be renewed before it is used.
func (t Tokens) Stale(now time.Time) bool { return now.Add(30 * time.Second).After(t.Expires) }

// Sessions keeps tokens by session id. It stores only a hash of the id: who reads the store
// cannot become anybody.
type Sessions interface {
	Save(ctx context.Context, key string, t Tokens, ttl time.Duration) error
	Load(ctx context.Context, key string) (Tokens, bool, error)
	Delete(ctx context.Context, key string) error
	DeleteByKeycloakSession(ctx context.Context, session string) error
}

// Provider speaks OpenID Connect with Keycloak.
type Provider interface {
	Refresh(ctx context.Context, refresh string) (Tokens, error)
	Revoke(ctx context.Context, refresh string) error
}

// NewSessionID makes an id of 256 random bits.
func NewSessionID() string { return rand.Text() + rand.Text() }

// SessionKey is what a session is stored under.
func SessionKey(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// SafeReturn keeps a sign-in from sending people elsewhere: only a path of this site is taken.
func SafeReturn(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return u.String()
}

// SameOrigin tells whether a request that changes something, made with the session cookie, comes
// from our own pages. Browsers say so in Sec-Fetch-Site; older ones at least in Origin.
func SameOrigin(method, fetchSite, origin, publicURL string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS":
		return true
	}
	if fetchSite != "" {
		return fetchSite == "same-origin" || fetchSite == "none"
	}
	return origin == publicURL
}
