package payment

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
)

// What a webhook is refused with.
var (
	ErrUnsigned       = fault.New(fault.Malformed, "webhook_not_signed", "The signature is missing, invalid, or too old.")
	ErrSuspect        = fault.New(fault.Invalid, "webhook_mismatch", "The webhook does not match the payment. The mismatch was reported.")
	ErrSeen           = errors.New("this webhook had its effect")
	errIntentNotFound = errors.New("the intent is not there")
)

// Webhook is a signed webhook. What it says about an object is only checked; the object's state is read
// from the provider.
type Webhook struct {
	ID      string
	Type    string
	Account string // a connected account; empty for our own
	Live    bool
	Intent  string // the intent it is about; empty: none of ours
	Refunds bool   // it is about refunds
	Dispute bool
	Reached IntentStatus // the status that the intent has reached at least, by the type; empty: unknown

	// What it claims about the object, where it does.
	Amount  *money.Money
	Payment uuid.UUID
	Booking uuid.UUID
	Buyer   string
}

// Receipt records a webhook, so that it has one effect however often it is delivered.
type Receipt struct {
	ID      string
	Type    string
	Payment *uuid.UUID
	Outcome Outcome
	Reason  string
	At      time.Time
}

// Outcome is the result of a webhook.
type Outcome string

// The outcomes.
const (
	Applied Outcome = "applied"
	Ignored Outcome = "ignored" // not about a payment of ours
	Refused Outcome = "refused" // its claims do not match the payment
	Noted   Outcome = "noted"   // for people to act on
)

// InboxStore stores receipts.
type InboxStore interface {
	// Find returns the receipt of a webhook and the payment it is about; nil for what there is not.
	Find(ctx context.Context, webhook, intent string, payment uuid.UUID) (*Receipt, *Payment, error)
	Save(ctx context.Context, r Receipt) error // the first one of an id counts
}

// WebhookHandler applies webhooks.
type WebhookHandler struct {
	Inbox  InboxStore
	Store  Store
	Reader Reader
	Live   bool // whether our keys move real money
	Now    func() time.Time

	// Flights has simultaneous deliveries of one webhook share one read from the provider.
	Flights *singleflight.Group
}

// Receive applies a webhook whose signature was verified. ErrSuspect when its claims do not match.
func (h WebhookHandler) Receive(ctx context.Context, m Webhook) error {
	_, err, _ := h.Flights.Do(m.ID, func() (any, error) { return nil, h.receive(ctx, m) })
	return err
}

func (h WebhookHandler) receive(ctx context.Context, m Webhook) error {
	seen, found, err := h.Inbox.Find(ctx, m.ID, m.Intent, m.Payment)
	if err != nil {
		return err
	}
	if seen != nil {
		if seen.Outcome == Refused {
			return ErrSuspect
		}
		return nil
	}
	receipt := Receipt{ID: m.ID, Type: m.Type, Outcome: Ignored, At: h.Now()}
	if found == nil {
		return h.Inbox.Save(ctx, receipt)
	}
	p := *found
	receipt.Payment = &p.ID
	if what := h.falseClaim(p, m); what != "" {
		return h.refuse(ctx, receipt, what)
	}
	if stale(p, m) {
		receipt.Outcome = Applied
		return h.Inbox.Save(ctx, receipt)
	}
	in, refunds, err := h.refetch(ctx, p, m)
	if errors.Is(err, errIntentNotFound) {
		return h.refuse(ctx, receipt, "intent")
	}
	if err != nil {
		return err
	}
	receipt.Outcome = Applied
	if m.Dispute {
		receipt.Outcome, receipt.Reason = Noted, "disputed"
	}
	_, err = change(ctx, h.Store, h.Now, p.ID, func(p Payment, have []Refund) (Change, error) {
		c, err := p.observe(in, have, refunds, h.Now())
		c.Receipt = &receipt
		return c, err
	})
	switch {
	case errors.Is(err, ErrSeen):
		return nil
	case errors.Is(err, ErrMismatch):
		return h.refuse(ctx, receipt, mismatch(err))
	}
	return err
}

// observe applies an intent and its refunds.
func (p Payment) observe(in Intent, have []Refund, seen []ProviderRefund, now time.Time) (Change, error) {
	c, err := p.Observe(in, now)
	if err != nil {
		return c, err
	}
	r, err := c.Payment.observeRefunds(have, seen, now)
	if err != nil {
		return r, err
	}
	c.merge(r)
	return c, nil
}

func mismatch(err error) string {
	f, _ := errors.AsType[*fault.Error](err)
	what, _ := f.Fields["what"].(string)
	return what
}

// falseClaim names the claim of a webhook that does not match the payment; "" when all do.
func (h WebhookHandler) falseClaim(p Payment, m Webhook) string {
	switch {
	case m.Account != "":
		return "connected_account"
	case m.Live != h.Live:
		return "livemode"
	case p.Intent != "" && m.Intent != p.Intent:
		return "intent"
	case m.Payment != uuid.Nil && m.Payment != p.ID || m.Booking != uuid.Nil && m.Booking != p.Booking:
		return "booking"
	case m.Buyer != "" && !p.boughtBy(m.Buyer):
		return "account"
	case m.Amount != nil && m.Amount.Currency != p.Amount.Currency:
		return "currency"
	case m.Amount != nil && m.Amount.Amount != p.Amount.Amount:
		return "amount"
	}
	return ""
}

// stale reports whether a webhook can bring nothing new: most arrive while our own call is being answered.
func stale(p Payment, m Webhook) bool {
	switch m.Reached {
	case IntentAuthorized:
		return p.Status == Authorized || p.Status == Captured || p.Status == Refunded || p.Status == Voided
	case IntentCaptured:
		return (p.Status == Captured || p.Status == Refunded) && p.Settled
	case IntentCanceled:
		return p.Status == Voided
	}
	return false
}

func (h WebhookHandler) refuse(ctx context.Context, r Receipt, what string) error {
	r.Outcome, r.Reason = Refused, what
	slog.ErrorContext(ctx, "webhook refused", "webhook", r.ID, "type", r.Type, "payment", r.Payment, "mismatch", what)
	if err := h.Inbox.Save(ctx, r); err != nil {
		return err
	}
	return ErrSuspect
}

func (h WebhookHandler) refetch(ctx context.Context, p Payment, m Webhook) (Intent, []ProviderRefund, error) {
	in, err := h.Reader.Intent(ctx, m.Intent)
	if fault.KindOf(err) == fault.NotFound {
		return Intent{}, nil, errIntentNotFound
	}
	if err != nil || !m.Refunds || p.Captured == 0 {
		return in, nil, err
	}
	refunds, err := h.Reader.RefundsOf(ctx, m.Intent)
	return in, refunds, err
}
