package money

import (
	"slices"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// What the payment provider takes, by currency (https://docs.stripe.com/currencies, read on 2026-11-27). Catalog
// checks it when a price is set and payment when an order is charged, so that nothing is offered that
// cannot be bought.

// smallest gives the smallest charge in minor units of ISO 4217. Of other currencies the provider asks for the
// worth of half a US dollar or so at the day's rate, and says no when a charge is less.
var smallest = map[string]int64{
	"USD": 50, "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400,
	"HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000,
	"KRW": 500, "VND": 10_000, // not in the provider's list: round figures below half a dollar
}

// providerDigits lists the currencies whose amounts the provider counts in another minor unit than ISO 4217:
// the krona and the Ugandan shilling have no decimals any more but are still sent with two, the ariary is sent whole.
var providerDigits = map[string]int{"ISK": 2, "UGX": 2, "MGA": 0}

// threeDecimals are the currencies with three decimals that the provider takes; the last has to be 0.
var threeDecimals = []string{"BHD", "JOD", "KWD", "OMR", "TND"}

// The refusals of Chargeable.
var (
	ErrTooSmall      = fault.New(fault.Invalid, "amount_too_small", "This is less than can be paid by card; a free ticket costs 0.")
	ErrNotChargeable = fault.New(fault.Invalid, "amount_not_chargeable", "Cards cannot be charged the smallest unit of this currency.")
)

// Chargeable tells whether a card can be charged the amount: it is 0, or at least the provider's minimum, and a
// multiple of what the provider can count. An amount of 0 is never charged.
func Chargeable(m Money) error {
	if m.Amount == 0 {
		return nil
	}
	if least := smallest[m.Currency]; m.Amount < least {
		return ErrTooSmall.With("minimum", least)
	}
	if _, exact := ToProvider(m); !exact {
		return ErrNotChargeable
	}
	return nil
}

// ToProvider gives the amount in the provider's minor unit. exact is false when that loses a part, or when
// the provider does not take the last digit.
func ToProvider(m Money) (amount int64, exact bool) {
	have := m.Digits()
	want, ok := providerDigits[m.Currency]
	if !ok {
		return m.Amount, !slices.Contains(threeDecimals, m.Currency) || m.Amount%10 == 0
	}
	return scale(m.Amount, want-have)
}

// FromProvider gives an amount that the provider told in its own minor unit. exact is false when it has
// a fraction of the currency's minor unit.
func FromProvider(amount int64, currency string) (m Money, exact bool) {
	m = Money{Amount: amount, Currency: currency}
	digits, ok := providerDigits[currency]
	if !ok {
		return m, true
	}
	m.Amount, exact = scale(amount, m.Digits()-digits)
	return m, exact
}

// scale multiplies by ten to the power of by.
func scale(amount int64, by int) (scaled int64, exact bool) {
	for ; by > 0; by-- {
		amount *= 10
	}
	exact = true
	for ; by < 0; by++ {
		exact = exact && amount%10 == 0
		amount /= 10
	}
	return amount, exact
}
