// Package catalog is what is on: venues with their seating plans, events with their ticket types
// and prices, and whether the public may see them. One file a use case; no I/O.
package catalog

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gosimple/slug"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/money"
)

// Refusals.
var (
	ErrEventNotFound  = fault.New(fault.NotFound, "event_not_found", "The event does not exist.")
	ErrVenueNotFound  = fault.New(fault.NotFound, "venue_not_found", "The venue does not exist.")
	ErrNoPlan         = fault.New(fault.NotFound, "no_plan", "The venue has no seating plan.")
	ErrNotOwner       = fault.New(fault.Forbidden, "not_owner", "This belongs to another merchant.")
	ErrNotPublishable = fault.New(fault.Conflict, "not_publishable", "The event is not complete enough to publish.")
	ErrCancelled      = fault.New(fault.Conflict, "event_cancelled", "This event was cancelled.")
	ErrOnSale         = fault.New(fault.Conflict, "event_on_sale", "Seats, capacity and currency of a published event's ticket types cannot change.")
	ErrPlanInUse      = fault.New(fault.Conflict, "plan_in_use", "The seating plan is used by a published event and can no longer change.")
)

// Location is a point on the WGS 84 ellipsoid, in degrees.
type Location struct {
	Lat float64
	Lon float64
}

// Status of an event's publication.
type Status string

// The statuses. A draft becomes published, a published event cancelled; nothing goes back.
const (
	Draft     Status = "draft"
	Published Status = "published"
	Cancelled Status = "cancelled"
)

// TicketType is a kind of ticket with its price. A seated type sells the seats whose category is
// one of Categories; others are general admission up to Capacity.
type TicketType struct {
	ID         uuid.UUID
	Name       string
	Price      money.Money
	Capacity   int
	Seated     bool
	Categories []string
}

// Event is something people come to.
type Event struct {
	ID              uuid.UUID
	Merchant        string
	Venue           Venue // without its plan, which is large
	Slug            string
	Name            string
	Description     string
	Category        string
	Performers      []string
	Topics          []string
	URL             string
	Image           string
	Online          bool
	StartsAt        time.Time
	EndsAt          time.Time
	TimeZone        string
	SalesStart      time.Time
	SalesEnd        time.Time
	MaxPerOrder     int
	MaxPerAccount   int
	HighDemand      bool
	RefundableUntil *time.Time
	TicketTypes     []TicketType
	Status          Status
	Source          string // where an imported event comes from, for attribution
	Version         int64
	UpdatedAt       time.Time
	Availability    Availability
}

// Availability is what is left, as booking last said.
type Availability struct {
	Available, Held, Booked int
	Version                 int64 // grows with each word from booking
}

// fewShare: below a tenth of the places, people are told that few are left.
const fewShare = 10

// Status gives the word for it.
func (a Availability) Status() string {
	total := a.Available + a.Held + a.Booked
	switch {
	case a.Available == 0:
		return "sold_out"
	case a.Available*fewShare < total:
		return "few"
	}
	return "available"
}

// Draftable checks what every event needs, published or not, and fills in what may be left out.
func (e Event) Draftable(now time.Time) (Event, error) {
	e, err := e.clean()
	if err != nil {
		return e, err
	}
	switch {
	case e.Name == "":
		return e, fault.New(fault.Invalid, "name_required", "The event's name is missing.")
	case !e.EndsAt.After(e.StartsAt):
		return e, fault.New(fault.Invalid, "ends_before_start", "An event must end after it starts.")
	}
	if !isTimeZone(e.TimeZone) {
		return e, fault.New(fault.Invalid, "unknown_time_zone", "The time zone is not in the IANA database.")
	}
	if e.SalesStart.IsZero() {
		e.SalesStart = now
	}
	if e.SalesEnd.IsZero() {
		e.SalesEnd = e.StartsAt
	}
	if !e.SalesEnd.After(e.SalesStart) {
		return e, fault.New(fault.Invalid, "sales_end_before_start", "Sales must end after they start.")
	}
	if e.MaxPerOrder == 0 {
		e.MaxPerOrder = 8
	}
	if e.MaxPerAccount == 0 {
		e.MaxPerAccount = max(8, e.MaxPerOrder)
	}
	if e.MaxPerAccount < e.MaxPerOrder {
		return e, fault.New(fault.Invalid, "limits_conflict", "maxPerOrder must not exceed maxPerAccount.")
	}
	e.Category = cmp.Or(e.Category, "other")
	if e.Slug == "" {
		e.Slug = slug.Make(e.Name)
	}
	if e.Slug == "" { // a name in a script that has no Latin form
		e.Slug = "event"
	}
	if err := e.checkLimits(); err != nil {
		return e, err
	}
	return e, e.checkTicketTypes()
}

func (e Event) checkTicketTypes() error {
	for i, t := range e.TicketTypes {
		if _, err := money.New(t.Price.Amount, t.Price.Currency); err != nil {
			return err
		}
		if err := money.Chargeable(t.Price); err != nil {
			return err
		}
		if t.Price.Currency != e.TicketTypes[0].Price.Currency {
			return fault.New(fault.Invalid, "currency_mismatch", "All ticket types of an event must have the same currency.")
		}
		if t.Seated && len(t.Categories) == 0 {
			return fault.New(fault.Invalid, "categories_required", "A seated ticket type must list the seat categories that it sells.")
		}
		if !t.Seated && t.Capacity < 1 {
			return fault.New(fault.Invalid, "capacity_required", "A ticket type without seats needs a capacity.")
		}
		for _, other := range e.TicketTypes[:i] {
			for _, c := range t.Categories {
				if t.Seated && other.Seated && slices.Contains(other.Categories, c) {
					return fault.New(fault.Invalid, "category_twice", "Two ticket types sell the same seat category.").With("category", c)
				}
			}
		}
	}
	return nil
}

// Publish makes a complete draft public. Publishing twice changes nothing.
func (e Event) Publish(plan *Plan, now time.Time) (Event, error) {
	switch {
	case e.Status == Cancelled:
		return e, ErrCancelled
	case e.Status == Published:
		return e, nil
	case len(e.TicketTypes) == 0:
		return e, ErrNotPublishable.With("missing", "ticketTypes")
	case !e.EndsAt.After(now):
		return e, ErrNotPublishable.With("missing", "a date in the future")
	}
	e.TicketTypes = slices.Clone(e.TicketTypes)
	for i := range e.TicketTypes {
		t := &e.TicketTypes[i]
		if !t.Seated {
			continue
		}
		if plan == nil {
			return e, ErrNotPublishable.With("missing", "seatingPlan")
		}
		if t.Capacity = plan.CountCategories(t.Categories); t.Capacity == 0 {
			return e, ErrNotPublishable.With("missing", "seats of "+t.Name)
		}
	}
	if err := e.checkCapacity(); err != nil {
		return e, err
	}
	e.Status = Published
	return e, nil
}

// Cancel calls an event off. Booking refunds everyone when it hears of it.
func (e Event) Cancel() (Event, error) {
	if e.Status == Draft {
		return e, fault.New(fault.Conflict, "event_not_published", "A draft cannot be cancelled, since it was never published.")
	}
	e.Status = Cancelled
	return e, nil
}

// Edit replaces what a merchant may change with what next says. Once published, what is sold
// stays as it is: names and prices may change for later buyers, seats, capacities and the venue
// that the seats are in may not.
func (e Event) Edit(next Event, now time.Time) (Event, error) {
	if e.Status == Cancelled {
		return e, ErrCancelled
	}
	if e.Status == Published && !sameOffer(e.TicketTypes, next.TicketTypes) {
		return e, ErrOnSale
	}
	seated := slices.ContainsFunc(e.TicketTypes, func(t TicketType) bool { return t.Seated })
	if e.Status == Published && seated && next.Venue.ID != e.Venue.ID {
		return e, ErrOnSale.With("field", "venue")
	}
	if e.Status == Published && next.HighDemand != e.HighDemand && now.After(e.SalesStart) {
		return e, fault.New(fault.Conflict, "event_on_sale", "highDemand cannot change after sales have started.")
	}
	next.ID, next.Merchant, next.Status, next.Version, next.Source = e.ID, e.Merchant, e.Status, e.Version, e.Source
	return next.Draftable(now)
}

func sameOffer(a, b []TicketType) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID || a[i].Seated != b[i].Seated || a[i].Price.Currency != b[i].Price.Currency ||
			(!a[i].Seated && a[i].Capacity != b[i].Capacity) || strings.Join(a[i].Categories, "\x00") != strings.Join(b[i].Categories, "\x00") {
			return false
		}
	}
	return true
}

// OwnedBy refuses everyone but the merchant who owns it and admins.
func OwnedBy(ctx context.Context, merchant string) error {
	caller, err := identity.Require(ctx, identity.Merchant, identity.Admin)
	if err != nil {
		return err
	}
	if caller.ID != merchant && !caller.Has(identity.Admin) {
		return ErrNotOwner
	}
	return nil
}
