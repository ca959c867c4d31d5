package rest

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/services/auth"
)

// recently gives the caller if they signed in a moment ago, not only renewed a session.
func (s Server) recently(r *http.Request) (identity.Account, error) {
	a, err := identity.Require(r.Context())
	if err != nil {
		return a, err
	}
	at := a.SignedInAt
	if at.IsZero() { // tokens of programs do not say; their session does
		sessions, err := s.SignIns.SignIns(r.Context(), a.ID)
		if err != nil {
			return a, err
		}
		for _, in := range sessions {
			if in.Session == a.Session {
				at = in.At
			}
		}
	}
	if time.Since(at) > auth.RecentSignIn {
		return a, auth.ErrSignInAgain
	}
	return a, nil
}

// accountExport is everything that is stored about an account, by section, as people download it.
type accountExport struct {
	Account  string           `json:"account"`
	At       time.Time        `json:"exportedAt"`
	Profile  any              `json:"profile"`
	Sections map[string][]any `json:"data"`
}

type exportedSignIn struct {
	Address  string    `json:"address"`
	At       time.Time `json:"at"`
	LastSeen time.Time `json:"lastSeen"`
}

// ExportMe implements GET /api/v1/me/export.
func (s Server) ExportMe(w http.ResponseWriter, r *http.Request) error {
	export, end, err := s.export(r)
	defer end()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="foyer-data-%s.json"`, export.At.Format(time.DateOnly)))
	return httpapi.WriteJSON(w, r, http.StatusOK, export)
}

// export makes a copy. end gives its place back, once it was written.
func (s Server) export(r *http.Request) (_ accountExport, end func(), err error) {
	end = func() {}
	a, err := s.recently(r)
	if err != nil {
		return accountExport{}, end, err
	}
	taken, err := s.Exports.Begin(a.ID)
	if err != nil {
		return accountExport{}, end, err
	}
	end = taken
	p, err := s.Directory.Profile(r.Context(), a.ID)
	if err != nil {
		return accountExport{}, end, err
	}
	p.Roles = a.Roles
	sessions, err := s.SignIns.SignIns(r.Context(), a.ID)
	if err != nil {
		return accountExport{}, end, err
	}
	sections, err := auth.Collect(r.Context(), s.Deleter.Holders, a.ID)
	if err != nil {
		return accountExport{}, end, err
	}
	sections["sessions"] = []any{}
	for _, in := range sessions {
		sections["sessions"] = append(sections["sessions"], exportedSignIn{in.Address, in.At, in.LastSeen})
	}
	now := time.Now().UTC()
	// The audit entry is written before the data is sent.
	if err := s.Audit.Record(r.Context(), auth.Exported(now, a.ID, clientIP(r))); err != nil {
		return accountExport{}, end, fault.Away("accounts", err)
	}
	return accountExport{Account: a.ID, At: now, Profile: profileView(p), Sections: sections}, end, nil
}

// PreviewDeletion implements GET /api/v1/me/deletion.
func (s Server) PreviewDeletion(w http.ResponseWriter, r *http.Request) error {
	a, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	obstacles, err := s.Deleter.Obstacles(r.Context(), a)
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, DeletionPreview{Obstacles: obstacleViews(obstacles)})
}

func obstacleViews(obstacles []personaldata.Obstacle) []Obstacle {
	views := make([]Obstacle, len(obstacles))
	for i, o := range obstacles {
		views[i] = Obstacle{Code: ObstacleCode(o.Code), Count: o.Count, Waivable: o.Waivable}
	}
	return views
}

// DeleteMe implements DELETE /api/v1/me.
func (s Server) DeleteMe(w http.ResponseWriter, r *http.Request) error {
	deletion, err := s.deleteMe(r)
	if err != nil {
		return err
	}
	s.dropCookie(w, sessionCookie)
	return httpapi.WriteJSON(w, r, http.StatusAccepted, DeletionBegun{RequestedAt: deletion.RequestedAt})
}

func (s Server) deleteMe(r *http.Request) (auth.Deletion, error) {
	a, err := s.recently(r)
	if err != nil {
		return auth.Deletion{}, err
	}
	var form DeleteMeJSONRequestBody
	if err := httpapi.Decode(r, &form); err != nil {
		return auth.Deletion{}, err
	}
	p, err := s.Directory.Profile(r.Context(), a.ID)
	if err != nil {
		return auth.Deletion{}, err
	}
	if !strings.EqualFold(strings.TrimSpace(form.Confirm), p.Email) {
		return auth.Deletion{}, auth.ErrNotConfirmed
	}
	return s.Deleter.Begin(r.Context(), a, p, clientIP(r), form.ForfeitTickets != nil && *form.ForfeitTickets)
}

// deletionsShown bounds the list of deletions under way.
const deletionsShown = 100

// ListDeletions implements GET /api/v1/admin/deletions.
func (s Server) ListDeletions(w http.ResponseWriter, r *http.Request) error {
	if _, err := identity.Require(r.Context(), identity.Admin); err != nil {
		return err
	}
	pending, err := s.Deleter.Deletions.Pending(r.Context(), 0, deletionsShown)
	if err != nil {
		return err
	}
	page := DeletionPage{Items: make([]PendingDeletion, len(pending))}
	for i, d := range pending {
		view := PendingDeletion{Account: d.Account, RequestedAt: d.RequestedAt, Erased: d.Erased, Stuck: d.Stuck(time.Now())}
		if d.Erased == nil {
			view.Erased = []string{}
		}
		if d.WaitingFor != "" {
			view.WaitingFor = &d.WaitingFor
		}
		page.Items[i] = view
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, page)
}
