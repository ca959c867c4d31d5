// Package saga brings bookings to their end: it has the payment authorised, fences the seats, captures the
// payment and issues tickets, and undoes what was done of bookings that end otherwise. Driver makes the
// steps; WorkerPool drives bookings that messages ask for, Sweeper those that stand still, EventCancellation
// those of cancelled events. Expiries tells buyers of holds that expired. All of it may be repeated, by any
// replica.
package saga

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Payments is the payment service. Every call may be repeated.
type Payments interface {
	Intend(ctx context.Context, b booking.Booking) (booking.Payment, error)
	Capture(ctx context.Context, payment uuid.UUID) error // ErrPaymentRefused: it cannot be captured
	Void(ctx context.Context, payment uuid.UUID) error    // ErrPaymentRefused: it was captured
	// Refund gives money back. owed: it must go back, and is tried again when it fails.
	Refund(ctx context.Context, payment uuid.UUID, r booking.Refund, owed bool) (booking.RefundStatus, error)
}

// PaymentFinder finds the payment of a booking whose message was lost. false: there is none.
type PaymentFinder interface {
	FindPayment(ctx context.Context, booking uuid.UUID) (p booking.Payment, s PaymentStatus, found bool, err error)
}

// PaymentStatus is the status of a payment, as far as a booking depends on it.
type PaymentStatus string

// The statuses of a payment.
const (
	PaymentPending    PaymentStatus = "pending"
	PaymentAuthorized PaymentStatus = "authorized"
	PaymentCaptured   PaymentStatus = "captured"
	PaymentVoided     PaymentStatus = "voided"
	PaymentRefunded   PaymentStatus = "refunded"
)

// ErrPaymentRefused is a final refusal of the payment provider.
var ErrPaymentRefused = fault.New(fault.Conflict, "payment_refused", "The payment provider refused the payment.")

// Fence is the state store of seats as the driver needs it.
type Fence interface {
	// Fence books all units for good, or none. ErrUnitsUnavailable: somebody else
	// has one; ErrLimitExceeded: the account bought too much meanwhile; anything else: try again.
	Fence(ctx context.Context, b booking.Booking) error
	// Free gives back those of the units that the hold still has.
	Free(ctx context.Context, h booking.Hold, units []string, whole bool) error
}

// Store is the database as the driver needs it.
type Store interface {
	Get(ctx context.Context, id uuid.UUID) (booking.Booking, error)
	Save(ctx context.Context, b booking.Booking, e booking.Effects) error
	OpenRefund(ctx context.Context, booking uuid.UUID) (booking.Refund, bool, error)
	FindRefund(ctx context.Context, booking, refund uuid.UUID) (booking.Refund, bool, error)
}

// Driver makes the steps of bookings, one at a time. Each step is idempotent: it may be repeated, by another
// process too.
type Driver struct {
	Store         Store
	Fence         Fence
	Payments      Payments
	PaymentFinder PaymentFinder
	Announcer     booking.Announcer
	Key           func() ed25519.PrivateKey // signs tickets
	Grace         time.Duration             // how long after its hold expired a booking may still be paid
	Now           func() time.Time
}

// maxSteps bounds one drive: the longest way has half as many.
const maxSteps = 12

// Drive makes the steps of a booking that can be made now.
func (d *Driver) Drive(ctx context.Context, id uuid.UUID) error {
	b, err := d.Store.Get(ctx, id)
	if err != nil {
		return err
	}
	return d.driveOn(ctx, b)
}

// driveOn drives a booking that was just read.
func (d *Driver) driveOn(ctx context.Context, b booking.Booking) error {
	for range maxSteps {
		next, err := d.advance(ctx, b)
		if errors.Is(err, booking.ErrStale) {
			next, err = d.Store.Get(ctx, b.ID) // another process made the step
		} else if err == nil && next.Version == b.Version {
			return nil
		}
		if err != nil {
			return err
		}
		b = next
	}
	return fmt.Errorf("booking %s makes too many steps", b.ID)
}

// save stores a step and returns the booking after it.
func (d *Driver) save(ctx context.Context, next booking.Booking, e booking.Effects) (booking.Booking, error) {
	return next, d.Store.Save(ctx, next, e)
}

// advance makes one step. The booking unchanged: there is nothing to do for now.
func (d *Driver) advance(ctx context.Context, b booking.Booking) (booking.Booking, error) {
	now := d.Now()
	switch {
	case b.Status == booking.Requested && !now.Before(b.ExpiresAt), b.Status == booking.AwaitingPayment && !b.Authorized && !now.Before(b.ExpiresAt.Add(d.Grace)):
		return d.expire(ctx, b)
	case b.Status == booking.Requested:
		return d.intend(ctx, b)
	case b.Status == booking.AwaitingPayment && b.Authorized:
		return d.secure(ctx, b)
	case b.Status == booking.Secured:
		return d.capture(ctx, b)
	case b.Status == booking.Refunding:
		return d.refund(ctx, b)
	case b.Status.Ended() && !b.Settled:
		return d.settle(ctx, b)
	}
	return b, nil
}

func (d *Driver) intend(ctx context.Context, b booking.Booking) (booking.Booking, error) {
	p, err := d.Payments.Intend(ctx, b)
	if errors.Is(err, ErrPaymentRefused) {
		return d.fail(ctx, b, booking.ReasonPaymentVoided)
	}
	if err != nil {
		return b, err
	}
	next, err := b.AwaitPayment(p, d.Now())
	if err != nil {
		return b, err
	}
	return d.save(ctx, next, booking.Effects{})
}

// expire ends a booking whose time is over, unless it was paid and the message was lost.
func (d *Driver) expire(ctx context.Context, b booking.Booking) (booking.Booking, error) {
	p, status, found, err := d.PaymentFinder.FindPayment(ctx, b.ID)
	if err != nil {
		return b, err
	}
	if found && (status == PaymentAuthorized || status == PaymentCaptured) {
		return d.noteAuthorized(ctx, b, p)
	}
	next, err := b.Expire(d.Now())
	if err != nil {
		return b, err
	}
	return d.save(ctx, next, booking.Effects{})
}

func (d *Driver) noteAuthorized(ctx context.Context, b booking.Booking, p booking.Payment) (booking.Booking, error) {
	next, err := b.Authorize(p, d.Now())
	if err != nil || next.Version == b.Version {
		return b, err
	}
	return d.save(ctx, next, booking.Effects{Quiet: true})
}

// secure fences the seats. Then the unique index of the database checks once more that no unit is in two
// bookings.
func (d *Driver) secure(ctx context.Context, b booking.Booking) (booking.Booking, error) {
	err := d.Fence.Fence(ctx, b)
	if errors.Is(err, booking.ErrUnitsUnavailable) || errors.Is(err, booking.ErrLimitExceeded) {
		return d.fail(ctx, b, booking.ReasonSeatsLost)
	}
	if err != nil {
		return b, err
	}
	next, err := b.Secure(d.Now())
	if err != nil {
		return b, err
	}
	err = d.Store.Save(ctx, next, booking.Effects{Claim: true})
	if errors.Is(err, booking.ErrUnitsUnavailable) {
		return d.fail(ctx, b, booking.ReasonSeatsLost)
	}
	if err != nil {
		return b, err
	}
	d.Announcer.Announce(b.Event, booking.BookedChanges(b))
	return next, nil
}

func (d *Driver) capture(ctx context.Context, b booking.Booking) (booking.Booking, error) {
	if b.Payment == nil {
		return b, fmt.Errorf("booking %s is secured without a payment", b.ID)
	}
	err := d.Payments.Capture(ctx, b.Payment.ID)
	if errors.Is(err, ErrPaymentRefused) {
		return d.fail(ctx, b, booking.ReasonCaptureRefused)
	}
	if err != nil {
		return b, err
	}
	next, err := b.Confirm(d.Now())
	if err != nil {
		return b, err
	}
	var tickets []booking.Ticket
	for _, unit := range b.UnitIDs() {
		id, err := uuid.NewV7()
		if err != nil {
			return b, err
		}
		tickets = append(tickets, booking.IssueTicket(d.Key(), id, b, unit, d.Now()))
	}
	return d.save(ctx, next, booking.Effects{Tickets: tickets})
}

func (d *Driver) fail(ctx context.Context, b booking.Booking, reason string) (booking.Booking, error) {
	next, err := b.Fail(reason, d.Now())
	if err != nil {
		return b, err
	}
	return d.save(ctx, next, booking.Effects{})
}

// settle releases what an ended booking has: the payment first, so that no money stays reserved for seats that
// others can have, then the seats. Seats do not wait for a refund.
func (d *Driver) settle(ctx context.Context, b booking.Booking) (booking.Booking, error) {
	next, done, err := d.releasePayment(ctx, b)
	if err != nil && !errors.Is(err, booking.ErrRefundOwed) || next.Version != b.Version {
		return next, err
	}
	h := booking.Hold{ID: b.Hold, Event: b.Event, Account: b.Account}
	if err := d.Fence.Free(ctx, h, b.UnitIDs(), true); err != nil {
		return b, err
	}
	d.Announcer.Announce(b.Event, booking.FreedChanges(b.Hold, b.UnitIDs()))
	if err != nil || !done {
		return b, err
	}
	if next, err = b.Settle(d.Now()); err != nil {
		return b, err
	}
	return d.save(ctx, next, booking.Effects{Quiet: true})
}

// releasePayment voids or refunds the payment of an ended booking. false: the refund is not finished.
func (d *Driver) releasePayment(ctx context.Context, b booking.Booking) (booking.Booking, bool, error) {
	p := b.Payment
	if p == nil {
		found, _, ok, err := d.PaymentFinder.FindPayment(ctx, b.ID)
		if err != nil || !ok {
			return b, err == nil, err
		}
		p = &found
	}
	err := d.Payments.Void(ctx, p.ID)
	if !errors.Is(err, ErrPaymentRefused) {
		return b, err == nil, err
	}
	// The payment was captured for a booking that ended: all of it is refunded. The id makes a repetition the
	// same refund.
	id := uuid.NewSHA1(b.ID, []byte("whole"))
	r, found, err := d.Store.FindRefund(ctx, b.ID, id)
	if err != nil {
		return b, false, err
	}
	if !found {
		r = booking.Refund{ID: id, Booking: b.ID, Units: b.UnitIDs(), Amount: b.Total.Amount, Reason: b.Reason, Status: booking.RefundRequested, At: d.Now()}
		next, err := b.Touch(d.Now())
		if err == nil {
			next, err = d.save(ctx, next, booking.Effects{Opened: &r, Quiet: true})
		}
		return next, false, err
	}
	if r.Status == booking.RefundSucceeded {
		return b, true, nil
	}
	status, err := d.Payments.Refund(ctx, p.ID, r, true)
	switch {
	case errors.Is(err, ErrPaymentRefused), err == nil && (status == booking.RefundOwed || status == booking.RefundFailed):
		return b, false, booking.ErrRefundOwed
	case err != nil:
		return b, false, err
	case status == booking.RefundSucceeded:
		next, err := d.closeRefund(ctx, b, r, booking.RefundSucceeded, string(booking.Refunded))
		return next, true, err
	}
	return b, false, nil
}

// closeRefund stores the status of a refund of a booking whose own status stays, and announces it as told.
func (d *Driver) closeRefund(ctx context.Context, b booking.Booking, r booking.Refund, status booking.RefundStatus, told string) (booking.Booking, error) {
	r.Status = status
	next, err := b.Touch(d.Now())
	if err != nil {
		return b, err
	}
	return d.save(ctx, next, booking.Effects{Closed: &r, Told: told, Quiet: told == ""})
}

func (d *Driver) refund(ctx context.Context, b booking.Booking) (booking.Booking, error) {
	r, open, err := d.Store.OpenRefund(ctx, b.ID)
	if err != nil {
		return b, err
	}
	if !open || b.Payment == nil {
		return b, fmt.Errorf("booking %s is refunding without a refund", b.ID)
	}
	status, err := d.Payments.Refund(ctx, b.Payment.ID, r, r.Owed(b))
	if errors.Is(err, ErrPaymentRefused) {
		status, err = booking.RefundFailed, nil
	}
	if err != nil {
		return b, err
	}
	return d.finishRefund(ctx, b, r, status)
}

func (d *Driver) finishRefund(ctx context.Context, b booking.Booking, r booking.Refund, status booking.RefundStatus) (booking.Booking, error) {
	switch {
	case status == booking.RefundSucceeded:
		// Seats first: a crash in between frees them again, which changes nothing.
		h := booking.Hold{ID: b.Hold, Event: b.Event, Account: b.Account}
		next, err := b.Refunded(r, d.Now())
		if err != nil {
			return b, err
		}
		if err := d.Fence.Free(ctx, h, r.Units, next.Status == booking.Refunded); err != nil {
			return b, err
		}
		r.Status = status
		if err := d.Store.Save(ctx, next, booking.Effects{Closed: &r, Told: toldRefunded(next)}); err != nil {
			return b, err
		}
		d.Announcer.Announce(b.Event, booking.FreedChanges(b.Hold, r.Units))
		return next, nil
	case status == booking.RefundOwed, status == booking.RefundFailed && r.Owed(b):
		return b, booking.ErrRefundOwed // the tickets are worth nothing: the booking stays in refunding
	case status == booking.RefundFailed:
		next, err := b.RefundRefused(d.Now())
		if err != nil {
			return b, err
		}
		r.Status = status
		return d.save(ctx, next, booking.Effects{Closed: &r, Told: booking.ToldRefundRefused})
	}
	return b, nil // still under way
}

// toldRefunded is what is announced of a refund that succeeded.
func toldRefunded(b booking.Booking) string {
	if b.Status == booking.Confirmed || b.Status == booking.Refunding {
		return booking.ToldPartlyRefunded
	}
	return string(booking.Refunded)
}

// PaymentNotice is a change of a booking's payment or of one of its refunds.
type PaymentNotice struct {
	Booking uuid.UUID
	Payment booking.Payment
	Status  PaymentStatus
	Amount  money.Money
	Refund  *uuid.UUID
	Attempt int  // of the refund
	Delayed bool // the refund failed and is tried again
	Failed  bool // the refund failed for good
}

// Note stores what a notice changes and gives the booking, to drive it further.
func (d *Driver) Note(ctx context.Context, n PaymentNotice) (booking.Booking, error) {
	for range maxSteps {
		b, err := d.Store.Get(ctx, n.Booking)
		if errors.Is(err, booking.ErrBookingNotFound) {
			return b, fault.New(fault.Invalid, "unknown_booking", "A payment names a booking that does not exist.").Because(err)
		}
		if err != nil {
			return b, err
		}
		if b, err = d.note(ctx, b, n); !errors.Is(err, booking.ErrStale) {
			return b, err
		}
	}
	return booking.Booking{}, booking.ErrStale
}

func (d *Driver) note(ctx context.Context, b booking.Booking, n PaymentNotice) (booking.Booking, error) {
	open := b.Status == booking.Requested || b.Status == booking.AwaitingPayment
	switch {
	case n.Status == PaymentAuthorized && b.Payment != nil && b.Payment.ID != n.Payment.ID:
		slog.WarnContext(ctx, "second payment for a booking, voided", "booking", b.ID, "payment", n.Payment.ID)
		return b, d.Payments.Void(ctx, n.Payment.ID)
	case n.Status == PaymentAuthorized && b.Status.Ended():
		next, _, err := d.releasePayment(ctx, b)
		return next, err
	case n.Status == PaymentAuthorized && open && n.Amount != b.Total:
		slog.ErrorContext(ctx, "authorised amount is not the booking's", "booking", b.ID, "payment", n.Payment.ID)
		return d.fail(ctx, b, booking.ReasonAmountMismatch)
	case n.Status == PaymentAuthorized && open:
		return d.noteAuthorized(ctx, b, n.Payment)
	case n.Status == PaymentVoided && open && !b.Authorized:
		return d.fail(ctx, b, booking.ReasonPaymentVoided)
	case n.Refund != nil:
		return d.noteRefund(ctx, b, n)
	}
	return b, nil
}

// noteRefund stores the outcome of a refund. Notices come more than once and late: one that is known changes
// nothing.
func (d *Driver) noteRefund(ctx context.Context, b booking.Booking, n PaymentNotice) (booking.Booking, error) {
	r, found, err := d.Store.FindRefund(ctx, b.ID, *n.Refund)
	if err != nil || !found {
		return b, err // it was made in the provider's dashboard: the reconciliation reports it
	}
	refunding := b.Status == booking.Refunding && r.Status == booking.RefundRequested
	if !n.Delayed && !n.Failed {
		switch {
		case r.Status == booking.RefundSucceeded:
			return b, nil
		case refunding:
			return d.finishRefund(ctx, b, r, booking.RefundSucceeded)
		case b.Status.Ended() || b.HasReleased(r.Units):
			return d.closeRefund(ctx, b, r, booking.RefundSucceeded, toldRefunded(b))
		}
		slog.ErrorContext(ctx, "refund of tickets that are valid", "booking", b.ID, "refund", r.ID)
		return b, nil
	}
	attempt := max(n.Attempt, 1)
	known, first := attempt < r.Failures || attempt == r.Failures && !n.Failed, r.Failures == 0
	if known || r.Status == booking.RefundFailed {
		return b, nil
	}
	r.Failures = attempt
	switch {
	case n.Failed && refunding && !r.Owed(b):
		return d.finishRefund(ctx, b, r, booking.RefundFailed)
	case n.Failed && refunding: // it stays open until an admin makes it
		return d.closeRefund(ctx, b, r, booking.RefundRequested, booking.ToldRefundFailed)
	case n.Failed:
		return d.closeRefund(ctx, b, r, booking.RefundFailed, booking.ToldRefundFailed)
	}
	told := ""
	if first {
		told = booking.ToldRefundDelayed
	}
	if r.Status == booking.RefundSucceeded {
		return d.closeRefund(ctx, b, r, booking.RefundRetrying, told)
	}
	return d.closeRefund(ctx, b, r, r.Status, told)
}
