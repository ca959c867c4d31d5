// Package holdqueue decides holds of high-demand events in the order in which they came. Queue, the producer,
// writes requests into the log hold.requests, many to a record; Consumer decides them in batches in the log's
// order and publishes the outcomes. The state store keeps each outcome (Block), so that a repeated request
// has the same one, and a request whose outcome message is lost can be asked for.
package holdqueue

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/booking"
)

// ErrPassUsed is for a pass that was used for a hold which expired.
var ErrPassUsed = fault.New(fault.Forbidden, "admission_required", "Your admission pass was used up by a hold that expired. Join the queue again.")

// Verdict is the decision about one request.
type Verdict struct {
	Hold    uuid.UUID
	Refusal error // nil: the units are held
}

// Decider decides requests in their order. A request that was decided before gets the same verdict.
// After an error nothing is known about any of them.
type Decider interface {
	Decide(ctx context.Context, requests []booking.QueuedHold) ([]Verdict, error)
}

// Batch is the seats and caps that a batch of requests is about, in memory. Deciding changes them, so that
// each request sees what those before it took.
type Batch struct {
	Seats map[uuid.UUID]map[string]booking.Seat
	Caps  map[uuid.UUID]map[string]booking.Cap
}

// NewBatch returns a batch without seats and caps.
func NewBatch() *Batch {
	return &Batch{Seats: map[uuid.UUID]map[string]booking.Seat{}, Caps: map[uuid.UUID]map[string]booking.Cap{}}
}

// PutSeat adds a seat as the store has it.
func (b *Batch) PutSeat(event uuid.UUID, unit string, s booking.Seat) {
	if b.Seats[event] == nil {
		b.Seats[event] = map[string]booking.Seat{}
	}
	b.Seats[event][unit] = s
}

// PutCap adds a cap as the store has it.
func (b *Batch) PutCap(event uuid.UUID, account string, c booking.Cap) {
	if b.Caps[event] == nil {
		b.Caps[event] = map[string]booking.Cap{}
	}
	b.Caps[event][account] = c
}

// Decide holds the units of a request, or refuses it and changes nothing.
func (b *Batch) Decide(r booking.QueuedHold, now time.Time) error {
	h := r.Hold
	if !now.Before(h.Until) {
		return booking.ErrHoldExpired
	}
	before := b.Caps[h.Event][h.Account]
	if passUsed(before, r.Admitted, now) {
		return ErrPassUsed.With("event", h.Event)
	}
	var taken []string
	for _, u := range h.UnitIDs() {
		if _, err := b.Seats[h.Event][u].Take(h.ID, now, h.Until); err != nil {
			taken = append(taken, u)
		}
	}
	if len(taken) > 0 {
		slices.Sort(taken)
		return booking.ErrUnitsUnavailable.With("units", taken)
	}
	after, err := before.Hold(h.ID, len(h.Units), h.Until, r.Limit, now)
	if err != nil {
		return err
	}
	for _, u := range h.UnitIDs() {
		b.PutSeat(h.Event, u, booking.Seat{State: booking.Held, Hold: h.ID, Until: h.Until, Version: h.Version})
	}
	b.PutCap(h.Event, h.Account, after)
	return nil
}

// passUsed tells whether a pass issued at admitted was used for a hold that expired. A hold that was released
// in time does not count.
func passUsed(c booking.Cap, admitted, now time.Time) bool {
	return slices.ContainsFunc(c.Holds, func(h booking.CapHold) bool {
		seconds, nanos := h.Hold.Time().UnixTime()
		return !now.Before(h.Until) && !time.Unix(seconds, nanos).Before(admitted)
	})
}
