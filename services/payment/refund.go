package payment

import (
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/money"
)

// RefundStatus is what a refund has come to.
type RefundStatus string

// The statuses of a refund. One that succeeded may still fail: the bank sends the money back.
const (
	RefundRequested RefundStatus = "requested" // noted here; the provider may not know of it yet
	RefundPending   RefundStatus = "pending"
	RefundSucceeded RefundStatus = "succeeded"
	RefundFailed    RefundStatus = "failed"
)

// Refund gives part of a payment back. Its id is the caller's: asked for twice, it is one refund.
type Refund struct {
	ID        uuid.UUID
	Payment   uuid.UUID
	Amount    int64
	Reason    string
	Provider  string // the provider's id; empty while it may not know
	Status    RefundStatus
	Failure   string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// open tells whether the refund is still to come to its end.
func (r Refund) open() bool { return r.Status == RefundRequested || r.Status == RefundPending }

// ProviderRefund is a refund as the provider has it.
type ProviderRefund struct {
	ID        string
	Intent    string
	Amount    money.Money
	Status    RefundStatus
	Failure   string
	Refund    uuid.UUID // what we wrote on it
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
		if r.Status != RefundFailed {
			left -= r.Amount
		}
	}
	switch {
	case p.Status != Captured && p.Status != Refunded:
		return c, want, ErrNotCaptured
	case want.Amount < 0 || want.Amount > left || want.Amount == 0 && !p.free():
		return c, want, ErrRefundTooLarge
	}
	want.Payment, want.Status, want.CreatedAt, want.UpdatedAt = p.ID, RefundRequested, now, now
	c.Refunds = append(c.Refunds, want)
	if p.free() {
		return p.freeRefund(want, now), want, nil
	}
	c.Transfers = append(c.Transfers, refundRequested(p, want))
	c.Payment.Looks = 0
	return c, want, nil
}

func (p Payment) freeRefund(r Refund, now time.Time) Change {
	r.Status = RefundSucceeded
	c := Change{Payment: p, Refunds: []Refund{r}, Notices: []Notice{{Kind: NoticeRefunded, Refund: &r.ID}}}
	c.Payment.Status, c.Payment.UpdatedAt = Refunded, now
	return c
}

// ObserveRefund takes in what the provider says of a refund. It may be old news.
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
	case was == RefundFailed, was == RefundSucceeded && seen.Status != RefundFailed:
		return c, nil // nothing new
	case seen.Status == RefundSucceeded:
		r.Status = RefundSucceeded
		c.Payment.Refunded += r.Amount
		c.Notices = append(c.Notices, Notice{Kind: NoticeRefunded, Amount: r.Amount, Refund: &id})
		c.Transfers = append(c.Transfers, refundSettled(p, r))
	case seen.Status == RefundFailed:
		r.Status, r.Failure = RefundFailed, seen.Failure
		c.Notices = append(c.Notices, Notice{Kind: NoticeRefundFailed, Amount: r.Amount, Refund: &id, Reason: seen.Failure})
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
