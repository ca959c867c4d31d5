package payment

import (
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
)

// RefundStatus is the state of a refund.
type RefundStatus string

// The statuses of a refund. One that succeeded may still fail: the bank sends the money back.
const (
	RefundRequested RefundStatus = "requested" // stored here; the provider may not know it yet
	RefundPending   RefundStatus = "pending"
	RefundSucceeded RefundStatus = "succeeded"
	RefundRetrying  RefundStatus = "retrying" // an attempt failed; the next one is due at NextTry
	RefundFailed    RefundStatus = "failed"   // for good
)

// Refund gives a payment back, or part of it. Its id is the caller's: requested twice, it is one refund.
// Amount is in minor units.
type Refund struct {
	ID        uuid.UUID
	Payment   uuid.UUID
	Amount    int64
	Reason    string
	Provider  string // the provider's id; empty while it is unknown
	Status    RefundStatus
	Failure   string
	CreatedAt time.Time
	UpdatedAt time.Time

	Attempt int        // counts from one; each has an idempotency key of its own
	Owed    bool       // the money must go back: a failed attempt is followed by another
	NextTry *time.Time // while retrying

	ResolvedAt *time.Time // an admin gave the money back by other means
	Resolution string     // how
}

// open reports whether the refund has not ended.
func (r Refund) open() bool {
	return r.Status == RefundRequested || r.Status == RefundPending || r.Status == RefundRetrying
}

// Owing reports whether a refund is owed, failed for good, and waits for an admin.
func (r Refund) Owing() bool { return r.Owed && r.Status == RefundFailed && r.ResolvedAt == nil }

// retryAfter is how long after each failed attempt of a refund that is owed the next one is made. A
// failure that was the bank's passes soon or within hours; one that stays is for a person.
var retryAfter = []time.Duration{15 * time.Second, 15 * time.Minute, 6 * time.Hour}

// ProviderRefund is a refund as the provider has it.
type ProviderRefund struct {
	ID        string
	Intent    string
	Amount    money.Money
	Status    RefundStatus
	Failure   string
	Refund    uuid.UUID // what we wrote on it
	Attempt   int       // likewise
	CreatedAt time.Time
}

// Request notes a refund that is to be made; asked for again it finds what there is.
func (p Payment) Request(have []Refund, want Refund, now time.Time) (Change, Refund, error) {
	c := Change{Payment: p}
	left := p.Captured
	for _, r := range have {
		if r.ID == want.ID {
			if r.Amount != want.Amount {
				return c, r, ErrRefundDiffers
			}
			return c, r, nil
		}
		if r.Status != RefundFailed || r.ResolvedAt != nil {
			left -= r.Amount
		}
	}
	switch {
	case p.Status != Captured && p.Status != Refunded:
		return c, want, ErrNotCaptured
	case want.Amount < 0 || want.Amount > left || want.Amount == 0 && !p.free():
		return c, want, ErrRefundTooLarge
	}
	want.Payment, want.Status, want.CreatedAt, want.UpdatedAt, want.Attempt = p.ID, RefundRequested, now, now, 1
	c.Refunds = append(c.Refunds, want)
	if p.free() {
		return p.freeRefund(want, now), want, nil
	}
	c.Transfers = append(c.Transfers, refundRequested(p, want))
	c.Payment.PollCount = 0
	return c, want, nil
}

func (p Payment) freeRefund(r Refund, now time.Time) Change {
	r.Status = RefundSucceeded
	c := Change{Payment: p, Refunds: []Refund{r}, Notices: []Notice{{Kind: NoticeRefunded, Refund: &r.ID}}}
	c.Payment.Status, c.Payment.UpdatedAt = Refunded, now
	return c
}

// ObserveRefund applies the provider's state of a refund. An older state than the known changes nothing.
func (p Payment) ObserveRefund(r Refund, seen ProviderRefund, now time.Time) (Change, error) {
	c := Change{Payment: p}
	if seen.Status != RefundFailed && (seen.Amount.Amount != r.Amount || seen.Amount.Currency != p.Amount.Currency) {
		return c, ErrMismatch.With("what", "refund")
	}
	was := r.Status
	if seen.ID != "" {
		r.Provider = seen.ID
	}
	id := r.ID
	switch {
	case was == RefundFailed, was == RefundRetrying, was == RefundSucceeded && seen.Status != RefundFailed:
		return c, nil // nothing new
	case seen.Status == RefundSucceeded:
		r.Status, r.Owed = RefundSucceeded, true // what it was for is gone
		c.Payment.Refunded += r.Amount
		c.Notices = append(c.Notices, Notice{Kind: NoticeRefunded, Amount: r.Amount, Refund: &id, Attempt: r.Attempt})
		c.Transfers = append(c.Transfers, refundSettled(p, r))
	case seen.Status == RefundFailed:
		r.Failure = seen.Failure
		kind := r.fail(now)
		c.Notices = append(c.Notices, Notice{Kind: kind, Amount: r.Amount, Refund: &id, Attempt: r.Attempt, Reason: seen.Failure})
		c.Transfers = append(c.Transfers, refundFailed(p, r, was == RefundSucceeded))
		if was == RefundSucceeded {
			c.Payment.Refunded -= r.Amount
		}
	default:
		r.Status = RefundPending
	}
	r.UpdatedAt = now
	c.Refunds = append(c.Refunds, r)
	if c.Payment.Refunded == c.Payment.Captured {
		c.Payment.Status = Refunded
	} else {
		c.Payment.Status = Captured
	}
	c.Payment.touch(p, now)
	return c, nil
}

// fail ends an attempt and plans the next one, if there is one.
func (r *Refund) fail(now time.Time) NoticeKind {
	if r.Attempt = max(r.Attempt, 1); !r.Owed || r.Attempt > len(retryAfter) {
		r.Status = RefundFailed
		return NoticeRefundFailed
	}
	next := now.Add(retryAfter[r.Attempt-1])
	r.Status, r.NextTry = RefundRetrying, &next
	return NoticeRefundDelayed
}

// Refusals to an admin.
var (
	ErrRefundNotFound = fault.New(fault.NotFound, "refund_not_found", "The refund does not exist.")
	ErrNotOwing       = fault.New(fault.Conflict, "refund_not_owing", "The refund does not need an admin.")
)

// retry begins the next attempt of a refund.
func (p Payment) retry(r Refund, now time.Time) (Change, Refund) {
	r.Attempt++
	r.Status, r.Provider, r.NextTry, r.UpdatedAt = RefundRequested, "", nil, now
	c := Change{Payment: p, Refunds: []Refund{r}, Transfers: []Transfer{refundRequested(p, r)}}
	c.Payment.PollCount = 0
	return c, r
}

// Reopen retries a refund that failed for good, at once. ErrNotOwing when it does not wait for an admin.
func (p Payment) Reopen(r Refund, now time.Time) (Change, error) {
	if !r.Owing() {
		return Change{Payment: p}, ErrNotOwing
	}
	r.Status, r.NextTry, r.UpdatedAt = RefundRetrying, &now, now
	return Change{Payment: p, Refunds: []Refund{r}}, nil
}

// Resolve records that the money of a refund that failed for good was returned by other means. ErrNotOwing
// when it does not wait for an admin.
func (p Payment) Resolve(r Refund, how string, now time.Time) (Change, error) {
	if !r.Owing() {
		return Change{Payment: p}, ErrNotOwing
	}
	r.ResolvedAt, r.Resolution, r.UpdatedAt = &now, how, now
	return Change{
		Payment: p, Refunds: []Refund{r}, Transfers: []Transfer{refundResolved(p, r)},
		Notices: []Notice{{Kind: NoticeRefunded, Amount: r.Amount, Refund: &r.ID, Attempt: r.Attempt}},
	}, nil
}
