package sim

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-mock/embedded"
)

// Every kind of object and error is held against the OpenAPI document that stripe-mock carries,
// and against its fixtures: what they have, ours has.
func TestAnswersFollowStripesDocument(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(embedded.OpenAPISpec)
	require.NoError(t, err)
	var fixtures struct {
		Resources map[string]map[string]any `json:"resources"`
	}
	require.NoError(t, json.Unmarshal(embedded.OpenAPIFixtures, &fixtures))

	b := start(t, t.TempDir())
	call := func(method, path, form string, header ...string) map[string]any {
		req, err := http.NewRequest(method, b.api.URL+path, strings.NewReader(form))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+secretKey)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		var out map[string]any
		require.NoError(t, json.Unmarshal(raw, &out))
		return out
	}
	check := func(schema string, answer map[string]any) {
		t.Helper()
		ref := doc.Components.Schemas[schema]
		require.NotNil(t, ref, schema)
		if err := ref.Value.VisitJSON(answer, openapi3.MultiErrors()); err != nil {
			t.Errorf("%s: %v", schema, err)
		}
		for name := range fixtures.Resources[schema] {
			if _, ok := answer[name]; !ok && schema+"."+name != "charge.refunds" { // expandable since 2022-11-15
				t.Errorf("%s: no %s, which Stripe's fixture has", schema, name)
			}
		}
	}
	intent := func(form string) map[string]any {
		in := call("POST", "/v1/payment_intents", "amount=4500&currency=eur&metadata[booking]=b1&"+form)
		check("payment_intent", in)
		return in
	}
	id := func(o map[string]any) string { return o["id"].(string) }

	cus := call("POST", "/v1/customers", "name=Kim&email=kim@example.com")
	check("customer", cus)
	method := call("POST", "/v1/payment_methods", "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040&card[cvc]=123")
	check("payment_method", method)

	in := intent("capture_method=manual&customer=" + id(cus))
	check("payment_intent", call("POST", "/v1/payment_intents/"+id(in)+"/confirm", "payment_method="+id(method)))
	check("payment_intent", call("POST", "/v1/payment_intents/"+id(in)+"/capture", "expand[]=latest_charge.balance_transaction&expand[]=payment_method"))
	charge := call("GET", "/v1/charges/"+call("GET", "/v1/payment_intents/"+id(in), "")["latest_charge"].(string), "")
	check("charge", charge)
	check("balance_transaction", call("GET", "/v1/balance_transactions/"+charge["balance_transaction"].(string), ""))
	refund := call("POST", "/v1/refunds", "payment_intent="+id(in)+"&amount=500&reason=requested_by_customer")
	check("refund", refund)
	check("charge", call("GET", "/v1/charges/"+id(charge)+"?expand[]=refunds", ""))
	check("balance", call("GET", "/v1/balance", ""))

	declined := intent("capture_method=manual")
	check("error", call("POST", "/v1/payment_intents/"+id(declined)+"/confirm", "payment_method=pm_card_chargeDeclined"))
	declined = call("GET", "/v1/payment_intents/"+id(declined)+"?expand[]=latest_charge", "")
	check("payment_intent", declined)
	require.NotNil(t, declined["last_payment_error"])
	check("payment_intent", call("POST", "/v1/payment_intents/"+id(declined)+"/cancel", "cancellation_reason=abandoned"))
	challenged := intent("capture_method=manual&confirm=true&payment_method=pm_card_authenticationRequired")
	require.Equal(t, requiresAction, challenged["status"])
	check("payment_intent", call("POST", "/v1/payment_intents/"+id(challenged)+"/cancel", ""))
	disputed := intent("confirm=true&payment_method=pm_card_createDispute")
	list := call("GET", "/v1/disputes?payment_intent="+id(disputed), "")
	check("dispute", list["data"].([]any)[0].(map[string]any))

	failing := intent("confirm=true&payment_method=pm_card_refundFail")
	failed := call("POST", "/v1/refunds", "payment_intent="+id(failing))
	requireEventually(t, func() bool { return call("GET", "/v1/refunds/"+id(failed), "")["status"] == "failed" })
	check("refund", call("GET", "/v1/refunds/"+id(failed), ""))

	events := call("GET", "/v1/events?limit=100", "")["data"].([]any)
	require.Greater(t, len(events), 15)
	for _, e := range events {
		event := e.(map[string]any)
		check("event", event)
		inner := event["data"].(map[string]any)["object"].(map[string]any)
		check(inner["object"].(string), inner)
	}

	partly := intent("capture_method=manual&confirm=true&payment_method=pm_card_visa")
	partly = call("POST", "/v1/payment_intents/"+id(partly)+"/capture", "amount_to_capture=1500")
	check("payment_intent", partly)
	require.EqualValues(t, 1500, partly["amount_received"])

	// Lists, page by page, as the document says the call answers.
	for _, path := range []string{"/v1/customers", "/v1/payment_intents", "/v1/charges", "/v1/refunds", "/v1/balance_transactions", "/v1/events", "/v1/disputes"} {
		answer := doc.Paths.Value(path).Get.Responses.Value("200").Value.Content["application/json"].Schema.Value
		for _, query := range []string{"?limit=1", "?limit=1&created[gte]=1", "?created[lt]=1", "?limit=3&starting_after=" + id(call("GET", path+"?limit=1", "")["data"].([]any)[0].(map[string]any))} {
			page := call("GET", path+query, "")
			require.NoError(t, answer.VisitJSON(page, openapi3.MultiErrors()), path+query)
		}
	}

	once := []string{"Idempotency-Key", "a-key"}
	check("payment_intent", call("POST", "/v1/payment_intents", "amount=100&currency=eur", once...))
	reused := call("POST", "/v1/payment_intents", "amount=200&currency=eur", once...)
	check("error", reused)
	require.Equal(t, "idempotency_error", reused["error"].(map[string]any)["type"])
	check("error", call("GET", "/v1/charges/ch_none", ""))
	check("error", call("GET", "/v1/nothing", ""))
	check("error", call("POST", "/v1/payment_intents", "amount=-5&currency=eur"))
}
