package bookingtest

import (
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Noon is the time at which the examples take place.
var Noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func eur(amount int64) money.Money { return money.Money{Amount: amount, Currency: "EUR"} }

// Unit is a held unit of the stalls.
func Unit(id string, amount int64) booking.HeldUnit {
	return booking.HeldUnit{ID: id, TicketType: "stalls", TypeName: "Stalls", Label: "Row 1, " + id, Price: eur(amount)}
}

// Sale is an event that is on sale at Noon, with the seats A1 to A8.
func Sale() *booking.Sale {
	s := &booking.Sale{
		Event: uuid.MustParse("0192f0c4-0000-7000-8000-00000000000e"), Name: "Concert", Status: booking.EventPublished, Merchant: "merchant",
		StartsAt: Noon.AddDate(0, 1, 0), SalesStart: Noon.AddDate(0, -1, 0), SalesEnd: Noon.AddDate(0, 1, 0),
		MaxPerOrder: 4, MaxPerAccount: 6, Currency: "EUR", TimeZone: "Europe/Berlin",
		TicketTypes: []booking.TicketType{{ID: "stalls", Name: "Stalls", Price: eur(4500)}},
	}
	for _, id := range []string{"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"} {
		s.Units = append(s.Units, booking.Unit{ID: id, TicketType: "stalls", Label: id, Row: "A", X: float64(len(s.Units)), Kind: booking.Seating})
	}
	s.Prepare()
	return s
}
