package payment

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// DuePayments stores when payments are due to be polled.
type DuePayments interface {
	// Due leases payments that are due, so that replicas do not poll the same ones.
	Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Payment, error)
	OpenRefunds(ctx context.Context, payment uuid.UUID) ([]Refund, error)
	// Postpone counts a failed poll, and sets when the next one is due.
	Postpone(ctx context.Context, payment uuid.UUID, next time.Time) error
}

// Poller reads payments from the provider that no webhook came for, and finishes refunds that a crash
// interrupted.
type Poller struct {
	Due     DuePayments
	Service Service
	Reader  Reader
	Failed  func(context.Context) // called for each failed poll; may be nil
}

// Bounds of polling.
const (
	pollEvery   = time.Second
	pollWorkers = 4
	alarmPolls  = 10 // failed polls in a row before they are logged as errors: an hour and a half

	// PollTimeout is for one payment: an intent, its refunds, and one that is asked for again.
	PollTimeout = 30 * time.Second
)

// Run polls due payments until ctx ends.
func (a Poller) Run(ctx context.Context) error {
	return worker.LeasedQueue[Payment]{
		Name: "payments", Workers: pollWorkers, Every: pollEvery, Timeout: PollTimeout,
		Take: func(ctx context.Context, lease time.Duration, limit int) ([]Payment, error) {
			return a.Due.Due(ctx, a.Service.Now(), lease, limit)
		},
		Do: a.pollOne,
	}.Run(ctx)
}

// pollOne polls one payment. After failures it is polled less and less often, so that it takes no time
// from the others; the reconciliation reports it to an admin.
func (a Poller) pollOne(ctx context.Context, p Payment) error {
	err := a.Poll(ctx, p)
	if err == nil {
		return nil
	}
	if a.Failed != nil {
		a.Failed(ctx)
	}
	log := slog.WarnContext
	if p.PollCount+1 >= alarmPolls {
		log = slog.ErrorContext
	}
	log(ctx, "payment not polled", "payment", p.ID, "status", p.Status, "polls", p.PollCount+1, "error", err)
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), postponeTimeout)
	defer cancel()
	return a.Due.Postpone(note, p.ID, a.Service.Now().Add(pollDelay(p.PollCount+1)))
}

const postponeTimeout = 5 * time.Second

// Poll brings one payment and its open refunds up to date.
func (a Poller) Poll(ctx context.Context, p Payment) error {
	if p.Intent == "" {
		return nil // the booking requests it again; the reconciliation finds abandoned ones
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

// refresh reads a payment and, if wanted, its refunds from the provider, and stores the result.
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
		p.PollCount++
		before := p.Status
		c, err := p.observe(in, have, refunds, a.Service.Now())
		if err == nil && before == Authorized && c.Payment.Status == Authorized {
			c.notify(NoticeAuthorized, p.Amount.Amount) // the money was not captured: the notice may have been lost
		}
		return c, err
	})
	return err
}
