// Package keycloak is the accounts' home: Keycloak's admin API by gocloak, and OpenID Connect.
package keycloak

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Nerzal/gocloak/v13"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/auth"
)

// Config is where Keycloak is, and the service account that manages users.
type Config struct {
	URL          string `env:"KEYCLOAK_URL,required"`
	Realm        string `env:"KEYCLOAK_REALM" envDefault:"foyer"`
	ClientID     string `env:"KEYCLOAK_ADMIN_CLIENT_ID,required"`
	ClientSecret string `secret:"keycloak-admin-client-secret"`
}

// Timeout bounds one call. Hashing a password takes Keycloak a noticeable part of a second.
const Timeout = 5 * time.Second

// Directory manages accounts.
type Directory struct {
	cfg    Config
	client *gocloak.GoCloak

	logins  singleflight.Group
	mu      sync.Mutex // never held over a call
	token   string
	expires time.Time
	ahead   atomic.Int64 // a time.Duration
}

var (
	_ auth.Directory = (*Directory)(nil)
	_ auth.Events    = (*Directory)(nil)
)

// NewDirectory returns a directory; it signs in when first used.
func NewDirectory(cfg Config) *Directory {
	client := gocloak.NewClient(cfg.URL)
	client.RestyClient().SetTimeout(Timeout)
	return &Directory{cfg: cfg, client: client}
}

// admin gives the service account's token. One signs in for all who wait, and each of those waits no
// longer than its own time.
func (d *Directory) admin(ctx context.Context) (string, error) {
	if token, ok := d.current(); ok {
		return token, nil
	}
	login := d.logins.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Timeout)
		defer cancel()
		return d.login(ctx)
	})
	select {
	case got := <-login:
		token, _ := got.Val.(string)
		return token, got.Err
	case <-ctx.Done():
		return "", fault.Away("accounts", ctx.Err())
	}
}

func (d *Directory) current() (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.token, time.Now().Before(d.expires)
}

func (d *Directory) login(ctx context.Context) (string, error) {
	if token, ok := d.current(); ok { // somebody signed in since this was asked for
		return token, nil
	}
	asked := time.Now()
	issued, err := d.client.LoginClient(ctx, d.cfg.ClientID, d.cfg.ClientSecret, d.cfg.Realm)
	if err != nil {
		return "", fault.Away("accounts", err)
	}
	d.ahead.Store(int64(ahead(issued.AccessToken, asked, time.Now())))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.token, d.expires = issued.AccessToken, time.Now().Add(time.Duration(issued.ExpiresIn)*time.Second*3/4)
	return d.token, nil
}

// Ahead is how far Keycloak's clock is before ours.
func (d *Directory) Ahead() time.Duration { return time.Duration(d.ahead.Load()) }

// ahead tells by a token that was just issued how far Keycloak's clock is before ours. A token tells
// the second of its birth: what may be due to that, or to the way, is no difference.
func ahead(token string, asked, answered time.Time) time.Duration {
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil || claims.IssuedAt == nil {
		return 0
	}
	least, most := claims.IssuedAt.Sub(answered), claims.IssuedAt.Add(time.Second).Sub(asked)
	if least <= 0 && most >= 0 {
		return 0
	}
	return most
}

// withoutURL is an error without the address that was called: what is searched for, often a person's
// address or name, stands in it. gocloak makes text of the errors that it meets.
func withoutURL(err error) error {
	return errors.New(quotedURL.ReplaceAllString(err.Error(), "keycloak"))
}

var quotedURL = regexp.MustCompile(`"https?://[^"]*"`)

// translate turns gocloak's errors into faults. What Keycloak calls a bad request is told apart by its
// own words: forms are checked before they get here, so most of them are our mistakes.
func translate(err error) error {
	api, ok := errors.AsType[*gocloak.APIError](err)
	if !ok || api.Code == 0 { // no answer
		return fault.Away("accounts", withoutURL(err))
	}
	switch api.Code {
	case http.StatusNotFound:
		return auth.ErrNoAccount.Because(err)
	case http.StatusConflict:
		return auth.ErrEmailTaken.Because(err)
	case http.StatusBadRequest:
		return refused(api.Message).Because(err)
	}
	return fault.Away("accounts", err)
}

// refused maps the messages of Keycloak's validators and password policies, and the fields they are about.
func refused(message string) *fault.Error {
	switch {
	case strings.Contains(message, "invalidPasswordHistory"):
		return fault.New(fault.Invalid, "weak_password", "This password was used before. Please choose another one.")
	case strings.Contains(message, "invalidPassword"), strings.Contains(message, "assword policy"):
		return fault.New(fault.Invalid, "weak_password", "The password is not allowed. Please choose another one.")
	case strings.Contains(message, "mail"), strings.Contains(message, "sername"):
		return fault.New(fault.Invalid, "invalid_email", "The email address is not valid.")
	case strings.Contains(message, "ame"): // firstName, error-person-name-invalid-character
		return fault.New(fault.Invalid, "invalid_name", "The name contains characters that are not allowed.")
	}
	return fault.New(fault.Invalid, "invalid_request", "The account form is not valid.")
}

func (d *Directory) users(id string, more ...string) string {
	address := d.cfg.URL + "/admin/realms/" + url.PathEscape(d.cfg.Realm) + "/users/" + url.PathEscape(id)
	for _, m := range more {
		address += "/" + url.PathEscape(m)
	}
	return address
}

// problem is what Keycloak says of a request that it refuses. Its parameters are not read: what somebody
// typed is among them, and errors are logged.
type problem struct {
	Error       string    `json:"error"`
	Field       string    `json:"field"`
	Message     string    `json:"errorMessage"`
	Description string    `json:"error_description"`
	Errors      []problem `json:"errors"` // where it is about several fields
}

func (p problem) String() string {
	var parts []string
	for _, part := range []string{p.Error, p.Field, p.Message, p.Description} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	for _, e := range p.Errors {
		parts = append(parts, e.String())
	}
	return strings.Join(parts, ": ")
}

// call makes one call of the admin API that gocloak does not have.
func (d *Directory) call(ctx context.Context, method, address string, query url.Values, in, out any) error {
	_, err := d.send(ctx, method, address, query, in, out)
	return err
}

func (d *Directory) send(ctx context.Context, method, address string, query url.Values, in, out any) (http.Header, error) {
	token, err := d.admin(ctx)
	if err != nil {
		return nil, err
	}
	req := d.client.GetRequestWithBearerAuth(ctx, token)
	if query != nil {
		req.SetQueryParamsFromValues(query)
	}
	if in != nil {
		req.SetBody(in)
	}
	if out != nil {
		req.SetResult(out)
	}
	res, err := req.Execute(method, address)
	if err != nil {
		return nil, fault.Away("accounts", withoutURL(err))
	}
	if res.IsError() {
		var p problem
		_ = json.Unmarshal(res.Body(), &p) // what is not Keycloak's says nothing
		return nil, translate(&gocloak.APIError{Code: res.StatusCode(), Message: res.Status() + ": " + p.String()})
	}
	return res.Header(), nil
}

// madeBy is the attribute with the job that made an account. It is for this service only.
const madeBy = "made_by"

// Register implements auth.Directory.
func (d *Directory) Register(ctx context.Context, r auth.Registration) (string, error) {
	// gocloak's own call does not tell which field was refused.
	address := d.cfg.URL + "/admin/realms/" + url.PathEscape(d.cfg.Realm) + "/users"
	header, err := d.send(ctx, http.MethodPost, address, nil, gocloak.User{
		Username: &r.Email, Email: &r.Email, FirstName: &r.Name, Enabled: gocloak.BoolP(true), EmailVerified: gocloak.BoolP(false),
		Attributes:  &map[string][]string{"locale": {r.Locale}, madeBy: {r.Job}},
		Credentials: &[]gocloak.CredentialRepresentation{{Type: gocloak.StringP("password"), Value: &r.Password, Temporary: gocloak.BoolP(false)}},
	}, nil)
	if err != nil {
		return "", err
	}
	return path.Base(header.Get("Location")), nil
}

// Profile implements auth.Directory.
func (d *Directory) Profile(ctx context.Context, id string) (auth.Profile, error) {
	token, err := d.admin(ctx)
	if err != nil {
		return auth.Profile{}, err
	}
	u, err := d.client.GetUserByID(ctx, token, d.cfg.Realm, id)
	if err != nil {
		return auth.Profile{}, translate(err)
	}
	return profile(u), nil
}

// ByEmail implements auth.Directory.
func (d *Directory) ByEmail(ctx context.Context, email string) (p auth.Profile, found bool, err error) {
	token, err := d.admin(ctx)
	if err != nil {
		return p, false, err
	}
	users, err := d.client.GetUsers(ctx, token, d.cfg.Realm, gocloak.GetUsersParams{Email: &email, Exact: gocloak.BoolP(true), Max: gocloak.IntP(1), BriefRepresentation: gocloak.BoolP(false)})
	if err != nil {
		return p, false, translate(err)
	}
	if len(users) == 0 {
		return p, false, nil
	}
	return profile(users[0]), true, nil
}

// addRoles asks for the roles, which takes a call of its own.
func (d *Directory) addRoles(ctx context.Context, token string, p auth.Profile) (auth.Profile, error) {
	roles, err := d.client.GetRealmRolesByUserID(ctx, token, d.cfg.Realm, p.ID)
	if err != nil {
		return p, translate(err)
	}
	p.Roles = []identity.Role{identity.Customer} // everyone's, by the realm's default roles
	for _, r := range roles {
		if role := identity.Role(gocloak.PString(r.Name)); slices.Contains(granted, role) {
			p.Roles = append(p.Roles, role)
		}
	}
	return p, nil
}

func profile(u *gocloak.User) auth.Profile {
	name := gocloak.PString(u.FirstName)
	if last := gocloak.PString(u.LastName); last != "" {
		name += " " + last
	}
	p := auth.Profile{
		ID: gocloak.PString(u.ID), Email: gocloak.PString(u.Email), EmailVerified: gocloak.PBool(u.EmailVerified),
		Name: name, Enabled: gocloak.PBool(u.Enabled), Locale: "en",
	}
	if u.CreatedTimestamp != nil {
		p.CreatedAt = time.UnixMilli(*u.CreatedTimestamp).UTC()
	}
	if u.Attributes != nil {
		if locale := (*u.Attributes)["locale"]; len(locale) > 0 {
			p.Locale = locale[0]
		}
		if job := (*u.Attributes)[madeBy]; len(job) > 0 {
			p.MadeBy = job[0]
		}
	}
	return p
}

// write changes the named fields of a user and nothing else. Keycloak leaves a field alone that it is
// not sent: what was read before must not go back, since an admin may have changed it meanwhile.
func (d *Directory) write(ctx context.Context, id string, fields map[string]any) error {
	return d.call(ctx, http.MethodPut, d.users(id), nil, fields, nil)
}

// Update implements auth.Directory.
func (d *Directory) Update(ctx context.Context, id string, name, locale *string) (auth.Profile, error) {
	fields := map[string]any{}
	if name != nil {
		fields["firstName"], fields["lastName"] = *name, ""
	}
	if locale != nil {
		// Attributes are written as a whole, and the profile's own fields count among them.
		token, err := d.admin(ctx)
		if err != nil {
			return auth.Profile{}, err
		}
		u, err := d.client.GetUserByID(ctx, token, d.cfg.Realm, id)
		if err != nil {
			return auth.Profile{}, translate(err)
		}
		attributes := map[string][]string{}
		if u.Attributes != nil {
			attributes = *u.Attributes
		}
		attributes["locale"] = []string{*locale}
		fields["attributes"], fields["username"], fields["email"] = attributes, u.Username, u.Email
		if name == nil {
			fields["firstName"], fields["lastName"] = u.FirstName, u.LastName
		}
	}
	if len(fields) > 0 {
		if err := d.write(ctx, id, fields); err != nil {
			return auth.Profile{}, err
		}
	}
	return d.Profile(ctx, id)
}

// ConfirmEmail implements auth.Directory.
func (d *Directory) ConfirmEmail(ctx context.Context, id string) error {
	return d.write(ctx, id, map[string]any{"emailVerified": true})
}

// SetPassword implements auth.Directory. The password comes last, so that no later step can fail
// when it is set.
func (d *Directory) SetPassword(ctx context.Context, id, password string) error {
	lock := d.cfg.URL + "/admin/realms/" + url.PathEscape(d.cfg.Realm) + "/attack-detection/brute-force/users/" + url.PathEscape(id)
	if err := errors.Join(d.ConfirmEmail(ctx, id), d.call(ctx, http.MethodDelete, lock, nil, nil, nil)); err != nil {
		return err
	}
	return d.call(ctx, http.MethodPut, d.users(id, "reset-password"), nil, map[string]any{"type": "password", "value": password, "temporary": false}, nil)
}

// EndSessions implements auth.Directory. Keycloak also refuses every token issued before. An account
// that is gone has no sessions.
func (d *Directory) EndSessions(ctx context.Context, id string) error {
	return unlessGone(d.call(ctx, http.MethodPost, d.users(id, "logout"), nil, nil, nil))
}

func unlessGone(err error) error {
	if errors.Is(err, auth.ErrNoAccount) {
		return nil
	}
	return err
}

// EndSessionsBefore implements auth.Directory. Keycloak tells the second in which a session began.
func (d *Directory) EndSessionsBefore(ctx context.Context, id string, moment time.Time) error {
	sessions, err := d.SignIns(ctx, id)
	if err != nil {
		return err
	}
	var failures error
	for _, s := range sessions {
		if !s.At.Before(moment.Truncate(time.Second)) {
			continue
		}
		address := d.cfg.URL + "/admin/realms/" + url.PathEscape(d.cfg.Realm) + "/sessions/" + url.PathEscape(s.Session)
		failures = errors.Join(failures, unlessGone(d.call(ctx, http.MethodDelete, address, nil, nil, nil)))
	}
	return failures
}

// SignIns lists an account's sessions at Keycloak: where and since when it is signed in.
// An account that is gone has none.
func (d *Directory) SignIns(ctx context.Context, account string) ([]auth.SignIn, error) {
	token, err := d.admin(ctx)
	if err != nil {
		return nil, err
	}
	sessions, err := d.client.GetUserSessions(ctx, token, d.cfg.Realm, account)
	if err != nil {
		return nil, unlessGone(translate(err))
	}
	found := make([]auth.SignIn, 0, len(sessions))
	for _, s := range sessions {
		in := auth.SignIn{Session: gocloak.PString(s.ID), Address: gocloak.PString(s.IPAddress)}
		if s.Start != nil {
			in.At = time.UnixMilli(*s.Start).UTC()
		}
		if s.LastAccess != nil {
			in.LastSeen = time.UnixMilli(*s.LastAccess).UTC()
		}
		found = append(found, in)
	}
	return found, nil
}

// Search implements auth.Directory.
func (d *Directory) Search(ctx context.Context, query string, first, limit int) ([]auth.Profile, error) {
	token, err := d.admin(ctx)
	if err != nil {
		return nil, err
	}
	users, err := d.client.GetUsers(ctx, token, d.cfg.Realm, gocloak.GetUsersParams{Search: &query, First: &first, Max: &limit})
	if err != nil {
		return nil, translate(err)
	}
	found := make([]auth.Profile, 0, len(users))
	for _, u := range users {
		p, err := d.addRoles(ctx, token, profile(u))
		if err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	return found, nil
}

// WithRoles implements auth.Directory.
func (d *Directory) WithRoles(ctx context.Context, id string) (auth.Profile, error) {
	p, err := d.Profile(ctx, id)
	if err != nil {
		return p, err
	}
	token, err := d.admin(ctx)
	if err != nil {
		return p, err
	}
	return d.addRoles(ctx, token, p)
}

// granted are the roles that an admin gives and takes.
var granted = []identity.Role{identity.Merchant, identity.Admin}

// SetRoles implements auth.Directory: afterwards the account holds exactly these.
func (d *Directory) SetRoles(ctx context.Context, id string, roles []identity.Role) (auth.Profile, error) {
	token, err := d.admin(ctx)
	if err != nil {
		return auth.Profile{}, err
	}
	for _, name := range granted {
		role, err := d.client.GetRealmRole(ctx, token, d.cfg.Realm, string(name))
		if err != nil {
			return auth.Profile{}, translate(err)
		}
		set := d.client.DeleteRealmRoleFromUser
		if slices.Contains(roles, name) {
			set = d.client.AddRealmRoleToUser
		}
		if err := set(ctx, token, d.cfg.Realm, id, []gocloak.Role{*role}); err != nil {
			return auth.Profile{}, translate(err)
		}
	}
	return d.WithRoles(ctx, id)
}

// SetEnabled implements auth.Directory.
func (d *Directory) SetEnabled(ctx context.Context, id string, enabled bool) error {
	return d.write(ctx, id, map[string]any{"enabled": enabled})
}
