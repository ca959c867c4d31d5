package booking

import (
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// State is the state of a unit, as the letter that clients get.
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

// Seat is one unit as the store has it. The zero value is a free unit.
type Seat struct {
	State State
	Hold  uuid.UUID // that has it; kept when booked, as fence and refund check it
	Until time.Time // when a hold ends; zero for a booked unit

	Version int64 // of the hold when it took the unit
}

// Claim is the claim of the hold that has the seat.
func (s Seat) Claim() Claim {
	if s.State == Booked {
		return Claim{s.Hold, bookedVersion}
	}
	return Claim{s.Hold, s.Version}
}

// At is the seat at a time: a hold that expired by then does not count.
func (s Seat) At(now time.Time) Seat {
	if s.State == 0 || s.State == Available || (s.State == Held && !now.Before(s.Until)) {
		return Seat{State: Available}
	}
	return s
}

// Take holds a unit. A repetition changes nothing: the deadline stays.
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

// Fence books a unit for good. A hold that expired gets it if it is still free. A repetition changes nothing.
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

// Release frees a unit. A free unit stays free.
func (s Seat) Release(by uuid.UUID, now time.Time) (Seat, error) {
	switch s = s.At(now); {
	case s.State == Available, s.State != Blocked && s.Hold == by:
		return Seat{State: Available}, nil
	default:
		return s, ErrNotHolder
	}
}
