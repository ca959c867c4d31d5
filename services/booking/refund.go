package booking

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// RefundStatus is where a refund stands.
type RefundStatus string

// The statuses of a refund.
const (
	RefundRequested RefundStatus = "requested"
	RefundSucceeded RefundStatus = "succeeded"
	RefundRetrying  RefundStatus = "retrying" // it succeeded and was reversed; it is tried again
	RefundFailed    RefundStatus = "failed"

	// RefundOwed is the payment service's answer for a refund that must be made and that it has given up: an
	// admin has to make it. It is never stored.
	RefundOwed RefundStatus = "owed"
)

// ErrRefundOwed is for a booking whose refund an admin has to make.
var ErrRefundOwed = fault.New(fault.Conflict, "refund_owed", "The refund failed and needs an admin.")

// Refund gives money back for units of a booking.
type Refund struct {
	ID      uuid.UUID
	Booking uuid.UUID
	Units   []string
	Amount  int64
	Reason  string
	Status  RefundStatus
	At      time.Time

	// Failures counts the attempts that are known to have failed.
	Failures int
}

// Owed tells whether the refund must be made, as the buyer has no valid tickets for the money. When any other
// refund fails, the tickets stay valid.
func (r Refund) Owed(b Booking) bool { return b.Status.Ended() || r.Reason == ReasonEventCancelled }

// What is announced of refunds, beside the statuses of bookings.
const (
	ToldPartlyRefunded = "partly_refunded"
	ToldRefundDelayed  = "refund_delayed" // it failed and is tried again
	ToldRefundRefused  = "refund_refused" // the tickets stay valid
	ToldRefundFailed   = "refund_failed"  // for good, and the money is owed
)

// Touch makes a new version with the same status.
func (b Booking) Touch(now time.Time) (Booking, error) { return b.step(b.Status, now, b.Status) }

// Asker is who requests a refund, as far as the policy differs.
type Asker int

// The askers.
const (
	ByOwner    Asker = iota
	ByMerchant       // of the event, or an admin: the deadline does not apply
)

// Refund begins the refund of units, or of all that are left when none are named. The owner may refund until
// the event's deadline, or its start if it has none; merchants and admins always.
func (b Booking) Refund(id uuid.UUID, units []string, reason string, asker Asker, now time.Time) (Booking, Refund, error) {
	if asker == ByOwner {
		deadline := b.Occasion.StartsAt
		if b.Occasion.RefundableUntil != nil {
			deadline = *b.Occasion.RefundableUntil
		}
		if !now.Before(deadline) {
			return b, Refund{}, ErrRefundClosed
		}
	}
	if len(units) == 0 {
		units = b.UnitIDs()
	}
	r := Refund{ID: id, Booking: b.ID, Reason: reason, Status: RefundRequested, At: now}
	for _, u := range units {
		i := slices.IndexFunc(b.Units, func(o BookedUnit) bool { return o.ID == u && !o.Released })
		switch {
		case i < 0:
			return b, Refund{}, ErrUnknownUnit.With("unit", u)
		case slices.Contains(r.Units, u):
			return b, Refund{}, ErrUnitTwice.With("unit", u)
		}
		r.Units = append(r.Units, u)
		r.Amount += b.Units[i].Price.Amount
	}
	next, err := b.step(Refunding, now, Confirmed)
	if err != nil {
		return b, Refund{}, ErrNotRefundable.With("status", b.Status)
	}
	next.Reason = reason
	return next, r, nil
}

// Refunded ends a refund: its units are released. A booking with units left is confirmed again.
func (b Booking) Refunded(r Refund, now time.Time) (Booking, error) {
	units := slices.Clone(b.Units)
	left := 0
	for i := range units {
		if slices.Contains(r.Units, units[i].ID) {
			units[i].Released = true
		}
		if !units[i].Released {
			left++
		}
	}
	to := Refunded
	if left > 0 {
		to = Confirmed
	}
	next, err := b.step(to, now, Refunding)
	if err != nil {
		return b, err
	}
	next.Units = units
	return next, nil
}

// RefundRefused ends a refund that the provider refused. The tickets stay valid.
func (b Booking) RefundRefused(now time.Time) (Booking, error) {
	return b.step(Confirmed, now, Refunding)
}

// HasReleased tells whether all of the units are released.
func (b Booking) HasReleased(units []string) bool {
	for _, u := range b.Units {
		if !u.Released && slices.Contains(units, u.ID) {
			return false
		}
	}
	return true
}
