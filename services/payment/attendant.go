package payment

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
)

// Diary knows which payments are due to be looked after.
type Diary interface {
	// Due leases payments whose time has come, so that replicas do not do the same work.
	Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Payment, error)
	OpenRefunds(ctx context.Context, payment uuid.UUID) ([]Refund, error)
}

// Attendant asks the provider about payments that no webhook came for, and finishes what a crash
// interrupted.
type Attendant struct {
	Diary  Diary
	Till   Till
	Reader Reader
}

// Bounds of the attendant's work.
const (
	attendEvery = time.Second
	attendBatch = 20
	attendLease = 30 * time.Second
)

// Run looks after payments until ctx ends.
func (a Attendant) Run(ctx context.Context) error {
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		due, err := a.Diary.Due(ctx, a.Till.Now(), attendLease, attendBatch)
		if err != nil {
			if ctx.Err() == nil {
				slog.WarnContext(ctx, "payments not looked after", "error", err)
			}
			continue
		}
		for _, p := range due {
			if err := a.Attend(ctx, p); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "payment not looked after", "payment", p.ID, "status", p.Status, "error", err)
			}
		}
	}
}

// Attend brings one payment up to date.
func (a Attendant) Attend(ctx context.Context, p Payment) error {
	if p.Intent == "" {
		return nil // whoever wants it asks again; the reconciliation finds what was forgotten
	}
	open, err := a.Diary.OpenRefunds(ctx, p.ID)
	if err != nil {
		return err
	}
	if err := a.refresh(ctx, p, len(open) > 0); err != nil {
		return err
	}
	for _, r := range open {
		if r.Status != RefundRequested {
			continue
		}
		if _, err := a.Till.Refund(ctx, p.ID, r); err != nil {
			return err
		}
	}
	return nil
}

// refresh asks the provider for a payment and, if wanted, its refunds, and takes the answer in.
func (a Attendant) refresh(ctx context.Context, p Payment, withRefunds bool) error {
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
	_, err = a.Till.change(ctx, p.ID, func(p Payment, have []Refund) (Change, error) {
		p.Looks++
		before := p.Status
		c, err := p.observe(in, have, refunds, a.Till.Now())
		if err == nil && before == Authorized && c.Payment.Status == Authorized {
			c.notify(NoticeAuthorized, p.Amount.Amount) // nobody took the money: perhaps nobody heard
		}
		return c, err
	})
	return err
}
