package payment

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
)

// Provider moves the money. A refusal that stands is a fault of kind Conflict, Invalid or
// NotFound; everything else may be tried again.
type Provider interface {
	CreateIntent(ctx context.Context, p Payment) (Intent, error)
	CaptureIntent(ctx context.Context, intent string) (Intent, error)
	CancelIntent(ctx context.Context, intent string) (Intent, error)
	CreateRefund(ctx context.Context, p Payment, r Refund) (ProviderRefund, error)
}

// Reader asks the provider how things stand.
type Reader interface {
	Intent(ctx context.Context, id string) (Intent, error)
	RefundsOf(ctx context.Context, intent string) ([]ProviderRefund, error)
}

// CallsInARow is how often one request of a booking asks the provider at most: to void a payment
// whose intent is not known here it is made, cancelled, and, when that is refused, looked at.
const CallsInARow = 3

// Decision makes the next state of a payment and its refunds out of the present one. It runs
// inside a transaction and calls nobody.
type Decision func(p Payment, refunds []Refund) (Change, error)

// Store keeps payments.
type Store interface {
	// Open stores a new payment, or gives the one that the booking's attempt has already.
	Open(ctx context.Context, p Payment) (Payment, error)
	Get(ctx context.Context, id uuid.UUID) (Payment, error)
	OfBooking(ctx context.Context, booking uuid.UUID) ([]Payment, error)
	// Change locks a payment, decides and stores. ErrSeen: the webhook had its effect before.
	Change(ctx context.Context, id uuid.UUID, decide Decision) (Payment, error)
}

// Service is where bookings come to pay. Every call may be repeated.
type Service struct {
	Store    Store
	Provider Provider
	Reader   Reader
	Now      func() time.Time
}

func (t Service) change(ctx context.Context, id uuid.UUID, decide Decision) (Payment, error) {
	return change(ctx, t.Store, t.Now, id, decide)
}

// Order asks for a payment.
type Order struct {
	Booking uuid.UUID
	Attempt int
	Amount  money.Money
	Account string
	Event   uuid.UUID
}

// Intend has a booking's payment prepared with the provider.
func (t Service) Intend(ctx context.Context, o Order) (Payment, error) {
	if _, err := money.New(o.Amount.Amount, o.Amount.Currency); err != nil {
		return Payment{}, err
	}
	if err := money.Chargeable(o.Amount); err != nil {
		return Payment{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Payment{}, err
	}
	now := t.Now()
	p, err := t.Store.Open(ctx, Payment{
		ID: id, Booking: o.Booking, Attempt: o.Attempt, Account: o.Account, Event: o.Event, Amount: o.Amount,
		Status: Preparing, CreatedAt: now, UpdatedAt: now,
	})
	if err != nil {
		return Payment{}, err
	}
	switch {
	case p.Amount != o.Amount || p.Account != o.Account || p.Event != o.Event:
		return Payment{}, ErrDiffers
	case p.Status == Voided:
		return Payment{}, ErrOver
	case p.Status != Preparing:
		return p, nil
	case p.free():
		return t.change(ctx, p.ID, unless(Preparing, func(p Payment) Change { return p.Free(t.Now()) }))
	}
	return t.prepare(ctx, p)
}

// unless makes a decision that only a payment in a given status takes.
func unless(only Status, next func(Payment) Change) Decision {
	return func(p Payment, _ []Refund) (Change, error) {
		if p.Status != only {
			return Change{Payment: p}, nil
		}
		return next(p), nil
	}
}

func (t Service) prepare(ctx context.Context, p Payment) (Payment, error) {
	in, err := t.Provider.CreateIntent(ctx, p)
	if final(err) {
		reason := fault.CodeOf(err)
		if _, cerr := t.change(ctx, p.ID, func(p Payment, _ []Refund) (Change, error) { return p.Refuse(reason, t.Now()) }); cerr != nil {
			return Payment{}, cerr
		}
		return Payment{}, err
	}
	if err != nil {
		return Payment{}, err
	}
	return t.note(ctx, p.ID, in)
}

// final tells whether an error is a refusal that stands.
func final(err error) bool {
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Invalid, fault.NotFound:
		return true
	}
	return false
}

func (t Service) note(ctx context.Context, id uuid.UUID, in Intent) (Payment, error) {
	return t.change(ctx, id, func(p Payment, _ []Refund) (Change, error) { return p.Observe(in, t.Now()) })
}

// Capture takes the money.
func (t Service) Capture(ctx context.Context, id uuid.UUID) (Payment, error) {
	p, err := t.Store.Get(ctx, id)
	if err != nil {
		return Payment{}, err
	}
	switch {
	case p.Status == Captured || p.Status == Refunded:
		return p, nil
	case p.Status == Voided:
		return Payment{}, ErrOver
	case p.free():
		return t.change(ctx, id, unless(Authorized, func(p Payment) Change { return p.CaptureFree(t.Now()) }))
	case p.Intent == "":
		return Payment{}, ErrNotAuthorized
	}
	in, err := t.Provider.CaptureIntent(ctx, p.Intent)
	if p, err = t.settle(ctx, p, in, err); err != nil {
		return Payment{}, err
	}
	switch p.Status {
	case Captured, Refunded:
		return p, nil
	case Voided:
		return Payment{}, ErrOver
	}
	return Payment{}, ErrNotAuthorized
}

// settle notes what came of a call. After a refusal the provider is asked how things stand: what
// was refused may have been done before, or undone.
func (t Service) settle(ctx context.Context, p Payment, in Intent, err error) (Payment, error) {
	if final(err) {
		in, err = t.Reader.Intent(ctx, p.Intent)
	}
	if err != nil {
		return Payment{}, err
	}
	return t.note(ctx, p.ID, in)
}

// Void lets go of a payment that no money was taken with.
func (t Service) Void(ctx context.Context, id uuid.UUID) (Payment, error) {
	p, err := t.Store.Get(ctx, id)
	if err != nil {
		return Payment{}, err
	}
	switch {
	case p.Status == Voided:
		return p, nil
	case p.Status == Captured || p.Status == Refunded:
		return Payment{}, ErrCaptured
	case p.free():
		return t.change(ctx, id, func(p Payment, _ []Refund) (Change, error) { return p.Refuse("abandoned", t.Now()) })
	case p.Intent == "":
		// The provider may have made the intent all the same. The key finds it.
		if p, err = t.prepare(ctx, p); err != nil {
			if final(err) {
				return t.Store.Get(ctx, id)
			}
			return Payment{}, err
		}
	}
	in, err := t.Provider.CancelIntent(ctx, p.Intent)
	if p, err = t.settle(ctx, p, in, err); err != nil {
		return Payment{}, err
	}
	switch p.Status {
	case Voided:
		return p, nil
	case Captured, Refunded:
		return Payment{}, ErrCaptured
	}
	return Payment{}, fault.Away("payment provider", nil) // it refused, and says it is open: once more
}

// OfBooking gives a booking's payments, oldest first. Whoever asks is about to end the booking, so
// what waits for the buyer is asked for again: a webhook may have got lost.
func (t Service) OfBooking(ctx context.Context, booking uuid.UUID) ([]Payment, error) {
	found, err := t.Store.OfBooking(ctx, booking)
	if err != nil {
		return nil, err
	}
	for i, p := range found {
		if p.Status != Pending {
			continue
		}
		in, err := t.Reader.Intent(ctx, p.Intent)
		if err != nil {
			return nil, err
		}
		if found[i], err = t.note(ctx, p.ID, in); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Refund gives money back.
func (t Service) Refund(ctx context.Context, id uuid.UUID, want Refund) (Refund, error) {
	var r Refund
	p, err := t.change(ctx, id, func(p Payment, have []Refund) (c Change, err error) {
		c, r, err = p.Request(have, want, t.Now())
		return c, err
	})
	if err != nil {
		return Refund{}, err
	}
	if p.free() {
		r.Status = RefundSucceeded
		return r, nil
	}
	if r.Status != RefundRequested {
		return r, nil
	}
	return t.makeRefund(ctx, p, r)
}

// makeRefund has the provider make an attempt of a refund that is noted.
func (t Service) makeRefund(ctx context.Context, p Payment, r Refund) (Refund, error) {
	seen, err := t.Provider.CreateRefund(ctx, p, r)
	if final(err) {
		seen, err = t.sought(ctx, p, r, fault.CodeOf(err))
	}
	if err != nil {
		return Refund{}, err
	}
	after := r
	_, err = t.change(ctx, p.ID, func(p Payment, have []Refund) (Change, error) {
		c, err := p.observeRefunds(have, []ProviderRefund{seen}, t.Now())
		for _, x := range slices.Concat(have, c.Refunds) {
			if x.ID == r.ID {
				after = x
			}
		}
		return c, err
	})
	return after, err
}

// retryRefund makes the next attempt of a refund whose time has come.
func (t Service) retryRefund(ctx context.Context, payment, id uuid.UUID) error {
	var r *Refund
	p, err := t.change(ctx, payment, func(p Payment, have []Refund) (Change, error) {
		for _, x := range have {
			if x.ID == id && x.Status == RefundRetrying && x.NextTry != nil && !t.Now().Before(*x.NextTry) {
				c, next := p.retry(x, t.Now())
				r = &next
				return c, nil
			}
		}
		return Change{Payment: p}, nil // somebody was faster
	})
	if err != nil || r == nil {
		return err
	}
	_, err = t.makeRefund(ctx, p, *r)
	return err
}

// ChangeRefund has an admin act on a refund.
func (t Service) ChangeRefund(ctx context.Context, payment, id uuid.UUID, act func(Payment, Refund) (Change, error)) (Refund, error) {
	var after Refund
	p, err := t.change(ctx, payment, func(p Payment, have []Refund) (Change, error) {
		for _, r := range have {
			if r.ID != id {
				continue
			}
			c, err := act(p, r)
			for _, r := range c.Refunds {
				after = r
			}
			return c, err
		}
		return Change{Payment: p}, ErrRefundNotFound
	})
	if err == nil {
		slog.InfoContext(ctx, "refund changed by an admin", "payment", p.ID, "refund", after.ID, "status", after.Status)
	}
	return after, err
}

// sought looks for a refund that was refused: the provider may have made it long ago, when the
// key it was asked for with is forgotten.
func (t Service) sought(ctx context.Context, p Payment, r Refund, refusal string) (ProviderRefund, error) {
	all, err := t.Reader.RefundsOf(ctx, p.Intent)
	if err != nil {
		return ProviderRefund{}, err
	}
	for _, seen := range all {
		if seen.about(r) {
			return seen, nil
		}
	}
	return ProviderRefund{Refund: r.ID, Attempt: r.Attempt, Status: RefundFailed, Failure: refusal}, nil
}

// about tells whether what the provider has is the last attempt of a refund.
func (s ProviderRefund) about(r Refund) bool {
	return s.Refund == r.ID && max(s.Attempt, 1) == max(r.Attempt, 1) || s.ID != "" && s.ID == r.Provider
}

// observeRefunds takes in all that the provider says of a payment's refunds.
func (p Payment) observeRefunds(have []Refund, seen []ProviderRefund, now time.Time) (Change, error) {
	all := Change{Payment: p}
	for _, r := range have {
		for _, s := range seen {
			if !s.about(r) {
				continue
			}
			c, err := all.Payment.ObserveRefund(r, s, now)
			if err != nil {
				return Change{Payment: p}, err
			}
			all.merge(c)
		}
	}
	return all, nil
}

func (c *Change) merge(next Change) {
	c.Payment = next.Payment
	c.Refunds = append(c.Refunds, next.Refunds...)
	c.Notices = append(c.Notices, next.Notices...)
	c.Transfers = append(c.Transfers, next.Transfers...)
}
