package payment

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/leased"
)

// DuePayments knows which payments are due to be looked after.
type DuePayments interface {
	// Due leases payments whose time has come, so that replicas do not do the same work.
	Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Payment, error)
	OpenRefunds(ctx context.Context, payment uuid.UUID) ([]Refund, error)
	// Postpone counts a look that came to nothing, and says when the next one is due.
	Postpone(ctx context.Context, payment uuid.UUID, next time.Time) error
}

// Poller asks the provider about payments that no webhook came for, and finishes what a crash
// interrupted.
type Poller struct {
	Due     DuePayments
	Service Service
	Reader  Reader
	Failed  func(context.Context) // told of each look that came to nothing; may be nil
}

// Bounds of the poller's work.
const (
	attendEvery = time.Second
	attendants  = 4
	alarmLooks  = 10 // looks in a row that came to nothing, an hour and a half of them

	// AttendTimeout is for one payment: an intent, its refunds, and one that is asked for again.
	AttendTimeout = 30 * time.Second
)

// Run looks after payments until ctx ends.
func (a Poller) Run(ctx context.Context) error {
	return leased.Queue[Payment]{
		Name: "payments", Workers: attendants, Every: attendEvery, Timeout: AttendTimeout,
		Take: func(ctx context.Context, lease time.Duration, limit int) ([]Payment, error) {
			return a.Due.Due(ctx, a.Service.Now(), lease, limit)
		},
		Do: a.look,
	}.Run(ctx)
}

// look attends to one payment. One that cannot be attended to is looked at ever more rarely, so
// that it takes no time from the others; the reconciliation puts it before an admin.
func (a Poller) look(ctx context.Context, p Payment) error {
	err := a.Attend(ctx, p)
	if err == nil {
		return nil
	}
	if a.Failed != nil {
		a.Failed(ctx)
	}
	log := slog.WarnContext
	if p.Looks+1 >= alarmLooks {
		log = slog.ErrorContext
	}
	log(ctx, "payment not looked after", "payment", p.ID, "status", p.Status, "looks", p.Looks+1, "error", err)
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	return a.Due.Postpone(note, p.ID, a.Service.Now().Add(pause(p.Looks+1)))
}

const noteTimeout = 5 * time.Second

// Attend brings one payment up to date.
func (a Poller) Attend(ctx context.Context, p Payment) error {
	if p.Intent == "" {
		return nil // whoever wants it asks again; the reconciliation finds what was forgotten
	}
	open, err := a.Due.OpenRefunds(ctx, p.ID)
	if err != nil {
		return err
	}
	if err := a.refresh(ctx, p, len(open) > 0); err != nil {
		return err
	}
	for _, r := range open {
		switch r.Status {
		case RefundRequested:
			_, err = a.Service.Refund(ctx, p.ID, r)
		case RefundRetrying:
			err = a.Service.retryRefund(ctx, p.ID, r.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refresh asks the provider for a payment and, if wanted, its refunds, and takes the answer in.
func (a Poller) refresh(ctx context.Context, p Payment, withRefunds bool) error {
	in, err := a.Reader.Intent(ctx, p.Intent)
	if err != nil {
		return err
	}
	var refunds []ProviderRefund
	if withRefunds {
		if refunds, err = a.Reader.RefundsOf(ctx, p.Intent); err != nil {
			return err
		}
	}
	_, err = a.Service.change(ctx, p.ID, func(p Payment, have []Refund) (Change, error) {
		p.Looks++
		before := p.Status
		c, err := p.observe(in, have, refunds, a.Service.Now())
		if err == nil && before == Authorized && c.Payment.Status == Authorized {
			c.notify(NoticeAuthorized, p.Amount.Amount) // nobody took the money: perhaps nobody heard
		}
		return c, err
	})
	return err
}
