// Package keycloak is the accounts' home: Keycloak's admin API by gocloak, and OpenID Connect.
package keycloak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/Nerzal/gocloak/v13"

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
	cfg      Config
	client   *gocloak.GoCloak
	web      string // the browser's client, which the pages behind a mail lead back to
	callback string

	mu      sync.Mutex
	token   string
	expires time.Time
}

var (
	_ auth.Directory      = (*Directory)(nil)
	_ auth.Administration = (*Directory)(nil)
)

// NewDirectory returns a directory; it signs in when first used.
func NewDirectory(cfg Config, web WebConfig) *Directory {
	client := gocloak.NewClient(cfg.URL)
	client.RestyClient().SetTimeout(Timeout)
	return &Directory{cfg: cfg, client: client, web: web.ClientID, callback: web.callback()}
}

// admin gives the service account's token.
func (d *Directory) admin(ctx context.Context) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Now().Before(d.expires) {
		return d.token, nil
	}
	jwt, err := d.client.LoginClient(ctx, d.cfg.ClientID, d.cfg.ClientSecret, d.cfg.Realm)
	if err != nil {
		return "", fault.Away("accounts", err)
	}
	d.token, d.expires = jwt.AccessToken, time.Now().Add(time.Duration(jwt.ExpiresIn)*time.Second*3/4)
	return d.token, nil
}

// translate turns gocloak's errors into faults.
func translate(err error) error {
	api, ok := errors.AsType[*gocloak.APIError](err)
	if !ok {
		return fault.Away("accounts", err)
	}
	switch api.Code {
	case http.StatusNotFound:
		return auth.ErrNoAccount.Because(err)
	case http.StatusConflict:
		return auth.ErrEmailTaken.Because(err)
	case http.StatusBadRequest:
		return auth.ErrWeakPassword.Because(err)
	}
	return fault.Away("accounts", err)
}

// Register implements auth.Directory. The mail that confirms the address is sent, but nobody has
// to wait for it: tickets go to the address in any case.
func (d *Directory) Register(ctx context.Context, r auth.Registration) (string, error) {
	token, err := d.admin(ctx)
	if err != nil {
		return "", err
	}
	id, err := d.client.CreateUser(ctx, token, d.cfg.Realm, gocloak.User{
		Username: &r.Email, Email: &r.Email, FirstName: &r.Name, Enabled: gocloak.BoolP(true), EmailVerified: gocloak.BoolP(false),
		Attributes:  &map[string][]string{"locale": {r.Locale}},
		Credentials: &[]gocloak.CredentialRepresentation{{Type: gocloak.StringP("password"), Value: &r.Password, Temporary: gocloak.BoolP(false)}},
	})
	if err != nil {
		return "", translate(err)
	}
	if err := d.client.SendVerifyEmail(ctx, token, id, d.cfg.Realm, gocloak.SendVerificationMailParams{ClientID: &d.web, RedirectURI: &d.callback}); err != nil {
		return id, fmt.Errorf("verification mail: %w", err)
	}
	return id, nil
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

// withRoles adds the roles, which take a call of their own.
func (d *Directory) withRoles(ctx context.Context, token string, p auth.Profile) (auth.Profile, error) {
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
	}
	return p
}

// Update implements auth.Directory.
func (d *Directory) Update(ctx context.Context, id string, name, locale *string) (auth.Profile, error) {
	return d.change(ctx, id, func(u *gocloak.User) {
		if name != nil {
			u.FirstName, u.LastName = name, gocloak.StringP("")
		}
		if locale != nil {
			if u.Attributes == nil {
				u.Attributes = &map[string][]string{}
			}
			(*u.Attributes)["locale"] = []string{*locale}
		}
	})
}

func (d *Directory) change(ctx context.Context, id string, change func(*gocloak.User)) (auth.Profile, error) {
	token, err := d.admin(ctx)
	if err != nil {
		return auth.Profile{}, err
	}
	u, err := d.client.GetUserByID(ctx, token, d.cfg.Realm, id)
	if err != nil {
		return auth.Profile{}, translate(err)
	}
	change(u)
	if err := d.client.UpdateUser(ctx, token, d.cfg.Realm, *u); err != nil {
		return auth.Profile{}, translate(err)
	}
	return profile(u), nil
}

// RequestPasswordReset implements auth.Directory. No account, no mail, no error.
func (d *Directory) RequestPasswordReset(ctx context.Context, email string) error {
	token, err := d.admin(ctx)
	if err != nil {
		return err
	}
	users, err := d.client.GetUsers(ctx, token, d.cfg.Realm, gocloak.GetUsersParams{Email: &email, Exact: gocloak.BoolP(true), Max: gocloak.IntP(1)})
	if err != nil {
		return translate(err)
	}
	if len(users) == 0 || !gocloak.PBool(users[0].Enabled) {
		return nil
	}
	err = d.client.ExecuteActionsEmail(ctx, token, d.cfg.Realm, gocloak.ExecuteActionsEmail{
		UserID: users[0].ID, Actions: &[]string{"UPDATE_PASSWORD"}, ClientID: &d.web, RedirectURI: &d.callback,
	})
	if err != nil {
		return translate(err)
	}
	return nil
}

// Search implements auth.Administration.
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
		p, err := d.withRoles(ctx, token, profile(u))
		if err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	return found, nil
}

// granted are the roles that an admin gives and takes.
var granted = []identity.Role{identity.Merchant, identity.Admin}

// SetRoles implements auth.Administration: afterwards the account holds exactly these.
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
	p, err := d.Profile(ctx, id)
	if err != nil {
		return p, err
	}
	return d.withRoles(ctx, token, p)
}

// SetEnabled implements auth.Administration.
func (d *Directory) SetEnabled(ctx context.Context, id string, enabled bool) (auth.Profile, error) {
	return d.change(ctx, id, func(u *gocloak.User) { u.Enabled = &enabled })
}
