package money_test

import (
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
}
