package booking

import (
	"time"

	"github.com/google/uuid"
)

// Change is one unit's new state, and whose hold it is about. Hold and Version order changes
// without a clock: see Claim.
type Change struct {
	Unit  string
	State State
	Until time.Time // of a hold
	Claim
}

// Claim says which hold a change of a unit belongs to, and where in that hold's life it stands.
// The version grows with every change of the hold, which the state store serialises, so of two
// changes by one hold the newer is known however they arrive. A release names the hold that let
// go: it says nothing of whoever took the unit afterwards.
type Claim struct {
	Hold    uuid.UUID
	Version int64
}

// The last steps of a hold's life come after every change of its cart.
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

// HeldChanges are what a hold changes on the seat map.
func HeldChanges(h Hold) []Change {
	return changes(h.UnitIDs(), Held, h.Until, Claim{h.ID, h.Version})
}

// BookedChanges are what a booking changes on the seat map once its seats are its own for good.
func BookedChanges(b Booking) []Change {
	return changes(b.UnitIDs(), Booked, time.Time{}, Claim{b.Hold, bookedVersion})
}

// FreedChanges are what a hold changes that gave units back for good. Receivers free those units
// only of the same hold: somebody else may have them by now.
func FreedChanges(hold uuid.UUID, units []string) []Change {
	return changes(units, Available, time.Time{}, Claim{hold, endedVersion})
}
