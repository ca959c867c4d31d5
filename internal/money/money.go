// Package money is an amount in minor units of one currency. There is no float anywhere.
package money

import (
	"fmt"

	"golang.org/x/text/currency"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// Money is an amount of a currency: {"amount": 4500, "currency": "EUR"} is 45 euros.
type Money struct {
	Amount   int64  `json:"amount"`   // minor units: cents, or whole yen
	Currency string `json:"currency"` // ISO 4217, upper case
}

// maxAmount keeps sums of many prices far from overflow: Stripe takes eight digits at most.
const maxAmount = 99_999_999

// New returns an amount after checking it: non-negative, at most what the payment provider
// takes (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts), a known currency.
func New(amount int64, code string) (Money, error) {
	if amount < 0 || amount > maxAmount {
		return Money{}, fault.New(fault.Invalid, "invalid_amount", fmt.Sprintf("An amount must lie between 0 and %d minor units.", maxAmount))
	}
	unit, err := currency.ParseISO(code)
	if err != nil || unit.String() != code {
		return Money{}, fault.New(fault.Invalid, "invalid_currency", "A currency is an ISO 4217 code in capitals.")
	}
	return Money{Amount: amount, Currency: code}, nil
}

// Plus adds amounts of one currency. Mixing currencies is a defect of the caller.
func (m Money) Plus(n Money) (Money, error) {
	if m == (Money{}) {
		return n, nil
	}
	if m.Currency != n.Currency {
		return Money{}, fault.New(fault.Invalid, "currency_mismatch", "Amounts of different currencies cannot be added.")
	}
	return Money{Amount: m.Amount + n.Amount, Currency: m.Currency}, nil
}

// Digits gives the number of minor digits of the currency: 2 for EUR, 0 for JPY.
func (m Money) Digits() int {
	unit, err := currency.ParseISO(m.Currency)
	if err != nil {
		return 2
	}
	scale, _ := currency.Standard.Rounding(unit)
	return scale
}

// String writes the amount for logs and plain texts: "45.00 EUR".
func (m Money) String() string {
	d := m.Digits()
	if d == 0 {
		return fmt.Sprintf("%d %s", m.Amount, m.Currency)
	}
	pow := int64(1)
	for range d {
		pow *= 10
	}
	return fmt.Sprintf("%d.%0*d %s", m.Amount/pow, d, m.Amount%pow, m.Currency)
}
