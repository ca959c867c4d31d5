// Package stripe is the payment provider. It is the only importer of Stripe's SDK.
package stripe

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/paymentintent"
	refundapi "github.com/stripe/stripe-go/v76/refund"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/payment"
)

// Config is how the provider is reached, and what it and we know each other by.
type Config struct {
	SecretKey      string        `secret:"stripe-secret-key"`
	PublishableKey string        `env:"STRIPE_PUBLISHABLE_KEY,required"`
	WebhookSecret  string        `secret:"stripe-webhook-secret"`
	APIBase        string        `env:"STRIPE_API_BASE"` // empty: Stripe itself
	Timeout        time.Duration `env:"FOYER_STRIPE_TIMEOUT" envDefault:"4s"`
}

// Live tells whether the keys move real money.
func (c Config) Live() bool { return strings.HasPrefix(c.SecretKey, "sk_live_") }

// Stripe is the provider's side.
type Stripe struct {
	intentAPI paymentintent.Client
	refundAPI refundapi.Client
	timeout   time.Duration
}

var (
	_ payment.Provider  = Stripe{}
	_ payment.Reader    = Stripe{}
	_ payment.Statement = Stripe{}
)

// New returns the provider. It calls nobody yet.
func New(cfg Config) Stripe {
	backend := &stripe.BackendConfig{
		HTTPClient: &http.Client{Timeout: cfg.Timeout, Transport: transport()},
		// Whoever calls us repeats; repeating here too would only make the wait longer.
		MaxNetworkRetries: stripe.Int64(0),
		EnableTelemetry:   stripe.Bool(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
	}
	if cfg.APIBase != "" {
		backend.URL = stripe.String(cfg.APIBase)
	}
	b := stripe.GetBackendWithConfig(stripe.APIBackend, backend)
	return Stripe{
		intentAPI: paymentintent.Client{B: b, Key: cfg.SecretKey},
		refundAPI: refundapi.Client{B: b, Key: cfg.SecretKey},
		timeout:   cfg.Timeout,
	}
}

func transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 32
	return t
}

// The names of what we write on the provider's objects.
const (
	metaPayment = "payment"
	metaBooking = "booking"
	metaAccount = "account"
	metaEvent   = "event"
	metaRefund  = "refund"
	metaReason  = "reason"
	metaAttempt = "attempt"
)

const settlementPath = "latest_charge.balance_transaction"

// CreateIntent implements payment.Provider. The key is the booking's attempt: the same intent
// comes back however often it is asked for.
func (s Stripe) CreateIntent(ctx context.Context, p payment.Payment) (payment.Intent, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	charge, exact := money.ToProvider(p.Amount)
	if !exact {
		return payment.Intent{}, money.ErrNotChargeable
	}
	params := &stripe.PaymentIntentParams{
		Params:        stripe.Params{Context: ctx},
		Amount:        stripe.Int64(charge),
		Currency:      stripe.String(strings.ToLower(p.Amount.Currency)),
		CaptureMethod: stripe.String(string(stripe.PaymentIntentCaptureMethodManual)),
		// Cards only: other ways to pay cannot be authorised now and taken later.
		PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
	}
	params.AddMetadata(metaPayment, p.ID.String())
	params.AddMetadata(metaBooking, p.Booking.String())
	params.AddMetadata(metaAccount, p.Account)
	params.AddMetadata(metaEvent, p.Event.String())
	params.SetIdempotencyKey("intent-" + p.ID.String())
	in, err := s.intentAPI.New(params)
	return intent(in), translate(err)
}

// CaptureIntent implements payment.Provider. A second capture is refused by the intent's status,
// so each call has a key of its own: a remembered failure must not stand in the way of the next try.
func (s Stripe) CaptureIntent(ctx context.Context, id string) (payment.Intent, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	params := &stripe.PaymentIntentCaptureParams{Params: stripe.Params{Context: ctx}}
	params.AddExpand(settlementPath)
	params.SetIdempotencyKey("capture-" + uuid.NewString())
	in, err := s.intentAPI.Capture(id, params)
	return intent(in), translate(err)
}

// CancelIntent implements payment.Provider.
func (s Stripe) CancelIntent(ctx context.Context, id string) (payment.Intent, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	params := &stripe.PaymentIntentCancelParams{Params: stripe.Params{Context: ctx}, CancellationReason: stripe.String("abandoned")}
	params.AddExpand(settlementPath)
	params.SetIdempotencyKey("cancel-" + uuid.NewString())
	in, err := s.intentAPI.Cancel(id, params)
	return intent(in), translate(err)
}

// CreateRefund implements payment.Provider. The key is the refund's id and, after the first one, the
// attempt's number: the provider would answer an attempt that failed with what it remembers.
func (s Stripe) CreateRefund(ctx context.Context, p payment.Payment, r payment.Refund) (payment.ProviderRefund, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	back, exact := money.ToProvider(money.Money{Amount: r.Amount, Currency: p.Amount.Currency})
	if !exact {
		return payment.ProviderRefund{}, money.ErrNotChargeable
	}
	params := &stripe.RefundParams{
		Params: stripe.Params{Context: ctx}, PaymentIntent: stripe.String(p.Intent), Amount: stripe.Int64(back),
		Reason: stripe.String(string(stripe.RefundReasonRequestedByCustomer)),
	}
	params.AddMetadata(metaRefund, r.ID.String())
	params.AddMetadata(metaBooking, p.Booking.String())
	if r.Reason != "" {
		params.AddMetadata(metaReason, r.Reason)
	}
	key := "refund-" + r.ID.String()
	if r.Attempt > 1 {
		params.AddMetadata(metaAttempt, strconv.Itoa(r.Attempt))
		key += "-" + strconv.Itoa(r.Attempt)
	}
	params.SetIdempotencyKey(key)
	out, err := s.refundAPI.New(params)
	return refund(out), translate(err)
}

// Intent implements payment.Reader.
func (s Stripe) Intent(ctx context.Context, id string) (payment.Intent, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	params := &stripe.PaymentIntentParams{Params: stripe.Params{Context: ctx}}
	params.AddExpand(settlementPath)
	in, err := s.intentAPI.Get(id, params)
	return intent(in), translate(err)
}

const pageSize = 100

// RefundsOf implements payment.Reader.
func (s Stripe) RefundsOf(ctx context.Context, id string) ([]payment.ProviderRefund, error) {
	return s.refunds(ctx, &stripe.RefundListParams{PaymentIntent: stripe.String(id)})
}

// listers is how many parts of a period are listed at the same time. The provider lists a hundred at a
// time, each page after the one before: a hundred thousand take minutes one by one.
const listers = 8

// inParts lists a period part by part, side by side.
func inParts[T any](ctx context.Context, from, to time.Time, list func(ctx context.Context, created *stripe.RangeQueryParams) ([]T, error)) ([]T, error) {
	first, last := from.Unix(), to.Unix()
	size := max((last-first)/listers+1, 60)
	var parts [listers][]T
	group, ctx := errgroup.WithContext(ctx)
	for i := range parts {
		start := first + int64(i)*size
		if start > last {
			break
		}
		group.Go(func() (err error) {
			parts[i], err = list(ctx, &stripe.RangeQueryParams{GreaterThanOrEqual: start, LesserThanOrEqual: min(start+size-1, last)})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(parts[:]...), nil
}

// Intents implements payment.Statement.
func (s Stripe) Intents(ctx context.Context, from, to time.Time) ([]payment.Intent, error) {
	return inParts(ctx, from, to, func(ctx context.Context, created *stripe.RangeQueryParams) ([]payment.Intent, error) {
		params := &stripe.PaymentIntentListParams{CreatedRange: created}
		params.Context, params.Limit = ctx, stripe.Int64(pageSize)
		params.AddExpand("data." + settlementPath)
		var all []payment.Intent
		list := s.intentAPI.List(params)
		for list.Next() {
			all = append(all, intent(list.PaymentIntent()))
		}
		return all, translate(list.Err())
	})
}

// Refunds implements payment.Statement.
func (s Stripe) Refunds(ctx context.Context, from, to time.Time) ([]payment.ProviderRefund, error) {
	return inParts(ctx, from, to, func(ctx context.Context, created *stripe.RangeQueryParams) ([]payment.ProviderRefund, error) {
		return s.refunds(ctx, &stripe.RefundListParams{CreatedRange: created})
	})
}

func (s Stripe) refunds(ctx context.Context, params *stripe.RefundListParams) ([]payment.ProviderRefund, error) {
	params.Context, params.Limit = ctx, stripe.Int64(pageSize)
	var all []payment.ProviderRefund
	list := s.refundAPI.List(params)
	for list.Next() {
		all = append(all, refund(list.Refund()))
	}
	return all, translate(list.Err())
}

var intentStatus = map[stripe.PaymentIntentStatus]payment.IntentStatus{
	stripe.PaymentIntentStatusRequiresCapture: payment.IntentAuthorized,
	stripe.PaymentIntentStatusSucceeded:       payment.IntentCaptured,
	stripe.PaymentIntentStatusCanceled:        payment.IntentCanceled,
}

func intent(in *stripe.PaymentIntent) payment.Intent {
	if in == nil || in.ID == "" {
		return payment.Intent{}
	}
	out := payment.Intent{
		ID: in.ID, ClientSecret: in.ClientSecret, Status: payment.IntentOpen, Amount: amount(in.Amount, in.Currency), Captured: amount(in.AmountReceived, in.Currency).Amount,
		Reason: string(in.CancellationReason), Live: in.Livemode, CreatedAt: time.Unix(in.Created, 0),
		Payment: id(in.Metadata[metaPayment]), Booking: id(in.Metadata[metaBooking]), Account: in.Metadata[metaAccount],
	}
	if status, ok := intentStatus[in.Status]; ok {
		out.Status = status
	}
	if e := in.LastPaymentError; e != nil && out.Status == payment.IntentOpen {
		out.Reason = string(e.Code)
		if e.DeclineCode != "" {
			out.Reason = string(e.DeclineCode)
		}
	}
	if c := in.LatestCharge; c != nil {
		if out.Status == payment.IntentCaptured {
			out.Refunded = amount(c.AmountRefunded, in.Currency).Amount
		}
		out.Disputed = c.Disputed
		out.Settlement = settlement(in, c.BalanceTransaction)
	}
	return out
}

// settlement is nil unless the transaction came along. Converted money is booked as it was taken:
// rate and fee of a conversion are in another currency, and in Stripe's own reports.
func settlement(in *stripe.PaymentIntent, t *stripe.BalanceTransaction) *payment.Settlement {
	switch {
	case t == nil || t.Amount == 0:
		return nil
	case t.Currency != in.Currency:
		return &payment.Settlement{Transaction: t.ID, Amount: amount(in.AmountReceived, in.Currency).Amount}
	}
	// A fee of a fraction of the smallest unit, which only the krona's old minor unit can express, is cut off.
	fee, _ := money.FromProvider(t.Fee, strings.ToUpper(string(t.Currency)))
	return &payment.Settlement{Transaction: t.ID, Amount: amount(t.Amount, t.Currency).Amount, Fee: fee.Amount}
}

func refund(r *stripe.Refund) payment.ProviderRefund {
	if r == nil || r.ID == "" {
		return payment.ProviderRefund{}
	}
	out := payment.ProviderRefund{
		ID: r.ID, Amount: amount(r.Amount, r.Currency), Refund: id(r.Metadata[metaRefund]), Failure: string(r.FailureReason), CreatedAt: time.Unix(r.Created, 0),
	}
	if r.PaymentIntent != nil {
		out.Intent = r.PaymentIntent.ID
	}
	if n, err := strconv.Atoi(r.Metadata[metaAttempt]); err == nil {
		out.Attempt = n
	}
	switch r.Status {
	case stripe.RefundStatusSucceeded:
		out.Status = payment.RefundSucceeded
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		out.Status = payment.RefundFailed
		if out.Failure == "" {
			out.Failure = string(r.Status)
		}
	default:
		out.Status = payment.RefundPending
	}
	return out
}

// amount reads an amount that the provider tells in its own minor unit. One that the currency cannot express
// stays as it came, so that it equals nothing of ours and is reported.
func amount(told int64, currency stripe.Currency) money.Money {
	code := strings.ToUpper(string(currency))
	if m, exact := money.FromProvider(told, code); exact {
		return m
	}
	return money.Money{Amount: told, Currency: code}
}

func id(raw string) uuid.UUID {
	parsed, err := uuid.Parse(raw)
	if err != nil {
		return uuid.Nil
	}
	return parsed
}

// translate makes a fault of the provider's error: what stands is a Conflict or NotFound, and
// whatever may pass is Unavailable. The provider's sentences stay in the log: they may name people.
func translate(err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*stripe.Error](err)
	if !ok {
		return fault.Away("payment provider", err)
	}
	cause := errors.New(e.RequestID + " " + string(e.Type) + " " + string(e.Code))
	switch e.HTTPStatusCode {
	case http.StatusNotFound:
		return payment.ErrNotFound.Because(cause)
	case http.StatusBadRequest, http.StatusPaymentRequired:
		if e.Code == stripe.ErrorCodeLockTimeout || e.Code == stripe.ErrorCodeIdempotencyKeyInUse {
			break
		}
		code := string(e.Code)
		if code == "" {
			code = string(e.Type)
		}
		return fault.New(fault.Conflict, code, "The payment provider refused the payment.").Because(cause)
	}
	return fault.Away("payment provider", cause)
}
