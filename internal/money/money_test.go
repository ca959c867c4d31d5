package money_test

import (
	"errors"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
)

func TestNew(t *testing.T) {
	for _, c := range []struct {
		amount   int64
		currency string
		code     string
	}{
		{4500, "EUR", ""}, {0, "JPY", ""}, {99_999_999, "USD", ""},
		{999_999_999_999, "IDR", ""}, {-1, "EUR", "invalid_amount"}, {1_000_000_000_000, "EUR", "invalid_amount"},
		{1, "XCG", ""}, {1, "XAU", "invalid_currency"}, {1, "DEM", "invalid_currency"},
		{1, "eur", "invalid_currency"}, {1, "EURO", "invalid_currency"}, {1, "", "invalid_currency"},
	} {
		_, err := money.New(c.amount, c.currency)
		assert.Equal(t, c.code, fault.CodeOf(err), "%d %q", c.amount, c.currency)
	}
}

func TestPlusRefusesMixedCurrencies(t *testing.T) {
	sum, err := money.Money{}.Plus(money.Money{Amount: 5, Currency: "EUR"})
	assert.NoError(t, err)
	_, err = sum.Plus(money.Money{Amount: 5, Currency: "USD"})
	assert.Equal(t, "currency_mismatch", fault.CodeOf(err))
}

func TestString(t *testing.T) {
	assert.Equal(t, "45.00 EUR", money.Money{Amount: 4500, Currency: "EUR"}.String())
	assert.Equal(t, "4500 JPY", money.Money{Amount: 4500, Currency: "JPY"}.String())
	assert.Equal(t, "0.05 USD", money.Money{Amount: 5, Currency: "USD"}.String())
	assert.Equal(t, "-0.05 USD", money.Money{Amount: -5, Currency: "USD"}.String())
	assert.Equal(t, "12.500 KWD", money.Money{Amount: 12500, Currency: "KWD"}.String())
	assert.Equal(t, "12000.00 HUF", money.Money{Amount: 1_200_000, Currency: "HUF"}.String())
	assert.Equal(t, "-92233720368547758.08 EUR", money.Money{Amount: math.MinInt64, Currency: "EUR"}.String())
}

// TestDigits has the currencies whose decimals display tables leave out.
func TestDigits(t *testing.T) {
	for currency, want := range map[string]int{
		"EUR": 2, "JPY": 0, "KWD": 3, "CLF": 4, "RSD": 2, "COP": 2, "IDR": 2, "HUF": 2, "TWD": 2, "ISK": 0, "UGX": 0, "MGA": 2, "VND": 0, "CLP": 0,
	} {
		n, ok := money.Digits(currency)
		assert.True(t, ok, currency)
		assert.Equal(t, want, n, currency)
	}
	_, ok := money.Digits("ZZZ")
	assert.False(t, ok)
}

func TestChargeable(t *testing.T) {
	for _, c := range []struct {
		amount   int64
		currency string
		code     string
	}{
		{0, "EUR", ""}, {50, "EUR", ""}, {49, "EUR", "amount_too_small"}, {30, "GBP", ""}, {29, "GBP", "amount_too_small"},
		{17_500, "HUF", ""}, {17_499, "HUF", "amount_too_small"}, {49, "JPY", "amount_too_small"}, {499_999, "COP", "amount_too_small"},
		{12_500, "KWD", ""}, {12_505, "KWD", "amount_not_chargeable"}, {12_900, "ISK", ""},
		{500_000, "MGA", ""}, {500_050, "MGA", "amount_not_chargeable"},
		{99_999_999, "USD", ""}, {100_000_000, "USD", "amount_too_large"}, {999_999, "ISK", ""}, {1_000_000, "ISK", "amount_too_large"},
		{999_999_999_999, "IDR", ""}, {9_999_999_999, "COP", ""}, {10_000_000_000, "COP", "amount_too_large"},
		{999_999_999, "INR", ""}, {1_000_000_000, "INR", "amount_too_large"},
		{0, "IQD", ""}, {1_000_000, "IQD", "currency_not_chargeable"}, {1_000_000, "DEM", "currency_not_chargeable"},
	} {
		assert.Equal(t, c.code, fault.CodeOf(money.Chargeable(money.Money{Amount: c.amount, Currency: c.currency})), "%d %s", c.amount, c.currency)
	}
}

// TestEveryCurrencyHasAMinimum: a price is refused when it is set or can be charged. The documented minima are those of
// https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts; the provider does not know notChargeable.
func TestEveryCurrencyHasAMinimum(t *testing.T) {
	documented := map[string]int64{
		"USD": 50, "AED": 200, "ARS": 50, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "COP": 50, "CZK": 1500, "DKK": 250, "EUR": 50, "GBP": 30,
		"HKD": 400, "HUF": 17_500, "IDR": 50, "ILS": 50, "INR": 50, "JPY": 50, "KRW": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50,
		"PHP": 50, "PLN": 200, "RON": 200, "RUB": 50, "SEK": 300, "SGD": 50, "THB": 1000, "ZAR": 50,
	}
	notChargeable := strings.Fields(`BGN BOV BTN CHE CHW CLF COU CUC CUP ERN GHS IQD IRR KPW LYD MRU MXV SDG SSP STN SVC SYP TMT USN UYI UYW VED VES XCG ZWG`)
	table, err := os.ReadFile("iso4217.tsv")
	require.NoError(t, err)
	currencies := regexp.MustCompile(`(?m)^[A-Z]{3}\b`).FindAllString(string(table), -1)
	require.Greater(t, len(currencies), 150)
	for _, currency := range currencies {
		assert.NoError(t, money.Chargeable(money.Money{Currency: currency}), "a free ticket in %s", currency)
		err := money.Chargeable(money.Money{Amount: 1, Currency: currency})
		if slices.Contains(notChargeable, currency) {
			assert.Equal(t, "currency_not_chargeable", fault.CodeOf(err), currency)
			continue
		}
		refused, ok := errors.AsType[*fault.Error](err)
		require.True(t, ok, "1 %s", currency)
		require.Equal(t, "amount_too_small", refused.Code, currency)
		least, ok := refused.Fields["minimum"].(int64)
		require.True(t, ok, currency)
		assert.GreaterOrEqual(t, least, documented[currency], currency)
		assert.NoError(t, money.Chargeable(money.Money{Amount: least, Currency: currency}), currency)
		assert.Equal(t, "amount_too_small", fault.CodeOf(money.Chargeable(money.Money{Amount: least - 1, Currency: currency})), currency)
		assert.Equal(t, "amount_too_large", fault.CodeOf(money.Chargeable(money.Money{Amount: 1_000_000_000_000, Currency: currency})), currency)
	}
}

// TestProvider: what is sent and what is told mean the same amount.
func TestProvider(t *testing.T) {
	for _, c := range []struct {
		ours     int64
		currency string
		theirs   int64
	}{
		{4500, "EUR", 4500}, {4500, "JPY", 4500}, {1_200_000, "HUF", 1_200_000}, {12_500, "KWD", 12_500},
		{5_000, "ISK", 500_000}, {5_000, "UGX", 500_000}, {5_000_00, "MGA", 5_000}, {150_000, "RSD", 150_000}, {5_000_000, "COP", 5_000_000},
	} {
		theirs, exact := money.ToProvider(money.Money{Amount: c.ours, Currency: c.currency})
		assert.True(t, exact, c.currency)
		assert.Equal(t, c.theirs, theirs, c.currency)
		ours, exact := money.FromProvider(c.theirs, c.currency)
		assert.True(t, exact, c.currency)
		assert.Equal(t, money.Money{Amount: c.ours, Currency: c.currency}, ours)
	}
	_, exact := money.FromProvider(550, "ISK")
	assert.False(t, exact, "half a krona")
}
