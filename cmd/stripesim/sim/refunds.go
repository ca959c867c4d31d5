package sim

import (
	"slices"
	"time"
)

// refundTakes is how long a refund takes that does not happen at once.
const refundTakes = 2 * time.Second

func (c *call) createRefund() (object, *refusal) {
	if err := c.only("amount", "charge", "currency", "instructions_email", "metadata", "payment_intent", "reason", "refund_application_fee", "reverse_transfer"); err != nil {
		return nil, err
	}
	charge, err := c.refundable()
	if err != nil {
		return nil, err
	}
	reason := c.str("reason")
	if reason != "" && !slices.Contains([]string{"duplicate", "fraudulent", "requested_by_customer"}, reason) {
		return nil, malformed("", "reason", "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer")
	}
	left := charge.Captured - charge.Refunded
	amount, err := c.num("amount", left)
	if err != nil {
		return nil, err
	}
	metadata, err := c.metadata(nil)
	if err != nil {
		return nil, err
	}
	switch {
	case charge.Disputed:
		return nil, invalid("charge_disputed", "", "Charge %s has been charged back; cannot issue a refund.", charge.ID)
	case left == 0:
		return nil, invalid("charge_already_refunded", "", "Charge %s has already been refunded.", charge.ID)
	case amount < 1:
		return nil, malformed("parameter_invalid_integer", "amount", "Invalid positive integer")
	case amount > left:
		return nil, invalid("", "amount", "Refund amount (%d) is greater than unrefunded amount on charge (%d)", amount, left)
	}
	r := &Refund{
		head: c.head(), ID: newID("re"), Charge: charge.ID, Intent: charge.Intent, Amount: amount, Currency: charge.Currency,
		Status: succeeded, Reason: reason, Metadata: metadata,
	}
	switch c.state.Methods[charge.Method].card().refund {
	case "fails":
		r.Becomes, r.Matures = failed, c.cfg.Now().Add(refundTakes)
	case "pends":
		r.Status, r.Becomes, r.Matures = pending, succeeded, c.cfg.Now().Add(refundTakes)
	}
	charge.Refunded += amount
	r.Transaction = c.move("refund", -amount, 0, r.Currency, r.ID).ID
	c.state.add(r)
	c.put(r)
	c.put(charge)
	c.announce("refund.created", c.refund(r))
	c.announce("charge.refunded", c.charge(charge))
	return c.refund(r), nil
}

// refundable finds the charge that a refund is for.
func (c *call) refundable() (*Charge, *refusal) {
	id := c.str("charge")
	if intent := c.str("payment_intent"); intent != "" {
		in := c.state.Intents[intent]
		if in == nil {
			return nil, noSuch("payment_intent", "payment_intent", intent)
		}
		if in.Status != succeeded {
			return nil, invalid("", "payment_intent", "This PaymentIntent (%s) does not have a successful charge to refund.", intent)
		}
		id = in.Charge
	}
	if id == "" {
		return nil, malformed("parameter_missing", "", "One of the following params should be provided for this request: payment_intent or charge.")
	}
	charge := c.state.Charges[id]
	if charge == nil {
		return nil, noSuch("charge", "charge", id)
	}
	if charge.Captured == 0 {
		return nil, invalid("charge_not_refundable", "charge", "Charge %s has not been captured and cannot be refunded.", id)
	}
	return charge, nil
}

func (c *call) updateRefund() (object, *refusal) {
	r := c.state.Refunds[c.id]
	if r == nil {
		return nil, noSuch("refund", "id", c.id)
	}
	if err := c.only("metadata"); err != nil {
		return nil, err
	}
	metadata, err := c.metadata(r.Metadata)
	if err != nil {
		return nil, err
	}
	r.Metadata = metadata
	c.put(r)
	return c.refund(r), nil
}

// mature turns a refund into what it was to become.
func (t *transaction) mature(r *Refund) {
	delete(t.state.maturing, r.ID)
	r.Status, r.Becomes, r.Matures = r.Becomes, "", time.Time{}
	t.put(r)
	if r.Status == failed {
		charge := t.state.Charges[r.Charge]
		charge.Refunded -= r.Amount
		r.FailureReason = "unknown"
		r.FailureTransaction = t.move("refund_failure", r.Amount, 0, r.Currency, r.ID).ID
		t.put(charge)
	}
	t.announce("charge.refund.updated", t.refund(r))
	t.announce("refund.updated", t.refund(r))
	if r.Status == failed {
		t.announce("refund.failed", t.refund(r))
	}
}

// move puts a movement on the account's balance.
func (t *transaction) move(kind string, amount, fee int64, currency, source string) *Transaction {
	m := &Transaction{head: t.head(), ID: newID("txn"), Type: kind, Amount: amount, Fee: fee, Currency: currency, Source: source}
	t.state.add(m)
	t.put(m)
	return m
}

// zeroDecimal currencies have no minor unit.
var zeroDecimal = []string{"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}

// fee is what the provider keeps: 1.5 % and 25 minor units.
func fee(amount int64, currency string) int64 {
	f := (amount*15 + 999) / 1000
	if !slices.Contains(zeroDecimal, currency) {
		f += 25
	}
	return min(f, amount)
}
