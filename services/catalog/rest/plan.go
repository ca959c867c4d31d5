package rest

import (
	"net/http"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// GetEventPlan implements GET /api/v1/events/{id}/plan. It changes only with the plan or the
// ticket types, so clients keep it.
func (s Server) GetEventPlan(w http.ResponseWriter, r *http.Request, id Id) error {
	e, err := s.Store.Event(r.Context(), id)
	if err == nil && e.Status == catalog.Draft && catalog.OwnedBy(r.Context(), e.Merchant) != nil {
		err = catalog.ErrEventNotFound
	}
	if err != nil {
		return err
	}
	if httpapi.NotModified(w, r, offerVersion(e)) {
		return nil
	}
	raw, err := cached(r.Context(), s.Cache, "plan", e, func() (any, error) {
		e, plan, err := s.Store.Sale(r.Context(), id)
		return planView(e, plan), err
	})
	if err != nil {
		return err
	}
	return httpapi.WriteRaw(w, r, raw)
}
