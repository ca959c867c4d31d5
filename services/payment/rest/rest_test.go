package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/singleflight"

	"github.com/foyer-tickets/foyer/cmd/stripesim/sim"
	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/payment"
	"github.com/foyer-tickets/foyer/services/payment/postgres"
	"github.com/foyer-tickets/foyer/services/payment/rest"
	"github.com/foyer-tickets/foyer/services/payment/stripe"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	secretKey     = "sk_test_rest"
	publicKey     = "pk_test_rest"
	webhookSecret = "whsec_rest"
	appToken      = "app-token"
)

// bookings are what the booking service would say.
type bookings struct {
	mu  sync.Mutex
	all []payment.BookingMoney
}

func (b *bookings) Money(context.Context, time.Time, time.Time) ([]payment.BookingMoney, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]payment.BookingMoney{}, b.all...), nil
}

func (b *bookings) add(k payment.BookingMoney) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, k)
}

// tokens verifies tokens that name a role.
type tokens struct{}

func (tokens) Verify(_ context.Context, raw string) (identity.Account, error) {
	return identity.Account{ID: raw, Roles: []identity.Role{identity.Role(raw)}}, nil
}

// bench is the service over a real database and a real simulator, without a sidecar.
type bench struct {
	t        *testing.T
	pool     *pgxpool.Pool
	store    postgres.Store
	server   rest.Server
	service  payment.Service
	poller   payment.Poller
	bookings *bookings
	http     *httptest.Server
	api      *httptest.Server // the simulator's
	ahead    *atomic.Int64    // how far our clock is ahead of the simulator's
	down     *atomic.Bool     // the simulator does not answer
}

func (b *bench) now() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }

func start(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, bookings: &bookings{}, ahead: &atomic.Int64{}, down: &atomic.Bool{}}
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b.pool, b.store = pool, postgres.Store{Pool: pool, Now: b.now}

	router, err := httpapi.NewRouter(httpapi.Options{Service: "payment", Spec: rest.Spec, Verifier: tokens{}})
	require.NoError(t, err)
	b.http = httptest.NewServer(router)
	t.Cleanup(b.http.Close)

	s, err := sim.Open(sim.Config{
		Data: t.TempDir(), SecretKey: secretKey, PublishableKey: publicKey, WebhookSecret: webhookSecret, WebhookURL: b.http.URL + "/webhooks/stripe",
		WebhookEvents: []string{"payment_intent.amount_capturable_updated", "payment_intent.payment_failed", "payment_intent.succeeded", "payment_intent.canceled", "charge.refunded", "charge.refund.updated", "refund.updated", "refund.failed", "charge.dispute.created"},
		PublicURL:     "http://localhost:8080", FormAddr: "127.0.0.1:1",
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done; s.Close() })
	answering := s.API()
	b.api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.down.Load() && strings.HasPrefix(r.URL.Path, "/v1/") {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the client has gone
			<-r.Context().Done()
			return
		}
		answering.ServeHTTP(w, r)
	}))
	t.Cleanup(b.api.Close)

	provider := stripe.New(stripe.Config{SecretKey: secretKey, PublishableKey: publicKey, APIBase: b.api.URL, Timeout: 3 * time.Second})
	b.service = payment.Service{Store: b.store, Provider: provider, Reader: provider, Now: b.now}
	b.poller = payment.Poller{Due: b.store, Service: b.service, Reader: provider}
	b.server = rest.Server{
		Verify: func(body []byte, signature string) (payment.Webhook, error) {
			return stripe.Verify(body, signature, webhookSecret)
		},
		Webhooks:   payment.WebhookHandler{Inbox: b.store, Store: b.store, Reader: provider, Now: b.now, Flights: &singleflight.Group{}},
		Reconciler: payment.Reconciler{Statement: provider, Bookings: b.bookings, Store: b.store, Poller: b.poller, Now: b.now},
		Reports:    b.store, Refunds: b.store, Service: b.service, Provider: rest.PaymentProvider{Provider: rest.Simulator, PublishableKey: publicKey}, Now: b.now,
	}
	rest.Mount(router, b.server)
	rest.Internal{Service: b.service, PublishableKey: publicKey}.Mount(daprclient.Guarded(router, appToken))
	return b
}

// call speaks to the simulator.
func (b *bench) provider(method, path string, form url.Values) map[string]any {
	b.t.Helper()
	req, err := http.NewRequest(method, b.api.URL+path, strings.NewReader(form.Encode()))
	require.NoError(b.t, err)
	req.Header.Set("Authorization", "Bearer "+secretKey)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

func (b *bench) control(path, body string) map[string]any {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.api.URL+"/_sim"+path, strings.NewReader(body))
	require.NoError(b.t, err)
	req.Header.Set("Authorization", "Bearer "+secretKey)
	return b.do(req)
}

func (b *bench) do(req *http.Request) map[string]any {
	b.t.Helper()
	res, err := http.DefaultClient.Do(req)
	require.NoError(b.t, err)
	defer res.Body.Close()
	var out map[string]any
	require.NoError(b.t, json.NewDecoder(res.Body).Decode(&out))
	return out
}

func (b *bench) intend() payment.Payment {
	b.t.Helper()
	p, err := b.service.Intend(b.t.Context(), order(4500))
	require.NoError(b.t, err)
	return p
}

func order(amount int64) payment.Order {
	return payment.Order{Booking: uuid.Must(uuid.NewV7()), Attempt: 1, Amount: money.Money{Amount: amount, Currency: "EUR"}, Account: uuid.NewString(), Event: uuid.Must(uuid.NewV7())}
}

func (b *bench) confirm(p payment.Payment, card string) map[string]any {
	b.t.Helper()
	return b.provider(http.MethodPost, "/v1/payment_intents/"+p.Intent+"/confirm", url.Values{"payment_method": {card}})
}

func (b *bench) is(p payment.Payment, want payment.Status) payment.Payment {
	b.t.Helper()
	var now payment.Payment
	harness.Eventually(b.t, 10*time.Second, "payment is "+string(want), func() (err error) {
		now, err = b.store.Get(b.t.Context(), p.ID)
		if err == nil && now.Status != want {
			err = fmt.Errorf("it is %s", now.Status)
		}
		return err
	})
	return now
}

// paid gives a payment whose money was taken.
func (b *bench) paid(card string) payment.Payment {
	b.t.Helper()
	p := b.intend()
	b.confirm(p, card)
	b.is(p, payment.Authorized)
	p, err := b.service.Capture(b.t.Context(), p.ID)
	require.NoError(b.t, err)
	return p
}

// notices are the kinds that were put in the outbox for a booking, in order.
func (b *bench) notices(p payment.Payment) (kinds []string) {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), `SELECT payload ->> 'kind' FROM outbox WHERE key = $1 AND topic = 'payment.events' ORDER BY id`, p.Booking.String())
	require.NoError(b.t, err)
	defer rows.Close()
	for rows.Next() {
		var kind string
		require.NoError(b.t, rows.Scan(&kind))
		kinds = append(kinds, kind)
	}
	return kinds
}

// balanced says that the ledger's clearing accounts are empty and its sum is zero.
func (b *bench) balanced() {
	b.t.Helper()
	all, err := b.store.Balances(b.t.Context())
	require.NoError(b.t, err)
	var sum int64
	for _, x := range all {
		sum += x.Amount
		if x.Account == payment.ProviderClearing || x.Account == payment.RefundClearing {
			require.Zero(b.t, x.Amount, x.Account)
		}
	}
	require.Zero(b.t, sum)
}

func (b *bench) count(sql string, args ...any) (n int) {
	b.t.Helper()
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), sql, args...).Scan(&n))
	return n
}

func TestFromIntentToRefund(t *testing.T) {
	b := start(t)
	p := b.paid("pm_card_visa")
	require.Equal(t, payment.Captured, p.Status)
	again, err := b.service.Capture(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, p.Captured, again.Captured)

	r := payment.Refund{ID: uuid.New(), Amount: 1500, Reason: "changed_mind"}
	for range 2 { // asked for twice, it is one
		made, err := b.service.Refund(t.Context(), p.ID, r)
		require.NoError(t, err)
		require.Equal(t, payment.RefundSucceeded, made.Status)
	}
	_, err = b.service.Refund(t.Context(), p.ID, payment.Refund{ID: r.ID, Amount: 1})
	require.ErrorIs(t, err, payment.ErrRefundDiffers)
	_, err = b.service.Refund(t.Context(), p.ID, payment.Refund{ID: uuid.New(), Amount: 3001})
	require.ErrorIs(t, err, payment.ErrRefundTooLarge)
	_, err = b.service.Void(t.Context(), p.ID)
	require.ErrorIs(t, err, payment.ErrCaptured)
	_, err = b.service.Refund(t.Context(), p.ID, payment.Refund{ID: uuid.New(), Amount: 3000})
	require.NoError(t, err)
	p = b.is(p, payment.Refunded)
	require.EqualValues(t, 4500, p.Refunded)
	require.Equal(t, []string{"authorized", "refunded", "refunded"}, b.notices(p))
	b.balanced()
	line := b.line("/ledger?booking=" + p.Booking.String())
	require.EqualValues(t, 4500, line["captured"])
	require.EqualValues(t, 4500, line["refunded"])
}

// line reads one line of the simulator's ledger.
func (b *bench) line(path string) map[string]any {
	b.t.Helper()
	return b.provider(http.MethodGet, "/_sim"+path, nil)["intents"].([]any)[0].(map[string]any)
}

func TestIntendOncePerAttempt(t *testing.T) {
	b := start(t)
	o := order(2000)
	var wg sync.WaitGroup
	ids := make([]string, 10)
	for i := range ids {
		wg.Go(func() {
			for range 50 { // the same key twice at once is refused for the moment
				if p, err := b.service.Intend(t.Context(), o); err == nil {
					ids[i] = p.Intent
					return
				}
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
	require.NotEmpty(t, ids[0])
	o.Amount.Amount = 2100
	_, err := b.service.Intend(t.Context(), o)
	require.ErrorIs(t, err, payment.ErrDiffers)
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}

func TestDeclinedAndPaidWithAnotherCard(t *testing.T) {
	b := start(t)
	p := b.intend()
	b.confirm(p, "pm_card_chargeDeclinedInsufficientFunds")
	harness.Eventually(t, 10*time.Second, "the refusal is known", func() error {
		if now, err := b.store.Get(t.Context(), p.ID); err != nil || now.Reason != "insufficient_funds" {
			return fmt.Errorf("%q: %w", now.Reason, err)
		}
		return nil
	})
	b.confirm(p, "pm_card_visa")
	p = b.is(p, payment.Authorized)
	require.Equal(t, []string{"authorization_failed", "authorized"}, b.notices(p))
}

func TestFreeOfCharge(t *testing.T) {
	b := start(t)
	p, err := b.service.Intend(t.Context(), order(0))
	require.NoError(t, err)
	require.Equal(t, payment.Authorized, p.Status)
	p, err = b.service.Capture(t.Context(), p.ID)
	require.NoError(t, err)
	r, err := b.service.Refund(t.Context(), p.ID, payment.Refund{ID: uuid.New()})
	require.NoError(t, err)
	require.Equal(t, payment.RefundSucceeded, r.Status)
	require.Equal(t, []string{"authorized", "refunded"}, b.notices(p))
	require.Zero(t, b.count(`SELECT count(*) FROM transfers`))
}

// The buyer authorises while the booking is cancelled: the provider lets one of them win, and both
// sides agree on which.
func TestCancelRacesAuthorise(t *testing.T) {
	b := start(t)
	for range 15 {
		p := b.intend()
		var wg sync.WaitGroup
		var voided error
		wg.Go(func() { b.confirm(p, "pm_card_visa") })
		wg.Go(func() { _, voided = b.service.Void(t.Context(), p.ID) })
		wg.Wait()
		require.NoError(t, voided, "nothing was taken, so letting go always works")
		p = b.is(p, payment.Voided)
		line := b.line("/ledger?booking=" + p.Booking.String())
		require.Equal(t, "canceled", line["status"])
		require.EqualValues(t, 0, line["captured"])
		_, err := b.service.Capture(t.Context(), p.ID)
		require.ErrorIs(t, err, payment.ErrOver)
	}
}

// Taking the money and letting go of it race: exactly one wins.
func TestCaptureRacesVoid(t *testing.T) {
	b := start(t)
	for range 15 {
		p := b.intend()
		b.confirm(p, "pm_card_visa")
		b.is(p, payment.Authorized)
		var wg sync.WaitGroup
		var captured, voided error
		wg.Go(func() { _, captured = b.service.Capture(t.Context(), p.ID) })
		wg.Go(func() { _, voided = b.service.Void(t.Context(), p.ID) })
		wg.Wait()
		require.NotEqual(t, captured == nil, voided == nil, "capture: %v, void: %v", captured, voided)
		line := b.line("/ledger?booking=" + p.Booking.String())
		if captured == nil {
			b.is(p, payment.Captured)
			require.EqualValues(t, 4500, line["captured"])
		} else {
			b.is(p, payment.Voided)
			require.EqualValues(t, 0, line["captured"])
		}
	}
	b.balanced()
}

// refundIs waits for a refund's status.
func (b *bench) refundIs(id uuid.UUID, want payment.RefundStatus) payment.Refund {
	b.t.Helper()
	var now payment.Refund
	harness.Eventually(b.t, 10*time.Second, "refund is "+string(want), func() (err error) {
		now, err = b.store.FindRefund(b.t.Context(), id)
		if err == nil && now.Status != want {
			err = fmt.Errorf("it is %s", now.Status)
		}
		return err
	})
	return now
}

// attend does what the poller does when the time has come.
func (b *bench) attend() {
	b.t.Helper()
	due, err := b.store.Due(b.t.Context(), b.now(), time.Minute, 10)
	require.NoError(b.t, err)
	for _, p := range due {
		require.NoError(b.t, b.poller.Poll(b.t.Context(), p))
	}
}

// The bank sends a refund back after it succeeded: the buyer is told, and it is made again with
// another key.
func TestRefundThatComesBackIsMadeAgain(t *testing.T) {
	b := start(t)
	p := b.paid("pm_card_visa")
	id := uuid.New()
	r, err := b.service.Refund(t.Context(), p.ID, payment.Refund{ID: id, Amount: 1500})
	require.NoError(t, err)
	require.Equal(t, payment.RefundSucceeded, r.Status)
	b.control("/refunds/"+r.Provider+"/fail", "")
	b.refundIs(id, payment.RefundRetrying)
	p = b.is(p, payment.Captured)
	require.Zero(t, p.Refunded)
	b.balanced()
	for range 2 {
		b.attend()
	}
	require.Equal(t, payment.RefundRetrying, b.refundIs(id, payment.RefundRetrying).Status, "not yet")
	b.ahead.Store(int64(time.Minute))
	harness.Eventually(t, 30*time.Second, "the next attempt is made", func() error {
		b.attend()
		now, err := b.store.FindRefund(t.Context(), id)
		if err == nil && now.Attempt != 2 {
			err = fmt.Errorf("attempt %d", now.Attempt)
		}
		return err
	})
	r = b.refundIs(id, payment.RefundSucceeded)
	require.Equal(t, 2, r.Attempt)
	require.Equal(t, []string{"authorized", "refunded", "refund_delayed", "refunded"}, b.notices(p))
	require.EqualValues(t, 1500, b.line("/ledger?booking=" + p.Booking.String())["refunded"])
	b.balanced()
	require.Empty(t, kinds(b.reconcile(), payment.Stuck), "the attempt that failed is old news")
}

// A refund that the bank sends back each time ends before an admin, as a finding, and leaves it when
// the admin has it made again or pays by other means.
func TestRefundThatFailsForGoodIsAFinding(t *testing.T) {
	b := start(t)
	p := b.paid("pm_card_refundFail")
	r, err := b.service.Refund(t.Context(), p.ID, payment.Refund{ID: uuid.New(), Amount: 4500})
	require.NoError(t, err)
	require.Equal(t, payment.RefundSucceeded, r.Status)
	for attempt := range 4 {
		if attempt > 0 {
			b.ahead.Add(int64(7 * time.Hour))
		}
		want := payment.RefundRetrying
		if attempt == 3 {
			want = payment.RefundFailed
		}
		harness.Eventually(t, 30*time.Second, "the attempt fails", func() error {
			b.attend() // again and again: a webhook may have the row just then
			now, err := b.store.FindRefund(t.Context(), r.ID)
			if err == nil && (now.Attempt != attempt+1 || now.Status != want) {
				err = fmt.Errorf("%s, attempt %d", now.Status, now.Attempt)
			}
			return err
		})
	}
	found := kinds(b.reconcile(), payment.RefundOwing)
	require.Len(t, found, 1)
	require.EqualValues(t, 4500, found[0].Expected)
	require.Equal(t, r.ID, *found[0].Refund)
	b.balanced()

	refunds := "/api/v1/admin/reconciliation/refunds"
	for role, want := range map[string]int{"": 401, "customer": 403, "merchant": 403, "admin": 200} {
		a, body := b.admin(http.MethodGet, refunds, role, nil)
		require.Equal(t, want, a.StatusCode, role)
		require.Equal(t, want == 200, strings.Contains(body, r.ID.String()))
	}
	a, _ := b.admin(http.MethodPost, refunds+"/"+uuid.NewString()+"/retry", "admin", nil)
	require.Equal(t, 404, a.StatusCode)
	a, _ = b.admin(http.MethodPost, refunds+"/"+r.ID.String()+"/retry", "admin", nil)
	require.Equal(t, 202, a.StatusCode)
	b.ahead.Add(int64(time.Minute))
	harness.Eventually(t, 30*time.Second, "the fifth attempt fails as well", func() error {
		b.attend()
		now, err := b.store.FindRefund(t.Context(), r.ID)
		if err == nil && (now.Attempt != 5 || now.Status != payment.RefundFailed) {
			err = fmt.Errorf("%s, attempt %d", now.Status, now.Attempt)
		}
		return err
	})
	resolve := b.ask(http.MethodPost, refunds+"/"+r.ID.String()+"/resolve", `{"how": "bank transfer 4711"}`, http.Header{"Authorization": {"Bearer admin"}, "Content-Type": {"application/json"}})
	require.Equal(t, 200, resolve.StatusCode)
	require.Empty(t, kinds(b.reconcile(), payment.RefundOwing))
	balances, err := b.store.Balances(t.Context())
	require.NoError(t, err)
	held := map[payment.LedgerAccount]int64{}
	for _, x := range balances {
		held[x.Account] = x.Amount
	}
	require.Zero(t, held[payment.Sales], "the buyer has the money: nobody else is owed it")
	require.EqualValues(t, -4500, held[payment.PaidOtherwise])
	again := b.internal("/internal/payments/"+p.ID.String()+"/refunds", fmt.Sprintf(`{"refund": %q, "amount": 4500}`, r.ID))
	require.Contains(t, again.Body, `"status":"succeeded"`, "the booking need not wait any more")
}

func TestRefundThatTakesAWhile(t *testing.T) {
	b := start(t)
	p := b.paid("pm_card_pendingRefund")
	r, err := b.service.Refund(t.Context(), p.ID, payment.Refund{ID: uuid.New(), Amount: 4500})
	require.NoError(t, err)
	require.Equal(t, payment.RefundPending, r.Status)
	b.is(p, payment.Refunded)
	b.balanced()
}

func TestProviderAway(t *testing.T) {
	b := start(t)
	authorized := b.intend()
	b.confirm(authorized, "pm_card_visa")
	b.is(authorized, payment.Authorized)
	b.down.Store(true)
	res := b.internal("/internal/intents", fmt.Sprintf(`{"booking":"%s","attempt":1,"amount":1000,"currency":"EUR","account":"a","event":"%s"}`, uuid.New(), uuid.New()))
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.NotEmpty(t, res.Header.Get("Retry-After"))
	_, err := b.service.Capture(t.Context(), authorized.ID)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	b.is(authorized, payment.Authorized)
	b.down.Store(false)
	_, err = b.service.Capture(t.Context(), authorized.ID)
	require.NoError(t, err)
}

// answer is a response that was read.
type answer struct {
	StatusCode int
	Header     http.Header
	Body       string
}

func (b *bench) ask(method, path, body string, header http.Header) answer {
	b.t.Helper()
	req, err := http.NewRequest(method, b.http.URL+path, strings.NewReader(body))
	require.NoError(b.t, err)
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(b.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	return answer{res.StatusCode, res.Header, string(raw)}
}

// internal calls as the sidecar does.
func (b *bench) internal(path, body string) answer {
	b.t.Helper()
	return b.ask(http.MethodPost, path, body, http.Header{http.CanonicalHeaderKey(daprclient.TokenHeader): {appToken}})
}

// The answer to a capture gets lost; the money was taken all the same. Asked again, it is found.
func TestAnswerLost(t *testing.T) {
	b := start(t)
	p := b.intend()
	b.confirm(p, "pm_card_visa")
	b.is(p, payment.Authorized)
	b.control("/faults", `{"action":"lose","method":"POST","path":"/v1/payment_intents/*/capture","times":1}`)
	// Go's own transport may have asked again by itself: the request has a key.
	requireLost := func(err error) {
		t.Helper()
		require.True(t, err == nil || fault.KindOf(err) == fault.Unavailable, err)
	}
	_, err := b.service.Capture(t.Context(), p.ID)
	requireLost(err)
	_, err = b.service.Capture(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"authorized"}, b.notices(p))

	b.control("/faults", `{"action":"lose","method":"POST","path":"/v1/refunds","times":1}`)
	r := payment.Refund{ID: uuid.New(), Amount: 1000}
	_, err = b.service.Refund(t.Context(), p.ID, r)
	requireLost(err)
	made, err := b.service.Refund(t.Context(), p.ID, r)
	require.NoError(t, err)
	require.Equal(t, payment.RefundSucceeded, made.Status)
	require.EqualValues(t, 1000, b.line("/ledger?booking=" + p.Booking.String())["refunded"])
	b.balanced()
}

func TestInternalRoutesAreForTheSidecarOnly(t *testing.T) {
	b := start(t)
	for _, path := range []string{"/internal/intents", "/internal/payments/" + uuid.NewString() + "/capture", "/internal/payments/" + uuid.NewString() + "/refunds"} {
		res, err := http.Post(b.http.URL+path, "application/json", strings.NewReader(`{}`))
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, http.StatusForbidden, res.StatusCode)
	}
	res := b.internal("/internal/intents", fmt.Sprintf(`{"booking":"%s","attempt":1,"amount":1000,"currency":"EUR","account":"a","event":"%s"}`, uuid.New(), uuid.New()))
	require.Equal(t, http.StatusOK, res.StatusCode)
	var p struct{ Payment, Intent, ClientSecret, PublishableKey, Status string }
	require.NoError(t, json.Unmarshal([]byte(res.Body), &p))
	require.Equal(t, "pending", p.Status)
	require.Equal(t, publicKey, p.PublishableKey)
	require.True(t, strings.HasPrefix(p.ClientSecret, p.Intent+"_secret_"))
	res = b.internal("/internal/payments/"+p.Payment+"/capture", `{}`)
	require.Equal(t, http.StatusConflict, res.StatusCode, "the buyer has not authorised it")
	res = b.internal("/internal/payments/"+p.Payment+"/void", `{}`)
	require.Equal(t, http.StatusOK, res.StatusCode)
}

// deliver sends a webhook and gives the status and the problem's code.
func (b *bench) deliver(body []byte, signature string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.http.URL+"/webhooks/stripe", bytes.NewReader(body))
	require.NoError(b.t, err)
	req.Header.Set("Content-Type", "application/json")
	if signature != "" {
		req.Header.Set("Stripe-Signature", signature)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(b.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	var problem struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(raw, &problem)
	return res.StatusCode, problem.Code
}

// event is the webhook that says a payment was authorised, as the provider would write it.
func (b *bench) event(p payment.Payment, change func(event, object map[string]any)) []byte {
	b.t.Helper()
	object := b.provider(http.MethodGet, "/v1/payment_intents/"+p.Intent, nil)
	e := map[string]any{
		"id": "evt_" + uuid.NewString(), "object": "event", "api_version": "2023-10-16", "created": time.Now().Unix(), "livemode": false,
		"type": "payment_intent.amount_capturable_updated", "data": map[string]any{"object": object}, "pending_webhooks": 1,
		"request": map[string]any{"id": nil, "idempotency_key": nil},
	}
	if change != nil {
		change(e, object)
	}
	raw, err := json.MarshalIndent(e, "", "  ")
	require.NoError(b.t, err)
	return raw
}

// silent keeps the provider's own webhooks away.
func (b *bench) silent() { b.control("/webhooks", `{"action":"drop"}`) }

func TestWebhookSignatures(t *testing.T) {
	b := start(t)
	b.silent()
	p := b.intend()
	b.confirm(p, "pm_card_visa")
	body := b.event(p, nil)
	good := sim.Sign(time.Now(), body, webhookSecret)
	var compact bytes.Buffer
	require.NoError(t, json.Compact(&compact, body))
	for name, c := range map[string]struct {
		body      []byte
		signature string
	}{
		"unsigned":        {body, ""},
		"no signature":    {body, "t=1,v1="},
		"wrong secret":    {body, sim.Sign(time.Now(), body, "whsec_other")},
		"re-serialised":   {compact.Bytes(), good},
		"edited":          {bytes.Replace(body, []byte("4500"), []byte("4501"), 1), good},
		"older than 300s": {body, sim.Sign(time.Now().Add(-301*time.Second), body, webhookSecret)},
		"another time":    {body, strings.Replace(good, "t=", "t=1", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			status, code := b.deliver(c.body, c.signature)
			require.Equal(t, http.StatusBadRequest, status)
			require.Equal(t, "webhook_not_signed", code)
		})
	}
	require.Zero(t, b.count(`SELECT count(*) FROM inbox`))
	b.is(p, payment.Pending)
	status, _ := b.deliver(body, sim.Sign(time.Now().Add(-290*time.Second), body, webhookSecret))
	require.Equal(t, http.StatusOK, status)
	b.is(p, payment.Authorized)
}

func TestSameWebhookFiftyTimesAtOnce(t *testing.T) {
	b := start(t)
	b.silent()
	p := b.intend()
	b.confirm(p, "pm_card_visa")
	body := b.event(p, nil)
	signature := sim.Sign(time.Now(), body, webhookSecret)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			status, _ := b.deliver(body, signature)
			if status != http.StatusOK {
				t.Errorf("answered %d", status)
			}
		})
	}
	wg.Wait()
	require.Equal(t, []string{"authorized"}, b.notices(p))
	require.Equal(t, 1, b.count(`SELECT count(*) FROM inbox`))
}

// What a signed webhook claims has to be what was asked for. Otherwise it is refused, the payment
// stays as it is, and the reconciliation reports it.
func TestSuspectWebhooks(t *testing.T) {
	b := start(t)
	b.silent()
	for what, change := range map[string]func(event, object map[string]any){
		"amount":            func(_, o map[string]any) { o["amount"] = 1 },
		"currency":          func(_, o map[string]any) { o["currency"] = "usd" },
		"account":           func(_, o map[string]any) { o["metadata"].(map[string]any)["account"] = uuid.NewString() },
		"booking":           func(_, o map[string]any) { o["metadata"].(map[string]any)["booking"] = uuid.NewString() },
		"connected_account": func(e, _ map[string]any) { e["account"] = "acct_other" },
		"livemode":          func(e, _ map[string]any) { e["livemode"] = true },
	} {
		t.Run(what, func(t *testing.T) {
			p := b.intend()
			b.confirm(p, "pm_card_visa")
			body := b.event(p, change)
			for range 2 {
				status, code := b.deliver(body, sim.Sign(time.Now(), body, webhookSecret))
				require.Equal(t, http.StatusUnprocessableEntity, status)
				require.Equal(t, "webhook_mismatch", code)
			}
			b.is(p, payment.Pending)
			require.Equal(t, 1, b.count(`SELECT count(*) FROM inbox WHERE outcome = 'refused' AND reason = $1 AND payment = $2`, what, p.ID))
			require.Empty(t, b.notices(p))
		})
	}
	report := b.reconcile()
	require.Len(t, kinds(report, "webhook_refused"), 6)
}

// The webhook lies about the status; what counts is what the provider says when asked.
func TestWebhookIsNotTheNews(t *testing.T) {
	b := start(t)
	b.silent()
	p := b.intend()
	body := b.event(p, func(_, o map[string]any) { o["status"] = "requires_capture" })
	status, _ := b.deliver(body, sim.Sign(time.Now(), body, webhookSecret))
	require.Equal(t, http.StatusOK, status)
	b.is(p, payment.Pending)
}

// An old webhook comes after newer ones: the payment does not go back.
func TestStaleWebhook(t *testing.T) {
	b := start(t)
	b.control("/webhooks", `{"action":"reorder","copies":2,"type":"payment_intent.*"}`)
	p := b.intend()
	b.confirm(p, "pm_card_visa") // held back
	_, err := b.service.Capture(t.Context(), p.ID)
	require.NoError(t, err)
	harness.Eventually(t, 10*time.Second, "both webhooks came", func() error {
		if n := b.count(`SELECT count(*) FROM inbox WHERE payment = $1`, p.ID); n < 2 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	b.is(p, payment.Captured)
	require.Equal(t, []string{"authorized"}, b.notices(p))
	b.balanced()
}

// The webhook is quicker than the answer to our own call: the payment is found by what we wrote
// on the intent.
func TestWebhookBeforeOurOwnAnswer(t *testing.T) {
	b := start(t)
	b.control("/faults", `{"action":"lose","method":"POST","path":"/v1/payment_intents","times":1}`)
	o := order(4500)
	_, err := b.service.Intend(t.Context(), o)
	require.True(t, err == nil || fault.KindOf(err) == fault.Unavailable, err)
	line := b.line("/ledger?booking=" + o.Booking.String())
	intent := line["intent"].(string)
	b.provider(http.MethodPost, "/v1/payment_intents/"+intent+"/confirm", url.Values{"payment_method": {"pm_card_visa"}})
	found, err := b.store.OfBooking(t.Context(), o.Booking)
	require.NoError(t, err)
	p := b.is(found[0], payment.Authorized)
	require.Equal(t, intent, p.Intent)
	again, err := b.service.Intend(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, intent, again.Intent)
}

func TestStrangersWebhook(t *testing.T) {
	b := start(t)
	b.provider(http.MethodPost, "/v1/payment_intents", url.Values{"amount": {"700"}, "currency": {"eur"}, "confirm": {"true"}, "payment_method": {"pm_card_visa"}})
	harness.Eventually(t, 10*time.Second, "it is ignored", func() error {
		if b.count(`SELECT count(*) FROM inbox WHERE outcome = 'ignored'`) == 0 {
			return fmt.Errorf("not yet")
		}
		return nil
	})
}

// No webhook comes at all: the poller asks.
func TestPollerFindsWhatNoWebhookReported(t *testing.T) {
	b := start(t)
	b.silent()
	p := b.intend()
	b.confirm(p, "pm_card_visa")
	due, err := b.store.Due(t.Context(), b.now(), time.Minute, 10)
	require.NoError(t, err)
	require.Empty(t, due, "a webhook would be quicker")
	b.ahead.Store(int64(20 * time.Second))
	due, err = b.store.Due(t.Context(), b.now(), time.Minute, 10)
	require.NoError(t, err)
	require.Len(t, due, 1)
	leased, err := b.store.Due(t.Context(), b.now(), time.Minute, 10)
	require.NoError(t, err)
	require.Empty(t, leased, "another replica does not do the same")
	require.NoError(t, b.poller.Poll(t.Context(), due[0]))
	b.is(p, payment.Authorized)
}

// A booking that is about to end asks: what the buyer did meanwhile is found, and a provider that
// is away is not taken for a no.
func TestABookingAsksBeforeItEnds(t *testing.T) {
	b := start(t)
	b.silent()
	p := b.intend()
	b.confirm(p, "pm_card_visa")
	query := "/internal/payments?booking=" + p.Booking.String()
	header := http.Header{http.CanonicalHeaderKey(daprclient.TokenHeader): {appToken}}
	b.down.Store(true)
	require.Equal(t, http.StatusServiceUnavailable, b.ask(http.MethodGet, query, "", header).StatusCode)
	b.down.Store(false)
	require.Contains(t, b.ask(http.MethodGet, query, "", header).Body, `"status":"authorized"`)
	require.Equal(t, []string{"authorized"}, b.notices(p))
	require.Contains(t, b.ask(http.MethodGet, "/internal/payments?booking="+uuid.NewString(), "", header).Body, `"items":[]`)
}

// A crash between noting a refund and asking for it: the poller asks.
func TestPollerFinishesRefunds(t *testing.T) {
	b := start(t)
	p := b.paid("pm_card_visa")
	b.control("/faults", `{"action":"error","method":"POST","path":"/v1/refunds","times":1}`)
	_, err := b.service.Refund(t.Context(), p.ID, payment.Refund{ID: uuid.New(), Amount: 4500})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	harness.Eventually(t, 30*time.Second, "the payment is attended to", func() error {
		b.ahead.Add(int64(time.Minute)) // a webhook that is late postpones the next poll
		due, err := b.store.Due(t.Context(), b.now(), time.Minute, 10)
		if err != nil || len(due) != 1 {
			return fmt.Errorf("%d due: %w", len(due), err)
		}
		return b.poller.Poll(t.Context(), due[0])
	})
	b.is(p, payment.Refunded)
	b.balanced()
}

func (b *bench) reconcile() payment.Reconciliation {
	b.t.Helper()
	now := b.now()
	report, err := b.server.Reconciler.Run(b.t.Context(), "request", now.Add(-payment.Period), now.Add(time.Minute))
	require.NoError(b.t, err)
	return report
}

func kinds(r payment.Reconciliation, kind payment.FindingKind) (all []payment.Finding) {
	for _, f := range r.Findings {
		if f.Kind == kind {
			all = append(all, f)
		}
	}
	return all
}

func TestReconciliationHealsAndReports(t *testing.T) {
	b := start(t)
	sold := func(p payment.Payment, status string, refunded int64) {
		b.bookings.add(payment.BookingMoney{Booking: p.Booking, Payment: &p.ID, Status: status, Amount: p.Amount.Amount, Refunded: refunded, Currency: "EUR", At: time.Now()})
	}
	good := b.paid("pm_card_visa")
	sold(good, "confirmed", 0)
	require.Empty(t, b.reconcile().Findings)

	b.silent()
	lost := b.intend() // its webhook got lost
	b.confirm(lost, "pm_card_visa")
	sold(lost, "awaiting_payment", 0)
	orphan := b.intend() // its booking is over
	b.confirm(orphan, "pm_card_visa")
	sold(orphan, "expired", 0)
	uncaught := b.intend()
	sold(uncaught, "confirmed", 0)
	abroad := b.provider(http.MethodPost, "/v1/payment_intents", url.Values{
		"amount": {"900"}, "currency": {"eur"}, "capture_method": {"manual"}, "metadata[booking]": {uuid.NewString()}, "metadata[payment]": {uuid.NewString()}})
	nobodys := b.paidSilently()
	sold(nobodys, "failed", 0)
	back := b.paidSilently() // refunded at the provider, by hand
	sold(back, "confirmed", 0)
	b.provider(http.MethodPost, "/v1/refunds", url.Values{"payment_intent": {back.Intent}, "amount": {"300"}})
	claimed := b.paidSilently() // the booking knows of a refund
	sold(claimed, "refunded", 4500)
	dear := b.paidSilently()
	b.bookings.add(payment.BookingMoney{Booking: dear.Booking, Payment: &dear.ID, Status: "confirmed", Amount: 5000, Currency: "EUR", At: time.Now()})
	unpaid := uuid.Must(uuid.NewV7())
	b.bookings.add(payment.BookingMoney{Booking: unpaid, Status: "confirmed", Amount: 100, Currency: "EUR", At: time.Now()})

	b.ahead.Store(int64(15 * time.Minute))
	report := b.reconcile()
	requireFinding := func(kind payment.FindingKind, booking uuid.UUID, healed bool) {
		t.Helper()
		for _, f := range kinds(report, kind) {
			if f.Booking != nil && *f.Booking == booking {
				require.Equal(t, healed, f.Healed, "%s: %s", kind, f.Failure)
				return
			}
		}
		t.Errorf("no %s for %s among %+v", kind, booking, report.Findings)
	}
	requireFinding(payment.Stuck, lost.Booking, true)
	b.is(lost, payment.Authorized)
	requireFinding(payment.OrphanIntent, orphan.Booking, true)
	b.is(orphan, payment.Voided)
	requireFinding(payment.BookingWithoutCapture, uncaught.Booking, false)
	requireFinding(payment.BookingWithoutCapture, unpaid, false)
	requireFinding(payment.OrphanIntent, uuid.MustParse(abroad["metadata"].(map[string]any)["booking"].(string)), true)
	require.Equal(t, "canceled", b.provider(http.MethodGet, "/v1/payment_intents/"+abroad["id"].(string), nil)["status"])
	requireFinding(payment.CapturedWithoutBooking, nobodys.Booking, false)
	requireFinding(payment.RefundMissingHere, back.Booking, false)
	requireFinding(payment.RefundMissingHere, claimed.Booking, false)
	requireFinding(payment.AmountMismatch, dear.Booking, false)
	require.Empty(t, kinds(report, payment.LedgerImbalance))
	require.NotContains(t, fmt.Sprint(report.Findings), good.Booking.String())

	next := b.reconcile()
	require.Empty(t, kinds(next, payment.OrphanIntent), "healed is healed")
}

// What lies on both sides of the period's bounds, because each side dates it by its own clock or because
// a booking moved long after it was paid, is looked up before it is called missing, and never voided.
func TestReconciliationLooksBeyondThePeriod(t *testing.T) {
	b := start(t)
	b.silent()
	began := time.Now()
	at := func(ahead time.Duration) { b.ahead.Store(int64(ahead)) }
	book := func(p payment.Payment, status string, refunded int64) {
		b.bookings.add(payment.BookingMoney{Booking: p.Booking, Payment: &p.ID, Status: status, Amount: p.Amount.Amount, Refunded: refunded, Currency: "EUR", At: b.now()})
	}
	give := func(p payment.Payment) {
		r, err := b.service.Refund(t.Context(), p.ID, payment.Refund{ID: uuid.New(), Amount: p.Amount.Amount})
		require.NoError(t, err)
		require.Equal(t, payment.RefundSucceeded, r.Status)
	}
	at(-30 * time.Minute) // noted here before the period, dated there within it
	live := b.intend()
	book(live, "awaiting_payment", 0)
	sold := b.paidSilently()
	book(sold, "confirmed", 0)
	back := b.paidSilently()
	give(back)
	book(back, "refunded", 4500)
	at(5 * time.Minute)
	report, err := b.server.Reconciler.Run(t.Context(), "request", began.Add(-5*time.Minute), b.now())
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.Equal(t, "requires_payment_method", b.provider(http.MethodGet, "/v1/payment_intents/"+live.Intent, nil)["status"], "the buyer is still at it")

	at(0)
	late := b.paidSilently() // paid before the period, and refunded in it, while the provider dates that before
	at(30 * time.Minute)
	give(late)
	book(late, "refunded", 4500)
	stolen := b.intend() // confirmed, and never paid, before the period
	_, err = b.pool.Exec(t.Context(), `UPDATE payments SET created_at = $2 WHERE id = $1`, stolen.ID, began)
	require.NoError(t, err)
	book(stolen, "confirmed", 0)
	at(40 * time.Minute)
	report, err = b.server.Reconciler.Run(t.Context(), "request", began.Add(20*time.Minute), b.now())
	require.NoError(t, err)
	require.Len(t, report.Findings, 1, "%+v", report.Findings)
	require.Equal(t, payment.BookingWithoutCapture, report.Findings[0].Kind)
	require.Equal(t, stolen.Booking, *report.Findings[0].Booking)
}

func (b *bench) paidSilently() payment.Payment {
	b.t.Helper()
	p := b.intend()
	b.confirm(p, "pm_card_visa")
	p, err := b.service.Capture(b.t.Context(), p.ID) // says authorised and captured at once
	require.NoError(b.t, err)
	return p
}

// A refund that is only in our books: asked for again where that is safe.
func TestReconciliationAsksForARefundAgain(t *testing.T) {
	b := start(t)
	p := b.paid("pm_card_visa")
	b.bookings.add(payment.BookingMoney{Booking: p.Booking, Payment: &p.ID, Status: "refunding", Amount: 4500, Currency: "EUR", At: time.Now()})
	b.control("/faults", `{"action":"error","method":"POST","path":"/v1/refunds","times":1}`)
	_, err := b.service.Refund(t.Context(), p.ID, payment.Refund{ID: uuid.New(), Amount: 4500})
	require.Error(t, err)
	b.ahead.Store(int64(5 * time.Minute))
	report := b.reconcile()
	found := kinds(report, payment.RefundMissingThere)
	require.Len(t, found, 1)
	require.True(t, found[0].Healed)
	b.is(p, payment.Refunded)
	require.EqualValues(t, 4500, b.line("/ledger?booking=" + p.Booking.String())["refunded"])
}

func (b *bench) admin(method, path, role string, header http.Header) (answer, string) {
	b.t.Helper()
	if header == nil {
		header = http.Header{}
	}
	if role != "" {
		header.Set("Authorization", "Bearer "+role)
	}
	res := b.ask(method, path, "", header)
	return res, res.Body
}

func TestReconciliationIsForAdmins(t *testing.T) {
	b := start(t)
	for role, want := range map[string]int{"": http.StatusUnauthorized, "customer": http.StatusForbidden, "merchant": http.StatusForbidden, "admin": http.StatusOK} {
		res, _ := b.admin(http.MethodGet, "/api/v1/admin/reconciliation", role, nil)
		require.Equal(t, want, res.StatusCode, "reading as %q", role)
		res, _ = b.admin(http.MethodPost, "/api/v1/admin/reconciliation/run", role, nil)
		require.Equal(t, want, res.StatusCode, "running as %q", role)
	}
	p := b.paid("pm_card_visa")
	b.bookings.add(payment.BookingMoney{Booking: p.Booking, Payment: &p.ID, Status: "confirmed", Amount: 1, Currency: "EUR", At: time.Now()})
	_, body := b.admin(http.MethodPost, "/api/v1/admin/reconciliation/run", "admin", nil)
	require.Contains(t, body, `"status":"findings"`)
	for _, path := range []string{"/api/v1/admin/reconciliation?format=csv", "/api/v1/admin/reconciliation"} {
		res, body := b.admin(http.MethodGet, path, "admin", http.Header{"Accept": {"text/csv"}})
		require.Contains(t, res.Header.Get("Content-Type"), "text/csv")
		require.Contains(t, body, "amount_mismatch,"+p.ID.String()+","+p.Booking.String())
	}
	res, _ := b.admin(http.MethodGet, "/api/v1/admin/reconciliation?run="+uuid.NewString(), "admin", nil)
	require.Equal(t, http.StatusNotFound, res.StatusCode)
}

func TestOneReconciliationAtATime(t *testing.T) {
	b := start(t)
	held := make(chan struct{})
	done := make(chan error, 1)
	release := make(chan struct{})
	go func() {
		done <- b.store.RunExclusive(context.Background(), func(context.Context) error { close(held); <-release; return nil })
	}()
	<-held
	res, body := b.admin(http.MethodPost, "/api/v1/admin/reconciliation/run", "admin", nil)
	require.Equal(t, http.StatusConflict, res.StatusCode)
	require.Contains(t, body, "reconciliation_running")
	close(release)
	require.NoError(t, <-done)
}
