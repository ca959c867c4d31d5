package sim

import (
	"fmt"
	"net/http"
)

// refusal is an error as Stripe words it (https://docs.stripe.com/api/errors).
type refusal struct {
	Status  int    `json:"status"`
	Type    string `json:"type"`
	Code    string `json:"code,omitempty"`
	Decline string `json:"decline_code,omitempty"`
	Message string `json:"message"`
	Param   string `json:"param,omitempty"`
	Charge  string `json:"charge,omitempty"`
	Method  string `json:"payment_method,omitempty"`
	Intent  string `json:"payment_intent,omitempty"`

	unkept bool // the request did not begin: its idempotency key stays unused
}

func (r *refusal) Error() string { return r.Code + ": " + r.Message }

func invalid(code, param, format string, args ...any) *refusal {
	return &refusal{Status: http.StatusBadRequest, Type: "invalid_request_error", Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
}

// malformed refuses a request for its form, before anything was looked at.
func malformed(code, param, format string, args ...any) *refusal {
	r := invalid(code, param, format, args...)
	r.unkept = true
	return r
}

func missing(param string) *refusal {
	return malformed("parameter_missing", param, "Missing required param: %s.", param)
}

func noSuch(kind, param, id string) *refusal {
	r := invalid("resource_missing", param, "No such %s: '%s'", kind, id)
	r.Status = http.StatusNotFound
	if param != "id" && param != "intent" && param != "charge_id" {
		r.Status = http.StatusBadRequest
	}
	return r
}

// unexpected refuses what an intent's status does not allow.
func unexpected(in *Intent, message string) *refusal {
	r := invalid("payment_intent_unexpected_state", "", "%s", message)
	r.Intent = in.ID
	return r
}

func declined(code, decline, message string) *refusal {
	return &refusal{Status: http.StatusPaymentRequired, Type: "card_error", Code: code, Decline: decline, Message: message}
}

// body is the error document. Objects within are as after the failure.
func (t *transaction) body(r *refusal) object {
	e := object{"type": r.Type, "message": r.Message, "request_log_url": "https://dashboard.stripe.com/test/logs/" + t.request}
	if r.Code != "" {
		e["code"] = r.Code
		e["doc_url"] = "https://stripe.com/docs/error-codes/" + dashed(r.Code)
	}
	if r.Decline != "" {
		e["decline_code"] = r.Decline
	}
	if r.Param != "" {
		e["param"] = r.Param
	}
	if r.Charge != "" {
		e["charge"] = r.Charge
	}
	if m := t.state.Methods[r.Method]; m != nil {
		e["payment_method"] = t.method(m)
	}
	if in := t.state.Intents[r.Intent]; in != nil {
		e["payment_intent"] = t.intent(in)
	}
	return object{"error": e}
}
