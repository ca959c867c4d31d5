package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/catalog"
	"github.com/foyer-tickets/foyer/services/catalog/rest/internalapi"
)

// list keeps null out of the wire.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// SaleReader reads what booking and the waiting room ask for.
type SaleReader interface {
	Event(ctx context.Context, id uuid.UUID) (catalog.Event, error)
	Sale(ctx context.Context, id uuid.UUID) (catalog.Event, *catalog.Plan, error)
}

// IndexSource reads what the search index is made of.
type IndexSource interface {
	// ByIDs reads events; those that do not exist are left out.
	ByIDs(ctx context.Context, ids []uuid.UUID) ([]catalog.Event, error)
	// PublishedIDs lists at most limit published events with an id below before, the youngest first.
	PublishedIDs(ctx context.Context, before uuid.UUID, limit int) ([]catalog.EventVersions, error)
	// Versions gives the versions of those of the events that are published.
	Versions(ctx context.Context, ids []uuid.UUID) ([]catalog.EventVersions, error)
}

// Finder searches the database, for the time that the index is away.
type Finder interface {
	Search(ctx context.Context, q catalog.SearchQuery) (catalog.SearchResult, error)
	Suggest(ctx context.Context, text string, endsAfter time.Time) (catalog.Suggestions, error)
	Summary(ctx context.Context) (catalog.PublishedSummary, error)
}

// Internal serves the other services, through their sidecars and ours. What search reads is declared
// in internal.yaml.
type Internal struct {
	Sales  SaleReader
	Index  IndexSource
	Finder Finder
	Cache  Cache
}

// Limits of the internal lists, which internal.yaml names too.
const (
	maxDocuments = 500
	maxIDs       = 10_000
	maxFound     = 100
)

// Mount adds the routes to a router that only the sidecar may call.
func (i Internal) Mount(router *mux.Router) {
	router.HandleFunc("/internal/events/{id}/sale", httpapi.Handle(i.sale)).Methods(http.MethodGet)
	router.HandleFunc("/internal/events/{id}/terms", httpapi.Handle(i.terms)).Methods(http.MethodGet)
	router.HandleFunc("/internal/events/documents", httpapi.Handle(i.documents)).Methods(http.MethodPost)
	router.HandleFunc("/internal/events/versions", httpapi.Handle(i.versions)).Methods(http.MethodPost)
	router.HandleFunc("/internal/events/ids", httpapi.Handle(i.ids)).Methods(http.MethodGet)
	router.HandleFunc("/internal/events/summary", httpapi.Handle(i.summary)).Methods(http.MethodGet)
	router.HandleFunc("/internal/events/search", httpapi.Handle(i.search)).Methods(http.MethodPost)
	router.HandleFunc("/internal/events/suggestions", httpapi.Handle(i.suggest)).Methods(http.MethodPost)
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
	e, err := i.Sales.Event(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return cached(r.Context(), i.Cache, "sale-seats", e, func() (any, error) {
		e, plan, err := i.Sales.Sale(r.Context(), id)
		return saleView(e, plan), err
	})
}

// terms gives what the waiting room needs, which is a sale without its units.
func (i Internal) terms(w http.ResponseWriter, r *http.Request) error {
	id, err := uuid.Parse(mux.Vars(r)["id"])
	if err != nil {
		return catalog.ErrEventNotFound
	}
	e, err := i.Sales.Event(r.Context(), id)
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, map[string]any{
		"id": e.ID, "merchant": e.Merchant, "highDemand": e.HighDemand, "status": e.Status,
		"salesStart": e.SalesStart, "salesEnd": e.SalesEnd, "maxPerOrder": e.MaxPerOrder,
	})
}

func (i Internal) documents(w http.ResponseWriter, r *http.Request) error {
	asked, err := readIDs(r)
	if err != nil {
		return err
	}
	events, err := i.Index.ByIDs(r.Context(), asked)
	if err != nil {
		return err
	}
	documents := make([]internalapi.Document, 0, len(events))
	for _, e := range events {
		documents = append(documents, documentView(e))
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, internalapi.Documents{Items: documents})
}

func documentView(e catalog.Event) internalapi.Document {
	d := internalapi.Document{
		Id: e.ID, Slug: e.Slug, Name: e.Name, Description: e.Description, Category: e.Category, Performers: list(e.Performers), Topics: list(e.Topics),
		Image: e.Image, Url: e.URL, Online: e.Online, StartsAt: e.StartsAt.UTC(), EndsAt: e.EndsAt.UTC(), TimeZone: e.TimeZone,
		Venue:       internalapi.DocumentVenue{Id: e.Venue.ID, Name: e.Venue.Name, City: e.Venue.City, Country: e.Venue.Country},
		TicketTypes: make([]internalapi.DocumentTicketType, 0, len(e.TicketTypes)), HighDemand: e.HighDemand, Status: internalapi.DocumentStatus(e.Status),
		Availability: internalapi.DocumentAvailability{
			Available: e.Availability.Available, Held: e.Availability.Held, Booked: e.Availability.Booked,
			Status: internalapi.DocumentAvailabilityStatus(e.Availability.Status()),
		},
		Version: e.Version, VenueVersion: e.Venue.Version, AvailabilityVersion: e.Availability.Version,
	}
	if l := e.Venue.Location; l != nil {
		d.Venue.Location = &internalapi.Point{Lat: l.Lat, Lon: l.Lon}
	}
	for _, t := range e.TicketTypes {
		d.TicketTypes = append(d.TicketTypes, internalapi.DocumentTicketType{Price: *priceView(&t.Price)})
	}
	return d
}

func priceView(m *money.Money) *internalapi.Price {
	if m == nil {
		return nil
	}
	return &internalapi.Price{Amount: m.Amount, Currency: m.Currency}
}

func readIDs(r *http.Request) ([]uuid.UUID, error) {
	var in internalapi.EventIds
	if err := httpapi.DecodeInternal(r, &in); err != nil {
		return nil, err
	}
	if len(in.Ids) > maxDocuments {
		return nil, fault.New(fault.Invalid, "too_many_ids", "The request lists more than 500 events.")
	}
	return in.Ids, nil
}

func (i Internal) versions(w http.ResponseWriter, r *http.Request) error {
	asked, err := readIDs(r)
	if err != nil {
		return err
	}
	versions, err := i.Index.Versions(r.Context(), asked)
	return writeVersions(w, r, versions, err)
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
	versions, err := i.Index.PublishedIDs(r.Context(), before, maxIDs)
	return writeVersions(w, r, versions, err)
}

func writeVersions(w http.ResponseWriter, r *http.Request, versions []catalog.EventVersions, err error) error {
	if err != nil {
		return err
	}
	page := internalapi.VersionList{Items: make([]internalapi.EventVersions, 0, len(versions))}
	for _, v := range versions {
		page.Items = append(page.Items, internalapi.EventVersions{Id: v.ID, Version: v.Event, Venue: v.Venue, Availability: v.Availability})
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, page)
}

func (i Internal) summary(w http.ResponseWriter, r *http.Request) error {
	s, err := i.Finder.Summary(r.Context())
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, internalapi.Summary{Count: s.Count, Checksum: s.Checksum, Position: s.Position})
}

func (i Internal) search(w http.ResponseWriter, r *http.Request) error {
	var in internalapi.SearchQuery
	if err := httpapi.DecodeInternal(r, &in); err != nil {
		return httpapi.Unreadable(err)
	}
	q, err := searchQuery(in)
	if err != nil {
		return err
	}
	found, err := i.Finder.Search(r.Context(), q)
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, searchView(found))
}

var errSearchQuery = fault.New(fault.Invalid, "invalid_search", "A search needs an order, a limit from 1 to 100, and an offset of at least 0.")

func searchQuery(in internalapi.SearchQuery) (catalog.SearchQuery, error) {
	q := catalog.SearchQuery{
		Text: in.Text, Similar: in.Similar, Categories: in.Categories, Cities: in.Cities, Topics: in.Topics, FromDay: in.FromDay, ToDay: in.ToDay,
		Radius: in.Radius, MinPrice: in.MinPrice, MaxPrice: in.MaxPrice, Currency: in.Currency, Available: in.Available, EndsAfter: in.EndsAfter,
		Sort: catalog.SearchSort(in.Sort), Limit: in.Limit, Offset: in.Offset, PriceSteps: in.PriceSteps,
	}
	set(&q.From, in.From)
	set(&q.To, in.To)
	if in.Near != nil {
		q.Near = &catalog.Location{Lat: in.Near.Lat, Lon: in.Near.Lon}
	}
	near := q.Near != nil || q.Radius == 0 && q.Sort != catalog.SortByDistance
	if !in.Sort.Valid() || !near || q.Limit < 1 || q.Limit > maxFound || q.Offset < 0 {
		return q, errSearchQuery
	}
	return q, nil
}

func searchView(found catalog.SearchResult) internalapi.SearchResult {
	facet := func(values []catalog.FacetValue) []internalapi.FacetValue {
		views := make([]internalapi.FacetValue, 0, len(values))
		for _, v := range values {
			views = append(views, internalapi.FacetValue{Value: v.Value, Count: v.Count})
		}
		return views
	}
	f := found.Facets
	view := internalapi.SearchResult{
		Total: found.Total, Items: make([]internalapi.SearchHit, 0, len(found.Events)),
		Facets: internalapi.SearchFacets{
			Categories: facet(f.Categories), Cities: facet(f.Cities), Months: facet(f.Months), Currency: f.Currency,
			Prices: make([]internalapi.PriceStepCount, 0, len(f.Prices)),
		},
	}
	for _, p := range f.Prices {
		view.Facets.Prices = append(view.Facets.Prices, internalapi.PriceStepCount{Step: p.Step, Count: p.Count})
	}
	for _, h := range found.Events {
		view.Items = append(view.Items, internalapi.SearchHit{
			Event: documentView(h.Event), LowestPrice: priceView(h.Lowest), HighestPrice: priceView(h.Highest), Distance: h.Distance,
		})
	}
	return view
}

func (i Internal) suggest(w http.ResponseWriter, r *http.Request) error {
	var in internalapi.SuggestionQuery
	if err := httpapi.DecodeInternal(r, &in); err != nil {
		return httpapi.Unreadable(err)
	}
	found, err := i.Finder.Suggest(r.Context(), in.Text, in.EndsAfter)
	if err != nil {
		return err
	}
	views := func(suggestions []catalog.Suggestion) []internalapi.Suggestion {
		all := make([]internalapi.Suggestion, 0, len(suggestions))
		for _, s := range suggestions {
			view := internalapi.Suggestion{Text: s.Text, City: s.City, Country: s.Country, Count: s.Count}
			if s.Event != uuid.Nil {
				start := s.StartsAt.UTC()
				view.Event, view.StartsAt = &s.Event, &start
			}
			all = append(all, view)
		}
		return all
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, internalapi.SuggestionResult{
		Cities: views(found.Cities), Venues: views(found.Venues), Events: views(found.Events),
	})
}
