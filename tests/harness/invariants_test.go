package harness_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"github.com/foyer-tickets/foyer/tests/harness"
)

// sound is a platform at rest: one booking of two units, one that expired, one held seat.
func sound() harness.Evidence {
	event, sold, over := uuid.New(), uuid.New(), uuid.New()
	hold, at := uuid.New(), time.Now()
	paid := harness.Intent{Intent: "pi_1", Captured: 9000}
	paid.Metadata.Booking = sold
	return harness.Evidence{
		At: at,
		Bookings: map[uuid.UUID]harness.BookingRow{
			sold: {ID: sold, Hold: hold, Event: event, Status: "confirmed", Tickets: 2},
			over: {ID: over, Hold: uuid.New(), Event: event, Status: "expired", Settled: true},
		},
		Units: []harness.UnitRow{{Booking: sold, Event: event, Unit: "A1", Amount: 4500}, {Booking: sold, Event: event, Unit: "A2", Amount: 4500}},
		Seats: []harness.SeatRow{
			{Event: event, Unit: "A1", Hold: hold, State: "b"}, {Event: event, Unit: "A2", Hold: hold, State: "b"},
			{Event: event, Unit: "A3", Hold: uuid.New(), State: "h", Until: at.Add(time.Minute)},
		},
		Intents: []harness.Intent{paid},
		Acked:   []uuid.UUID{sold, over},

		Published: map[uuid.UUID]harness.Versions{event: {Event: 3, Venue: 1, Availability: 7}},
		Indexed:   map[uuid.UUID]harness.Versions{event: {Event: 3, Venue: 1, Availability: 7}},
	}
}

// TestCheckerTurnsRed plants one bug after the other.
func TestCheckerTurnsRed(t *testing.T) {
	assert.Empty(t, sound().Violations())
	change := func(e *harness.Evidence, status string, f func(*harness.BookingRow)) {
		for id, b := range e.Bookings {
			if b.Status == status {
				f(&b)
				e.Bookings[id] = b
			}
		}
	}
	for bug, c := range map[string]struct {
		red   string
		plant func(e *harness.Evidence)
	}{
		"a unit sold twice": {"I1", func(e *harness.Evidence) {
			twin := uuid.New()
			e.Bookings[twin] = harness.BookingRow{ID: twin, Event: e.Units[0].Event, Status: "confirmed", Tickets: 1}
			e.Units = append(e.Units, harness.UnitRow{Booking: twin, Event: e.Units[0].Event, Unit: "A1"})
		}},
		"the store forgot a sold seat":    {"I1", func(e *harness.Evidence) { e.Seats = e.Seats[1:] }},
		"the store gave a sold seat away": {"I1", func(e *harness.Evidence) { e.Seats[0].Hold = uuid.New() }},
		"a seat stays booked by nobody": {"I1", func(e *harness.Evidence) {
			e.Seats = append(e.Seats, harness.SeatRow{Unit: "Z9", State: "b", Hold: uuid.New()})
		}},
		"a failed booking keeps its units": {"I1", func(e *harness.Evidence) {
			change(e, "confirmed", func(b *harness.BookingRow) { b.Status = "failed" })
		}},
		"money taken, no tickets": {"I2", func(e *harness.Evidence) { change(e, "confirmed", func(b *harness.BookingRow) { b.Tickets = 0 }) }},
		"tickets, no money":       {"I2", func(e *harness.Evidence) { e.Intents = nil }},
		"captured for an expired booking": {"I2", func(e *harness.Evidence) {
			for id, b := range e.Bookings {
				if b.Status == "expired" {
					stray := harness.Intent{Intent: "pi_2", Captured: 100}
					stray.Metadata.Booking = id
					e.Intents = append(e.Intents, stray)
				}
			}
		}},
		"money stays reserved":      {"I2", func(e *harness.Evidence) { e.Intents[0].Authorized = 1 }},
		"an intent of no booking":   {"I2", func(e *harness.Evidence) { e.Intents = append(e.Intents, harness.Intent{Captured: 1}) }},
		"half refunded, whole good": {"I2", func(e *harness.Evidence) { e.Intents[0].Refunded = 4500 }},
		"tickets after the refund": {"I2", func(e *harness.Evidence) {
			change(e, "expired", func(b *harness.BookingRow) { b.Tickets = 1 })
		}},
		"a hold for ever":           {"I3", func(e *harness.Evidence) { e.Seats[2].Until = e.At.Add(-3 * time.Second) }},
		"the index misses an event": {"I5", func(e *harness.Evidence) { e.Indexed = nil }},
		"the index keeps what is not sold any more": {"I5", func(e *harness.Evidence) {
			e.Indexed[uuid.New()] = harness.Versions{Event: 1}
		}},
		"the index has an old venue": {"I5", func(e *harness.Evidence) {
			for id, v := range e.Indexed {
				v.Venue--
				e.Indexed[id] = v
			}
		}},
		"a booking lost": {"I6", func(e *harness.Evidence) { e.Acked = append(e.Acked, uuid.New()) }},
		"a booking that stands still": {"I6", func(e *harness.Evidence) {
			change(e, "expired", func(b *harness.BookingRow) { b.Status = "requested" })
		}},
	} {
		t.Run(bug, func(t *testing.T) {
			e := sound()
			c.plant(&e)
			assert.Contains(t, strings.Join(e.Violations(), "\n"), c.red)
		})
	}
}
