package stripe_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/payment"
	"github.com/foyer-tickets/foyer/services/payment/stripe"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// The adapter against the simulator as `foyer up` runs it: a process of its own.
func TestAdapter(t *testing.T) {
	sim := harness.Stripesim(t)
	s := stripe.New(stripe.Config{SecretKey: sim.SecretKey, PublishableKey: sim.PublishableKey, APIBase: sim.API, Timeout: 10 * time.Second})
	began := time.Now().Add(-time.Second)
	fresh := func(amount int64, currency string) payment.Payment {
		return payment.Payment{ID: uuid.New(), Booking: uuid.New(), Account: "buyer", Event: uuid.New(), Amount: money.Money{Amount: amount, Currency: currency}}
	}
	confirm := func(in payment.Intent, card string) {
		t.Helper()
		res, err := http.PostForm(sim.Form+"/v1/payment_intents/"+in.ID+"/confirm", url.Values{"key": {sim.PublishableKey}, "client_secret": {in.ClientSecret}, "payment_method": {card}})
		require.NoError(t, err)
		res.Body.Close()
	}
	status := func(id string) payment.Intent {
		t.Helper()
		in, err := s.Intent(t.Context(), id)
		require.NoError(t, err)
		return in
	}

	p := fresh(4500, "EUR")
	in, err := s.CreateIntent(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, payment.IntentOpen, in.Status)
	require.NoError(t, p.Matches(in), "what was written on it comes back")
	again, err := s.CreateIntent(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, in.ID, again.ID)
	_, err = s.CaptureIntent(t.Context(), in.ID)
	require.Equal(t, fault.Conflict, fault.KindOf(err), "not authorised: a refusal that stands")
	require.Equal(t, "payment_intent_unexpected_state", fault.CodeOf(err))

	confirm(in, "pm_card_chargeDeclinedInsufficientFunds")
	require.Equal(t, "insufficient_funds", status(in.ID).Reason)
	confirm(in, "pm_card_visa")
	require.Equal(t, payment.IntentAuthorized, status(in.ID).Status)
	in, err = s.CaptureIntent(t.Context(), in.ID)
	require.NoError(t, err)
	require.Equal(t, payment.IntentCaptured, in.Status)
	require.EqualValues(t, 4500, in.Captured)
	require.NotNil(t, in.Settlement)
	require.EqualValues(t, 4500, in.Settlement.Amount)
	_, err = s.CancelIntent(t.Context(), in.ID)
	require.Equal(t, fault.Conflict, fault.KindOf(err))

	p.Intent = in.ID
	r := payment.Refund{ID: uuid.New(), Amount: 1000, Reason: "changed_mind"}
	made, err := s.CreateRefund(t.Context(), p, r)
	require.NoError(t, err)
	require.Equal(t, payment.RefundSucceeded, made.Status)
	require.Equal(t, r.ID, made.Refund)
	same, err := s.CreateRefund(t.Context(), p, r)
	require.NoError(t, err)
	require.Equal(t, made.ID, same.ID)
	_, err = s.CreateRefund(t.Context(), p, payment.Refund{ID: uuid.New(), Amount: 4000})
	require.Equal(t, fault.Conflict, fault.KindOf(err))
	all, err := s.RefundsOf(t.Context(), in.ID)
	require.NoError(t, err)
	require.Len(t, all, 1)

	yen, err := s.CreateIntent(t.Context(), fresh(5000, "JPY"))
	require.NoError(t, err)
	require.Equal(t, money.Money{Amount: 5000, Currency: "JPY"}, yen.Amount)
	yen, err = s.CancelIntent(t.Context(), yen.ID)
	require.NoError(t, err)
	require.Equal(t, payment.IntentCanceled, yen.Status)
	// The provider counts the krona and the shilling with two decimals, the ariary with none, and takes no odd fils.
	for currency, amount := range map[string]int64{"ISK": 5000, "UGX": 5000, "MGA": 500_000, "KWD": 12_500} {
		p := fresh(amount, currency)
		in, err := s.CreateIntent(t.Context(), p)
		require.NoError(t, err, currency)
		require.Equal(t, p.Amount, in.Amount)
		confirm(in, "pm_card_visa")
		in, err = s.CaptureIntent(t.Context(), in.ID)
		require.NoError(t, err, currency)
		require.Equal(t, amount, in.Captured, currency)
		p.Intent = in.ID
		back, err := s.CreateRefund(t.Context(), p, payment.Refund{ID: uuid.New(), Amount: amount / 5})
		require.NoError(t, err, currency)
		require.Equal(t, money.Money{Amount: amount / 5, Currency: currency}, back.Amount)
	}
	_, err = s.CreateIntent(t.Context(), fresh(12_505, "KWD"))
	require.Equal(t, "amount_not_chargeable", fault.CodeOf(err))
	_, err = s.CreateIntent(t.Context(), fresh(1, "EUR"))
	require.Equal(t, "amount_too_small", fault.CodeOf(err))
	_, err = s.Intent(t.Context(), "pi_none")
	require.ErrorIs(t, err, payment.ErrNotFound)

	listed, err := s.Intents(t.Context(), began, time.Now())
	require.NoError(t, err)
	require.Len(t, listed, 6)
	require.NotNil(t, listed[5].Settlement, "oldest last, and with its settlement")
	returned, err := s.Refunds(t.Context(), began, time.Now())
	require.NoError(t, err)
	require.Len(t, returned, 5)
	require.Equal(t, in.ID, returned[4].Intent)

	wrong := stripe.New(stripe.Config{SecretKey: "sk_test_wrong", APIBase: sim.API, Timeout: 10 * time.Second})
	_, err = wrong.Intent(t.Context(), in.ID)
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "a wrong key is our trouble, not a no to the buyer")
	away := stripe.New(stripe.Config{SecretKey: sim.SecretKey, APIBase: "http://127.0.0.1:1", Timeout: time.Second})
	_, err = away.CreateIntent(t.Context(), fresh(4500, "EUR"))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}

// TestEveryPriceCanBeCharged: the smallest price of every currency is one that the provider takes, and it takes no
// currency that a price cannot have.
func TestEveryPriceCanBeCharged(t *testing.T) {
	sim := harness.Stripesim(t)
	s := stripe.New(stripe.Config{SecretKey: sim.SecretKey, PublishableKey: sim.PublishableKey, APIBase: sim.API, Timeout: 10 * time.Second})
	table, err := os.ReadFile("../../../internal/money/iso4217.tsv")
	require.NoError(t, err)
	currencies := regexp.MustCompile(`(?m)^[A-Z]{3}\b`).FindAllString(string(table), -1)
	require.Greater(t, len(currencies), 150)
	charge := func(amount int64, currency string) error {
		_, err := s.CreateIntent(t.Context(), payment.Payment{ID: uuid.New(), Booking: uuid.New(), Account: "buyer", Event: uuid.New(), Amount: money.Money{Amount: amount, Currency: currency}})
		return err
	}
	for _, currency := range currencies {
		refused, ok := errors.AsType[*fault.Error](money.Chargeable(money.Money{Amount: 1, Currency: currency}))
		require.True(t, ok, currency)
		least, ok := refused.Fields["minimum"].(int64)
		if !ok {
			require.Equal(t, fault.Conflict, fault.KindOf(charge(1_000_000, currency)), "the provider takes %s", currency)
			continue
		}
		require.NoError(t, charge(least, currency), currency)
		require.Equal(t, "amount_too_large", fault.CodeOf(charge(1_000_000_000_000, currency)), currency)
		refused, ok = errors.AsType[*fault.Error](money.Chargeable(money.Money{Amount: 1_000_000_000_000, Currency: currency}))
		require.True(t, ok, currency)
		most, ok := refused.Fields["maximum"].(int64)
		require.True(t, ok, currency)
		if currency == "BHD" || currency == "JOD" || currency == "KWD" || currency == "OMR" || currency == "TND" {
			most -= most % 10
		}
		require.NoError(t, charge(most, currency), currency)
	}
}

func TestNoPersonalDataInErrors(t *testing.T) {
	sim := harness.Stripesim(t)
	s := stripe.New(stripe.Config{SecretKey: sim.SecretKey, APIBase: sim.API, Timeout: 10 * time.Second})
	_, err := s.Intent(t.Context(), "pi_kim@example.com")
	require.Error(t, err)
	raw, merr := json.Marshal(err.Error())
	require.NoError(t, merr)
	require.False(t, strings.Contains(string(raw), "kim@example.com"), "%s", raw)
}
