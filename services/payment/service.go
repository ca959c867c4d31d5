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

// Provider moves the money. A final refusal is a fault of kind Conflict, Invalid or NotFound; any other
// error may be retried.
type Provider interface {
	CreateIntent(ctx context.Context, p Payment) (Intent, error)
	CaptureIntent(ctx context.Context, intent string) (Intent, error)
	CancelIntent(ctx context.Context, intent string) (Intent, error)
	CreateRefund(ctx context.Context, p Payment, r Refund) (ProviderRefund, error)
}

// Reader reads the provider's state.
type Reader interface {
	Intent(ctx context.Context, id string) (Intent, error)
	RefundsOf(ctx context.Context, intent string) ([]ProviderRefund, error)
}

// MaxProviderCalls is how many calls to the provider one request of a booking takes at most: to void a
// payment without a known intent, the intent is created, cancelled and, if that is refused, read.
const MaxProviderCalls = 3

// Decision computes the next state of a payment and its refunds from the present one. It runs inside a
// transaction and does no I/O.
type Decision func(p Payment, refunds []Refund) (Change, error)

// Store stores payments.
type Store interface {
	// Open stores a new payment, or returns the one that the booking's attempt has already.
	Open(ctx context.Context, p Payment) (Payment, error)
	Get(ctx context.Context, id uuid.UUID) (Payment, error)
	OfBooking(ctx context.Context, booking uuid.UUID) ([]Payment, error)
	// Change locks a payment, calls decide and stores the result. ErrSeen: the webhook was applied before.
	Change(ctx context.Context, id uuid.UUID, decide Decision) (Payment, error)
}

// Service takes and returns the money of bookings. Every call is idempotent.
type Service struct {
	Store    Store
	Provider Provider
	Reader   Reader
	Now      func() time.Time
}

func (s Service) change(ctx context.Context, id uuid.UUID, decide Decision) (Payment, error) {
	return change(ctx, s.Store, s.Now, id, decide)
}

// Order is a request for a payment.
type Order struct {
	Booking uuid.UUID
	Attempt int
	Amount  money.Money
	Account string
	Event   uuid.UUID
}

// Intend prepares a booking's payment with the provider. ErrDiffers when the attempt was requested with
// other values; ErrOver when it has ended.
func (s Service) Intend(ctx context.Context, o Order) (Payment, error) {
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
	now := s.Now()
	p, err := s.Store.Open(ctx, Payment{
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
		return s.change(ctx, p.ID, onlyIn(Preparing, func(p Payment) Change { return p.Free(s.Now()) }))
	}
	return s.prepare(ctx, p)
}

// onlyIn returns a decision that changes a payment only if it has a status.
func onlyIn(only Status, next func(Payment) Change) Decision {
	return func(p Payment, _ []Refund) (Change, error) {
		if p.Status != only {
			return Change{Payment: p}, nil
		}
		return next(p), nil
	}
}

func (s Service) prepare(ctx context.Context, p Payment) (Payment, error) {
	in, err := s.Provider.CreateIntent(ctx, p)
	if final(err) {
		reason := fault.CodeOf(err)
		if _, cerr := s.change(ctx, p.ID, func(p Payment, _ []Refund) (Change, error) { return p.Refuse(reason, s.Now()) }); cerr != nil {
			return Payment{}, cerr
		}
		return Payment{}, err
	}
	if err != nil {
		return Payment{}, err
	}
	return s.observe(ctx, p.ID, in)
}

// final reports whether an error is a final refusal.
func final(err error) bool {
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Invalid, fault.NotFound:
		return true
	}
	return false
}

func (s Service) observe(ctx context.Context, id uuid.UUID, in Intent) (Payment, error) {
	return s.change(ctx, id, func(p Payment, _ []Refund) (Change, error) { return p.Observe(in, s.Now()) })
}

// Capture takes the money. ErrNotAuthorized and ErrOver when it cannot.
func (s Service) Capture(ctx context.Context, id uuid.UUID) (Payment, error) {
	p, err := s.Store.Get(ctx, id)
	if err != nil {
		return Payment{}, err
	}
	switch {
	case p.Status == Captured || p.Status == Refunded:
		return p, nil
	case p.Status == Voided:
		return Payment{}, ErrOver
	case p.free():
		return s.change(ctx, id, onlyIn(Authorized, func(p Payment) Change { return p.CaptureFree(s.Now()) }))
	case p.Intent == "":
		return Payment{}, ErrNotAuthorized
	}
	in, err := s.Provider.CaptureIntent(ctx, p.Intent)
	if p, err = s.settle(ctx, p, in, err); err != nil {
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

// settle stores the result of a call to the provider. After a refusal it reads the intent: what was refused
// may have been done before, or undone.
func (s Service) settle(ctx context.Context, p Payment, in Intent, err error) (Payment, error) {
	if final(err) {
		in, err = s.Reader.Intent(ctx, p.Intent)
	}
	if err != nil {
		return Payment{}, err
	}
	return s.observe(ctx, p.ID, in)
}

// Void cancels a payment whose money was not taken. ErrCaptured when it was.
func (s Service) Void(ctx context.Context, id uuid.UUID) (Payment, error) {
	p, err := s.Store.Get(ctx, id)
	if err != nil {
		return Payment{}, err
	}
	switch {
	case p.Status == Voided:
		return p, nil
	case p.Status == Captured || p.Status == Refunded:
		return Payment{}, ErrCaptured
	case p.free():
		return s.change(ctx, id, func(p Payment, _ []Refund) (Change, error) { return p.Refuse("abandoned", s.Now()) })
	case p.Intent == "":
		// The provider may have created the intent nevertheless. The idempotency key finds it.
		if p, err = s.prepare(ctx, p); err != nil {
			if final(err) {
				return s.Store.Get(ctx, id)
			}
			return Payment{}, err
		}
	}
	in, err := s.Provider.CancelIntent(ctx, p.Intent)
	if p, err = s.settle(ctx, p, in, err); err != nil {
		return Payment{}, err
	}
	switch p.Status {
	case Voided:
		return p, nil
	case Captured, Refunded:
		return Payment{}, ErrCaptured
	}
	return Payment{}, fault.Away("payment provider", nil) // it refused, and the intent is open: the caller retries
}

// OfBooking returns a booking's payments, oldest first. It is called before a booking ends, so payments
// that wait for the buyer are read from the provider: a webhook may have been lost.
func (s Service) OfBooking(ctx context.Context, booking uuid.UUID) ([]Payment, error) {
	found, err := s.Store.OfBooking(ctx, booking)
	if err != nil {
		return nil, err
	}
	for i, p := range found {
		if p.Status != Pending {
			continue
		}
		in, err := s.Reader.Intent(ctx, p.Intent)
		if err != nil {
			return nil, err
		}
		if found[i], err = s.observe(ctx, p.ID, in); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Refund gives money back. A refund with the same id is the same refund.
func (s Service) Refund(ctx context.Context, id uuid.UUID, want Refund) (Refund, error) {
	var r Refund
	p, err := s.change(ctx, id, func(p Payment, have []Refund) (c Change, err error) {
		c, r, err = p.Request(have, want, s.Now())
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
	return s.makeRefund(ctx, p, r)
}

// makeRefund has the provider make an attempt of a stored refund.
func (s Service) makeRefund(ctx context.Context, p Payment, r Refund) (Refund, error) {
	seen, err := s.Provider.CreateRefund(ctx, p, r)
	if final(err) {
		seen, err = s.findRefused(ctx, p, r, fault.CodeOf(err))
	}
	if err != nil {
		return Refund{}, err
	}
	after := r
	_, err = s.change(ctx, p.ID, func(p Payment, have []Refund) (Change, error) {
		c, err := p.observeRefunds(have, []ProviderRefund{seen}, s.Now())
		for _, x := range slices.Concat(have, c.Refunds) {
			if x.ID == r.ID {
				after = x
			}
		}
		return c, err
	})
	return after, err
}

// retryRefund makes the next attempt of a refund that is due.
func (s Service) retryRefund(ctx context.Context, payment, id uuid.UUID) error {
	var r *Refund
	p, err := s.change(ctx, payment, func(p Payment, have []Refund) (Change, error) {
		for _, x := range have {
			if x.ID == id && x.Status == RefundRetrying && x.NextTry != nil && !s.Now().Before(*x.NextTry) {
				c, next := p.retry(x, s.Now())
				r = &next
				return c, nil
			}
		}
		return Change{Payment: p}, nil // another replica did it
	})
	if err != nil || r == nil {
		return err
	}
	_, err = s.makeRefund(ctx, p, *r)
	return err
}

// ChangeRefund applies an admin's decision to a refund.
func (s Service) ChangeRefund(ctx context.Context, payment, id uuid.UUID, act func(Payment, Refund) (Change, error)) (Refund, error) {
	var after Refund
	p, err := s.change(ctx, payment, func(p Payment, have []Refund) (Change, error) {
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

// findRefused looks for a refund that was refused: the provider may have made it before it forgot the
// idempotency key.
func (s Service) findRefused(ctx context.Context, p Payment, r Refund, refusal string) (ProviderRefund, error) {
	all, err := s.Reader.RefundsOf(ctx, p.Intent)
	if err != nil {
		return ProviderRefund{}, err
	}
	for _, seen := range all {
		if seen.isAttemptOf(r) {
			return seen, nil
		}
	}
	return ProviderRefund{Refund: r.ID, Attempt: r.Attempt, Status: RefundFailed, Failure: refusal}, nil
}

// isAttemptOf reports whether the provider's refund is the last attempt of a refund.
func (s ProviderRefund) isAttemptOf(r Refund) bool {
	return s.Refund == r.ID && max(s.Attempt, 1) == max(r.Attempt, 1) || s.ID != "" && s.ID == r.Provider
}

// observeRefunds applies the provider's state of a payment's refunds.
func (p Payment) observeRefunds(have []Refund, seen []ProviderRefund, now time.Time) (Change, error) {
	all := Change{Payment: p}
	for _, r := range have {
		for _, s := range seen {
			if !s.isAttemptOf(r) {
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
