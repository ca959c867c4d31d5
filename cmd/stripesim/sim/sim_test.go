package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"
)

const (
	secretKey = "sk_test_sim"
	publicKey = "pk_test_sim"
	signing   = "whsec_sim"
)

// bench is a running simulator with Stripe's own client before it.
type bench struct {
	*Simulator
	t      *testing.T
	api    *httptest.Server
	form   *httptest.Server
	stripe *client.API

	mu       sync.Mutex
	received []stripe.Event
	refuse   int // so many deliveries are answered 500
	clock    time.Time
}

func start(t *testing.T, dir string) *bench {
	t.Helper()
	b := &bench{t: t}
	hook := httptest.NewServer(http.HandlerFunc(b.take))
	t.Cleanup(hook.Close)
	s, err := Open(Config{
		Data: dir, SecretKey: secretKey, PublishableKey: publicKey, WebhookSecret: signing, WebhookURL: hook.URL, WebhookEvents: []string{"*"},
		PublicURL: "http://localhost:8080", FormAddr: "127.0.0.1:12112",
		Now: func() time.Time {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.clock.IsZero() {
				return time.Now()
			}
			return b.clock
		},
	})
	require.NoError(t, err)
	b.Simulator = s
	b.api, b.form = httptest.NewServer(s.API()), httptest.NewServer(s.Form())
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done; b.api.Close(); b.form.Close(); s.Close() })
	backends := &stripe.Backends{API: stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(b.api.URL), MaxNetworkRetries: stripe.Int64(0), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})}
	b.stripe = client.New(secretKey, backends)
	return b
}

func (b *bench) take(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse > 0 {
		b.refuse--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	e, err := webhook.ConstructEventWithOptions(body, r.Header.Get("Stripe-Signature"), signing, webhook.ConstructEventOptions{IgnoreTolerance: true})
	if err != nil {
		b.t.Errorf("webhook: %v", err)
		return
	}
	b.received = append(b.received, e)
}

func (b *bench) types() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, e := range b.received {
		all = append(all, string(e.Type))
	}
	return all
}

func (b *bench) control(method, path, body string) map[string]any {
	b.t.Helper()
	req, err := http.NewRequest(method, b.api.URL+path, strings.NewReader(body))
	require.NoError(b.t, err)
	req.Header.Set("Authorization", "Bearer "+secretKey)
	res, err := http.DefaultClient.Do(req)
	require.NoError(b.t, err)
	defer res.Body.Close()
	require.Equal(b.t, http.StatusOK, res.StatusCode)
	var out map[string]any
	require.NoError(b.t, json.NewDecoder(res.Body).Decode(&out))
	return out
}

func (b *bench) intent(manual bool) *stripe.PaymentIntent {
	b.t.Helper()
	p := &stripe.PaymentIntentParams{Amount: stripe.Int64(4500), Currency: stripe.String("eur")}
	p.AutomaticPaymentMethods = &stripe.PaymentIntentAutomaticPaymentMethodsParams{Enabled: stripe.Bool(true), AllowRedirects: stripe.String("never")}
	if manual {
		p.CaptureMethod = stripe.String("manual")
	}
	p.AddMetadata("booking", "b1")
	in, err := b.stripe.PaymentIntents.New(p)
	require.NoError(b.t, err)
	return in
}

// pay confirms with a card that pays.
func (b *bench) pay(id string) {
	b.t.Helper()
	_, e := b.confirm(id, "pm_card_visa")
	require.Nil(b.t, e)
}

func (b *bench) confirm(id, method string) (*stripe.PaymentIntent, *stripe.Error) {
	in, err := b.stripe.PaymentIntents.Confirm(id, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String(method)})
	var e *stripe.Error
	if err != nil {
		require.ErrorAs(b.t, err, &e)
	}
	return in, e
}

func TestManualCapture(t *testing.T) {
	b := start(t, t.TempDir())
	in := b.intent(true)
	require.Equal(t, stripe.PaymentIntentStatusRequiresPaymentMethod, in.Status)
	in, e := b.confirm(in.ID, "pm_card_visa")
	require.Nil(t, e)
	require.Equal(t, stripe.PaymentIntentStatusRequiresCapture, in.Status)
	require.EqualValues(t, 4500, in.AmountCapturable)

	p := &stripe.PaymentIntentCaptureParams{}
	p.AddExpand("latest_charge.balance_transaction")
	in, err := b.stripe.PaymentIntents.Capture(in.ID, p)
	require.NoError(t, err)
	require.Equal(t, stripe.PaymentIntentStatusSucceeded, in.Status)
	require.EqualValues(t, 4500, in.AmountReceived)
	txn := in.LatestCharge.BalanceTransaction
	require.EqualValues(t, 4500, txn.Amount)
	require.Equal(t, txn.Amount-txn.Fee, txn.Net)

	_, err = b.stripe.PaymentIntents.Capture(in.ID, nil)
	requireCode(t, err, http.StatusBadRequest, stripe.ErrorCodePaymentIntentUnexpectedState)
	_, err = b.stripe.PaymentIntents.Cancel(in.ID, nil)
	requireCode(t, err, http.StatusBadRequest, stripe.ErrorCodePaymentIntentUnexpectedState)
	require.Eventually(t, func() bool {
		got := b.types()
		return len(got) == 5 && contains(got, "payment_intent.amount_capturable_updated") && contains(got, "payment_intent.succeeded")
	}, 5*time.Second, 10*time.Millisecond)
}

func requireCode(t *testing.T, err error, status int, code stripe.ErrorCode) {
	t.Helper()
	var e *stripe.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, status, e.HTTPStatusCode)
	require.Equal(t, code, e.Code)
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func TestPartialCaptureAndRefunds(t *testing.T) {
	b := start(t, t.TempDir())
	in := b.intent(true)
	b.pay(in.ID)
	in, err := b.stripe.PaymentIntents.Capture(in.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(3000)})
	require.NoError(t, err)
	require.EqualValues(t, 3000, in.AmountReceived)

	r, err := b.stripe.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(in.ID), Amount: stripe.Int64(1000)})
	require.NoError(t, err)
	require.Equal(t, stripe.RefundStatusSucceeded, r.Status)
	_, err = b.stripe.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(in.ID), Amount: stripe.Int64(2001)})
	requireCode(t, err, http.StatusBadRequest, "")
	_, err = b.stripe.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(in.ID)})
	require.NoError(t, err)
	_, err = b.stripe.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(in.ID)})
	requireCode(t, err, http.StatusBadRequest, stripe.ErrorCodeChargeAlreadyRefunded)

	var sum int64
	list := b.stripe.BalanceTransactions.List(nil)
	for list.Next() {
		sum += list.BalanceTransaction().Amount
	}
	require.Zero(t, sum)
	ledger := b.control(http.MethodGet, "/_sim/ledger?booking=b1", "")
	entry := ledger["intents"].([]any)[0].(map[string]any)
	require.EqualValues(t, 3000, entry["captured"])
	require.EqualValues(t, 3000, entry["refunded"])
}

func TestDeclines(t *testing.T) {
	b := start(t, t.TempDir())
	for _, c := range []struct {
		number  string
		code    stripe.ErrorCode
		decline stripe.DeclineCode
	}{
		{"4000000000000002", "card_declined", "generic_decline"},
		{"4000000000009995", "card_declined", "insufficient_funds"},
		{"4000000000009987", "card_declined", "lost_card"},
		{"4000000000000069", "expired_card", ""},
		{"4000000000000127", "incorrect_cvc", ""},
		{"4000000000000119", "processing_error", ""},
		{"4000000000006975", "card_declined", "card_velocity_exceeded"},
		{"4012888888881881", "card_declined", "test_mode_live_card"},
	} {
		t.Run(c.number, func(t *testing.T) {
			m, err := b.stripe.PaymentMethods.New(&stripe.PaymentMethodParams{Type: stripe.String("card"), Card: &stripe.PaymentMethodCardParams{
				Number: stripe.String(c.number), ExpMonth: stripe.Int64(12), ExpYear: stripe.Int64(int64(time.Now().Year() + 1)), CVC: stripe.String("123"),
			}})
			require.NoError(t, err)
			in := b.intent(true)
			_, e := b.confirm(in.ID, m.ID)
			require.NotNil(t, e)
			require.Equal(t, http.StatusPaymentRequired, e.HTTPStatusCode)
			require.Equal(t, stripe.ErrorTypeCard, e.Type)
			require.Equal(t, c.code, e.Code)
			require.Equal(t, c.decline, e.DeclineCode)
			require.Equal(t, in.ID, e.PaymentIntent.ID)
			require.NotEmpty(t, e.ChargeID)

			in, err = b.stripe.PaymentIntents.Get(in.ID, nil)
			require.NoError(t, err)
			require.Equal(t, stripe.PaymentIntentStatusRequiresPaymentMethod, in.Status)
			require.Equal(t, c.code, in.LastPaymentError.Code)
			in, e = b.confirm(in.ID, "pm_card_visa") // another card may still pay
			require.Nil(t, e)
			require.Equal(t, stripe.PaymentIntentStatusRequiresCapture, in.Status)
		})
	}
	_, err := b.stripe.PaymentMethods.New(&stripe.PaymentMethodParams{Type: stripe.String("card"), Card: &stripe.PaymentMethodCardParams{
		Number: stripe.String("4242424242424241"), ExpMonth: stripe.Int64(12), ExpYear: stripe.Int64(2040), CVC: stripe.String("123"),
	}})
	requireCode(t, err, http.StatusPaymentRequired, stripe.ErrorCodeIncorrectNumber)
}

// post makes the call that the card form makes: publishable key and client secret.
func (b *bench) post(path string, form url.Values) (int, map[string]any) {
	b.t.Helper()
	form.Set("key", publicKey)
	res, err := http.PostForm(b.form.URL+path, form)
	require.NoError(b.t, err)
	defer res.Body.Close()
	var out map[string]any
	require.NoError(b.t, json.NewDecoder(res.Body).Decode(&out))
	return res.StatusCode, out
}

func TestClientConfirmsAndAuthenticates(t *testing.T) {
	b := start(t, t.TempDir())
	card := func(in *stripe.PaymentIntent, number string) url.Values {
		return url.Values{
			"client_secret": {in.ClientSecret}, "payment_method_data[type]": {"card"}, "payment_method_data[card][number]": {number},
			"payment_method_data[card][exp_month]": {"12"}, "payment_method_data[card][exp_year]": {"2040"}, "payment_method_data[card][cvc]": {"123"},
		}
	}
	in := b.intent(true)
	form := card(in, "4242424242424242")
	form.Set("client_secret", "guess")
	status, _ := b.post("/v1/payment_intents/"+in.ID+"/confirm", form)
	require.Equal(t, http.StatusNotFound, status)

	for outcome, want := range map[string]string{"succeed": requiresCapture, "fail": requiresPaymentMethod} {
		in := b.intent(true)
		status, answer := b.post("/v1/payment_intents/"+in.ID+"/confirm", card(in, "4000002760003184"))
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, requiresAction, answer["status"])
		require.NotContains(t, answer, "metadata", "the page sees no more than it needs")
		challenge := answer["next_action"].(map[string]any)["use_stripe_sdk"].(map[string]any)["source"].(string)
		res, err := http.PostForm(b.form.URL+"/3ds/"+challenge, url.Values{"outcome": {outcome}})
		require.NoError(t, err)
		res.Body.Close()
		in, err = b.stripe.PaymentIntents.Get(in.ID, nil)
		require.NoError(t, err)
		require.EqualValues(t, want, in.Status)
		if outcome == "fail" {
			require.Equal(t, stripe.ErrorCode("payment_intent_authentication_failure"), in.LastPaymentError.Code)
		}
	}
	res, err := http.PostForm(b.form.URL+"/v1/payment_intents/"+in.ID+"/capture", url.Values{"key": {publicKey}})
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusNotFound, res.StatusCode, "the form's origin serves no more than the form needs")
	res, err = http.PostForm(b.api.URL+"/v1/payment_intents/"+in.ID+"/capture", url.Values{"key": {publicKey}})
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusForbidden, res.StatusCode)
}

func TestFormMayBeFramedByTheAppOnly(t *testing.T) {
	b := start(t, t.TempDir())
	res, err := http.Get(b.form.URL + "/?client_secret=x&locale=ar&theme=dark")
	require.NoError(t, err)
	defer res.Body.Close()
	page, _ := io.ReadAll(res.Body)
	require.Contains(t, res.Header.Get("Content-Security-Policy"), "frame-ancestors 'self' http://localhost:8080")
	require.Contains(t, string(page), `dir="rtl"`)
	require.Contains(t, string(page), `data-key="`+publicKey+`"`)
}

func TestRefundsThatTakeAWhile(t *testing.T) {
	b := start(t, t.TempDir())
	for method, want := range map[string][]stripe.RefundStatus{
		"pm_card_refundFail":    {stripe.RefundStatusSucceeded, stripe.RefundStatusFailed},
		"pm_card_pendingRefund": {stripe.RefundStatusPending, stripe.RefundStatusSucceeded},
	} {
		in := b.intent(false)
		in, e := b.confirm(in.ID, method)
		require.Nil(t, e)
		require.Equal(t, stripe.PaymentIntentStatusSucceeded, in.Status)
		r, err := b.stripe.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(in.ID)})
		require.NoError(t, err)
		require.Equal(t, want[0], r.Status)
		require.Eventually(t, func() bool {
			r, err = b.stripe.Refunds.Get(r.ID, nil)
			return err == nil && r.Status == want[1]
		}, 10*time.Second, 50*time.Millisecond)
		charge, err := b.stripe.Charges.Get(in.LatestCharge.ID, nil)
		require.NoError(t, err)
		if want[1] == stripe.RefundStatusFailed {
			require.Zero(t, charge.AmountRefunded)
			require.NotEmpty(t, r.FailureReason)
		} else {
			require.True(t, charge.Refunded)
		}
	}
}

func TestDispute(t *testing.T) {
	b := start(t, t.TempDir())
	in := b.intent(true)
	_, e := b.confirm(in.ID, "pm_card_createDispute")
	require.Nil(t, e)
	_, err := b.stripe.PaymentIntents.Capture(in.ID, nil)
	require.NoError(t, err)
	_, err = b.stripe.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(in.ID)})
	requireCode(t, err, http.StatusBadRequest, stripe.ErrorCode("charge_disputed"))
	require.Eventually(t, func() bool { return contains(b.types(), "charge.dispute.created") }, 5*time.Second, 10*time.Millisecond)
}

func TestIdempotency(t *testing.T) {
	b := start(t, t.TempDir())
	params := func(amount int64) *stripe.PaymentIntentParams {
		p := &stripe.PaymentIntentParams{Amount: stripe.Int64(amount), Currency: stripe.String("eur")}
		p.SetIdempotencyKey("key-1")
		return p
	}
	first, err := b.stripe.PaymentIntents.New(params(1000))
	require.NoError(t, err)
	second, err := b.stripe.PaymentIntents.New(params(1000))
	require.NoError(t, err)
	require.Equal(t, first.ID, second.ID)
	require.Equal(t, "true", second.LastResponse.Header.Get("Idempotent-Replayed"))
	_, err = b.stripe.PaymentIntents.New(params(2000))
	var e *stripe.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, stripe.ErrorTypeIdempotency, e.Type)
	require.Equal(t, http.StatusBadRequest, e.HTTPStatusCode)

	// A refusal is remembered too; one for the form of the request is not.
	confirm := &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_chargeDeclined")}
	confirm.SetIdempotencyKey("key-2")
	_, err = b.stripe.PaymentIntents.Confirm(first.ID, confirm)
	require.ErrorAs(t, err, &e)
	_, err = b.stripe.PaymentIntents.Confirm(first.ID, confirm)
	var again *stripe.Error
	require.ErrorAs(t, err, &again)
	require.Equal(t, e.ChargeID, again.ChargeID)

	// The same key twice at once.
	b.control(http.MethodPost, "/_sim/faults", `{"action":"delay","path":"/v1/payment_intents","delay_ms":500,"times":1}`)
	slow := params(500)
	slow.SetIdempotencyKey("key-3")
	done := make(chan error, 1)
	go func() {
		_, err := b.stripe.PaymentIntents.New(slow)
		done <- err
	}()
	require.Eventually(t, func() bool { b.Simulator.mu.Lock(); defer b.Simulator.mu.Unlock(); return b.busy["key-3"] }, time.Second, time.Millisecond)
	_, err = b.stripe.PaymentIntents.New(slow)
	requireCode(t, err, http.StatusConflict, stripe.ErrorCodeIdempotencyKeyInUse)
	require.NoError(t, <-done)
}

func TestListsPageAndFilter(t *testing.T) {
	b := start(t, t.TempDir())
	b.clock = time.Unix(1_700_000_000, 0)
	var ids []string
	for range 25 {
		ids = append(ids, b.intent(false).ID)
		b.mu.Lock()
		b.clock = b.clock.Add(time.Second)
		b.mu.Unlock()
	}
	p := &stripe.PaymentIntentListParams{}
	p.Limit = stripe.Int64(10)
	var got []string
	it := b.stripe.PaymentIntents.List(p)
	for it.Next() {
		got = append(got, it.PaymentIntent().ID)
	}
	require.NoError(t, it.Err())
	require.Len(t, got, 25)
	for i := range ids {
		require.Equal(t, ids[i], got[len(got)-1-i], "newest first")
	}
	p = &stripe.PaymentIntentListParams{CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: 1_700_000_005, LesserThan: 1_700_000_008}}
	got = nil
	for it = b.stripe.PaymentIntents.List(p); it.Next(); {
		got = append(got, it.PaymentIntent().ID)
	}
	require.Equal(t, []string{ids[7], ids[6], ids[5]}, got)
	p = &stripe.PaymentIntentListParams{}
	p.Limit, p.EndingBefore, p.Single = stripe.Int64(2), stripe.String(ids[10]), true
	it = b.stripe.PaymentIntents.List(p)
	got = nil
	for it.Next() {
		got = append(got, it.PaymentIntent().ID)
	}
	require.Equal(t, []string{ids[11], ids[12]}, got, "backwards through the pages, the client turns a page round")
}

func TestErrorsOfForm(t *testing.T) {
	b := start(t, t.TempDir())
	_, err := b.stripe.PaymentIntents.New(&stripe.PaymentIntentParams{Currency: stripe.String("eur")})
	requireCode(t, err, http.StatusBadRequest, stripe.ErrorCodeParameterMissing)
	_, err = b.stripe.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(1), Currency: stripe.String("eur")})
	requireCode(t, err, http.StatusBadRequest, stripe.ErrorCodeAmountTooSmall)
	_, err = b.stripe.PaymentIntents.Get("pi_none", nil)
	requireCode(t, err, http.StatusNotFound, stripe.ErrorCodeResourceMissing)
	p := &stripe.PaymentIntentParams{Amount: stripe.Int64(1000), Currency: stripe.String("eur")}
	p.AddExtra("colour", "red")
	_, err = b.stripe.PaymentIntents.New(p)
	requireCode(t, err, http.StatusBadRequest, stripe.ErrorCodeParameterUnknown)
	stranger := client.New("sk_test_other", &stripe.Backends{API: stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{URL: stripe.String(b.api.URL), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}})})
	_, err = stranger.PaymentIntents.Get("pi_none", nil)
	requireCode(t, err, http.StatusUnauthorized, "")
}

// What was answered is there after a crash: the second simulator reads what the first wrote, with
// no farewell in between. Webhooks that were not taken are sent again.
func TestSurvivesACrash(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir)
	b.mu.Lock()
	b.refuse = 1 << 20
	b.mu.Unlock()
	in := b.intent(true)
	b.pay(in.ID)
	copied := t.TempDir()
	raw := read(t, dir+"/stripesim.db")
	write(t, copied+"/stripesim.db", raw)

	again := start(t, copied)
	in, err := again.stripe.PaymentIntents.Get(in.ID, nil)
	require.NoError(t, err)
	require.Equal(t, stripe.PaymentIntentStatusRequiresCapture, in.Status)
	_, err = again.stripe.PaymentIntents.Capture(in.ID, nil)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return contains(again.types(), "payment_intent.amount_capturable_updated") && contains(again.types(), "payment_intent.succeeded")
	}, 5*time.Second, 10*time.Millisecond)
}

func TestWebhooksGoWrongOnDemand(t *testing.T) {
	b := start(t, t.TempDir())
	count := func(kind string, id string) (n int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.received {
			if string(e.Type) == kind && bytes.Contains(e.Data.Raw, []byte(id)) {
				n++
			}
		}
		return n
	}
	const kind = "payment_intent.amount_capturable_updated"

	lost := b.intent(true)
	b.control(http.MethodPost, "/_sim/webhooks", `{"action":"drop","type":"payment_intent.amount*","intent":"`+lost.ID+`"}`)
	b.pay(lost.ID)

	doubled := b.intent(true)
	b.control(http.MethodPost, "/_sim/webhooks", `{"action":"duplicate","copies":2,"type":"`+kind+`","times":1}`)
	b.pay(doubled.ID)
	require.Eventually(t, func() bool { return count(kind, doubled.ID) == 3 }, 5*time.Second, 10*time.Millisecond)

	turned := b.intent(true)
	b.control(http.MethodPost, "/_sim/webhooks", `{"action":"reorder","copies":2,"type":"payment_intent.*","intent":"`+turned.ID+`"}`)
	b.pay(turned.ID)
	_, err := b.stripe.PaymentIntents.Capture(turned.ID, nil)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return count(kind, turned.ID) == 1 && count("payment_intent.succeeded", turned.ID) == 1 }, 5*time.Second, 10*time.Millisecond)
	b.mu.Lock()
	order := map[string]int{}
	for i, e := range b.received {
		if bytes.Contains(e.Data.Raw, []byte(turned.ID)) {
			order[string(e.Type)] = i
		}
	}
	b.refuse = 2
	b.mu.Unlock()
	require.Less(t, order["payment_intent.succeeded"], order[kind], "the later one came first")

	retried := b.intent(true)
	b.control(http.MethodDelete, "/_sim/webhooks", "")
	b.pay(retried.ID)
	require.Eventually(t, func() bool { return count(kind, retried.ID) == 1 }, 10*time.Second, 10*time.Millisecond)
	require.Zero(t, count(kind, lost.ID))
}

func TestTheAnswerGetsLost(t *testing.T) {
	b := start(t, t.TempDir())
	b.control(http.MethodPost, "/_sim/faults", `{"action":"lose","method":"POST","path":"/v1/payment_intents/*/capture","times":1}`)
	in := b.intent(true)
	b.pay(in.ID)
	_, err := b.stripe.PaymentIntents.Capture(in.ID, nil)
	require.Error(t, err)
	var e *stripe.Error
	require.False(t, errors.As(err, &e), "no answer at all: %v", err)
	in, err = b.stripe.PaymentIntents.Get(in.ID, nil)
	require.NoError(t, err)
	require.Equal(t, stripe.PaymentIntentStatusSucceeded, in.Status)
}

func TestAuthorisationsRunOut(t *testing.T) {
	b := start(t, t.TempDir())
	in := b.intent(true)
	b.pay(in.ID)
	b.mu.Lock()
	b.clock = time.Now().Add(8 * 24 * time.Hour)
	b.mu.Unlock()
	require.Eventually(t, func() bool {
		in, err := b.stripe.PaymentIntents.Get(in.ID, nil)
		return err == nil && in.Status == stripe.PaymentIntentStatusCanceled && in.CancellationReason == "automatic"
	}, 5*time.Second, 20*time.Millisecond)
}
