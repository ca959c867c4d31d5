// Package money represents an amount in minor units of an ISO 4217 currency, and the limits of card
// payments. Amounts are integers in code, in stores and in the API.
package money

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// Money is an amount of a currency: {"amount": 4500, "currency": "EUR"} is 45 euros.
type Money struct {
	Amount   int64  `json:"amount"`   // minor units: cents, or whole yen
	Currency string `json:"currency"` // ISO 4217, upper case
}

// maxAmount keeps sums of many prices far from overflow. It is the largest amount of the payment provider in
// any currency: twelve digits. Chargeable has the limits of each currency.
const maxAmount = 999_999_999_999

//go:embed iso4217.tsv
var iso4217 string

// digits has the number of minor digits by currency.
var digits = func() map[string]int {
	table := map[string]int{}
	for line := range strings.Lines(iso4217) {
		fields := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") || len(fields) != 4 {
			continue
		}
		n, err := strconv.Atoi(fields[2])
		if err != nil {
			panic("iso4217.tsv: " + line) // a defect of the table, found by the first test
		}
		table[fields[0]] = n
	}
	return table
}()

// Digits returns the number of digits of a currency's minor unit: 2 for EUR, 0 for JPY, 3 for KWD. They are
// ISO 4217's, which differ from CLDR's: display data omits decimals that people do not use (HUF, COP, RSD),
// but payments need them. ok is false for a code that is not a currency in circulation.
func Digits(currency string) (n int, ok bool) {
	n, ok = digits[currency]
	return n, ok
}

// New returns an amount after validating it: non-negative, at most twelve digits, a currency of ISO 4217.
func New(amount int64, code string) (Money, error) {
	if amount < 0 || amount > maxAmount {
		return Money{}, fault.New(fault.Invalid, "invalid_amount", fmt.Sprintf("An amount must lie between 0 and %d minor units.", maxAmount))
	}
	if _, ok := Digits(code); !ok {
		return Money{}, fault.New(fault.Invalid, "invalid_currency", "The currency must be an ISO 4217 code in capital letters.")
	}
	return Money{Amount: amount, Currency: code}, nil
}

// Plus adds two amounts of the same currency. Different currencies are an error of the caller.
func (m Money) Plus(n Money) (Money, error) {
	if m == (Money{}) {
		return n, nil
	}
	if m.Currency != n.Currency {
		return Money{}, fault.New(fault.Invalid, "currency_mismatch", "Amounts of different currencies cannot be added.")
	}
	return Money{Amount: m.Amount + n.Amount, Currency: m.Currency}, nil
}

// Digits returns the number of minor digits of the amount's currency, or 2 if the currency is unknown.
func (m Money) Digits() int {
	if n, ok := Digits(m.Currency); ok {
		return n
	}
	return 2
}

// String formats the amount for logs and plain text: "45.00 EUR".
func (m Money) String() string {
	return Decimal(m.Amount, m.Digits()) + " " + m.Currency
}

// Decimal formats an amount of minor units as a decimal number with the given number of digits: 4500 with 2 is
// "45.00".
func Decimal(amount int64, digits int) string {
	sign, n := "", uint64(amount)
	if amount < 0 {
		sign, n = "-", -n
	}
	pow := uint64(1)
	for range digits {
		pow *= 10
	}
	if digits == 0 {
		return fmt.Sprintf("%s%d", sign, n)
	}
	return fmt.Sprintf("%s%d.%0*d", sign, n/pow, digits, n%pow)
}
