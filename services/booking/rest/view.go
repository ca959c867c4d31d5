package rest

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/saga"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

func holdView(h booking.Hold, now time.Time) Hold {
	v := Hold{
		Id: h.ID, Event: h.Event, Units: make([]HeldUnit, 0, len(h.Units)), Total: Money(h.Total()),
		ExpiresAt: h.Until.UTC(), Status: HoldStatus(h.StatusAt(now)),
	}
	for _, u := range h.Units {
		v.Units = append(v.Units, HeldUnit{
			Unit: u.ID, TicketType: u.TicketType, TicketTypeName: optional(u.TypeName), Label: u.Label,
			Zone: optional(u.Place.Zone), Row: optional(u.Place.Row), Number: optional(u.Place.Number), Note: optional(u.Place.Note), Price: Money(u.Price),
		})
	}
	if h.Status == booking.HoldCheckout || h.Status == booking.HoldBooked {
		v.Booking = &h.Booking
	}
	return v
}

// view shows a booking whole.
func (s Server) view(ctx context.Context, account identity.Account, b booking.Booking) (Booking, error) {
	var tickets []booking.Ticket
	var refunds []booking.Refund
	if b.Status == booking.Confirmed || b.Status == booking.Refunding || b.Status == booking.Refunded {
		byBooking, err := s.Reader.Tickets(ctx, b.ID)
		if err != nil {
			return Booking{}, err
		}
		tickets = byBooking[b.ID]
		if refunds, err = s.Reader.Refunds(ctx, b.ID); err != nil {
			return Booking{}, err
		}
	}
	return bookingView(account, b, tickets, refunds), nil
}

func bookingView(account identity.Account, b booking.Booking, tickets []booking.Ticket, refunds []booking.Refund) Booking {
	v := Booking{
		Id: b.ID, Hold: b.Hold, Event: b.Event, Status: BookingStatus(b.Status), Reason: optional(b.Reason),
		Units: make([]BookedUnit, 0, len(b.Units)), Total: Money(b.Total), ExpiresAt: b.ExpiresAt.UTC(),
		CreatedAt: b.CreatedAt.UTC(), Version: b.Version, Occasion: occasionView(b.Occasion),
	}
	for _, u := range b.Units {
		v.Units = append(v.Units, BookedUnit{
			Unit: u.ID, TicketType: u.TicketType, TicketTypeName: optional(u.TypeName), Label: u.Label,
			Zone: optional(u.Place.Zone), Row: optional(u.Place.Row), Number: optional(u.Place.Number), Note: optional(u.Place.Note), Price: Money(u.Price), Released: u.Released,
		})
	}
	// The client secret lets its holder pay: it is the buyer's alone, and only while it is of use. A free
	// booking has none.
	if b.Payment != nil && b.Payment.ClientSecret != "" && b.Account == account.ID && b.Status == booking.AwaitingPayment {
		v.Payment = &Payment{Intent: b.Payment.Intent, ClientSecret: b.Payment.ClientSecret, PublishableKey: b.Payment.PublishableKey}
	}
	if b.Account != account.ID {
		v.Account = &b.Account
	}
	if len(tickets) > 0 && b.Account == account.ID {
		all := make([]Ticket, 0, len(tickets))
		for _, t := range tickets {
			all = append(all, Ticket{Id: t.ID, Unit: t.Unit, Code: t.Code})
		}
		v.Tickets = &all
	}
	if len(refunds) > 0 {
		all := make([]Refund, 0, len(refunds))
		for _, r := range refunds {
			all = append(all, refundView(r, b.Total.Currency))
		}
		v.Refunds = &all
	}
	return v
}

func refundView(r booking.Refund, currency string) Refund {
	return Refund{
		Id: r.ID, Units: r.Units, Amount: Money{Amount: r.Amount, Currency: currency},
		Status: RefundStatus(r.Status), Reason: r.Reason, At: r.At.UTC(),
	}
}

func occasionView(o booking.EventSnapshot) Occasion {
	v := Occasion{Name: o.Name, StartsAt: o.StartsAt.UTC(), TimeZone: o.TimeZone, RefundableUntil: o.RefundableUntil}
	if !o.EndsAt.IsZero() {
		ends := o.EndsAt.UTC()
		v.EndsAt = &ends
	}
	v.Venue.Name, v.Venue.City, v.Venue.Country = o.VenueName, o.VenueCity, o.VenueCountry
	return v
}

func salesView(s *booking.Sale, i seatmap.Inventory, sold []booking.TypeSales, c saga.Cancellation, cancelled bool) Sales {
	v := Sales{Event: s.Event, Revenue: Money{Currency: s.Currency}}
	v.Inventory.Available, v.Inventory.Held, v.Inventory.Booked, v.Inventory.Total = i.Available, i.Held, i.Booked, i.Total
	byType := map[string]booking.TypeSales{}
	for _, line := range sold {
		byType[line.TicketType] = line
	}
	type row = struct {
		Name       string `json:"name"`
		Refunded   int    `json:"refunded"`
		Revenue    Money  `json:"revenue"`
		Sold       int    `json:"sold"`
		TicketType string `json:"ticketType"`
	}
	v.TicketTypes = make([]row, 0, len(s.TicketTypes))
	for _, t := range s.TicketTypes {
		line := byType[t.ID]
		v.TicketTypes = append(v.TicketTypes, row{
			TicketType: t.ID, Name: t.Name, Sold: line.Sold, Refunded: line.Refunded, Revenue: Money{Amount: line.Revenue, Currency: s.Currency},
		})
		v.Sold += line.Sold
		v.Revenue.Amount += line.Revenue
	}
	if cancelled {
		v.Cancellation = &struct {
			Done       int        `json:"done"`
			FinishedAt *time.Time `json:"finishedAt,omitempty"`
			StartedAt  time.Time  `json:"startedAt"`
			Total      int        `json:"total"`
		}{c.Done, c.FinishedAt, c.StartedAt, c.Total}
	}
	return v
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

var _ = money.Money(Money{}) // the same fields
