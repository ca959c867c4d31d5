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
	ErrUnsigned  = fault.New(fault.Malformed, "webhook_not_signed", "The signature is missing, invalid, or too old.")
	ErrSuspect   = fault.New(fault.Invalid, "webhook_mismatch", "The webhook does not match the payment. The mismatch was reported.")
	ErrSeen      = errors.New("this webhook had its effect")
	errForgotten = errors.New("the intent is not there")
)

// Message is a signed webhook. What it says of the object is a claim to check, not the news:
// the object is asked for again.
type Message struct {
	ID      string
	Type    string
	Account string // of a connected account; ours are not
	Live    bool
	Intent  string // what it is about; empty: nothing of ours
	Refunds bool   // it is about refunds
	Dispute bool
	News    IntentStatus // what the intent has come to at least, going by the type; empty: it does not say

	// What it claims, where it says so.
	Amount  *money.Money
	Payment uuid.UUID
	Booking uuid.UUID
	Buyer   string
}

// Receipt is the memory of a webhook: one effect, however often it comes.
type Receipt struct {
	ID      string
	Type    string
	Payment *uuid.UUID
	Outcome Outcome
	Reason  string
	At      time.Time
}

// Outcome is what came of a webhook.
type Outcome string

// The outcomes.
const (
	Applied Outcome = "applied"
	Ignored Outcome = "ignored" // not about a payment of ours
	Refused Outcome = "refused" // not what was asked for
	Noted   Outcome = "noted"   // for people to act on
)

// InboxStore keeps receipts.
type InboxStore interface {
	// Look finds, at once, the receipt of a webhook and the payment it is about, where they are there.
	Look(ctx context.Context, webhook, intent string, payment uuid.UUID) (*Receipt, *Payment, error)
	Keep(ctx context.Context, r Receipt) error // at most once an id
}

// WebhookHandler takes webhooks in.
type WebhookHandler struct {
	Inbox  InboxStore
	Store  Store
	Reader Reader
	Live   bool // whether our keys move real money
	Now    func() time.Time

	// Flights has deliveries of one webhook at one time share one look at the provider.
	Flights *singleflight.Group
}

// Receive acts on a webhook whose signature was good.
func (d WebhookHandler) Receive(ctx context.Context, m Message) error {
	_, err, _ := d.Flights.Do(m.ID, func() (any, error) { return nil, d.receive(ctx, m) })
	return err
}

func (d WebhookHandler) receive(ctx context.Context, m Message) error {
	seen, found, err := d.Inbox.Look(ctx, m.ID, m.Intent, m.Payment)
	if err != nil {
		return err
	}
	if seen != nil {
		if seen.Outcome == Refused {
			return ErrSuspect
		}
		return nil
	}
	receipt := Receipt{ID: m.ID, Type: m.Type, Outcome: Ignored, At: d.Now()}
	if found == nil {
		return d.Inbox.Keep(ctx, receipt)
	}
	p := *found
	receipt.Payment = &p.ID
	if what := d.suspect(p, m); what != "" {
		return d.refuse(ctx, receipt, what)
	}
	if old(p, m) {
		receipt.Outcome = Applied
		return d.Inbox.Keep(ctx, receipt)
	}
	in, refunds, err := d.refetch(ctx, p, m)
	if errors.Is(err, errForgotten) {
		return d.refuse(ctx, receipt, "intent")
	}
	if err != nil {
		return err
	}
	receipt.Outcome = Applied
	if m.Dispute {
		receipt.Outcome, receipt.Reason = Noted, "disputed"
	}
	_, err = change(ctx, d.Store, d.Now, p.ID, func(p Payment, have []Refund) (Change, error) {
		c, err := p.observe(in, have, refunds, d.Now())
		c.Receipt = &receipt
		return c, err
	})
	switch {
	case errors.Is(err, ErrSeen):
		return nil
	case errors.Is(err, ErrMismatch):
		return d.refuse(ctx, receipt, mismatch(err))
	}
	return err
}

// observe takes in an intent and its refunds.
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

// suspect names what a webhook claims that is not so.
func (d WebhookHandler) suspect(p Payment, m Message) string {
	switch {
	case m.Account != "":
		return "connected_account"
	case m.Live != d.Live:
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

// old tells whether a webhook can bring nothing that is not known: most come while our own call
// is being answered.
func old(p Payment, m Message) bool {
	switch m.News {
	case IntentAuthorized:
		return p.Status == Authorized || p.Status == Captured || p.Status == Refunded || p.Status == Voided
	case IntentCaptured:
		return (p.Status == Captured || p.Status == Refunded) && p.Settled
	case IntentCanceled:
		return p.Status == Voided
	}
	return false
}

func (d WebhookHandler) refuse(ctx context.Context, r Receipt, what string) error {
	r.Outcome, r.Reason = Refused, what
	slog.ErrorContext(ctx, "webhook refused", "webhook", r.ID, "type", r.Type, "payment", r.Payment, "mismatch", what)
	if err := d.Inbox.Keep(ctx, r); err != nil {
		return err
	}
	return ErrSuspect
}

func (d WebhookHandler) refetch(ctx context.Context, p Payment, m Message) (Intent, []ProviderRefund, error) {
	in, err := d.Reader.Intent(ctx, m.Intent)
	if fault.KindOf(err) == fault.NotFound {
		return Intent{}, nil, errForgotten
	}
	if err != nil || !m.Refunds || p.Captured == 0 {
		return in, nil, err
	}
	refunds, err := d.Reader.RefundsOf(ctx, m.Intent)
	return in, refunds, err
}
