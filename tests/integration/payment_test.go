package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	stripesim "github.com/foyer-tickets/foyer/cmd/stripesim/sim"
	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// buyer is one account buying at one event, and the provider it pays at.
type buyer struct {
	caller
	event concert
	next  int
}

type order struct {
	ID      uuid.UUID
	Status  string
	Total   struct{ Amount int64 }
	Payment struct{ Intent, ClientSecret, PublishableKey string }
	Tickets []struct{ ID string }
}

type findings struct {
	Status   string
	Findings []struct {
		Kind, Booking, Payment, Detail string
		Healed                         bool
	}
	Balances []struct {
		Account, Currency string
		Amount            int64
	}
}

// newBuyer publishes an event of fifty places to stand.
func newBuyer(t testing.TB, email string) *buyer {
	t.Helper()
	m := as(t, merchant)
	e := newEvent(m, "Payments")
	m.call(http.MethodPost, "/api/v1/events/"+e.ID+"/publish", nil).as(200, &e)
	return &buyer{caller: as(t, email), event: e}
}

func (b *buyer) holdOne() answer {
	b.t.Helper()
	b.next++
	unit := fmt.Sprintf("%s-%d", b.event.TicketTypes[0].ID, b.next)
	return b.call(http.MethodPost, "/api/v1/events/"+b.event.ID+"/holds", map[string]any{"units": []string{unit}})
}

// order makes a booking that waits for its payment.
func (b *buyer) order() (o order) {
	b.t.Helper()
	var held struct{ ID uuid.UUID }
	b.holdOne().as(201, &held)
	b.call(http.MethodPost, "/api/v1/bookings", map[string]any{"hold": held.ID}, "Prefer", "wait=20").as(201, &o)
	return b.until(o, "awaiting_payment")
}

func (b *buyer) until(o order, status string) (now order) {
	b.t.Helper()
	harness.Eventually(b.t, time.Minute, "the booking is "+status, func() error {
		a, err := b.try(http.MethodGet, "/api/v1/bookings/"+o.ID.String(), nil)
		if err != nil {
			return err
		}
		now = order{}
		if err := json.Unmarshal(a.Body, &now); err != nil {
			return err
		}
		if now.Status != status {
			return fmt.Errorf("it is %q", now.Status)
		}
		return nil
	})
	return now
}

// provider calls the simulator: as the page does with a form, as a test with JSON.
func (b *buyer) provider(method, path string, body any) map[string]any {
	b.t.Helper()
	kind, raw := "application/json", []byte(nil)
	if form, ok := body.(url.Values); ok {
		kind, raw = "application/x-www-form-urlencoded", []byte(form.Encode())
	} else if body != nil {
		var err error
		raw, err = json.Marshal(body)
		require.NoError(b.t, err)
	}
	req, err := http.NewRequest(method, b.p.StripesimURL()+path, bytes.NewReader(raw))
	require.NoError(b.t, err)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer "+b.p.Secrets.StripeSecretKey)
	res, err := http.DefaultClient.Do(req)
	require.NoError(b.t, err)
	defer res.Body.Close()
	var out map[string]any
	require.NoError(b.t, json.NewDecoder(res.Body).Decode(&out))
	require.Less(b.t, res.StatusCode, 300, "%s: %v", path, out)
	return out
}

func (b *buyer) pay(o order) {
	b.t.Helper()
	b.provider(http.MethodPost, "/v1/payment_intents/"+o.Payment.Intent+"/confirm", url.Values{"payment_method": {"pm_card_visa"}})
}

// money is the provider's own account of a booking.
func (b *buyer) money(o order) map[string]any {
	b.t.Helper()
	lines := b.provider(http.MethodGet, "/_sim/ledger?booking="+o.ID.String(), nil)["intents"].([]any)
	require.Len(b.t, lines, 1, "one booking, one intent")
	return lines[0].(map[string]any)
}

// disturb has the webhooks of this event go wrong until the test ends.
func (b *buyer) disturb(rule map[string]any) {
	b.t.Helper()
	rule["metadata"] = map[string]string{"event": b.event.ID}
	b.provider(http.MethodPost, "/_sim/webhooks", rule)
	b.t.Cleanup(func() { b.provider(http.MethodDelete, "/_sim/webhooks", nil) })
}

func (b *buyer) reconcile() (f findings) {
	b.t.Helper()
	harness.Eventually(b.t, time.Minute, "a reconciliation runs", func() error {
		a := as(b.t, admin).call(http.MethodPost, "/api/v1/admin/reconciliation/run", nil)
		if a.Status != http.StatusOK {
			return fmt.Errorf("%d: %s", a.Status, a.Body)
		}
		return json.Unmarshal(a.Body, &f)
	})
	return f
}

func TestPaymentReconciliationIsForAdmins(t *testing.T) {
	for email, want := range map[string]int{nobody: 401, customer: 403, merchant: 403} {
		require.Equal(t, want, as(t, email).call(http.MethodGet, "/api/v1/admin/reconciliation", nil).Status, email)
		require.Equal(t, want, as(t, email).call(http.MethodPost, "/api/v1/admin/reconciliation/run", nil).Status, email)
	}
	b := newBuyer(t, "load-0400@foyer.test")
	o := b.order()
	b.pay(o)
	b.until(o, "confirmed")
	f := b.reconcile()
	for _, x := range f.Findings {
		require.NotEqual(t, o.ID.String(), x.Booking, "nothing is wrong with it: %s", x.Detail)
	}
	a := as(t, admin).call(http.MethodGet, "/api/v1/admin/reconciliation", nil, "Accept", "text/csv")
	require.Equal(t, 200, a.Status)
	require.True(t, strings.HasPrefix(string(a.Body), "kind,payment,booking,"), "%s", a.Body)
	// The calls of bookings are not to be had from outside, nor past the gateway.
	require.Equal(t, 404, as(t, admin).call(http.MethodPost, "/internal/intents", map[string]any{}).Status)
	res, err := http.Post(b.p.ServiceURL("payment")+"/internal/intents", "application/json", strings.NewReader(`{}`))
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusForbidden, res.StatusCode)
}

// Nobody gets a ticket by telling us that he paid.
func TestPaymentWebhooksFromOutside(t *testing.T) {
	b := newBuyer(t, "load-0401@foyer.test")
	b.disturb(map[string]any{"action": "drop"})
	o := b.order()
	object := b.provider(http.MethodGet, "/v1/payment_intents/"+o.Payment.Intent, nil)
	write := func(change func(o map[string]any)) []byte {
		altered := map[string]any{}
		for k, v := range object {
			altered[k] = v
		}
		altered["status"] = "requires_capture"
		if change != nil {
			change(altered)
		}
		raw, err := json.Marshal(map[string]any{
			"id": "evt_" + uuid.NewString(), "object": "event", "api_version": "2023-10-16", "created": time.Now().Unix(), "livemode": false,
			"type": "payment_intent.amount_capturable_updated", "data": map[string]any{"object": altered},
		})
		require.NoError(t, err)
		return raw
	}
	secret := b.p.Secrets.StripeWebhookSecret
	send := func(body []byte, signature string) int {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, b.p.URL()+"/webhooks/stripe", bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Stripe-Signature", signature)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		return res.StatusCode
	}
	body := write(nil)
	require.Equal(t, 400, send(body, ""))
	require.Equal(t, 400, send(body, stripesim.Sign(time.Now(), body, "whsec_guess")))
	require.Equal(t, 400, send(body, stripesim.Sign(time.Now().Add(-301*time.Second), body, secret)))
	require.Equal(t, 400, send(append(body, ' '), stripesim.Sign(time.Now(), body, secret)))
	body = write(func(o map[string]any) { o["amount"] = 1 })
	require.Equal(t, 422, send(body, stripesim.Sign(time.Now(), body, secret)))
	body = write(nil) // signed well, and not true
	require.Equal(t, 200, send(body, stripesim.Sign(time.Now(), body, secret)))
	b.until(o, "awaiting_payment")

	b.pay(o)
	body = write(nil)
	signature := stripesim.Sign(time.Now(), body, secret)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if status := send(body, signature); status != 200 {
				t.Errorf("answered %d", status)
			}
		})
	}
	wg.Wait()
	require.Len(t, b.until(o, "confirmed").Tickets, 1)
	require.EqualValues(t, 2500, b.money(o)["captured"])
	f := b.reconcile()
	refused := 0
	for _, x := range f.Findings {
		if x.Kind == "webhook_refused" {
			refused++
		}
	}
	require.Positive(t, refused, "what was refused is reported")
}

// The webhook never comes: a reconciliation finds the money and the booking is confirmed.
func TestPaymentLostWebhookIsHealed(t *testing.T) {
	b := newBuyer(t, "load-0402@foyer.test")
	b.disturb(map[string]any{"action": "drop"})
	o := b.order()
	b.pay(o)
	b.reconcile()
	require.Len(t, b.until(o, "confirmed").Tickets, 1)
	require.EqualValues(t, 2500, b.money(o)["captured"])
}

// The provider's webhook is here before its answer, which then gets lost: to making the intent, and
// to taking the money.
func TestPaymentWebhookBeforeTheAnswer(t *testing.T) {
	b := newBuyer(t, "load-0413@foyer.test")
	t.Cleanup(func() { sim(t, http.MethodDelete, "/faults", nil) })
	lose := func(path string) {
		sim(t, http.MethodPost, "/faults", map[string]any{"action": "lose", "method": http.MethodPost, "path": path, "times": 1, "delay_ms": 1500})
	}
	lose("/v1/payment_intents")
	o := b.order()
	lose("/v1/payment_intents/" + o.Payment.Intent + "/capture")
	b.pay(o)
	require.Len(t, b.until(o, "confirmed").Tickets, 1)
	require.EqualValues(t, 2500, b.money(o)["captured"])
}

// Webhooks come many times and the later ones first.
func TestPaymentWebhooksTwiceAndTurnedRound(t *testing.T) {
	for i, rule := range []map[string]any{{"action": "duplicate", "copies": 3}, {"action": "reorder", "copies": 2, "delay_ms": 500}, {"action": "delay", "delay_ms": 1500}} {
		b := newBuyer(t, fmt.Sprintf("load-%04d@foyer.test", 403+i))
		b.disturb(rule)
		o := b.order()
		b.pay(o)
		require.Len(t, b.until(o, "confirmed").Tickets, 1)
		require.EqualValues(t, 2500, b.money(o)["captured"], "%v", rule)
	}
}

// The scheduler calls for a reconciliation, and its report covers what was sold. The job is the
// daily one, brought forward.
func TestPaymentIsReconciledBySchedule(t *testing.T) {
	b := newBuyer(t, "load-0412@foyer.test")
	o := b.order()
	b.pay(o)
	b.until(o, "confirmed")
	began := time.Now()
	app := b.p.Apps["payment"]
	client, err := daprclient.New(daprclient.Config{
		Host: "127.0.0.1", HTTPPort: uint16(app.HTTPPort), GRPCPort: uint16(app.GRPCPort),
		APIToken: b.p.Secrets.DaprAPIToken(app.ID), AppToken: b.p.Secrets.AppAPIToken(app.ID),
	})
	require.NoError(t, err)
	defer client.Close()
	job := dapr.NewJob("reconcile", dapr.WithJobSchedule("@daily"), dapr.WithJobDueTime("1s"))
	job.Overwrite = true
	require.NoError(t, client.Dapr().ScheduleJob(t.Context(), job))
	var report struct {
		Trigger, Status, Failure string
		StartedAt                time.Time
		Checked                  struct{ Payments, Bookings int }
	}
	harness.Eventually(t, time.Minute, "a report of the schedule", func() error {
		as(t, admin).call(http.MethodGet, "/api/v1/admin/reconciliation", nil).as(200, &report)
		if report.Trigger != "schedule" || report.StartedAt.Before(began) {
			return fmt.Errorf("%+v", report)
		}
		return nil
	})
	require.Contains(t, []string{"clean", "findings"}, report.Status, "%s", report.Failure)
	require.Positive(t, report.Checked.Payments)
	require.Positive(t, report.Checked.Bookings)
}

// The provider is away: seats can still be held, checkout says within bounded time that it waits,
// the hold stays, and when the provider is back all goes on.
func TestPaymentProviderAway(t *testing.T) {
	b := newBuyer(t, "load-0410@foyer.test")
	b.p.Halt(t, "stripesim")
	var held struct{ ID uuid.UUID }
	b.holdOne().as(201, &held)
	a := b.call(http.MethodPost, "/api/v1/bookings", map[string]any{"hold": held.ID}, "Prefer", "wait=2")
	require.Contains(t, []int{201, 202, 503}, a.Status, "%s", a.Body)
	var kept struct{ Status string }
	b.call(http.MethodGet, "/api/v1/holds/"+held.ID.String(), nil).as(200, &kept)
	require.Equal(t, http.StatusServiceUnavailable, as(t, admin).call(http.MethodPost, "/api/v1/admin/reconciliation/run", nil).Status)
	b.p.Resume(t, "stripesim")
	var o order
	harness.Eventually(t, time.Minute, "the booking can be paid", func() error {
		a, err := b.try(http.MethodPost, "/api/v1/bookings", map[string]any{"hold": held.ID}, "Prefer", "wait=5")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(a.Body, &o); err != nil || o.Status != "awaiting_payment" {
			return fmt.Errorf("%d: %s", a.Status, a.Body)
		}
		return nil
	})
	b.pay(o)
	b.until(o, "confirmed")
}

// Everybody who handles the money is killed while it moves, and nothing gets lost.
func TestPaymentKilledWhileMoneyMoves(t *testing.T) {
	b := newBuyer(t, "load-0411@foyer.test")
	for _, part := range []string{"payment", "payment.daprd", "stripesim"} {
		o := b.order()
		pid := b.p.PID(t, part)
		b.pay(o)
		b.p.Kill(t, part)
		b.p.WaitHealthy(t, part, 2*time.Minute, pid)
		require.Len(t, b.until(o, "confirmed").Tickets, 1, "%s was killed", part)
		require.EqualValues(t, 2500, b.money(o)["captured"])
	}
	harness.Eventually(t, time.Minute, "the ledger's clearing accounts are empty", func() error {
		for _, x := range b.reconcile().Balances {
			if strings.HasSuffix(x.Account, "_clearing") && x.Amount != 0 {
				return errors.New(x.Account)
			}
		}
		return nil
	})
}

// A part of a booking is refunded, and the bank sends the money back after it was sent: the buyer
// hears of each by what it is, in the app and by mail, and the money is sent again.
func TestPaymentRefundThatComesBack(t *testing.T) {
	b := newBuyer(t, "load-0414@foyer.test")
	units := []string{b.event.TicketTypes[0].ID + "-1", b.event.TicketTypes[0].ID + "-2"}
	var held struct{ ID uuid.UUID }
	b.call(http.MethodPost, "/api/v1/events/"+b.event.ID+"/holds", map[string]any{"units": units}).as(201, &held)
	var o order
	key := uuid.NewString()
	b.call(http.MethodPost, "/api/v1/bookings", map[string]any{"hold": held.ID}, "Prefer", "wait=20", "Idempotency-Key", key).as(201, &o)
	o = b.until(o, "awaiting_payment")
	var again order
	b.call(http.MethodPost, "/api/v1/bookings", map[string]any{"hold": held.ID}, "Prefer", "wait=20", "Idempotency-Key", key).as(201, &again)
	require.Equal(t, o.Payment, again.Payment, "a repeated request can still be paid")
	b.pay(o)
	b.until(o, "confirmed")
	b.call(http.MethodPost, "/api/v1/bookings/"+o.ID.String()+"/refunds", map[string]any{"units": units[:1]}).as(202, nil)

	// heard waits until the buyer has as many messages of each kind as wanted, and no others.
	heard := func(want map[string]int) {
		t.Helper()
		harness.Eventually(t, 90*time.Second, "the buyer hears of it", func() error {
			var page struct {
				Items []struct {
					Kind    string
					Booking uuid.UUID
					Refund  *struct {
						Amount struct {
							Amount   int64
							Currency string
						}
						Units []string
					}
				}
			}
			b.call(http.MethodGet, "/api/v1/notifications", nil).as(200, &page)
			kinds := map[string]int{}
			for _, n := range page.Items {
				if n.Booking != o.ID {
					continue
				}
				kinds[n.Kind]++
				if n.Kind != "booking_confirmed" && (n.Refund == nil || n.Refund.Amount.Amount != 2500 || len(n.Refund.Units) != 1) {
					return fmt.Errorf("%s says %+v", n.Kind, n.Refund)
				}
			}
			if fmt.Sprint(kinds) != fmt.Sprint(want) {
				return fmt.Errorf("%v", kinds)
			}
			return nil
		})
	}
	heard(map[string]int{"booking_confirmed": 1, "booking_partly_refunded": 1})
	mail := mailed(t, "load-0414@foyer.test", "Part of your booking was refunded")
	require.Contains(t, mail, "25.00 EUR")

	refund := b.money(o)["refunds"].([]any)[0].(map[string]any)["id"].(string)
	b.provider(http.MethodPost, "/_sim/refunds/"+refund+"/fail", nil)
	heard(map[string]int{"booking_confirmed": 1, "booking_partly_refunded": 1, "booking_refund_delayed": 1})
	mailed(t, "load-0414@foyer.test", "Your refund is delayed")
	heard(map[string]int{"booking_confirmed": 1, "booking_partly_refunded": 2, "booking_refund_delayed": 1})
	require.EqualValues(t, 2500, b.money(o)["refunded"])
	require.Len(t, b.until(o, "confirmed").Tickets, 1)
	b.p.Invariants(t, 30*time.Second, o.ID)
}
