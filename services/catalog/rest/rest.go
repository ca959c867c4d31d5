// Package rest serves the catalog over HTTP.
package rest

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// EventReader reads events, each with its venue, its ticket types and what is left. An event that
// does not exist is catalog.ErrEventNotFound.
type EventReader interface {
	Event(ctx context.Context, id uuid.UUID) (catalog.Event, error)
	// Sale reads an event with its venue's plan, which is nil without one.
	Sale(ctx context.Context, id uuid.UUID) (catalog.Event, *catalog.Plan, error)
	// Published lists at most limit published events that end at or after from, by start.
	Published(ctx context.Context, from time.Time, after catalog.Cursor, limit int) ([]catalog.Event, error)
	// ByMerchant lists at most limit events of a merchant ("": of all), the latest change first.
	ByMerchant(ctx context.Context, merchant string, before catalog.Cursor, limit int) ([]catalog.Event, error)
}

// EventWriter stores events.
type EventWriter interface {
	Create(ctx context.Context, e catalog.Event) error
	// Change applies one step to an event under a lock, and returns the event as it is then. The
	// step gets the venue's plan, nil without one.
	Change(ctx context.Context, id uuid.UUID, now time.Time, step func(catalog.Event, *catalog.Plan) (catalog.Event, error)) (catalog.Event, error)
	// Import creates the event of a record, or brings it up to date. It may be repeated.
	Import(ctx context.Context, merchant string, i catalog.Imported, now time.Time) (uuid.UUID, catalog.ImportOutcome, error)
}

// VenueReader reads venues. A venue that does not exist is catalog.ErrVenueNotFound.
type VenueReader interface {
	Venue(ctx context.Context, id uuid.UUID) (catalog.Venue, error)
	// Venues lists the venues that a merchant made by hand.
	Venues(ctx context.Context, merchant string) ([]catalog.Venue, error)
	// Plan gives the venue's plan as it was put, nil without one.
	Plan(ctx context.Context, venue uuid.UUID) ([]byte, error)
}

// VenueWriter stores venues.
type VenueWriter interface {
	CreateVenue(ctx context.Context, v catalog.Venue) error
	// PutPlan stores a venue's plan. catalog.ErrPlanInUse once a published event sells its seats.
	PutPlan(ctx context.Context, venue uuid.UUID, raw []byte) error
}

// Store is what the public API reads and writes.
type Store interface {
	EventReader
	EventWriter
	VenueReader
	VenueWriter
}

// Server implements the generated interface on a store.
type Server struct {
	Store Store
	Cache Cache
	Now   func() time.Time
}

var _ Handlers = Server{}

const defaultLimit = 20

// ListEvents implements GET /api/v1/events.
func (s Server) ListEvents(w http.ResponseWriter, r *http.Request, params ListEventsParams) error {
	var from time.Time
	if params.From != nil {
		from = *params.From
	}
	page, err := s.page(params.Cursor, params.Limit, func(after catalog.Cursor, limit int) ([]catalog.Event, error) {
		return s.Store.Published(r.Context(), from, after, limit)
	}, func(e catalog.Event) catalog.Cursor { return catalog.Cursor{At: e.StartsAt, ID: e.ID} })
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, page)
}

// listCursor is a catalog.Cursor on the wire, where clients take it for an opaque text.
type listCursor struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}

// page reads one page and the cursor to the next.
func (s Server) page(cursor *string, asked *int, read func(catalog.Cursor, int) ([]catalog.Event, error), place func(catalog.Event) catalog.Cursor) (EventPage, error) {
	var at listCursor
	if cursor != nil && *cursor != "" {
		if err := httpapi.DecodeCursor(*cursor, &at); err != nil {
			return EventPage{}, err
		}
	}
	limit := defaultLimit
	if asked != nil {
		limit = *asked
	}
	events, err := read(catalog.Cursor(at), limit+1) // one more tells whether there is a next page
	if err != nil {
		return EventPage{}, err
	}
	page := EventPage{Items: make([]Event, 0, limit)}
	for i, e := range events {
		if i == limit {
			next, err := httpapi.EncodeCursor(listCursor(place(events[limit-1])))
			if err != nil {
				return page, err
			}
			page.Next = &next
			break
		}
		page.Items = append(page.Items, View(e))
	}
	return page, nil
}

// GetEvent implements GET /api/v1/events/{id}. Others cannot tell a draft from nothing.
func (s Server) GetEvent(w http.ResponseWriter, r *http.Request, id Id) error {
	e, err := s.Store.Event(r.Context(), id)
	if err == nil && e.Status == catalog.Draft && catalog.OwnedBy(r.Context(), e.Merchant) != nil {
		err = catalog.ErrEventNotFound
	}
	if err != nil {
		return err
	}
	if httpapi.NotModified(w, r, tag(e)) {
		return nil
	}
	return s.writeEvent(w, r, http.StatusOK, e)
}

func (s Server) writeEvent(w http.ResponseWriter, r *http.Request, status int, e catalog.Event) error {
	w.Header().Set("ETag", tag(e))
	return httpapi.WriteJSON(w, r, status, View(e))
}

// tag: what is left changes without the event.
func tag(e catalog.Event) string { return httpapi.ETag(e.Version, e.Availability.Version) }

// CreateEvent implements POST /api/v1/events.
func (s Server) CreateEvent(w http.ResponseWriter, r *http.Request, _ CreateEventParams) error {
	e, err := s.createEvent(r)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/events/"+e.ID.String())
	return s.writeEvent(w, r, http.StatusCreated, e)
}

func (s Server) createEvent(r *http.Request) (catalog.Event, error) {
	merchant, err := identity.Require(r.Context(), identity.Merchant, identity.Admin)
	if err != nil {
		return catalog.Event{}, err
	}
	form, err := httpapi.Body[EventPatch](r)
	if err != nil {
		return catalog.Event{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return catalog.Event{}, err
	}
	e := catalog.Event{ID: id, Merchant: merchant.ID, Status: catalog.Draft, Category: "other", Version: 1, UpdatedAt: s.Now()}
	venue, err := s.chosenVenue(r.Context(), form)
	if err != nil {
		return e, err
	}
	if e, err = apply(form, venue, e); err != nil {
		return e, err
	}
	if e, err = e.Draftable(s.Now()); err != nil {
		return e, err
	}
	if err := s.Store.Create(r.Context(), e); err != nil {
		return e, err
	}
	return s.Store.Event(r.Context(), id)
}

// chosenVenue reads the venue that a form names, which must be the merchant's own.
func (s Server) chosenVenue(ctx context.Context, form EventPatch) (*catalog.Venue, error) {
	if form.Venue == nil {
		return nil, nil
	}
	v, err := s.ownVenue(ctx, *form.Venue)
	return &v, err
}

// apply lays what a form says over an event.
func apply(form EventPatch, venue *catalog.Venue, e catalog.Event) (catalog.Event, error) {
	if venue != nil && venue.ID != e.Venue.ID {
		e.Venue = *venue
	}
	set(&e.Name, form.Name)
	set(&e.Description, form.Description)
	set(&e.Category, form.Category)
	set(&e.Performers, form.Performers)
	set(&e.Topics, form.Topics)
	set(&e.URL, form.Url)
	set(&e.Image, form.Image)
	set(&e.Online, form.Online)
	set(&e.StartsAt, form.StartsAt)
	set(&e.EndsAt, form.EndsAt)
	set(&e.TimeZone, form.TimeZone)
	set(&e.SalesStart, form.SalesStart)
	set(&e.SalesEnd, form.SalesEnd)
	set(&e.MaxPerOrder, form.MaxPerOrder)
	set(&e.MaxPerAccount, form.MaxPerAccount)
	set(&e.HighDemand, form.HighDemand)
	if form.RefundableUntil != nil {
		e.RefundableUntil = form.RefundableUntil
	}
	if e.TimeZone == "" {
		e.TimeZone = e.Venue.TimeZone
	}
	if form.TicketTypes == nil {
		return e, nil
	}
	types, err := ticketTypes(*form.TicketTypes, e.TicketTypes)
	e.TicketTypes = types
	return e, err
}

func set[T any](target *T, value *T) {
	if value != nil {
		*target = *value
	}
}

// ticketTypes reads a form's ticket types. An id that the event does not have yet is not taken.
func ticketTypes(forms []NewTicketType, present []catalog.TicketType) ([]catalog.TicketType, error) {
	known := map[uuid.UUID]catalog.TicketType{}
	for _, t := range present {
		known[t.ID] = t
	}
	types := make([]catalog.TicketType, len(forms))
	for i, f := range forms {
		var t catalog.TicketType
		if f.Id != nil {
			t = known[*f.Id]
		}
		if t.ID == uuid.Nil {
			id, err := uuid.NewV7()
			if err != nil {
				return nil, err
			}
			t.ID = id
		}
		t.Name, t.Price.Amount, t.Price.Currency = f.Name, f.Price.Amount, f.Price.Currency
		set(&t.Seated, f.Seated)
		if !t.Seated { // seats are counted, not stated
			set(&t.Capacity, f.Capacity)
		}
		set(&t.Categories, f.Categories)
		types[i] = t
	}
	return types, nil
}

// UpdateEvent implements PATCH /api/v1/events/{id}.
func (s Server) UpdateEvent(w http.ResponseWriter, r *http.Request, id Id, params UpdateEventParams) error {
	header := ""
	set(&header, params.IfMatch)
	version, err := httpapi.IfMatch(header)
	if err != nil {
		return err
	}
	form, err := httpapi.Body[EventPatch](r)
	if err != nil {
		return err
	}
	venue, err := s.chosenVenue(r.Context(), form)
	if err != nil {
		return err
	}
	return s.change(w, r, id, version, func(e catalog.Event, _ *catalog.Plan) (catalog.Event, error) {
		next, err := apply(form, venue, e)
		if err != nil {
			return e, err
		}
		return e.Edit(next, s.Now())
	})
}

// PublishEvent implements POST /api/v1/events/{id}/publish.
func (s Server) PublishEvent(w http.ResponseWriter, r *http.Request, id Id) error {
	return s.change(w, r, id, 0, func(e catalog.Event, p *catalog.Plan) (catalog.Event, error) { return publish(e, p, s.Now()) })
}

// CancelEvent implements POST /api/v1/events/{id}/cancel.
func (s Server) CancelEvent(w http.ResponseWriter, r *http.Request, id Id) error {
	return s.change(w, r, id, 0, func(e catalog.Event, _ *catalog.Plan) (catalog.Event, error) { return e.Cancel() })
}

func (s Server) change(w http.ResponseWriter, r *http.Request, id Id, version int64, step func(catalog.Event, *catalog.Plan) (catalog.Event, error)) error {
	if _, err := identity.Require(r.Context(), identity.Merchant, identity.Admin); err != nil {
		return err
	}
	e, err := s.Store.Change(r.Context(), id, s.Now(), func(e catalog.Event, p *catalog.Plan) (catalog.Event, error) {
		if err := catalog.OwnedBy(r.Context(), e.Merchant); err != nil {
			if e.Status == catalog.Draft {
				err = catalog.ErrEventNotFound
			}
			return e, err
		}
		if version != 0 && version != e.Version { // only its owner learns that there are others
			return e, httpapi.ErrVersionStale
		}
		return step(e, p)
	})
	if err != nil {
		return err
	}
	return s.writeEvent(w, r, http.StatusOK, e)
}

// ListMerchantEvents implements GET /api/v1/merchant/events.
func (s Server) ListMerchantEvents(w http.ResponseWriter, r *http.Request, params ListMerchantEventsParams) error {
	caller, err := identity.Require(r.Context(), identity.Merchant, identity.Admin)
	if err != nil {
		return err
	}
	merchant := caller.ID
	if caller.Has(identity.Admin) {
		merchant = ""
	}
	page, err := s.page(params.Cursor, params.Limit, func(before catalog.Cursor, limit int) ([]catalog.Event, error) {
		return s.Store.ByMerchant(r.Context(), merchant, before, limit)
	}, func(e catalog.Event) catalog.Cursor { return catalog.Cursor{At: e.UpdatedAt, ID: e.ID} })
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, page)
}

// GetMerchantEvent implements GET /api/v1/merchant/events/{id}.
func (s Server) GetMerchantEvent(w http.ResponseWriter, r *http.Request, id Id) error {
	e, err := s.Store.Event(r.Context(), id)
	if err == nil {
		err = catalog.OwnedBy(r.Context(), e.Merchant)
	}
	if err != nil {
		return err
	}
	return s.writeEvent(w, r, http.StatusOK, e)
}

// ListVenues implements GET /api/v1/venues.
func (s Server) ListVenues(w http.ResponseWriter, r *http.Request) error {
	caller, err := identity.Require(r.Context(), identity.Merchant, identity.Admin)
	if err != nil {
		return err
	}
	venues, err := s.Store.Venues(r.Context(), caller.ID)
	if err != nil {
		return err
	}
	list := VenueList{Items: make([]Venue, 0, len(venues))}
	for _, v := range venues {
		list.Items = append(list.Items, venueView(v))
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, list)
}

// CreateVenue implements POST /api/v1/venues.
func (s Server) CreateVenue(w http.ResponseWriter, r *http.Request, _ CreateVenueParams) error {
	v, err := s.createVenue(r)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/venues/"+v.ID.String())
	return httpapi.WriteJSON(w, r, http.StatusCreated, venueView(v))
}

func (s Server) createVenue(r *http.Request) (catalog.Venue, error) {
	merchant, err := identity.Require(r.Context(), identity.Merchant, identity.Admin)
	if err != nil {
		return catalog.Venue{}, err
	}
	form, err := httpapi.Body[NewVenue](r)
	if err != nil {
		return catalog.Venue{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return catalog.Venue{}, err
	}
	v := catalog.Venue{ID: id, Merchant: merchant.ID, Name: form.Name, TimeZone: form.TimeZone, Version: 1}
	set(&v.City, form.City)
	set(&v.Country, form.Country)
	if form.Location != nil {
		v.Location = &catalog.Location{Lat: form.Location.Lat, Lon: form.Location.Lon}
	}
	if v, err = v.Check(); err != nil {
		return v, err
	}
	return v, s.Store.CreateVenue(r.Context(), v)
}

// ownVenue reads a venue that the caller may change.
func (s Server) ownVenue(ctx context.Context, id uuid.UUID) (catalog.Venue, error) {
	v, err := s.Store.Venue(ctx, id)
	if err != nil {
		return v, err
	}
	return v, catalog.OwnedBy(ctx, v.Merchant)
}

// GetVenue implements GET /api/v1/venues/{id}.
func (s Server) GetVenue(w http.ResponseWriter, r *http.Request, id Id) error {
	v, err := s.ownVenue(r.Context(), id)
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, venueView(v))
}

// GetSeatingPlan implements GET /api/v1/venues/{id}/seating-plan.
func (s Server) GetSeatingPlan(w http.ResponseWriter, r *http.Request, id Id) error {
	raw, err := s.Store.Plan(r.Context(), id)
	if err == nil && raw == nil {
		err = catalog.ErrNoPlan
	}
	if err != nil {
		return err
	}
	return httpapi.WriteRaw(w, r, raw)
}

// PutSeatingPlan implements PUT /api/v1/venues/{id}/seating-plan.
func (s Server) PutSeatingPlan(w http.ResponseWriter, r *http.Request, id Id) error {
	v, err := s.putPlan(r, id)
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, venueView(v))
}

func (s Server) putPlan(r *http.Request, id uuid.UUID) (catalog.Venue, error) {
	v, err := s.ownVenue(r.Context(), id)
	if err != nil {
		return v, err
	}
	raw, err := io.ReadAll(r.Body) // after the owner is known: it may be large
	if err != nil {
		return v, err
	}
	plan, err := catalog.ParsePlan(raw)
	if err != nil {
		return v, err
	}
	if err := checkPlanSize(plan); err != nil {
		return v, err
	}
	if err := s.Store.PutPlan(r.Context(), id, raw); err != nil {
		return v, err
	}
	return s.Store.Venue(r.Context(), id)
}
