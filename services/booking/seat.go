package booking

import (
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// State of a unit, as the letter clients see.
type State byte

// The states of a unit. Blocked units are never sold; the seating plan says so, not the store.
const (
	Available State = 'a'
	Held      State = 'h'
	Booked    State = 'b'
	Blocked   State = 'x'
)

// Refusals of a unit.
var (
	ErrUnitsUnavailable = fault.New(fault.Conflict, "units_unavailable", "Some of these units have just been taken.")
	ErrNotHolder        = fault.New(fault.Conflict, "not_holder", "The unit belongs to another hold.")
)

// Seat is one unit as the store knows it. The zero value is a unit nobody has.
type Seat struct {
	State State
	Hold  uuid.UUID // whose; kept when booked, as the fence and the refund check it
	Until time.Time // when a hold ends; zero for a booked unit

	Version int64 // of the hold when it took the unit
}

// Claim tells where in its hold's life the seat was taken.
func (s Seat) Claim() Claim {
	if s.State == Booked {
		return Claim{s.Hold, bookedVersion}
	}
	return Claim{s.Hold, s.Version}
}

// At is the seat as it stands at a moment: a hold that ran out holds nothing.
func (s Seat) At(now time.Time) Seat {
	if s.State == 0 || s.State == Available || (s.State == Held && !now.Before(s.Until)) {
		return Seat{State: Available}
	}
	return s
}

// Take holds a unit. Asking again for what one has changes nothing: the deadline never moves.
func (s Seat) Take(by uuid.UUID, now, until time.Time) (Seat, error) {
	switch s = s.At(now); {
	case s.State == Available:
		return Seat{State: Held, Hold: by, Until: until}, nil
	case s.State == Held && s.Hold == by:
		return s, nil
	default:
		return s, ErrUnitsUnavailable
	}
}

// Fence turns a hold into a booking for good. A holder who comes late gets a unit that nobody
// took meanwhile. Repeating it changes nothing.
func (s Seat) Fence(by uuid.UUID, now time.Time) (Seat, error) {
	switch s = s.At(now); {
	case s.State == Available, s.State == Held && s.Hold == by:
		return Seat{State: Booked, Hold: by}, nil
	case s.State == Booked && s.Hold == by:
		return s, nil
	default:
		return s, ErrUnitsUnavailable
	}
}

// Release gives a unit back. A unit nobody has is released already.
func (s Seat) Release(by uuid.UUID, now time.Time) (Seat, error) {
	switch s = s.At(now); {
	case s.State == Available, s.State != Blocked && s.Hold == by:
		return Seat{State: Available}, nil
	default:
		return s, ErrNotHolder
	}
}
