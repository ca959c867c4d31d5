package sim

import (
	"cmp"
	"slices"
	"strings"
)

// minimum is the smallest charge, in the API's minor units: what is documented for the currency
// (https://docs.stripe.com/currencies), in which this account settles, else half a US dollar at the rates of late
// 2025. A currency that is not here is not supported.
var minimum = map[string]int64{
	"aed": 200, "afn": 3_300, "all": 4_150, "amd": 19_150, "ang": 90, "aoa": 45_600, "ars": 72_500, "aud": 50, "awg": 90, "azn": 85, "bam": 84, "bbd": 100,
	"bdt": 6_100, "bhd": 188, "bif": 1_475, "bmd": 50, "bnd": 65, "bob": 345, "brl": 50, "bsd": 50, "bwp": 675, "byn": 160, "bzd": 100, "cad": 50,
	"cdf": 125_000, "chf": 50, "clp": 470, "cny": 355, "cop": 195_000, "crc": 25_150, "cve": 4_750, "czk": 1_500, "djf": 89, "dkk": 250, "dop": 3_150, "dzd": 6_500,
	"egp": 2_400, "etb": 7_600, "eur": 50, "fjd": 114, "fkp": 38, "gbp": 30, "gel": 135, "gip": 38, "gmd": 3_650, "gnf": 4_345, "gtq": 383, "gyd": 10_450,
	"hkd": 400, "hnl": 1_315, "htg": 6_550, "huf": 17_500, "idr": 835_000, "ils": 165, "inr": 50, "isk": 6_300, "jmd": 8_000, "jod": 354, "jpy": 50, "kes": 6_450,
	"kgs": 4_370, "khr": 200_500, "kmf": 212, "krw": 730, "kwd": 154, "kyd": 42, "kzt": 26_000, "lak": 1_085_000, "lbp": 4_475_000, "lkr": 15_250, "lrd": 9_000, "lsl": 865,
	"mad": 465, "mdl": 850, "mga": 2_250, "mkd": 2_650, "mmk": 105_000, "mnt": 178_000, "mop": 400, "mur": 2_300, "mvr": 770, "mwk": 86_700, "mxn": 1_000, "myr": 200,
	"mzn": 3_200, "nad": 865, "ngn": 72_500, "nio": 1_840, "nok": 300, "npr": 7_100, "nzd": 50, "omr": 192, "pab": 50, "pen": 169, "pgk": 211, "php": 2_935,
	"pkr": 14_050, "pln": 200, "pyg": 3_500, "qar": 182, "ron": 200, "rsd": 5_050, "rub": 3_950, "rwf": 726, "sar": 188, "sbd": 410, "scr": 700, "sek": 300,
	"sgd": 50, "shp": 38, "sle": 1_150, "sos": 28_550, "srd": 1_925, "szl": 865, "thb": 1_000, "tjs": 462, "tnd": 1_475, "top": 120, "try": 2_120, "ttd": 338,
	"twd": 1_560, "tzs": 123_000, "uah": 2_100, "ugx": 180_000, "usd": 50, "uyu": 1_985, "uzs": 597_500, "vnd": 13_150, "vuv": 61, "wst": 140, "xaf": 282, "xcd": 135,
	"xof": 282, "xpf": 52, "yer": 11_950, "zar": 860, "zmw": 1_150,
}

// divisor is what an amount has to be a multiple of: three-decimal currencies end in 0, and those that have lost their
// decimals are still counted with two (https://docs.stripe.com/currencies#special-cases).
var divisor = map[string]int64{"bhd": 10, "jod": 10, "kwd": 10, "omr": 10, "tnd": 10, "isk": 100, "ugx": 100}

// maximum is the largest charge where it is not eight digits.
var maximum = map[string]int64{"cop": 9_999_999_999, "idr": 999_999_999_999, "inr": 999_999_999}

const maxAmount = 99_999_999

func checkAmount(amount int64, currency, param string) *refusal {
	least, most := minimum[currency], cmp.Or(maximum[currency], maxAmount)
	switch {
	case amount < 1:
		return malformed("parameter_invalid_integer", param, "This value must be greater than or equal to 1.")
	case amount < least:
		return malformed("amount_too_small", param, "Amount must be at least %d %s, in its smallest unit", least, currency)
	case divisor[currency] != 0 && amount%divisor[currency] != 0:
		return malformed("parameter_invalid_integer", param, "Amount in %s must be evenly divisible by %d", currency, divisor[currency])
	case amount > most:
		return malformed("amount_too_large", param, "Amount must be no more than %d %s, in its smallest unit", most, currency)
	}
	return nil
}

func (c *call) createIntent() (object, *refusal) {
	if err := c.only("amount", "currency", "automatic_payment_methods", "capture_method", "confirm", "confirmation_method", "customer", "description",
		"error_on_requires_action", "metadata", "off_session", "payment_method", "payment_method_data", "payment_method_options", "payment_method_types",
		"receipt_email", "return_url", "setup_future_usage", "statement_descriptor", "statement_descriptor_suffix", "transfer_group", "use_stripe_sdk"); err != nil {
		return nil, err
	}
	if c.str("amount") == "" {
		return nil, missing("amount")
	}
	amount, err := c.num("amount", 0)
	if err != nil {
		return nil, err
	}
	currency := strings.ToLower(c.str("currency"))
	if currency == "" {
		return nil, missing("currency")
	}
	if minimum[currency] == 0 {
		return nil, malformed("", "currency", "Invalid currency: %s. Stripe currently supports these currencies: usd, eur, gbp, jpy, …", currency)
	}
	if err := checkAmount(amount, currency, "amount"); err != nil {
		return nil, err
	}
	capture := c.str("capture_method")
	if capture != "" && capture != "automatic" && capture != "automatic_async" && capture != "manual" {
		return nil, malformed("", "capture_method", "Invalid capture_method: must be one of automatic, automatic_async, or manual")
	}
	metadata, err := c.metadata(nil)
	if err != nil {
		return nil, err
	}
	if id := c.str("customer"); id != "" {
		if cus := c.state.Customers[id]; cus == nil || cus.Deleted {
			return nil, noSuch("customer", "customer", id)
		}
	}
	types := c.list("payment_method_types")
	in := &Intent{
		head: c.head(), ID: newID("pi"), Amount: amount, Currency: currency, Status: requiresPaymentMethod, Manual: capture == "manual",
		Automatic: len(types) == 0, Redirects: c.str("automatic_payment_methods[allow_redirects]"), Customer: c.str("customer"),
		Description: c.str("description"), ReceiptEmail: c.str("receipt_email"), Descriptor: c.str("statement_descriptor_suffix"),
		SetupFuture: c.str("setup_future_usage"), TransferGroup: c.str("transfer_group"), Metadata: metadata, Types: types,
	}
	if in.Automatic {
		in.Types = []string{"card"}
	}
	in.Secret = in.ID + "_" + newID("secret")
	m, err := c.chosenMethod(in)
	if err != nil {
		return nil, err
	}
	c.state.add(in)
	c.put(in)
	c.announce("payment_intent.created", c.intent(in))
	if m != nil {
		in.Method, in.Status = m.ID, requiresConfirmation
	}
	if c.flag("confirm") {
		if m == nil {
			return nil, unexpected(in, "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.")
		}
		if err := c.confirm(in, m); err != nil {
			return nil, err
		}
	}
	return c.intent(in), nil
}

func (c *call) updateIntent() (object, *refusal) {
	in, err := c.theIntent()
	if err != nil {
		return nil, err
	}
	if err := c.only("amount", "currency", "customer", "description", "metadata", "payment_method", "payment_method_data", "payment_method_options", "payment_method_types",
		"receipt_email", "setup_future_usage", "statement_descriptor", "statement_descriptor_suffix", "transfer_group", "capture_method"); err != nil {
		return nil, err
	}
	amount, err := c.num("amount", in.Amount)
	if err != nil {
		return nil, err
	}
	open := in.Status == requiresPaymentMethod || in.Status == requiresConfirmation
	if amount != in.Amount {
		if !open {
			return nil, unexpected(in, "This PaymentIntent's amount could not be updated because it has a status of "+in.Status+". You may only update the amount of a PaymentIntent with one of the following statuses: requires_payment_method, requires_confirmation.")
		}
		if err := checkAmount(amount, in.Currency, "amount"); err != nil {
			return nil, err
		}
	}
	metadata, err := c.metadata(in.Metadata)
	if err != nil {
		return nil, err
	}
	m, err := c.chosenMethod(in)
	if err != nil {
		return nil, err
	}
	if m != nil {
		if !open {
			return nil, unexpected(in, "You cannot update this PaymentIntent's payment method because it has a status of "+in.Status+".")
		}
		in.Method, in.Status = m.ID, requiresConfirmation
	}
	in.Amount, in.Metadata = amount, metadata
	for name, field := range map[string]*string{"description": &in.Description, "receipt_email": &in.ReceiptEmail, "transfer_group": &in.TransferGroup} {
		if c.Has(name) {
			*field = c.str(name)
		}
	}
	c.put(in)
	return c.intent(in), nil
}

func (c *call) theIntent() (*Intent, *refusal) {
	in := c.state.Intents[c.id]
	if in == nil || c.public && c.str("client_secret") != in.Secret {
		return nil, noSuch("payment_intent", "intent", c.id)
	}
	return in, nil
}

func (c *call) getIntent() (object, *refusal) {
	in, err := c.theIntent()
	if err != nil {
		return nil, err
	}
	return c.intent(in), nil
}

func (c *call) confirmIntent() (object, *refusal) {
	in, err := c.theIntent()
	if err != nil {
		return nil, err
	}
	if err := c.only("client_secret", "capture_method", "error_on_requires_action", "key", "mandate_data", "off_session", "payment_method", "payment_method_data", "payment_method_options",
		"payment_method_types", "receipt_email", "return_url", "setup_future_usage", "use_stripe_sdk", "expected_payment_method_type"); err != nil {
		return nil, err
	}
	if in.Status != requiresPaymentMethod && in.Status != requiresConfirmation && in.Status != requiresAction {
		return nil, unexpected(in, "You cannot confirm this PaymentIntent because it has already "+past(in.Status)+".")
	}
	m, err := c.chosenMethod(in)
	if err != nil {
		return nil, err
	}
	if m == nil {
		if m = c.state.Methods[in.Method]; m == nil {
			return nil, unexpected(in, "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.")
		}
	}
	if err := c.confirm(in, m); err != nil {
		return nil, err
	}
	return c.intent(in), nil
}

func past(status string) string {
	switch status {
	case succeeded:
		return "succeeded after being previously confirmed"
	case requiresCapture:
		return "been confirmed and has a status of requires_capture"
	}
	return "been " + status
}

// chosenMethod is the payment method that the request names or describes; nil when it does neither.
func (c *call) chosenMethod(in *Intent) (*Method, *refusal) {
	if id := c.str("payment_method"); id != "" {
		if number, ok := tokens[id]; ok {
			return c.newMethod(&Method{Number: number, Month: 12, Year: int64(c.cfg.Now().Year()) + 2}), nil
		}
		m := c.state.Methods[id]
		if m == nil {
			return nil, noSuch("PaymentMethod", "payment_method", id)
		}
		if m.Customer != "" && m.Customer != in.Customer {
			return nil, invalid("", "payment_method", "The payment method you provided is attached to a customer, but this PaymentIntent does not belong to that customer.")
		}
		return m, nil
	}
	if c.str("payment_method_data[type]") == "" {
		return nil, nil
	}
	m, err := c.describedMethod("payment_method_data[", "]")
	if err != nil {
		return nil, err
	}
	return c.newMethod(m), nil
}

// describedMethod reads card details. open and closing wrap a parameter's first name.
func (c *call) describedMethod(open, closing string) (*Method, *refusal) {
	if kind := c.str(open + "type" + closing); kind != "card" {
		return nil, malformed("", "type", "The payment method type \"%s\" is invalid. This simulator takes cards.", kind)
	}
	inner := open + "card" + closing
	if token := c.str(inner + "[token]"); token != "" {
		if number, ok := tokens["pm_card_"+strings.TrimPrefix(token, "tok_")]; ok {
			return &Method{Number: number, Month: 12, Year: int64(c.cfg.Now().Year()) + 2}, nil
		}
		return nil, noSuch("token", "card[token]", token)
	}
	m, err := checkCard(c.str(inner+"[number]"), c.str(inner+"[exp_month]"), c.str(inner+"[exp_year]"), c.str(inner+"[cvc]"), c.cfg.Now())
	if err != nil {
		return nil, err
	}
	billing := open + "billing_details" + closing
	m.Name, m.Email = c.str(billing+"[name]"), c.str(billing+"[email]")
	return m, nil
}

func (t *transaction) newMethod(m *Method) *Method {
	m.head, m.ID = t.head(), newID("pm")
	t.state.add(m)
	t.put(m)
	return m
}

func (c *call) confirm(in *Intent, m *Method) *refusal {
	in.Method, in.LastError, in.Challenge = m.ID, nil, nil
	c.put(in)
	if m.card().authenticate {
		if c.flag("error_on_requires_action") || c.flag("off_session") {
			return c.decline(in, m, declined("authentication_required", "authentication_required", "Your card was declined. This transaction requires authentication."), false)
		}
		in.Status, in.Challenge = requiresAction, &Challenge{ID: newID("src"), ReturnURL: c.str("return_url")}
		c.announce("payment_intent.requires_action", c.intent(in))
		return nil
	}
	return c.attempt(in, m, false)
}

// attempt asks the bank.
func (t *transaction) attempt(in *Intent, m *Method, authenticated bool) *refusal {
	if no := m.card().decline; no != nil {
		return t.decline(in, m, no, authenticated)
	}
	c := &Charge{
		head: t.head(), ID: newID("ch"), Intent: in.ID, Amount: in.Amount, Currency: in.Currency, Status: succeeded, Method: m.ID,
		Authenticated: authenticated, AuthorizedAt: t.cfg.Now(),
	}
	t.state.add(c)
	t.put(c)
	t.put(in)
	in.Charge, in.Method, in.Challenge, in.LastError = c.ID, m.ID, nil, nil
	if in.Manual {
		in.Status = requiresCapture
		t.announce("charge.succeeded", t.charge(c))
		t.announce("payment_intent.amount_capturable_updated", t.intent(in))
		return nil
	}
	t.take(in, c, in.Amount)
	t.announce("charge.succeeded", t.charge(c))
	t.announce("payment_intent.succeeded", t.intent(in))
	t.contest(in, c, m)
	return nil
}

// decline notes that the bank said no.
func (t *transaction) decline(in *Intent, m *Method, no *refusal, authenticated bool) *refusal {
	failure := *no
	failure.Method = m.ID
	c := &Charge{
		head: t.head(), ID: newID("ch"), Intent: in.ID, Amount: in.Amount, Currency: in.Currency, Status: failed, Method: m.ID,
		Authenticated: authenticated, Failure: &failure,
	}
	failure.Charge = c.ID
	t.state.add(c)
	t.put(c)
	t.put(in)
	in.Status, in.Method, in.Charge, in.Challenge, in.LastError = requiresPaymentMethod, "", c.ID, nil, &failure
	t.announce("charge.failed", t.charge(c))
	t.announce("payment_intent.payment_failed", t.intent(in))
	answer := failure
	answer.Intent = in.ID
	return &answer
}

// take moves authorised money to the account.
func (t *transaction) take(in *Intent, c *Charge, amount int64) {
	c.Captured = amount
	c.Transaction = t.move("charge", amount, fee(amount, in.Currency), in.Currency, c.ID).ID
	in.Status, in.Received = succeeded, amount
	t.put(in)
	t.put(c)
}

// contest has the card's holder dispute the payment, if the card is of that kind.
func (t *transaction) contest(in *Intent, c *Charge, m *Method) {
	reason := m.card().dispute
	if reason == "" {
		return
	}
	d := &Dispute{head: t.head(), ID: newID("dp"), Charge: c.ID, Intent: in.ID, Amount: c.Captured, Currency: c.Currency, Reason: reason}
	d.Transaction = t.move("adjustment", -c.Captured, 1500, c.Currency, d.ID).ID
	c.Disputed = true
	t.state.add(d)
	t.put(d)
	t.put(c)
	t.announce("charge.dispute.created", t.dispute(d))
}

func (c *call) captureIntent() (object, *refusal) {
	in, err := c.theIntent()
	if err != nil {
		return nil, err
	}
	if err := c.only("amount_to_capture", "application_fee_amount", "final_capture", "metadata", "statement_descriptor", "statement_descriptor_suffix", "transfer_data"); err != nil {
		return nil, err
	}
	if in.Status != requiresCapture {
		return nil, unexpected(in, "This PaymentIntent could not be captured because it has a status of "+in.Status+". Only a PaymentIntent with one of the following statuses may be captured: requires_capture.")
	}
	amount, err := c.num("amount_to_capture", in.Amount)
	if err != nil {
		return nil, err
	}
	if amount < 1 || amount > in.Amount {
		return nil, malformed("amount_too_large", "amount_to_capture", "The amount_to_capture must be between 1 and the capturable amount of %d.", in.Amount)
	}
	metadata, err := c.metadata(in.Metadata)
	if err != nil {
		return nil, err
	}
	in.Metadata = metadata
	charge := c.state.Charges[in.Charge]
	c.take(in, charge, amount)
	c.announce("charge.captured", c.charge(charge))
	c.announce("payment_intent.succeeded", c.intent(in))
	c.contest(in, charge, c.state.Methods[charge.Method])
	return c.intent(in), nil
}

func (c *call) cancelIntent() (object, *refusal) {
	in, err := c.theIntent()
	if err != nil {
		return nil, err
	}
	if err := c.only("cancellation_reason"); err != nil {
		return nil, err
	}
	reason := c.str("cancellation_reason")
	if reason != "" && !slices.Contains([]string{"duplicate", "fraudulent", "requested_by_customer", "abandoned"}, reason) {
		return nil, malformed("", "cancellation_reason", "Invalid cancellation_reason: must be one of duplicate, fraudulent, requested_by_customer, or abandoned")
	}
	if in.Status == succeeded || in.Status == canceled {
		return nil, unexpected(in, "You cannot cancel this PaymentIntent because it has a status of "+in.Status+". Only a PaymentIntent with one of the following statuses may be canceled: requires_payment_method, requires_capture, requires_reauthorization, requires_confirmation, requires_action, processing.")
	}
	c.cancel(in, reason, "charge.refunded")
	return c.intent(in), nil
}

// cancel ends an intent; an authorisation is let go, which the event of that name tells.
func (t *transaction) cancel(in *Intent, reason, released string) {
	held := in.Status == requiresCapture
	in.Status, in.CancelReason, in.CanceledAt, in.Challenge = canceled, reason, t.cfg.Now().Unix(), nil
	t.put(in)
	if c := t.state.Charges[in.Charge]; held && c != nil {
		c.Released = true
		t.put(c)
		t.announce(released, t.charge(c))
	}
	t.announce("payment_intent.canceled", t.intent(in))
}

// authenticate ends a 3-D Secure challenge.
func (t *transaction) authenticate(in *Intent, passed bool) {
	m := t.state.Methods[in.Method]
	if passed {
		_ = t.attempt(in, m, true) // a refusal is on the intent, where the page reads it
		return
	}
	in.Status, in.Method, in.Challenge = requiresPaymentMethod, "", nil
	in.LastError = &refusal{
		Type: "invalid_request_error", Code: "payment_intent_authentication_failure", Method: m.ID,
		Message: "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
	}
	t.put(in)
	t.announce("payment_intent.payment_failed", t.intent(in))
}
