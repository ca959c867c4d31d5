package rest

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// sale is everything that booking needs to sell an event, on the wire and in the cache.
type sale struct {
	ID              uuid.UUID      `json:"id"`
	Version         int64          `json:"version"`
	Name            string         `json:"name"`
	Status          catalog.Status `json:"status"`
	Merchant        string         `json:"merchant"`
	StartsAt        time.Time      `json:"startsAt"`
	EndsAt          time.Time      `json:"endsAt"`
	TimeZone        string         `json:"timeZone"`
	Venue           saleVenue      `json:"venue"`
	SalesStart      time.Time      `json:"salesStart"`
	SalesEnd        time.Time      `json:"salesEnd"`
	MaxPerOrder     int            `json:"maxPerOrder"`
	MaxPerAccount   int            `json:"maxPerAccount"`
	HighDemand      bool           `json:"highDemand"`
	Currency        string         `json:"currency"`
	RefundableUntil *time.Time     `json:"refundableUntil,omitempty"`
	PlanVersion     int64          `json:"planVersion"`
	TicketTypes     []saleTicket   `json:"ticketTypes"`
	Seats           []saleSeat     `json:"units"` // general admission follows from the ticket types
}

// saleVenue is where a ticket says to go.
type saleVenue struct {
	Name    string `json:"name"`
	City    string `json:"city"`
	Country string `json:"country"`
}

// saleTicket is a ticket type as booking needs it.
type saleTicket struct {
	ID       uuid.UUID   `json:"id"`
	Name     string      `json:"name"`
	Price    money.Money `json:"price"`
	Capacity int         `json:"capacity"`
	Seated   bool        `json:"seated"`
}

// saleSeat is a catalog.Unit on the wire.
type saleSeat struct {
	ID         string    `json:"id"`
	TicketType uuid.UUID `json:"ticketType"`
	Label      string    `json:"label"`
	Zone       string    `json:"zone,omitempty"`
	Row        string    `json:"row,omitempty"`
	Number     string    `json:"number,omitempty"`
	X          float64   `json:"x,omitempty"`
	Y          float64   `json:"y,omitempty"`
	Note       string    `json:"note,omitempty"`
	Kind       string    `json:"kind"` // seat, wheelchair, companion, standing
}

func saleView(e catalog.Event, plan *catalog.Plan) sale {
	s := sale{
		ID: e.ID, Version: e.Version, Name: e.Name, Status: e.Status, Merchant: e.Merchant,
		StartsAt: e.StartsAt, EndsAt: e.EndsAt, TimeZone: e.TimeZone,
		Venue:      saleVenue{Name: e.Venue.Name, City: e.Venue.City, Country: e.Venue.Country},
		SalesStart: e.SalesStart, SalesEnd: e.SalesEnd, MaxPerOrder: e.MaxPerOrder, MaxPerAccount: e.MaxPerAccount,
		HighDemand: e.HighDemand, RefundableUntil: e.RefundableUntil, PlanVersion: e.Venue.Version,
		TicketTypes: make([]saleTicket, 0, len(e.TicketTypes)), Seats: saleSeats(plan, e.TicketTypes),
	}
	for _, t := range e.TicketTypes {
		s.Currency = t.Price.Currency
		s.TicketTypes = append(s.TicketTypes, saleTicket{ID: t.ID, Name: t.Name, Price: t.Price, Capacity: t.Capacity, Seated: t.Seated})
	}
	return s
}

func saleSeats(plan *catalog.Plan, types []catalog.TicketType) []saleSeat {
	units := catalog.Seats(plan, types)
	if units == nil {
		return nil
	}
	seats := make([]saleSeat, len(units))
	for i, u := range units {
		seats[i] = saleSeat(u)
	}
	return seats
}

// maxSale bounds the JSON of a sale, in bytes: booking reads it at once, and at most daprclient.MaxAnswer.
// A plan of 100,000 seats with ordinary texts takes 24 MB.
const (
	maxSale     = 30 << 20
	saleOfEvent = 1 << 20 // of it for all but the seats
)

var errSaleTooLarge = fault.New(fault.Invalid, "plan_too_large", "The ids and texts of the plan's seats are too long in total. Use fewer seats, or shorter ids, zone names and notes.")

// checkPlanSize refuses a plan on which no event could be published.
func checkPlanSize(p *catalog.Plan) error {
	all := catalog.TicketType{Seated: true}
	for _, c := range p.Categories {
		all.Categories = append(all.Categories, c.Name)
	}
	return atMost(saleSeats(p, []catalog.TicketType{all}), maxSale-saleOfEvent, errSaleTooLarge)
}

// publish makes an event public. It refuses one whose sale booking could not read.
func publish(e catalog.Event, plan *catalog.Plan, now time.Time) (catalog.Event, error) {
	next, err := e.Publish(plan, now)
	if err != nil || e.Status == catalog.Published {
		return next, err
	}
	if err := atMost(saleView(next, plan), maxSale, errSaleTooLarge.With("field", "seatingPlan")); err != nil {
		return e, err
	}
	return next, nil
}

// atMost gives tooLong when the JSON of v has more bytes than most.
func atMost(v any, most int, tooLong error) error {
	raw, err := json.Marshal(v)
	if err == nil && len(raw) > most {
		err = tooLong
	}
	return err
}
