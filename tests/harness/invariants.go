package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Evidence has the data by which the invariants of a sale are checked: the database, the state store, and the
// payment simulator's records.
type Evidence struct {
	At       time.Time
	Bookings map[uuid.UUID]BookingRow
	Units    []UnitRow
	Seats    []SeatRow
	Intents  []Intent
	Acked    []uuid.UUID // bookings that somebody was told of

	Published, Indexed map[uuid.UUID]Versions // events, by the database and by the search index
}

// BookingRow is a booking in the database.
type BookingRow struct {
	ID, Hold, Event uuid.UUID
	Status          string
	Settled         bool
	Tickets         int // not void
	Since           time.Time
}

// UnitRow is a unit of a booking that has not been released.
type UnitRow struct {
	Booking, Event uuid.UUID
	Unit           string
	Amount         int64
}

// SeatRow is a unit in the state store.
type SeatRow struct {
	Event uuid.UUID
	Unit  string
	Hold  uuid.UUID
	State string
	Until time.Time
}

// Intent is a payment in the simulator's records.
type Intent struct {
	Intent     string `json:"intent"`
	Authorized int64  `json:"authorized"`
	Captured   int64  `json:"captured"`
	Refunded   int64  `json:"refunded"`
	Metadata   struct {
		Booking uuid.UUID `json:"booking"`
	} `json:"metadata"`
}

// lateness is how much later than its hold's end a seat may still be kept (I3).
const lateness = 2 * time.Second

// rights are the statuses in which a booking has its units for good.
var rights = map[string]bool{"confirmed": true, "refunding": true}

// Violations says which invariants the evidence breaks, for a platform that came to rest:
//
//	I1 at most one booking has a unit, and the store agrees
//	I2 what is kept of each payment is what the tickets cost: no money without tickets, no tickets without money
//	I3 a hold nobody paid does not outlive its time
//	I5 the index has every published event and no other, as the database has it
//	I6 what somebody was told of is there, and at its end
func (e Evidence) Violations() []string {
	var found []string
	broken := func(invariant, format string, args ...any) {
		found = append(found, invariant+": "+fmt.Sprintf(format, args...))
	}
	type place struct {
		event uuid.UUID
		unit  string
	}
	owner, worth, units := map[place]BookingRow{}, map[uuid.UUID]int64{}, map[uuid.UUID]int{}
	for _, u := range e.Units {
		b := e.Bookings[u.Booking]
		if !rights[b.Status] {
			broken("I1", "unit %s belongs to a booking that is %q", u.Unit, b.Status)
			continue
		}
		if other, ok := owner[place{u.Event, u.Unit}]; ok {
			broken("I1", "unit %s is in bookings %s and %s", u.Unit, other.ID, b.ID)
		}
		owner[place{u.Event, u.Unit}] = b
		worth[b.ID] += u.Amount
		units[b.ID]++
	}
	booked := map[place]bool{}
	for _, s := range e.Seats {
		switch b, ok := owner[place{s.Event, s.Unit}]; {
		case s.State == "b" && (!ok || b.Hold != s.Hold):
			broken("I1", "seat %s is booked by hold %s, which no booking has it from", s.Unit, s.Hold)
		case s.State == "b":
			booked[place{s.Event, s.Unit}] = true
		case s.State == "h" && e.At.Sub(s.Until) > lateness:
			broken("I3", "seat %s is held %s past its time", s.Unit, e.At.Sub(s.Until))
		}
	}
	for p, b := range owner {
		if !booked[p] {
			broken("I1", "unit %s of booking %s is not booked in the store", p.unit, b.ID)
		}
	}
	kept := map[uuid.UUID]int64{}
	for _, i := range e.Intents {
		b, ok := e.Bookings[i.Metadata.Booking]
		kept[b.ID] += i.Captured - i.Refunded
		if !ok && i.Captured > i.Refunded {
			broken("I2", "%d were taken with intent %s for no booking", i.Captured-i.Refunded, i.Intent)
		}
		if i.Authorized > 0 && (!ok || b.Status != "awaiting_payment") {
			broken("I2", "%d stay reserved with intent %s for a booking that is %q", i.Authorized, i.Intent, b.Status)
		}
	}
	for id, b := range e.Bookings {
		if rights[b.Status] && b.Tickets != units[id] {
			broken("I2", "booking %s has %d units and %d tickets", id, units[id], b.Tickets)
		}
		if !rights[b.Status] && b.Tickets > 0 {
			broken("I2", "booking %s is %q and has %d tickets", id, b.Status, b.Tickets)
		}
		if kept[id] != worth[id] {
			broken("I2", "booking %s is %q: %d are kept for units worth %d", id, b.Status, kept[id], worth[id])
		}
	}
	missing, stale, extra := 0, 0, 0
	for id, want := range e.Published {
		if have, ok := e.Indexed[id]; !ok {
			missing++
		} else if have != want {
			stale++
		}
	}
	for id := range e.Indexed {
		if _, ok := e.Published[id]; !ok {
			extra++
		}
	}
	if missing+stale+extra > 0 {
		broken("I5", "of %d published events %d are missing in the index and %d stale, %d others are there", len(e.Published), missing, stale, extra)
	}
	for _, id := range e.Acked {
		switch b, ok := e.Bookings[id]; {
		case !ok:
			broken("I6", "booking %s was acknowledged and is gone", id)
		case b.Status == "requested" || b.Status == "secured" || b.Status == "refunding":
			broken("I6", "booking %s was acknowledged and stands still at %q", id, b.Status)
		}
	}
	return found
}

// Invariants checks the platform once it has come to rest, which may take a moment after a
// fault. acked are bookings that somebody was told of.
func (p *Platform) Invariants(t testing.TB, within time.Duration, acked ...uuid.UUID) {
	t.Helper()
	Eventually(t, within, "the invariants hold", func() error {
		e, err := p.Evidence(t.Context(), acked...)
		if err != nil {
			return err
		}
		if err := p.readIndex(t.Context(), &e); err != nil {
			return err
		}
		return e.err()
	})
}

func (e Evidence) err() error {
	if found := e.Violations(); len(found) > 0 {
		return fmt.Errorf("%d violations:\n  %s", len(found), strings.Join(found, "\n  "))
	}
	return nil
}

// Evidence reads the database, the state store and the simulator's records.
func (p *Platform) Evidence(ctx context.Context, acked ...uuid.UUID) (Evidence, error) {
	// The books first: what happens meanwhile is then in the database, and the next look agrees.
	intents, err := p.Ledger(ctx)
	if err != nil {
		return Evidence{}, err
	}
	e := Evidence{At: time.Now(), Bookings: map[uuid.UUID]BookingRow{}, Intents: intents, Acked: acked}
	if err := e.readBookings(ctx, p.Config.DatabaseURL("booking")); err != nil {
		return e, err
	}
	return e, e.readSeats(ctx, p.Config.DatabaseURL("dapr"))
}

// Ledger reads the payment simulator's records.
func (p *Platform) Ledger(ctx context.Context) ([]Intent, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.StripesimURL()+"/_sim/ledger", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.Secrets.StripeSecretKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var ledger struct {
		Intents []Intent `json:"intents"`
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the simulator's ledger answers %s", res.Status)
	}
	return ledger.Intents, json.NewDecoder(res.Body).Decode(&ledger)
}

func (e *Evidence) readBookings(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT b.id, b.hold_id, b.event_id, b.status, b.settled,
			(SELECT count(*) FROM tickets t WHERE t.booking_id = b.id AND t.voided_at IS NULL)::int, b.updated_at FROM bookings b`)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[BookingRow])
	if err != nil {
		return err
	}
	for _, b := range all {
		e.Bookings[b.ID] = b
	}
	if rows, err = conn.Query(ctx, `SELECT booking_id, event_id, unit_id, amount FROM booking_units WHERE released_at IS NULL`); err != nil {
		return err
	}
	e.Units, err = pgx.CollectRows(rows, pgx.RowToStructByPos[UnitRow])
	return err
}

func (e *Evidence) readSeats(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT substring(key FROM 'seat:.*'), convert_from(value, 'UTF8') FROM seats_state
		WHERE key LIKE '%seat:%' AND (expires_at IS NULL OR expires_at > now())`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key, raw string
		if err := rows.Scan(&key, &raw); err != nil {
			return err
		}
		var value struct {
			Hold  uuid.UUID `json:"hold"`
			State string    `json:"state"`
			Until int64     `json:"until"`
		}
		if err := json.Unmarshal([]byte(raw), &value); err != nil {
			return fmt.Errorf("seat %s: %w", key, err)
		}
		event, unit, _ := strings.Cut(strings.TrimPrefix(key, "seat:"), ":")
		id, err := uuid.Parse(event)
		if err != nil {
			return fmt.Errorf("seat %s: %w", key, err)
		}
		e.Seats = append(e.Seats, SeatRow{Event: id, Unit: unit, Hold: value.Hold, State: value.State, Until: time.UnixMilli(value.Until)})
	}
	return rows.Err()
}
