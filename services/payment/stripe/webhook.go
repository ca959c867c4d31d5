package stripe

import (
	"encoding/json"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/foyer-tickets/foyer/services/payment"
)

// Tolerance is how old a signature may be: who got hold of a webhook cannot play it again later.
const Tolerance = 300 * time.Second

// news is what an intent has come to when an event of a type is sent.
var news = map[stripe.EventType]payment.IntentStatus{
	stripe.EventTypePaymentIntentAmountCapturableUpdated: payment.IntentAuthorized,
	stripe.EventTypePaymentIntentSucceeded:               payment.IntentCaptured,
	stripe.EventTypePaymentIntentCanceled:                payment.IntentCanceled,
}

// Verify checks the signature of a webhook over the body as it came, and reads what it is about.
func Verify(body []byte, signature, secret string) (payment.Webhook, error) {
	// The version is left unchecked: what counts of the object is asked for again.
	e, err := webhook.ConstructEventWithOptions(body, signature, secret, webhook.ConstructEventOptions{Tolerance: Tolerance, IgnoreAPIVersionMismatch: true})
	if err != nil {
		return payment.Webhook{}, payment.ErrUnsigned.Because(err)
	}
	m := payment.Webhook{ID: e.ID, Type: string(e.Type), Account: e.Account, Live: e.Livemode}
	if e.ID == "" || e.Data == nil {
		return payment.Webhook{}, payment.ErrUnsigned
	}
	var o struct {
		ID       string            `json:"id"`
		Object   string            `json:"object"`
		Intent   string            `json:"payment_intent"`
		Amount   *int64            `json:"amount"`
		Currency stripe.Currency   `json:"currency"`
		Metadata map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(e.Data.Raw, &o); err != nil {
		o.Object = "" // one that we know nothing of
	}
	switch o.Object {
	case "payment_intent":
		m.Intent, m.Reached = o.ID, news[e.Type]
	case "charge":
		m.Intent, m.Refunds = o.Intent, true
	case "refund":
		m.Intent, m.Refunds, o.Amount = o.Intent, true, nil // its amount is its own
	case "dispute":
		m.Intent, m.Dispute, o.Amount = o.Intent, true, nil
		o.Metadata = nil
	}
	if o.Amount != nil && m.Intent != "" {
		claimed := amount(*o.Amount, o.Currency)
		m.Amount = &claimed
	}
	m.Payment, m.Booking, m.Buyer = id(o.Metadata[metaPayment]), id(o.Metadata[metaBooking]), o.Metadata[metaAccount]
	return m, nil
}
