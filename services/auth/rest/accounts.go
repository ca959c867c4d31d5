package rest

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/text"
	"github.com/foyer-tickets/foyer/services/auth"
)

// registerFloor is the least time that a registration takes: Keycloak hashes a password for a
// new account and not for a taken address, and the difference must not show.
const registerFloor = 600 * time.Millisecond

// Register implements POST /api/v1/accounts.
func (s Server) Register(w http.ResponseWriter, r *http.Request) {
	floor := time.After(registerFloor)
	id, err := s.register(r)
	select {
	case <-floor:
	case <-r.Context().Done():
	}
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	httpapi.WriteJSON(w, r, http.StatusCreated, Account{Account: id})
}

func (s Server) register(r *http.Request) (string, error) {
	var form RegisterJSONRequestBody
	if err := httpapi.Decode(r, &form); err != nil {
		return "", err
	}
	if err := cleanName(&form.Name); err != nil {
		return "", err
	}
	reg := auth.Registration{
		Email: strings.ToLower(strings.TrimSpace(form.Email)), Password: form.Password, Name: form.Name, Locale: "en",
	}
	if form.Locale != nil {
		reg.Locale = string(*form.Locale)
	}
	if err := reg.Check(); err != nil {
		return "", err
	}
	id, err := s.Directory.Register(r.Context(), reg)
	if id != "" && err != nil { // the account is there; only its mail is not
		slog.WarnContext(r.Context(), "account without verification mail", "error", err)
		err = nil
	}
	return id, err
}

// cleanName trims and normalizes a person's name.
func cleanName(name *string) error {
	return text.Clean(text.Field{Name: "name", Value: name, Max: 100, Required: true})
}

// RequestPasswordReset implements POST /api/v1/accounts/password-reset.
func (s Server) RequestPasswordReset(w http.ResponseWriter, r *http.Request) {
	var form RequestPasswordResetJSONRequestBody
	if err := httpapi.Decode(r, &form); err != nil {
		httpapi.BadRequest(w, r, err)
		return
	}
	select {
	case s.Resets <- strings.TrimSpace(form.Email):
		w.WriteHeader(http.StatusAccepted)
	default:
		httpapi.WriteProblem(w, r, auth.ErrTooBusy)
	}
}

// GetMe implements GET /api/v1/me.
func (s Server) GetMe(w http.ResponseWriter, r *http.Request) {
	a, err := identity.Require(r.Context())
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	p, err := s.Directory.Profile(r.Context(), a.ID)
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	p.Roles = a.Roles
	httpapi.WriteJSON(w, r, http.StatusOK, profileView(p))
}

// UpdateMe implements PATCH /api/v1/me.
func (s Server) UpdateMe(w http.ResponseWriter, r *http.Request) {
	a, err := identity.Require(r.Context())
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	var form UpdateMeJSONRequestBody
	if err := httpapi.Decode(r, &form); err != nil {
		httpapi.BadRequest(w, r, err)
		return
	}
	if form.Name != nil {
		if err := cleanName(form.Name); err != nil {
			httpapi.WriteProblem(w, r, err)
			return
		}
	}
	p, err := s.Directory.Update(r.Context(), a.ID, form.Name, (*string)(form.Locale))
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	p.Roles = a.Roles
	httpapi.WriteJSON(w, r, http.StatusOK, profileView(p))
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
func (s Server) ListUsers(w http.ResponseWriter, r *http.Request, params ListUsersParams) {
	if _, err := identity.Require(r.Context(), identity.Admin); err != nil {
		httpapi.WriteProblem(w, r, err)
		return
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
			httpapi.WriteProblem(w, r, httpapi.ErrInvalidCursor.Because(err))
			return
		}
	}
	found, err := s.Administration.Search(r.Context(), query, first, limit)
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	page := ProfilePage{Items: make([]Profile, 0, len(found))}
	for _, p := range found {
		page.Items = append(page.Items, profileView(p))
	}
	if len(found) == limit {
		next := strconv.Itoa(first + limit)
		page.Next = &next
	}
	httpapi.WriteJSON(w, r, http.StatusOK, page)
}

// UpdateUser implements PATCH /api/v1/admin/users/{id}.
func (s Server) UpdateUser(w http.ResponseWriter, r *http.Request, id uuid.UUID) {
	p, err := s.updateUser(r, id.String())
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	httpapi.WriteJSON(w, r, http.StatusOK, profileView(p))
}

func (s Server) updateUser(r *http.Request, id string) (p auth.Profile, err error) {
	if _, err := identity.Require(r.Context(), identity.Admin); err != nil {
		return p, err
	}
	var form UpdateUserJSONRequestBody
	if err := httpapi.Decode(r, &form); err != nil {
		return p, err
	}
	if form.Enabled != nil {
		if p, err = s.Administration.SetEnabled(r.Context(), id, *form.Enabled); err != nil {
			return p, err
		}
	}
	if form.Roles == nil {
		return p, nil
	}
	roles := make([]identity.Role, 0, len(*form.Roles))
	for _, role := range *form.Roles {
		roles = append(roles, identity.Role(role))
	}
	return s.Administration.SetRoles(r.Context(), id, roles)
}

// MountInternal adds what the notification service asks: whom a mail goes to.
func (s Server) MountInternal(router *mux.Router) {
	router.HandleFunc("/internal/accounts/{id}", func(w http.ResponseWriter, r *http.Request) {
		p, err := s.Directory.Profile(r.Context(), mux.Vars(r)["id"])
		if err != nil {
			httpapi.WriteProblem(w, r, err)
			return
		}
		httpapi.WriteJSON(w, r, http.StatusOK, map[string]string{"account": p.ID, "email": p.Email, "name": p.Name, "locale": p.Locale})
	}).Methods(http.MethodGet)
}
