package booking

import (
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
)

// Refusals of a sale.
var (
	ErrEventNotFound = fault.New(fault.NotFound, "event_not_found", "The event does not exist.")
	ErrNotOnSale     = fault.New(fault.Conflict, "not_on_sale", "This event is not on sale.")
	ErrUnknownUnit   = fault.New(fault.Invalid, "unknown_unit", "The event has no such unit.")
	ErrUnknownType   = fault.New(fault.Invalid, "unknown_ticket_type", "The event has no such ticket type.")
	ErrUnitTwice     = fault.New(fault.Invalid, "unit_twice", "A unit is listed twice.")
	ErrNothing       = fault.New(fault.Invalid, "nothing_selected", "The request selects no units.")
)

// Kind of a unit.
type Kind string

// The kinds. Wheelchair and companion places are proposed only where a ticket type has no others.
const (
	Seating    Kind = "seat"
	Wheelchair Kind = "wheelchair"
	Companion  Kind = "companion"
	Standing   Kind = "standing"
)

// Unit is a seat or a place that is sold once.
type Unit struct {
	ID         string
	TicketType string
	Label      string
	Zone       string
	Row        string
	Number     string
	Note       string
	X, Y       float64
	Kind       Kind
	Blocked    bool
}

func (u Unit) place() seat.Place {
	if u.Kind == Standing {
		return seat.Place{}
	}
	return seat.Place{Zone: u.Zone, Row: u.Row, Number: u.Number, Note: u.Note}
}

// TicketType is a kind of ticket with its price.
type TicketType struct {
	ID    string
	Name  string
	Price money.Money
}

// Venue is the venue of an event.
type Venue struct{ Name, City, Country string }

// Sale is what is needed to sell an event. It is read-only after Prepare.
type Sale struct {
	Event           uuid.UUID
	Version         int64
	PlanVersion     int64
	Name            string
	Status          string
	Merchant        string
	StartsAt        time.Time
	EndsAt          time.Time
	TimeZone        string
	Venue           Venue
	SalesStart      time.Time
	SalesEnd        time.Time
	MaxPerOrder     int
	MaxPerAccount   int
	HighDemand      bool
	Currency        string
	RefundableUntil *time.Time
	TicketTypes     []TicketType
	Units           []Unit // in the order that clients index by

	byID   map[string]int
	byType map[string]int
	rows   map[string][]run // by ticket type, best first
}

// Statuses of an event that matter here.
const (
	EventPublished = "published"
	EventCancelled = "cancelled"
)

// Prepare builds the indexes. Call it once, before the sale is shared.
func (s *Sale) Prepare() {
	s.byID = make(map[string]int, len(s.Units))
	for i, u := range s.Units {
		s.byID[u.ID] = i
	}
	s.byType = make(map[string]int, len(s.TicketTypes))
	for i, t := range s.TicketTypes {
		s.byType[t.ID] = i
	}
	s.rows = rowsByType(s.Units)
}

// Public refuses an event that is not public, as if it did not exist.
func (s *Sale) Public() error {
	if s.Status != EventPublished && s.Status != EventCancelled {
		return ErrEventNotFound
	}
	return nil
}

// Index gives the index of a unit in Units.
func (s *Sale) Index(unit string) (int, bool) {
	i, ok := s.byID[unit]
	return i, ok
}

// Open refuses an event that is not on sale.
func (s *Sale) Open(now time.Time) error {
	if err := s.Public(); err != nil {
		return err
	}
	switch {
	case s.Status == EventCancelled:
		return ErrNotOnSale.With("reason", "cancelled")
	case now.Before(s.SalesStart):
		return ErrNotOnSale.With("reason", "not_started").With("salesStart", s.SalesStart)
	case !now.Before(s.SalesEnd):
		return ErrNotOnSale.With("reason", "ended")
	}
	return nil
}

// Price gives units with their prices.
func (s *Sale) Price(units []string) ([]HeldUnit, error) {
	if len(units) == 0 {
		return nil, ErrNothing
	}
	priced := make([]HeldUnit, 0, len(units))
	seen := make(map[string]bool, len(units))
	var blocked []string
	for _, id := range units {
		i, ok := s.byID[id]
		if !ok {
			return nil, ErrUnknownUnit.With("unit", id)
		}
		if seen[id] {
			return nil, ErrUnitTwice.With("unit", id)
		}
		seen[id] = true
		u := s.Units[i]
		if u.Blocked {
			blocked = append(blocked, id)
			continue
		}
		t, ok := s.byType[u.TicketType]
		if !ok {
			return nil, ErrUnknownUnit.With("unit", id)
		}
		priced = append(priced, HeldUnit{ID: id, TicketType: u.TicketType, TypeName: s.TicketTypes[t].Name, Label: u.Label, Place: u.place(), Price: s.TicketTypes[t].Price})
	}
	if len(blocked) > 0 {
		return nil, ErrUnitsUnavailable.With("units", blocked)
	}
	return priced, nil
}
