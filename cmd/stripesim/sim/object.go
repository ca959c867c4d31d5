package sim

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
)

// object is a JSON object as Stripe shows it.
type object map[string]any

func dashed(s string) string { return strings.ReplaceAll(s, "_", "-") }

// or gives nil for what is not set: Stripe writes null, not "".
func or[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

func labels(m map[string]string) object {
	o := object{}
	for k, v := range m {
		o[k] = v
	}
	return o
}

func (t *transaction) intent(in *Intent) object {
	capture, capturable := "automatic", int64(0)
	if in.Manual {
		capture = "manual"
	}
	if in.Status == requiresCapture {
		capturable = in.Amount
	}
	var automatic any
	if in.Automatic {
		automatic = object{"enabled": true, "allow_redirects": cmp.Or(in.Redirects, "always")}
	}
	var last any
	if in.LastError != nil {
		last = t.body(&refusal{
			Type: in.LastError.Type, Code: in.LastError.Code, Decline: in.LastError.Decline, Message: in.LastError.Message,
			Param: in.LastError.Param, Charge: in.LastError.Charge, Method: in.LastError.Method,
		})["error"]
		delete(last.(object), "request_log_url")
	}
	return object{
		"id": in.ID, "object": "payment_intent", "amount": in.Amount, "amount_capturable": capturable, "amount_details": object{"tip": object{}},
		"amount_received": in.Received, "application": nil, "application_fee_amount": nil, "automatic_payment_methods": automatic,
		"canceled_at": or(in.CanceledAt), "cancellation_reason": or(in.CancelReason), "capture_method": capture, "client_secret": in.Secret,
		"confirmation_method": "automatic", "created": in.Created, "currency": in.Currency, "customer": or(in.Customer), "description": or(in.Description),
		"invoice": nil, "last_payment_error": last, "latest_charge": or(in.Charge), "livemode": false, "metadata": labels(in.Metadata),
		"next_action": t.nextAction(in), "on_behalf_of": nil, "payment_method": or(in.Method), "payment_method_configuration_details": nil,
		"payment_method_options": object{"card": object{"installments": nil, "mandate_options": nil, "network": nil, "request_three_d_secure": "automatic"}},
		"payment_method_types":   in.Types, "processing": nil, "receipt_email": or(in.ReceiptEmail), "review": nil, "setup_future_usage": or(in.SetupFuture),
		"shipping": nil, "source": nil, "statement_descriptor": nil, "statement_descriptor_suffix": or(in.Descriptor), "status": in.Status,
		"transfer_data": nil, "transfer_group": or(in.TransferGroup),
	}
}

// publicIntent is what a publishable key and the client secret may see.
func publicIntent(in object) object {
	shown := maps.Clone(in)
	for _, name := range []string{"amount_received", "amount_capturable", "application", "application_fee_amount", "customer", "invoice", "latest_charge", "metadata", "on_behalf_of", "payment_method_options", "review", "statement_descriptor", "statement_descriptor_suffix", "transfer_data", "transfer_group"} {
		delete(shown, name)
	}
	return shown
}

func (t *transaction) nextAction(in *Intent) any {
	if in.Status != requiresAction || in.Challenge == nil {
		return nil
	}
	url := t.formURL() + "/3ds/" + in.Challenge.ID
	if in.Challenge.ReturnURL != "" {
		return object{"type": "redirect_to_url", "redirect_to_url": object{"return_url": in.Challenge.ReturnURL, "url": url}}
	}
	return object{"type": "use_stripe_sdk", "use_stripe_sdk": object{"type": "three_d_secure_redirect", "source": in.Challenge.ID, "stripe_js": url}}
}

func (t *transaction) charge(c *Charge) object {
	var failureCode, failureMessage any
	outcome := object{"network_status": "approved_by_network", "reason": nil, "risk_level": "normal", "risk_score": 20, "seller_message": "Payment complete.", "type": "authorized"}
	if f := c.Failure; f != nil {
		failureCode, failureMessage = f.Code, f.Message
		outcome = object{"network_status": "declined_by_network", "reason": cmp.Or(f.Decline, f.Code), "risk_level": "normal", "risk_score": 20, "seller_message": "The bank did not return any further details with this decline.", "type": "issuer_declined"}
	}
	var txn any
	if c.Transaction != "" {
		txn = c.Transaction
	}
	refunded := c.Refunded
	if c.Released {
		refunded = c.Amount
	}
	in := t.state.Intents[c.Intent]
	return object{
		"id": c.ID, "object": "charge", "amount": c.Amount, "amount_captured": c.Captured, "amount_refunded": refunded, "application": nil,
		"application_fee": nil, "application_fee_amount": nil, "balance_transaction": txn, "billing_details": t.billing(t.state.Methods[c.Method]),
		"calculated_statement_descriptor": "FOYER", "captured": c.Captured > 0, "created": c.Created, "currency": c.Currency, "customer": or(in.Customer),
		"description": or(in.Description), "destination": nil, "dispute": t.disputeOf(c), "disputed": c.Disputed, "failure_balance_transaction": nil,
		"failure_code": failureCode, "failure_message": failureMessage, "fraud_details": object{}, "invoice": nil, "livemode": false,
		"metadata": labels(in.Metadata), "on_behalf_of": nil, "order": nil, "outcome": outcome, "paid": c.Status == succeeded, "payment_intent": c.Intent,
		"payment_method": c.Method, "payment_method_details": t.cardDetails(c), "radar_options": object{}, "receipt_email": or(in.ReceiptEmail),
		"receipt_number": nil, "receipt_url": or(receipt(c)), "refunded": refunded == c.Amount && c.Status == succeeded, "review": nil, "shipping": nil,
		"source": nil, "source_transfer": nil, "statement_descriptor": nil, "statement_descriptor_suffix": or(in.Descriptor), "status": c.Status,
		"transfer_data": nil, "transfer_group": or(in.TransferGroup),
	}
}

func receipt(c *Charge) string {
	if c.Status != succeeded {
		return ""
	}
	return "https://pay.stripe.com/receipts/" + account + "/" + c.ID
}

func (t *transaction) disputeOf(c *Charge) any {
	for _, r := range t.state.order["disputes"] {
		if d := r.(*Dispute); c.Disputed && d.Charge == c.ID {
			return d.ID
		}
	}
	return nil
}

func (t *transaction) cardDetails(c *Charge) object {
	m := t.state.Methods[c.Method]
	details := m.details()
	delete(details, "three_d_secure_usage")
	delete(details, "networks")
	delete(details, "generated_from")
	maps.Copy(details, object{
		"amount_authorized": c.Amount, "capture_before": or(captureBefore(c)), "installments": nil, "mandate": nil, "network": m.card().brand,
		"network_token": object{"used": false}, "three_d_secure": nil,
		"extended_authorization": object{"status": "disabled"}, "incremental_authorization": object{"status": "unavailable"},
		"multicapture": object{"status": "unavailable"}, "overcapture": object{"maximum_amount_capturable": c.Amount, "status": "unavailable"},
	})
	if c.Authenticated {
		details["three_d_secure"] = object{"authentication_flow": "challenge", "electronic_commerce_indicator": "05", "exemption_indicator": nil, "result": "authenticated", "result_reason": nil, "transaction_id": c.ID, "version": "2.1.0"}
	}
	return object{"type": "card", "card": details}
}

func captureBefore(c *Charge) int64 {
	if c.AuthorizedAt.IsZero() || c.Captured > 0 {
		return 0
	}
	return c.AuthorizedAt.Add(authorizationLife).Unix()
}

func (t *transaction) billing(m *Method) object {
	o := object{"address": object{"city": nil, "country": nil, "line1": nil, "line2": nil, "postal_code": nil, "state": nil}, "email": nil, "name": nil, "phone": nil}
	if m != nil {
		o["name"], o["email"] = or(m.Name), or(m.Email)
	}
	return o
}

func (m *Method) details() object {
	c := m.card()
	return object{
		"brand": c.brand, "checks": object{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": "pass"}, "country": c.country,
		"exp_month": m.Month, "exp_year": m.Year, "fingerprint": fingerprint(m.Number), "funding": c.funding, "generated_from": nil, "last4": m.last4(),
		"networks": object{"available": []string{c.brand}, "preferred": nil}, "three_d_secure_usage": object{"supported": true}, "wallet": nil,
	}
}

// fingerprint is the same for the same card.
func fingerprint(number string) string {
	var h uint64 = 14695981039346656037
	for i := range len(number) {
		h = (h ^ uint64(number[i])) * 1099511628211
	}
	return fmt.Sprintf("%016x", h)
}

func (t *transaction) method(m *Method) object {
	return object{
		"id": m.ID, "object": "payment_method", "billing_details": t.billing(m), "card": m.details(), "created": m.Created,
		"customer": or(m.Customer), "livemode": false, "metadata": labels(m.Metadata), "type": "card",
	}
}

func (t *transaction) refund(r *Refund) object {
	o := object{
		"id": r.ID, "object": "refund", "amount": r.Amount, "balance_transaction": or(r.Transaction), "charge": r.Charge, "created": r.Created,
		"currency": r.Currency, "metadata": labels(r.Metadata), "payment_intent": or(r.Intent), "reason": or(r.Reason), "receipt_number": nil,
		"source_transfer_reversal": nil, "status": r.Status, "transfer_reversal": nil,
		"destination_details": object{"type": "card", "card": object{"type": "refund", "reference_status": "pending", "reference_type": "acquirer_reference_number"}},
	}
	if r.FailureReason != "" {
		o["failure_reason"], o["failure_balance_transaction"] = r.FailureReason, r.FailureTransaction
	}
	return o
}

func (t *transaction) movement(m *Transaction) object {
	fees := []object{}
	if m.Fee != 0 {
		fees = append(fees, object{"amount": m.Fee, "application": nil, "currency": m.Currency, "description": "Stripe processing fees", "type": "stripe_fee"})
	}
	category := map[string]string{"refund_failure": "refund_failure", "adjustment": "dispute"}[m.Type]
	status, available := "pending", m.Created+int64(2*24*60*60)
	if t.cfg.Now().Unix() >= available {
		status = "available"
	}
	return object{
		"id": m.ID, "object": "balance_transaction", "amount": m.Amount, "available_on": available, "created": m.Created, "currency": m.Currency,
		"description": nil, "exchange_rate": nil, "fee": m.Fee, "fee_details": fees, "net": m.Amount - m.Fee, "reporting_category": cmp.Or(category, m.Type),
		"source": m.Source, "status": status, "type": m.Type,
	}
}

func (t *transaction) dispute(d *Dispute) object {
	evidence := object{}
	for _, name := range []string{"access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure", "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text"} {
		evidence[name] = nil
	}
	return object{
		"id": d.ID, "object": "dispute", "amount": d.Amount, "balance_transactions": []object{t.movement(t.state.Transactions[d.Transaction])},
		"charge": d.Charge, "created": d.Created, "currency": d.Currency, "evidence": evidence,
		"evidence_details":     object{"due_by": d.Created + 7*24*60*60, "has_evidence": false, "past_due": false, "submission_count": 0},
		"is_charge_refundable": false, "livemode": false, "metadata": object{}, "payment_intent": d.Intent, "reason": d.Reason, "status": "needs_response",
	}
}

func (t *transaction) customer(c *Customer) object {
	if c.Deleted {
		return object{"id": c.ID, "object": "customer", "deleted": true}
	}
	return object{
		"id": c.ID, "object": "customer", "address": nil, "balance": 0, "created": c.Created, "currency": nil, "default_source": nil, "delinquent": false,
		"description": or(c.Description), "discount": nil, "email": or(c.Email), "invoice_prefix": strings.ToUpper(c.ID[4:12]),
		"invoice_settings": object{"custom_fields": nil, "default_payment_method": nil, "footer": nil, "rendering_options": nil}, "livemode": false,
		"metadata": labels(c.Metadata), "name": or(c.Name), "next_invoice_sequence": 1, "phone": or(c.Phone), "preferred_locales": []string{},
		"shipping": nil, "tax_exempt": "none", "test_clock": nil,
	}
}

func (t *transaction) event(e *Event) object {
	waiting := 0
	if e.Pending {
		waiting = 1
	}
	return object{
		"id": e.ID, "object": "event", "api_version": apiVersion, "created": e.Created, "data": object{"object": e.Object}, "livemode": false,
		"pending_webhooks": waiting, "request": object{"id": or(e.Request), "idempotency_key": or(e.Key)}, "type": e.Type,
	}
}

// show is any record as Stripe shows it.
func (t *transaction) show(r record) object {
	switch r := r.(type) {
	case *Intent:
		return t.intent(r)
	case *Charge:
		return t.charge(r)
	case *Refund:
		return t.refund(r)
	case *Transaction:
		return t.movement(r)
	case *Dispute:
		return t.dispute(r)
	case *Customer:
		return t.customer(r)
	case *Method:
		return t.method(r)
	case *Event:
		return t.event(r)
	}
	return nil
}

// find looks an object up by the id that stands where it can be expanded.
func (t *transaction) find(id string) (object, bool) {
	prefix, _, _ := strings.Cut(id, "_")
	kind, ok := map[string]string{"pi": "intents", "ch": "charges", "re": "refunds", "txn": "transactions", "dp": "disputes", "cus": "customers", "pm": "methods"}[prefix]
	if !ok {
		return nil, false
	}
	r := t.get(kind, id)
	if r == nil {
		return nil, false
	}
	return t.show(r), true
}

func (t *transaction) get(kind, id string) record {
	s := t.state
	switch kind {
	case "intents":
		return found(s.Intents, id)
	case "charges":
		return found(s.Charges, id)
	case "refunds":
		return found(s.Refunds, id)
	case "transactions":
		return found(s.Transactions, id)
	case "disputes":
		return found(s.Disputes, id)
	case "customers":
		return found(s.Customers, id)
	case "methods":
		return found(s.Methods, id)
	case "events":
		return found(s.Events, id)
	}
	return nil
}

func found[R record](all map[string]R, id string) record {
	if r, ok := all[id]; ok {
		return r
	}
	return nil
}

// expand replaces ids by what they stand for (https://docs.stripe.com/api/expanding_objects).
func (t *transaction) expand(o object, path string) *refusal {
	name, rest, _ := strings.Cut(path, ".")
	if list, ok := o["data"].([]object); ok && name == "data" {
		for _, each := range list {
			if err := t.expand(each, rest); err != nil {
				return err
			}
		}
		return nil
	}
	value, known := o[name]
	if name == "refunds" && o["object"] == "charge" { // left out unless asked for
		value, known = t.refundsOf(t.state.Charges[o["id"].(string)]), true
		o[name] = value
	}
	if !known {
		return malformed("", "expand", "This property cannot be expanded (%s).", name)
	}
	if id, ok := value.(string); ok {
		full, found := t.find(id)
		if !found {
			return malformed("", "expand", "This property cannot be expanded (%s).", name)
		}
		o[name] = full
	}
	if inner, ok := o[name].(object); ok && rest != "" {
		return t.expand(inner, rest)
	}
	return nil
}

func (t *transaction) refundsOf(c *Charge) object {
	data := []object{}
	for _, r := range t.state.refunds[c.ID] {
		data = append([]object{t.refund(r)}, data...)
	}
	return object{"object": "list", "data": data, "has_more": false, "url": "/v1/charges/" + c.ID + "/refunds"}
}
