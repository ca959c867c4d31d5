package holdqueue

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/booking"
)

// ErrPassUsed is for a pass whose hold ran out: its units went to the next in line.
var ErrPassUsed = fault.New(fault.Forbidden, "admission_required", "Your admission pass was used up by a hold that expired. Join the queue again.")

// Verdict is what became of a request; nil: the units are held.
type Verdict struct {
	Hold    uuid.UUID
	Refusal error
}

// Decider decides requests in their order, each once: repeated, it gives the same verdict again.
// An error says that nothing is known of any of them.
type Decider interface {
	Decide(ctx context.Context, requests []booking.QueuedHold) ([]Verdict, error)
}

// Batch is the part of the seats that a batch of requests is about, in memory. Deciding changes
// it, so that each request sees what those before it took.
type Batch struct {
	Seats map[uuid.UUID]map[string]booking.Seat
	Caps  map[uuid.UUID]map[string]booking.Cap
}

// NewBatch is a batch of which the store has nothing yet.
func NewBatch() *Batch {
	return &Batch{Seats: map[uuid.UUID]map[string]booking.Seat{}, Caps: map[uuid.UUID]map[string]booking.Cap{}}
}

// PutSeat notes what the store has of a unit.
func (f *Batch) PutSeat(event uuid.UUID, unit string, s booking.Seat) {
	if f.Seats[event] == nil {
		f.Seats[event] = map[string]booking.Seat{}
	}
	f.Seats[event][unit] = s
}

// PutCap notes what the store has of an account.
func (f *Batch) PutCap(event uuid.UUID, account string, c booking.Cap) {
	if f.Caps[event] == nil {
		f.Caps[event] = map[string]booking.Cap{}
	}
	f.Caps[event][account] = c
}

// Decide holds the units of a request or refuses it, changing nothing.
func (f *Batch) Decide(r booking.QueuedHold, now time.Time) error {
	h := r.Hold
	if !now.Before(h.Until) {
		return booking.ErrHoldExpired
	}
	before := f.Caps[h.Event][h.Account]
	if used(before, r.Admitted, now) {
		return ErrPassUsed.With("event", h.Event)
	}
	var taken []string
	for _, u := range h.UnitIDs() {
		if _, err := f.Seats[h.Event][u].Take(h.ID, now, h.Until); err != nil {
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
		f.PutSeat(h.Event, u, booking.Seat{State: booking.Held, Hold: h.ID, Until: h.Until, Version: h.Version})
	}
	f.PutCap(h.Event, h.Account, after)
	return nil
}

// used tells that a pass has had its hold: one made since the pass was given ran out. What was
// given back in time does not count.
func used(c booking.Cap, admitted, now time.Time) bool {
	return slices.ContainsFunc(c.Holds, func(h booking.CapHold) bool {
		seconds, nanos := h.Hold.Time().UnixTime()
		return !now.Before(h.Until) && !time.Unix(seconds, nanos).Before(admitted)
	})
}
