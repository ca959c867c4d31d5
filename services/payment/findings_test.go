package payment

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/money"
)

// Each case takes books that agree and breaks one thing.
func TestCompare(t *testing.T) {
	type books struct {
		p  Payment
		in Intent
		k  BookingMoney
		r  *Refund
		s  *ProviderRefund
	}
	later := noon.Add(time.Hour)
	refunded := func(b *books, here, there RefundStatus) {
		b.r = &Refund{ID: uuid.New(), Payment: b.p.ID, Amount: 500, Provider: "re_1", Status: here, CreatedAt: noon, UpdatedAt: noon}
		b.s = &ProviderRefund{ID: "re_1", Intent: b.p.Intent, Amount: money.Money{Amount: 500, Currency: "EUR"}, Status: there, Refund: b.r.ID}
		b.k.Status = "refunding"
	}
	for name, c := range map[string]struct {
		change func(*books)
		want   FindingKind
		remedy Remedy
	}{
		"all agree": {func(*books) {}, "", Report},
		"a webhook of the authorisation got lost": {func(b *books) {
			b.p, b.in = withStatus(b.p, Pending), said(b.p, IntentAuthorized)
			b.k.Status = "awaiting_payment"
		}, Stuck, Apply},
		"a webhook of the capture got lost": {func(b *books) { b.p = withStatus(b.p, Authorized) }, Stuck, Apply},
		"a webhook of the end got lost": {func(b *books) {
			b.p, b.in = withStatus(b.p, Pending), said(b.p, IntentCanceled)
			b.k.Status = "expired"
		}, Stuck, Apply},
		"an answer got lost": {func(b *books) {
			b.p = withStatus(b.p, Preparing)
			b.p.Intent = ""
			b.in = said(b.p, IntentOpen)
			b.k.Status = "requested"
		}, Stuck, Apply},
		"not settled":                   {func(b *books) { b.p.Settled = false }, Stuck, Apply},
		"the booking failed":            {func(b *books) { b.k.Status = "failed" }, CapturedWithoutBooking, Report},
		"the booking is not there":      {func(b *books) { b.k.Booking = uuid.New(); b.k.Status = "expired" }, CapturedWithoutBooking, Report},
		"the booking has not noticed":   {func(b *books) { b.k.Status = "awaiting_payment" }, CapturedWithoutBooking, Report},
		"confirmed and only authorised": {func(b *books) { b.p, b.in = withStatus(b.p, Authorized), said(b.p, IntentAuthorized) }, BookingWithoutCapture, Report},
		"confirmed and voided":          {func(b *books) { b.p, b.in = withStatus(b.p, Voided), said(b.p, IntentCanceled) }, BookingWithoutCapture, Report},
		"fenced and not taken": {func(b *books) {
			b.p, b.in = withStatus(b.p, Authorized), said(b.p, IntentAuthorized)
			b.k.Status = "secured"
		}, Stuck, Report},
		"the provider's amount":     {func(b *books) { b.in.Amount.Amount = 1 }, AmountMismatch, Report},
		"the provider's currency":   {func(b *books) { b.in.Amount.Currency = "USD" }, AmountMismatch, Report},
		"the amount taken":          {func(b *books) { b.in.Captured = 4000 }, AmountMismatch, Report},
		"the booking's amount":      {func(b *books) { b.k.Amount = 1 }, AmountMismatch, Report},
		"the booking is over, open": {func(b *books) { b.p, b.in = withStatus(b.p, Pending), said(b.p, IntentOpen); b.k.Status = "expired" }, OrphanIntent, Void},
		"the booking is over, authorised": {func(b *books) {
			b.p, b.in = withStatus(b.p, Authorized), said(b.p, IntentAuthorized)
			b.k.Status = "cancelled"
		}, OrphanIntent, Void},
		"a refund only there": {func(b *books) {
			refunded(b, RefundSucceeded, RefundSucceeded)
			b.s.Refund, b.s.ID = uuid.Nil, "re_2"
			b.r = nil
		}, RefundMissingHere, Report},
		"a refund only here": {func(b *books) {
			refunded(b, RefundSucceeded, RefundSucceeded)
			b.p.Refunded, b.k.Refunded = 500, 500
			b.s = nil
		}, RefundMissingThere, Report},
		"a refund never asked for":           {func(b *books) { refunded(b, RefundRequested, RefundSucceeded); b.s = nil }, RefundMissingThere, RefundAgain},
		"a refund's webhook got lost":        {func(b *books) { refunded(b, RefundPending, RefundSucceeded) }, Stuck, Apply},
		"a refund's failure got lost":        {func(b *books) { refunded(b, RefundSucceeded, RefundFailed); b.p.Refunded, b.k.Refunded = 500, 500 }, Stuck, Apply},
		"another amount was refunded":        {func(b *books) { refunded(b, RefundPending, RefundPending); b.s.Amount.Amount = 1 }, AmountMismatch, Report},
		"a refund only the booking knows":    {func(b *books) { b.k.Status, b.k.Refunded = "refunded", 4500 }, RefundMissingHere, Report},
		"a refund the booking does not know": {func(b *books) { b.p.Refunded = 500 }, RefundMissingHere, Report},
		"refunded, and the booking failed":   {func(b *books) { b.p.Refunded, b.p.Status = 4500, Refunded; b.k.Status = "failed" }, "", Report},
		"under way":                          {func(b *books) { b.k.Status, b.k.At, b.p.UpdatedAt = "awaiting_payment", later, later }, "", Report},
	} {
		t.Run(name, func(t *testing.T) {
			p := sample(Captured)
			b := books{p: p, in: said(p, IntentCaptured), k: BookingMoney{Booking: p.Booking, Payment: &p.ID, Status: "confirmed", Amount: 4500, Currency: "EUR", At: noon}}
			c.change(&b)
			all := Books{Intents: []Intent{b.in}, Payments: []Payment{b.p}, Bookings: []BookingMoney{b.k}}
			if b.r != nil {
				all.Refunds = append(all.Refunds, *b.r)
			}
			if b.s != nil {
				all.ProviderRefunds = append(all.ProviderRefunds, *b.s)
			}
			found := all.Compare(later)
			if c.want == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1, "%+v", found)
			require.Equal(t, c.want, found[0].Kind)
			require.Equal(t, c.remedy, found[0].Remedy)
			require.NotEmpty(t, found[0].Detail)
		})
	}
}

func withStatus(p Payment, status Status) Payment {
	p.Status = status
	if status != Captured && status != Refunded {
		p.Captured, p.Settled = 0, false
	}
	return p
}

func TestCompareLooksAtWhatIsOursOnly(t *testing.T) {
	require.Empty(t, Books{Intents: []Intent{{ID: "pi_theirs", Status: IntentCaptured, Captured: 100}}}.Compare(noon))
	found := Books{Intents: []Intent{{ID: "pi_lost", Status: IntentCaptured, Captured: 100, Booking: uuid.New(), Payment: uuid.New()}}}.Compare(noon)
	require.Len(t, found, 1)
	require.Equal(t, CapturedWithoutBooking, found[0].Kind)
	found = Books{
		Clearings: []Clearing{{Payment: uuid.New(), Account: ProviderClearing, Amount: 1, Currency: "EUR"}},
		Receipts:  []Receipt{{ID: "evt_1", Outcome: Refused, Reason: "amount"}, {ID: "evt_2", Outcome: Noted}},
	}.Compare(noon)
	require.Equal(t, []FindingKind{LedgerImbalance, WebhookRefused, PaymentDisputed}, []FindingKind{found[0].Kind, found[1].Kind, found[2].Kind})
}
