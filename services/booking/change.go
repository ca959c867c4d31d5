package booking

import (
	"time"

	"github.com/google/uuid"
)

// Change is a new state of a unit and the hold that it comes from.
type Change struct {
	Unit  string
	State State
	Until time.Time // of a hold
	Claim
}

// Claim is the hold that a change belongs to, and a version that orders the changes of that hold without a
// clock: it grows with each change of the hold, which the state store serialises. A release has the hold
// that released the unit, and does not affect a hold that took the unit afterwards.
type Claim struct {
	Hold    uuid.UUID
	Version int64
}

// The versions of booking and release are above those of all changes of a hold's units.
const (
	bookedVersion int64 = 1 << 40
	endedVersion  int64 = 1 << 41
)

func changes(units []string, s State, until time.Time, c Claim) []Change {
	all := make([]Change, len(units))
	for i, u := range units {
		all[i] = Change{Unit: u, State: s, Until: until, Claim: c}
	}
	return all
}

// HeldChanges are the changes that a hold makes.
func HeldChanges(h Hold) []Change {
	return changes(h.UnitIDs(), Held, h.Until, Claim{h.ID, h.Version})
}

// BookedChanges are the changes that a booking makes once its seats are fenced.
func BookedChanges(b Booking) []Change {
	return changes(b.UnitIDs(), Booked, time.Time{}, Claim{b.Hold, bookedVersion})
}

// FreedChanges are the changes that the release of a hold's units makes.
func FreedChanges(hold uuid.UUID, units []string) []Change {
	return changes(units, Available, time.Time{}, Claim{hold, endedVersion})
}
