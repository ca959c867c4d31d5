package money_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

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
		{-1, "EUR", "invalid_amount"}, {100_000_000, "EUR", "invalid_amount"},
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
		{17_500, "HUF", ""}, {17_499, "HUF", "amount_too_small"}, {49, "JPY", "amount_too_small"},
		{12_500, "KWD", ""}, {12_505, "KWD", "amount_not_chargeable"}, {12_900, "ISK", ""},
		{1_000, "MGA", ""}, {1_050, "MGA", "amount_not_chargeable"},
	} {
		assert.Equal(t, c.code, fault.CodeOf(money.Chargeable(money.Money{Amount: c.amount, Currency: c.currency})), "%d %s", c.amount, c.currency)
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
