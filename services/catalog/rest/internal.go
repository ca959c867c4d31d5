package rest

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/catalog"
	"github.com/foyer-tickets/foyer/services/catalog/postgres"
)

// Internal serves the other services, through their sidecars and ours.
type Internal struct {
	Store postgres.Store
	Cache Cache
}

// Limits of the internal lists.
const (
	maxDocuments = 500
	maxIDs       = 10_000
)

// Mount adds the routes to a router that only the sidecar may call.
func (i Internal) Mount(router *mux.Router) {
	router.HandleFunc("/internal/events/{id}/sale", httpapi.Handle(i.sale)).Methods(http.MethodGet)
	router.HandleFunc("/internal/events/{id}/terms", httpapi.Handle(i.terms)).Methods(http.MethodGet)
	router.HandleFunc("/internal/events/documents", httpapi.Handle(i.documents)).Methods(http.MethodPost)
	router.HandleFunc("/internal/events/versions", httpapi.Handle(i.versions)).Methods(http.MethodPost)
	router.HandleFunc("/internal/events/ids", httpapi.Handle(i.ids)).Methods(http.MethodGet)
}

func (i Internal) sale(w http.ResponseWriter, r *http.Request) error {
	raw, err := i.readSale(r)
	if err != nil {
		return err
	}
	return httpapi.WriteRaw(w, r, raw)
}

func (i Internal) readSale(r *http.Request) ([]byte, error) {
	id, err := uuid.Parse(mux.Vars(r)["id"])
	if err != nil {
		return nil, catalog.ErrEventNotFound
	}
	e, err := i.Store.Event(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return cached(r.Context(), i.Cache, "sale-seats", e, func() (any, error) {
		e, plan, err := i.Store.Sale(r.Context(), id)
		return e.ForSale(plan), err
	})
}

// terms gives what the waiting room needs, which is a sale without its units.
func (i Internal) terms(w http.ResponseWriter, r *http.Request) error {
	id, err := uuid.Parse(mux.Vars(r)["id"])
	if err != nil {
		return catalog.ErrEventNotFound
	}
	e, err := i.Store.Event(r.Context(), id)
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, map[string]any{
		"id": e.ID, "merchant": e.Merchant, "highDemand": e.HighDemand, "status": e.Status,
		"salesStart": e.SalesStart, "salesEnd": e.SalesEnd, "maxPerOrder": e.MaxPerOrder,
	})
}

// Document is an event as the search index keeps it, with the versions of all it is made of.
type Document struct {
	Event
	VenueVersion        int64 `json:"venueVersion"`
	AvailabilityVersion int64 `json:"availabilityVersion"`
}

func (i Internal) documents(w http.ResponseWriter, r *http.Request) error {
	asked, err := readIDs(r)
	if err != nil {
		return err
	}
	events, err := i.Store.ByIDs(r.Context(), asked)
	if err != nil {
		return err
	}
	documents := make([]Document, 0, len(events))
	for _, e := range events {
		documents = append(documents, Document{Event: View(e), VenueVersion: e.Venue.Version, AvailabilityVersion: e.Availability.Version})
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, map[string]any{"items": documents})
}

func readIDs(r *http.Request) ([]uuid.UUID, error) {
	var in struct {
		IDs []uuid.UUID `json:"ids"`
	}
	if err := httpapi.DecodeInternal(r, &in); err != nil {
		return nil, httpapi.Unreadable(err)
	}
	if len(in.IDs) > maxDocuments {
		return nil, fault.New(fault.Invalid, "too_many_ids", "The request lists more than 500 events.")
	}
	return in.IDs, nil
}

func (i Internal) versions(w http.ResponseWriter, r *http.Request) error {
	asked, err := readIDs(r)
	if err != nil {
		return err
	}
	versions, err := i.Store.Versions(r.Context(), asked)
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, map[string]any{"items": versions})
}

func (i Internal) ids(w http.ResponseWriter, r *http.Request) error {
	before := uuid.Max
	if q := r.URL.Query().Get("before"); q != "" {
		parsed, err := uuid.Parse(q)
		if err != nil {
			return httpapi.Unreadable(err)
		}
		before = parsed
	}
	ids, err := i.Store.PublishedIDs(r.Context(), before, maxIDs)
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, map[string]any{"items": ids})
}
