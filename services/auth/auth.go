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

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
)

// Refusals.
var (
	ErrEmailTaken     = fault.New(fault.Conflict, "email_taken", "An account with this email address exists.") // never leaves the service
	ErrNoAccount      = fault.New(fault.NotFound, "account_not_found", "The account does not exist.")
	ErrLoginExpired   = fault.New(fault.Malformed, "login_expired", "This sign-in took too long or was started elsewhere. Please try again.")
	ErrCrossSite      = fault.New(fault.Forbidden, "cross_site_request", "This request came from another site.")
	ErrBadLogoutToken = fault.New(fault.Malformed, "invalid_logout_token", "The logout token is not valid.")
	ErrLinkOver       = fault.New(fault.Gone, "link_expired", "This link has expired. Please request a new one.")
	ErrOwnAccount     = fault.New(fault.Conflict, "own_account", "You cannot lock your own account or revoke your own admin role; another admin can.")
	ErrTooManyMails   = fault.New(fault.TooMany, "too_many_mails", "Too many emails were requested from your network. Please try again later.").After(15 * time.Minute)
	ErrTooBusy        = fault.New(fault.TooMany, "too_busy", "Too many requests of this kind. Please try again in a minute.").After(time.Minute)
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
	MadeBy        string // the job that made it, "" when nobody noted it
}

// SignIn is a session of an account, in a browser or elsewhere.
type SignIn struct {
	Session  string
	Address  string // the network address it began from
	At       time.Time
	LastSeen time.Time
}

// SignIns knows them.
type SignIns interface {
	SignIns(ctx context.Context, account string) ([]SignIn, error)
}

// Directory is where accounts live.
type Directory interface {
	// Register makes an account; ErrEmailTaken when there is one with this address.
	Register(ctx context.Context, r Registration) (id string, err error)
	Profile(ctx context.Context, id string) (Profile, error)
	ByEmail(ctx context.Context, email string) (p Profile, found bool, err error)
	// Update writes what is not nil and nothing else.
	Update(ctx context.Context, id string, name, locale *string) (Profile, error)
	ConfirmEmail(ctx context.Context, id string) error
	// SetPassword first confirms the address and ends a lock of failed sign-ins. What it fails with is
	// about the password: if it is refused, the old one stays.
	SetPassword(ctx context.Context, id, password string) error
	EndSessions(ctx context.Context, id string) error
	EndSessionsBefore(ctx context.Context, id string, moment time.Time) error

	// What admins may do beyond.
	Search(ctx context.Context, query string, first, limit int) ([]Profile, error)
	WithRoles(ctx context.Context, id string) (Profile, error)
	SetRoles(ctx context.Context, id string, roles []identity.Role) (Profile, error)
	SetEnabled(ctx context.Context, id string, enabled bool) error
}

// SignInRequest is what a sign-in asks of the provider's page.
type SignInRequest struct {
	Locale     string // "": the browser's
	Again      bool   // ask for the password even of people who are signed in
	AddPasskey bool   // register a passkey or security key before coming back
}

// Tokens are what Keycloak gave for a signed-in browser.
type Tokens struct {
	Access        string
	Refresh       string
	Expires       time.Time // of the access token
	SessionExpiry time.Time // of the refresh token
	Session       string    // Keycloak's session id, which its logout tokens name
	// Confirmed is the mark of a confirmed address that they were renewed for: a session is renewed
	// once for a mark, whatever the clocks say and the new token says.
	Confirmed time.Time
}

// Stale tells whether the access token should be renewed before it is used.
func (t Tokens) Stale(now time.Time) bool { return now.Add(30 * time.Second).After(t.Expires) }

// outdated tells whether they should be renewed: because of their age, or for a mark.
func (t Tokens) outdated(now, mark time.Time) bool {
	return t.Stale(now) || !mark.IsZero() && !mark.Equal(t.Confirmed)
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
