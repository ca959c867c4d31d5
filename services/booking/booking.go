// Package booking is the domain of selling units: seats and general-admission places. A unit is held for a few
// minutes, paid for, fenced, and then belongs to exactly one booking. The package does no I/O: it declares
// what it needs as interfaces (ports.go).
//
//	available --hold--> held --fence--> booked
//	    ^                |                 |
//	    +---- expiry ----+---- release ----+
package booking

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
)

// Status is the status of a booking in its saga.
type Status string

// The statuses and their transitions:
//
//	requested -> awaiting_payment -> secured -> confirmed -> refunding -> refunded
//	requested, awaiting_payment -> expired, cancelled, failed; secured -> failed
//	refunding -> confirmed, when only some of the units were given back
const (
	Requested       Status = "requested"
	AwaitingPayment Status = "awaiting_payment"
	Secured         Status = "secured"
	Confirmed       Status = "confirmed"
	Expired         Status = "expired"
	Failed          Status = "failed"
	Cancelled       Status = "cancelled"
	Refunding       Status = "refunding"
	Refunded        Status = "refunded"
)

// Statuses lists all of them.
func Statuses() []Status {
	return []Status{Requested, AwaitingPayment, Secured, Confirmed, Expired, Failed, Cancelled, Refunding, Refunded}
}

// Ended tells whether the booking is over without tickets: its seats and its payment are to be released.
func (s Status) Ended() bool { return s == Expired || s == Failed || s == Cancelled }

// Outcome tells whether the status is announced to other services. The others are intermediate.
func (s Status) Outcome() bool { return s.Ended() || s == Confirmed || s == Refunded }

// Reasons a booking ended for. They are part of the public contract.
const (
	ReasonPaymentTimeout = "payment_timeout"
	ReasonSeatsLost      = "seats_lost"
	ReasonCaptureRefused = "capture_refused"
	ReasonAmountMismatch = "amount_mismatch"
	ReasonPaymentVoided  = "payment_voided"
	ReasonByBuyer        = "cancelled_by_buyer"
	ReasonEventCancelled = "event_cancelled"
)

// Refusals of bookings.
var (
	ErrBookingNotFound = fault.New(fault.NotFound, "booking_not_found", "The booking does not exist.")
	ErrTicketNotFound  = fault.New(fault.NotFound, "ticket_not_found", "The ticket does not exist.")
	ErrTooLateToCancel = fault.New(fault.Conflict, "too_late_to_cancel", "This booking can no longer be cancelled. Request a refund instead.")
	ErrNotRefundable   = fault.New(fault.Conflict, "not_refundable", "This booking cannot be refunded now.")
	ErrRefundClosed    = fault.New(fault.Forbidden, "refund_period_over", "The refund period of this event has ended.")
	ErrStale           = fault.New(fault.Conflict, "version_stale", "The booking was changed by another request. Please try again.")

	// errStep is for a transition that the status does not allow. It never reaches a client.
	errStep = fault.New(fault.Conflict, "wrong_status", "The booking's status does not allow this step.")
)

// BookedUnit is one unit of a booking. Released units were refunded and are on sale again.
type BookedUnit struct {
	HeldUnit
	Released bool
}

// Payment is the payment of a booking as the payment service gave it.
type Payment struct {
	ID             uuid.UUID
	Intent         string
	ClientSecret   string
	PublishableKey string
}

// EventSnapshot is the event as it was when the booking was made.
type EventSnapshot struct {
	Name            string
	Merchant        string
	StartsAt        time.Time
	EndsAt          time.Time
	TimeZone        string
	VenueName       string
	VenueCity       string
	VenueCountry    string
	RefundableUntil *time.Time
	HighDemand      bool
	PerAccount      int // most units an account may have; 0: any number
}

// Booking is one purchase. Its methods return the next state and do not change the receiver.
type Booking struct {
	ID         uuid.UUID
	Event      uuid.UUID
	Hold       uuid.UUID
	Account    string
	Units      []BookedUnit
	Total      money.Money
	Occasion   EventSnapshot
	Status     Status
	Version    int64
	Reason     string
	Payment    *Payment
	Authorized bool // the payment is authorised: only the fence decides from here on
	Settled    bool // seats and payment are released
	ExpiresAt  time.Time
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// New makes the booking of a hold.
func New(id uuid.UUID, h Hold, s *Sale, now time.Time) Booking {
	b := Booking{
		ID: id, Event: h.Event, Hold: h.ID, Account: h.Account, Total: h.Total(), Status: Requested, Version: 1,
		ExpiresAt: h.Until, CreatedAt: now, UpdatedAt: now,
		Occasion: EventSnapshot{
			Name: s.Name, Merchant: s.Merchant, StartsAt: s.StartsAt, EndsAt: s.EndsAt, TimeZone: s.TimeZone,
			VenueName: s.Venue.Name, VenueCity: s.Venue.City, VenueCountry: s.Venue.Country,
			RefundableUntil: s.RefundableUntil, HighDemand: s.HighDemand, PerAccount: s.MaxPerAccount,
		},
	}
	for _, u := range h.Units {
		b.Units = append(b.Units, BookedUnit{HeldUnit: u})
	}
	return b
}

// UnitIDs gives the units that are not released.
func (b Booking) UnitIDs() []string {
	ids := make([]string, 0, len(b.Units))
	for _, u := range b.Units {
		if !u.Released {
			ids = append(ids, u.ID)
		}
	}
	return ids
}

func (b Booking) step(to Status, now time.Time, from ...Status) (Booking, error) {
	if !slices.Contains(from, b.Status) {
		return b, errStep
	}
	b.Status, b.UpdatedAt = to, now
	b.Version++
	return b, nil
}

// AwaitPayment sets the payment that the buyer has to make.
func (b Booking) AwaitPayment(p Payment, now time.Time) (Booking, error) {
	next, err := b.step(AwaitingPayment, now, Requested)
	if err != nil {
		return b, err
	}
	next.Payment = &p
	return next, nil
}

// Authorize sets that the payment is authorised. From here on neither the buyer nor the deadline can end the
// booking, only the loss of its seats. The notice may come before the booking has the payment.
func (b Booking) Authorize(p Payment, now time.Time) (Booking, error) {
	next, err := b.step(AwaitingPayment, now, Requested, AwaitingPayment)
	if err != nil || b.Authorized {
		return b, err
	}
	if next.Payment == nil {
		next.Payment = &p
	}
	next.Authorized = true
	next.forgetSecret()
	return next, nil
}

// forgetSecret drops the client secret once there is nothing left to pay.
func (b *Booking) forgetSecret() {
	if b.Payment != nil && b.Payment.ClientSecret != "" {
		p := *b.Payment
		p.ClientSecret = ""
		b.Payment = &p
	}
}

// Secure sets that the seats are booked for good.
func (b Booking) Secure(now time.Time) (Booking, error) {
	if !b.Authorized {
		return b, errStep
	}
	return b.step(Secured, now, AwaitingPayment)
}

// Confirm sets that the payment was captured.
func (b Booking) Confirm(now time.Time) (Booking, error) {
	next, err := b.step(Confirmed, now, Secured)
	if err != nil {
		return b, err
	}
	next.Settled = true
	return next, nil
}

// Expire ends a booking that was not paid in time.
func (b Booking) Expire(now time.Time) (Booking, error) {
	if b.Authorized || now.Before(b.ExpiresAt) {
		return b, errStep
	}
	return b.end(Expired, ReasonPaymentTimeout, now, Requested, AwaitingPayment)
}

// Cancel ends a booking that is not paid.
func (b Booking) Cancel(reason string, now time.Time) (Booking, error) {
	if b.Authorized {
		return b, ErrTooLateToCancel
	}
	next, err := b.end(Cancelled, reason, now, Requested, AwaitingPayment)
	if err != nil {
		return b, ErrTooLateToCancel
	}
	return next, nil
}

// Fail ends a booking that cannot be completed.
func (b Booking) Fail(reason string, now time.Time) (Booking, error) {
	return b.end(Failed, reason, now, Requested, AwaitingPayment, Secured)
}

func (b Booking) end(to Status, reason string, now time.Time, from ...Status) (Booking, error) {
	next, err := b.step(to, now, from...)
	if err != nil {
		return b, err
	}
	next.Reason, next.Settled = reason, false
	next.forgetSecret()
	return next, nil
}

// Settle sets that seats and payment of an ended booking are released. It is not announced.
func (b Booking) Settle(now time.Time) (Booking, error) {
	next, err := b.step(b.Status, now, Expired, Failed, Cancelled)
	if err != nil {
		return b, err
	}
	next.Settled = true
	return next, nil
}
