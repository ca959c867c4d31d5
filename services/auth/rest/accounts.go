package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/auth"
)

// client is who asks, as the gateway says.
func client(r *http.Request) (netip.Addr, bool) {
	ip, _, _ := strings.Cut(r.Header.Get("X-Forwarded-For"), ",")
	addr, err := netip.ParseAddr(strings.TrimSpace(ip))
	return addr.Unmap().WithZone(""), err == nil
}

// clientIP is the address of who asks, for the audit trail.
func clientIP(r *http.Request) string {
	if addr, ok := client(r); ok {
		return addr.String()
	}
	return ""
}

// networkBits is how much of an IPv6 address one customer has, as for the gateway's limits: whoever
// has one address has all of its network.
const networkBits = 64

// clientNetwork is what limits count who asks by.
func clientNetwork(r *http.Request) string {
	addr, ok := client(r)
	if !ok {
		return ""
	}
	if addr.Is6() {
		network, _ := addr.Prefix(networkBits) // fails on too many bits only
		return network.String()
	}
	return addr.String()
}

// Register implements POST /api/v1/accounts.
func (s Server) Register(w http.ResponseWriter, r *http.Request) error {
	form, err := httpapi.Body[RegisterJSONRequestBody](r)
	if err != nil {
		return err
	}
	reg := auth.Registration{Email: form.Email, Password: form.Password, Name: form.Name, Locale: "en"}
	if form.Locale != nil {
		reg.Locale = string(*form.Locale)
	}
	return s.accepted(w, r, s.Accounts.Register(r.Context(), reg, clientNetwork(r)))
}

// RequestPasswordReset implements POST /api/v1/accounts/password-reset.
func (s Server) RequestPasswordReset(w http.ResponseWriter, r *http.Request) error {
	form, err := httpapi.Body[RequestPasswordResetJSONRequestBody](r)
	if err != nil {
		return err
	}
	return s.accepted(w, r, s.Accounts.RequestReset(r.Context(), form.Email, clientNetwork(r)))
}

// RequestConfirmation implements POST /api/v1/me/confirmation.
func (s Server) RequestConfirmation(w http.ResponseWriter, r *http.Request) error {
	a, err := identity.Require(r.Context())
	if err == nil {
		err = s.Accounts.RequestConfirmation(r.Context(), a.ID)
	}
	return s.accepted(w, r, err)
}

func (s Server) accepted(w http.ResponseWriter, r *http.Request, err error) error {
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// ConfirmEmail implements POST /api/v1/accounts/confirmation.
func (s Server) ConfirmEmail(w http.ResponseWriter, r *http.Request) error {
	var form ConfirmEmailJSONRequestBody
	err := httpapi.Decode(r, &form)
	if err == nil {
		err = s.Accounts.Confirm(r.Context(), form.Token)
	}
	if err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

// ResetPassword implements POST /api/v1/accounts/password.
func (s Server) ResetPassword(w http.ResponseWriter, r *http.Request) error {
	var form ResetPasswordJSONRequestBody
	err := httpapi.Decode(r, &form)
	if err == nil {
		err = s.Accounts.ResetPassword(r.Context(), form.Token, form.Password, clientIP(r))
	}
	if err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

// GetMe implements GET /api/v1/me.
func (s Server) GetMe(w http.ResponseWriter, r *http.Request) error {
	a, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	p, err := s.Directory.Profile(r.Context(), a.ID)
	if err != nil {
		return err
	}
	p.Roles = a.Roles
	return httpapi.WriteJSON(w, r, http.StatusOK, profileView(p))
}

// UpdateMe implements PATCH /api/v1/me.
func (s Server) UpdateMe(w http.ResponseWriter, r *http.Request) error {
	a, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	form, err := httpapi.Body[UpdateMeJSONRequestBody](r)
	if err != nil {
		return err
	}
	if form.Name != nil {
		name, err := auth.CheckName(*form.Name)
		if err != nil {
			return err
		}
		form.Name = &name
	}
	var p auth.Profile
	err = s.Deleter.Unless(r.Context(), a.ID, func(ctx context.Context) (err error) {
		p, err = s.Directory.Update(ctx, a.ID, form.Name, (*string)(form.Locale))
		return err
	})
	if err != nil {
		return err
	}
	p.Roles = a.Roles
	return httpapi.WriteJSON(w, r, http.StatusOK, profileView(p))
}

func profileView(p auth.Profile) Profile {
	v := Profile{
		Account: p.ID, Email: p.Email, EmailVerified: p.EmailVerified, Name: p.Name, Locale: p.Locale,
		Roles: ownRoles(p.Roles), Enabled: p.Enabled,
	}
	if !p.CreatedAt.IsZero() {
		v.CreatedAt = &p.CreatedAt
	}
	return v
}

// ListUsers implements GET /api/v1/admin/users.
func (s Server) ListUsers(w http.ResponseWriter, r *http.Request, params ListUsersParams) error {
	if _, err := identity.Require(r.Context(), identity.Admin); err != nil {
		return err
	}
	query, first, limit := "", 0, 20
	if params.Q != nil {
		query = *params.Q
	}
	if params.Limit != nil {
		limit = *params.Limit
	}
	if params.Cursor != nil && *params.Cursor != "" {
		var err error
		if first, err = strconv.Atoi(*params.Cursor); err != nil {
			return httpapi.ErrInvalidCursor.Because(err)
		}
	}
	found, err := s.Directory.Search(r.Context(), query, first, limit)
	if err != nil {
		return err
	}
	page := ProfilePage{Items: make([]Profile, 0, len(found))}
	for _, p := range found {
		page.Items = append(page.Items, profileView(p))
	}
	if len(found) == limit {
		next := strconv.Itoa(first + limit)
		page.Next = &next
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, page)
}

// UpdateUser implements PATCH /api/v1/admin/users/{id}.
func (s Server) UpdateUser(w http.ResponseWriter, r *http.Request, id uuid.UUID) error {
	p, err := s.updateUser(r, id.String())
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, profileView(p))
}

func (s Server) updateUser(r *http.Request, id string) (p auth.Profile, err error) {
	admin, err := identity.Require(r.Context(), identity.Admin)
	if err != nil {
		return p, err
	}
	var form UpdateUserJSONRequestBody
	if err := httpapi.Decode(r, &form); err != nil {
		return p, err
	}
	change := auth.Change{Enabled: form.Enabled, ChangeRoles: form.Roles != nil}
	if form.Roles != nil {
		for _, role := range *form.Roles {
			change.Roles = append(change.Roles, identity.Role(role))
		}
	}
	return s.Accounts.Administer(r.Context(), admin, clientIP(r), id, change)
}

const auditLimit = 50

// ListAudit implements GET /api/v1/admin/audit.
func (s Server) ListAudit(w http.ResponseWriter, r *http.Request, params ListAuditParams) error {
	page, err := s.listAudit(r, params)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpapi.WriteJSON(w, r, http.StatusOK, page)
}

func (s Server) listAudit(r *http.Request, params ListAuditParams) (page AuditPage, err error) {
	if _, err := identity.Require(r.Context(), identity.Admin); err != nil {
		return page, err
	}
	q := auth.AuditQuery{Limit: auditLimit}
	if params.Account != nil {
		q.Account = params.Account.String()
	}
	if params.Kind != nil {
		q.Kind = auth.AuditKind(*params.Kind)
	}
	if params.From != nil {
		q.From = *params.From
	}
	if params.To != nil {
		q.To = *params.To
	}
	if params.Limit != nil {
		q.Limit = *params.Limit
	}
	if params.Cursor != nil && *params.Cursor != "" {
		var before auditCursor
		if err := httpapi.DecodeCursor(*params.Cursor, &before); err != nil {
			return page, err
		}
		q.Before = auth.AuditCursor(before)
	}
	entries, err := s.Audit.Find(r.Context(), q)
	if err != nil {
		return page, fault.Away("accounts", err)
	}
	emails := s.emails(r.Context(), entries)
	name := func(id string) *AuditAccount {
		if id == "" {
			return nil
		}
		a := &AuditAccount{Id: id}
		if email := emails[id]; email != "" {
			a.Email = &email
		}
		return a
	}
	page.Items = make([]AuditEntry, 0, len(entries))
	for _, e := range entries {
		item := AuditEntry{Id: e.ID, At: e.At.UTC(), Kind: AuditKind(e.Kind), Account: name(e.Account), Actor: name(e.Actor)}
		if e.Address != "" {
			item.Address = &e.Address
		}
		if err := json.Unmarshal(e.Detail, &item.Detail); err != nil {
			return page, err
		}
		page.Items = append(page.Items, item)
	}
	if len(entries) == q.Limit {
		last := entries[len(entries)-1]
		next, err := httpapi.EncodeCursor(auditCursor{At: last.At, ID: last.ID})
		if err != nil {
			return page, err
		}
		page.Next = &next
	}
	return page, nil
}

// profilesAtOnce bounds the questions to Keycloak for one page of the trail.
const profilesAtOnce = 8

// emails finds the addresses of the accounts that entries name. The trail itself has none, so that it
// need not change when an account is deleted.
func (s Server) emails(ctx context.Context, entries []auth.Entry) map[string]string {
	var (
		mu     sync.Mutex
		emails = map[string]string{}
		group  errgroup.Group
	)
	group.SetLimit(profilesAtOnce)
	for _, e := range entries {
		for _, id := range []string{e.Account, e.Actor} {
			mu.Lock()
			_, known := emails[id]
			emails[id] += "" // asked for once
			mu.Unlock()
			if known || uuid.Validate(id) != nil {
				continue
			}
			group.Go(func() error {
				if p, err := s.Directory.Profile(ctx, id); err == nil {
					mu.Lock()
					emails[id] = p.Email
					mu.Unlock()
				}
				return nil
			})
		}
	}
	_ = group.Wait() // an address that is not found is left out
	return emails
}

// MountInternal adds what the notification service asks: whom a mail goes to, and the link in it.
func (s Server) MountInternal(router *mux.Router) {
	router.HandleFunc("/internal/accounts/{id}", httpapi.Handle(func(w http.ResponseWriter, r *http.Request) error {
		p, err := s.Directory.Profile(r.Context(), mux.Vars(r)["id"])
		if err != nil {
			return err
		}
		return httpapi.WriteJSON(w, r, http.StatusOK, map[string]string{"account": p.ID, "email": p.Email, "name": p.Name, "locale": p.Locale})
	})).Methods(http.MethodGet)
	router.HandleFunc("/internal/account-links", httpapi.Handle(func(w http.ResponseWriter, r *http.Request) error {
		var form struct {
			Account string `json:"account"`
			Kind    string `json:"kind"`
		}
		err := httpapi.DecodeInternal(r, &form)
		link := ""
		if err == nil {
			link, err = s.Accounts.NewLink(r.Context(), form.Account, auth.LinkKind(form.Kind))
		}
		if err != nil {
			return err
		}
		return httpapi.WriteJSON(w, r, http.StatusOK, map[string]string{"url": link})
	})).Methods(http.MethodPost)
}

// auditCursor is an auth.AuditCursor on the wire, where clients take it for an opaque text.
type auditCursor struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}
