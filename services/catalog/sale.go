package catalog

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
)

// Sale is everything that booking needs to sell an event.
type Sale struct {
	ID              uuid.UUID    `json:"id"`
	Version         int64        `json:"version"`
	Name            string       `json:"name"`
	Status          Status       `json:"status"`
	Merchant        string       `json:"merchant"`
	StartsAt        time.Time    `json:"startsAt"`
	EndsAt          time.Time    `json:"endsAt"`
	TimeZone        string       `json:"timeZone"`
	Venue           SaleVenue    `json:"venue"`
	SalesStart      time.Time    `json:"salesStart"`
	SalesEnd        time.Time    `json:"salesEnd"`
	MaxPerOrder     int          `json:"maxPerOrder"`
	MaxPerAccount   int          `json:"maxPerAccount"`
	HighDemand      bool         `json:"highDemand"`
	Currency        string       `json:"currency"`
	RefundableUntil *time.Time   `json:"refundableUntil,omitempty"`
	PlanVersion     int64        `json:"planVersion"`
	TicketTypes     []SaleTicket `json:"ticketTypes"`
	Seats           []Unit       `json:"units"` // general admission follows from the ticket types
}

// maxSale bounds the JSON of a Sale, in bytes: booking reads it at once, and at most sidecar.MaxAnswer.
// A plan of 100,000 seats with ordinary texts takes 24 MB.
const (
	maxSale     = 30 << 20
	saleOfEvent = 1 << 20 // of it for all but the seats
)

var errSaleTooLarge = fault.New(fault.Invalid, "plan_too_large", "The ids and texts of the plan's seats are too long in total. Use fewer seats, or shorter ids, zone names and notes.")

// checkSale refuses a plan on which no event could be published.
func (p *Plan) checkSale() error {
	all := TicketType{Seated: true}
	for _, c := range p.Categories {
		all.Categories = append(all.Categories, c.Name)
	}
	return atMost(Seats(p, []TicketType{all}), maxSale-saleOfEvent, errSaleTooLarge)
}

// checkSale refuses an event that could be published and then not be read by booking.
func (e Event) checkSale(plan *Plan) error {
	return atMost(e.ForSale(plan), maxSale, errSaleTooLarge.With("field", "seatingPlan"))
}

// atMost gives tooLong when the JSON of v has more bytes than most.
func atMost(v any, most int, tooLong error) error {
	raw, err := json.Marshal(v)
	if err == nil && len(raw) > most {
		err = tooLong
	}
	return err
}

// SaleVenue is where a ticket says to go.
type SaleVenue struct {
	Name    string `json:"name"`
	City    string `json:"city"`
	Country string `json:"country"`
}

// SaleTicket is a ticket type as booking needs it.
type SaleTicket struct {
	ID       uuid.UUID   `json:"id"`
	Name     string      `json:"name"`
	Price    money.Money `json:"price"`
	Capacity int         `json:"capacity"`
	Seated   bool        `json:"seated"`
}

// ForSale tells booking about an event.
func (e Event) ForSale(plan *Plan) Sale {
	s := Sale{
		ID: e.ID, Version: e.Version, Name: e.Name, Status: e.Status, Merchant: e.Merchant,
		StartsAt: e.StartsAt, EndsAt: e.EndsAt, TimeZone: e.TimeZone,
		Venue:      SaleVenue{Name: e.Venue.Name, City: e.Venue.City, Country: e.Venue.Country},
		SalesStart: e.SalesStart, SalesEnd: e.SalesEnd, MaxPerOrder: e.MaxPerOrder, MaxPerAccount: e.MaxPerAccount,
		HighDemand: e.HighDemand, RefundableUntil: e.RefundableUntil, PlanVersion: e.Venue.Version,
		TicketTypes: make([]SaleTicket, 0, len(e.TicketTypes)), Seats: Seats(plan, e.TicketTypes),
	}
	for _, t := range e.TicketTypes {
		s.Currency = t.Price.Currency
		s.TicketTypes = append(s.TicketTypes, SaleTicket{ID: t.ID, Name: t.Name, Price: t.Price, Capacity: t.Capacity, Seated: t.Seated})
	}
	return s
}
