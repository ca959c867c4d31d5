package booking

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Seats is the state store that decides who has which unit.
type Seats interface {
	// Take holds all units of h or none. limit is the most units an account may have, 0 for any.
	// ErrUnitsUnavailable names the units that somebody else has.
	Take(ctx context.Context, h Hold, limit int) error
	// Find gives a hold. ErrHoldNotFound.
	Find(ctx context.Context, id uuid.UUID) (Hold, error)
	// Change replaces a hold by what f makes of it, taking and giving back units, all or nothing.
	Change(ctx context.Context, id uuid.UUID, limit int, f func(Hold) (Hold, error)) (Hold, error)
	// Free frees those of the units that the hold has, held or booked. whole: the hold ends.
	Free(ctx context.Context, h Hold, units []string, whole bool) error
}

// SeatMaps finds the seat map of an event, and loads it when need be.
type SeatMaps interface {
	SeatMap(ctx context.Context, event uuid.UUID) (SeatMap, error)
}

// SeatMap is a projection of one event's seats. It may lag: it proposes, Seats decides.
type SeatMap interface {
	Sale() *Sale
	// Propose finds the best available units for all items, besides those already chosen.
	Propose(items []Item, chosen []string, skip int, now time.Time) ([]string, error)
	// Update applies changes that were just decided, and reads from the store what they leave unclear.
	Update(ctx context.Context, changes []Change, now time.Time)
	// RecheckFree reads those of the units from the store that the map shows as free.
	RecheckFree(ctx context.Context, units []string)
}

// ExpiryWatcher keeps the deadlines of holds, to tell their buyers when they expire.
type ExpiryWatcher interface {
	Watch(h Hold)
}

// Announcer publishes changed units to all replicas.
type Announcer interface {
	Announce(event uuid.UUID, changes []Change)
}

// Store stores bookings.
type Store interface {
	// Create stores a booking and requests that it is driven. When the hold has one already, it returns
	// that one.
	Create(ctx context.Context, b Booking) (stored Booking, created bool, err error)
	Get(ctx context.Context, id uuid.UUID) (Booking, error)
	// Save stores the next version with its effects, all or nothing. ErrStale when another writer was faster.
	Save(ctx context.Context, b Booking, e Effects) error
}

// Effects is what is stored together with a step of a booking.
type Effects struct {
	Claim   bool     // insert the units, whose unique index is the last guard against selling twice
	Tickets []Ticket // issued
	Opened  *Refund  // requested
	Closed  *Refund  // with a new status
	Drive   bool     // request that the booking is driven
	Quiet   bool     // announce nothing: the status is the same
	Told    string   // announce this instead of the status; about Closed
}

// PassVerifier checks an account's admission pass for an event with a waiting room, and tells when
// the pass was issued.
type PassVerifier interface {
	Verify(ctx context.Context, pass, account string, event uuid.UUID, now time.Time) (issued time.Time, err error)
}

// QueuedHold is a request to hold units of a high-demand event.
type QueuedHold struct {
	Hold     Hold
	Limit    int       // most units of the account; 0: any number
	Admitted time.Time // when the admission pass of the request was issued
}

// HoldQueue decides holds of high-demand events in the order they came.
type HoldQueue interface {
	// Hold queues a request and waits for the decision. The hold that it returns has an id. ErrStillWaiting
	// when the decision takes too long.
	Hold(ctx context.Context, r QueuedHold) (Hold, error)
	// Verdict gives the refusal of an account's request, ErrStillWaiting before it is decided, and
	// ErrHoldNotFound when there is no such request.
	Verdict(ctx context.Context, hold uuid.UUID, account string) error
}
