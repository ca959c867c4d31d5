// Package payment is the domain of payments for bookings: authorisation, capture once the seats are
// secured, cancellation and refunds, with a double-entry ledger. The provider (Stripe) is the source of
// truth: its state is applied here, and a payment never goes back to an earlier status. The package does
// no I/O: stores and the provider are interfaces here.
//
//	preparing -> pending -> authorized -> captured <-> refunded
//	     \__________\___________\-> voided
package payment

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// Status is the state of a payment.
type Status string

// The statuses.
const (
	Preparing  Status = "preparing" // stored here; the provider may not know it yet
	Pending    Status = "pending"   // waits for the buyer
	Authorized Status = "authorized"
	Captured   Status = "captured"
	Voided     Status = "voided"   // ended without taking money
	Refunded   Status = "refunded" // all of it
)

// Refusals.
var (
	ErrNotFound       = fault.New(fault.NotFound, "payment_not_found", "The payment does not exist.")
	ErrDiffers        = fault.New(fault.Invalid, "payment_differs", "The attempt exists with another amount, currency, account or event.")
	ErrOver           = fault.New(fault.Conflict, "payment_over", "The payment has ended without a charge.")
	ErrCaptured       = fault.New(fault.Conflict, "payment_captured", "The payment was captured and can only be refunded.")
	ErrNotAuthorized  = fault.New(fault.Conflict, "payment_not_authorized", "The buyer has not authorised this payment.")
	ErrNotCaptured    = fault.New(fault.Conflict, "payment_not_captured", "The payment was not captured, so it cannot be refunded.")
	ErrRefundTooLarge = fault.New(fault.Conflict, "refund_too_large", "The refund exceeds the amount that was charged.")
	ErrRefundDiffers  = fault.New(fault.Invalid, "refund_differs", "The refund exists with another amount.")
	ErrMismatch       = fault.New(fault.Invalid, "payment_mismatch", "The provider's object does not match the payment.")
)

// Payment is one attempt to pay for a booking.
type Payment struct {
	ID           uuid.UUID
	Booking      uuid.UUID
	Attempt      int
	Account      string // opaque id of the buyer
	Event        uuid.UUID
	Amount       money.Money
	Intent       string // the provider's id; empty while preparing, and where nothing is to pay
	ClientSecret string
	Status       Status
	Captured     int64  // taken
	Refunded     int64  // given back, of what was taken
	Settled      bool   // the money is on our balance at the provider
	Reason       string // why it was refused or ended, as the provider's code
	PollCount    int    // polls since its last change
	CreatedAt    time.Time
	UpdatedAt    time.Time
	NextPoll     time.Time // when to poll it next; zero: never
}

// free reports whether there is nothing to pay: then the provider is not used.
func (p Payment) free() bool { return p.Amount.Amount == 0 }

// IntentStatus is the provider's state of an intent.
type IntentStatus string

// The statuses of an intent.
const (
	IntentOpen       IntentStatus = "open" // waits for the buyer, or for the bank
	IntentAuthorized IntentStatus = "authorized"
	IntentCaptured   IntentStatus = "captured"
	IntentCanceled   IntentStatus = "canceled"
)

// Intent is a payment as the provider has it.
type Intent struct {
	ID           string
	ClientSecret string
	Status       IntentStatus
	Amount       money.Money
	Captured     int64
	Refunded     int64
	Reason       string
	Settlement   *Settlement // nil until the money is on the balance
	Disputed     bool
	Live         bool
	CreatedAt    time.Time

	// The metadata that we set.
	Payment uuid.UUID
	Booking uuid.UUID
	Account string
}

// Settlement is what the provider credited to our balance for a captured payment.
type Settlement struct {
	Transaction string
	Amount      int64
	Fee         int64
}

// NoticeKind is what a booking is told about its payment. It is not told of the capture, which it requested.
type NoticeKind string

// The kinds of Notice.
const (
	NoticeAuthorized    NoticeKind = "authorized"
	NoticeFailed        NoticeKind = "authorization_failed"
	NoticeVoided        NoticeKind = "voided"
	NoticeRefunded      NoticeKind = "refunded"
	NoticeRefundDelayed NoticeKind = "refund_delayed" // it failed, and is tried again
	NoticeRefundFailed  NoticeKind = "refund_failed"  // for good
)

// Notice tells the booking what happened to its payment. Amount is in minor units.
type Notice struct {
	Kind    NoticeKind
	Amount  int64
	Refund  *uuid.UUID
	Attempt int // of the refund
	Reason  string
}

// Change is the result of one decision, stored in one transaction.
type Change struct {
	Payment   Payment
	Refunds   []Refund // new, or changed
	Notices   []Notice
	Transfers []Transfer
	Receipt   *Receipt // of the webhook that brought it
}

// boughtBy reports whether the payment is an account's. After an account is deleted the provider keeps its
// id, for as long as the law requires; here it is replaced by a tombstone.
func (p Payment) boughtBy(account string) bool {
	return account == p.Account || identity.IsTombstone(p.Account)
}

// Matches checks that an intent is the one that was requested: no ticket is sold for another amount,
// another currency or another account's payment. ErrMismatch otherwise.
func (p Payment) Matches(in Intent) error {
	switch {
	case p.Intent != "" && in.ID != p.Intent:
		return ErrMismatch.With("what", "intent")
	case in.Payment != p.ID || in.Booking != p.Booking:
		return ErrMismatch.With("what", "booking")
	case !p.boughtBy(in.Account):
		return ErrMismatch.With("what", "account")
	case in.Amount.Currency != p.Amount.Currency:
		return ErrMismatch.With("what", "currency")
	case in.Amount.Amount != p.Amount.Amount:
		return ErrMismatch.With("what", "amount")
	}
	return nil
}

// Observe applies the provider's state of the payment. An older state than the known changes nothing.
func (p Payment) Observe(in Intent, now time.Time) (Change, error) {
	if err := p.Matches(in); err != nil {
		return Change{Payment: p}, err
	}
	c := Change{Payment: p}
	c.Payment.Intent, c.Payment.ClientSecret = in.ID, in.ClientSecret
	switch p.Status {
	case Preparing, Pending:
		c.observeWaiting(in)
	case Authorized:
		switch in.Status {
		case IntentCaptured:
			c.capture(in)
		case IntentCanceled:
			c.void(in.Reason)
		}
	case Captured, Refunded:
		c.settle(in)
	case Voided:
		if in.Status == IntentCaptured {
			return Change{Payment: p}, ErrMismatch.With("what", "status")
		}
	}
	if s := c.Payment.Status; s != Preparing && s != Pending {
		c.Payment.ClientSecret = "" // there is nothing left to pay with it
	}
	c.Payment.touch(p, now)
	return c, nil
}

func (c *Change) observeWaiting(in Intent) {
	switch p := &c.Payment; in.Status {
	case IntentOpen:
		p.Status = Pending
		if in.Reason != "" && in.Reason != p.Reason {
			p.Reason = in.Reason
			c.notify(NoticeFailed, p.Amount.Amount)
		}
	case IntentAuthorized:
		c.authorize()
	case IntentCaptured:
		c.authorize()
		c.capture(in)
	case IntentCanceled:
		c.void(in.Reason)
	}
}

func (c *Change) authorize() {
	c.Payment.Status, c.Payment.Reason = Authorized, ""
	c.notify(NoticeAuthorized, c.Payment.Amount.Amount)
}

func (c *Change) capture(in Intent) {
	p := &c.Payment
	p.Status, p.Captured = Captured, in.Captured
	c.Transfers = append(c.Transfers, captured(*p))
	c.settle(in)
}

func (c *Change) settle(in Intent) {
	p := &c.Payment
	if p.Settled || in.Settlement == nil {
		return
	}
	p.Settled = true
	c.Transfers = append(c.Transfers, settled(*p, *in.Settlement))
}

func (c *Change) void(reason string) {
	c.Payment.Status, c.Payment.Reason, c.Payment.ClientSecret = Voided, reason, ""
	c.notify(NoticeVoided, c.Payment.Amount.Amount)
}

func (c *Change) notify(kind NoticeKind, amount int64) {
	c.Notices = append(c.Notices, Notice{Kind: kind, Amount: amount, Reason: c.Payment.Reason})
}

// The first and the longest delay before a payment is polled. A webhook is quicker, unless it is lost.
const (
	firstPoll    = 15 * time.Second
	maxPollDelay = 10 * time.Minute
)

// touch dates a payment that changed.
func (p *Payment) touch(before Payment, now time.Time) {
	if p.Status != before.Status || p.Settled != before.Settled {
		p.UpdatedAt, p.PollCount = now, 0
	}
}

// change stores a change, and plans when to poll the payment next.
func change(ctx context.Context, s Store, now func() time.Time, id uuid.UUID, decide Decision) (Payment, error) {
	return s.Change(ctx, id, func(p Payment, have []Refund) (Change, error) {
		c, err := decide(p, have)
		refunding, next := unfinished(have, c.Refunds)
		c.Payment.plan(now(), refunding, next)
		for _, r := range c.Refunds {
			if err == nil && r.Owing() {
				slog.ErrorContext(ctx, "refund failed for good", "payment", id, "refund", r.ID, "attempts", r.Attempt, "failure", r.Failure)
			}
		}
		return c, err
	})
}

// unfinished reports whether a refund is still open after the changes, and, when all open ones wait for
// their next attempt, when the first is due.
func unfinished(have, changed []Refund) (open bool, next time.Time) {
	last := map[uuid.UUID]Refund{}
	for _, r := range slices.Concat(have, changed) {
		last[r.ID] = r
	}
	waiting := true
	for _, r := range last {
		if !r.open() {
			continue
		}
		open = true
		if r.Status != RefundRetrying || r.NextTry == nil {
			waiting = false
		} else if next.IsZero() || r.NextTry.Before(next) {
			next = *r.NextTry
		}
	}
	if !waiting {
		next = time.Time{}
	}
	return open, next
}

func (p *Payment) plan(now time.Time, refunding bool, next time.Time) {
	resting := p.Status == Voided || (p.Status == Captured || p.Status == Refunded) && (p.Settled || p.free())
	if resting && !refunding {
		p.NextPoll = time.Time{}
		return
	}
	if p.NextPoll = now.Add(pollDelay(p.PollCount)); resting && !next.IsZero() {
		p.NextPoll = next
	}
}

// pollDelay is the delay of a payment's next poll after so many polls.
func pollDelay(polls int) time.Duration { return worker.Pause(firstPoll, maxPollDelay, polls) }

// Free authorises a payment of nothing, without the provider.
func (p Payment) Free(now time.Time) Change {
	c := Change{Payment: p}
	c.authorize()
	c.Payment.touch(p, now)
	return c
}

// CaptureFree captures a payment of nothing.
func (p Payment) CaptureFree(now time.Time) Change {
	c := Change{Payment: p}
	c.Payment.Status = Captured
	c.Payment.touch(p, now)
	return c
}

// Refuse ends a payment that the provider refused or never received. ErrCaptured when money was taken.
func (p Payment) Refuse(reason string, now time.Time) (Change, error) {
	if p.Status == Captured || p.Status == Refunded {
		return Change{Payment: p}, ErrCaptured
	}
	c := Change{Payment: p}
	if p.Status != Voided {
		c.void(reason)
	}
	c.Payment.touch(p, now)
	return c, nil
}
