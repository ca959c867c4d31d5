package rest

import (
	"net/http"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// GetEventPlan implements GET /api/v1/events/{id}/plan. It changes only with the plan or the
// ticket types, so clients keep it.
func (s Server) GetEventPlan(w http.ResponseWriter, r *http.Request, id Id) {
	e, plan, err := s.Store.Sale(r.Context(), id)
	if err == nil && e.Status == catalog.Draft && catalog.OwnedBy(r.Context(), e.Merchant) != nil {
		err = catalog.ErrEventNotFound
	}
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	if httpapi.NotModified(w, r, httpapi.ETag(e.Version+e.Venue.Version)) {
		return
	}
	httpapi.WriteJSON(w, r, http.StatusOK, planView(e, plan))
}
