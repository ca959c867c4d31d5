package money

import (
	"cmp"
	"slices"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// The limits of the payment provider's charges by currency (https://docs.stripe.com/currencies, as of 2026).
// Catalog checks them when a price is set, booking when units are held, and payment when a booking is charged,
// so that nothing is on sale that cannot be paid.

// smallest has the smallest charge in minor units of ISO 4217, and so lists the currencies that can be
// charged: the provider's presentment currencies that are in circulation.
//
// The provider's own minimum applies to the currency in which its account settles (0.50 USD, 0.50 EUR, 15 CZK,
// 175 HUF ...). For these currencies we assume that an organiser's account settles in the currency of the
// sale, and use the documented minimum. A charge in any other currency is converted and must then be worth as
// much. The exchange rate on the day of the sale is unknown when a price is set, so each of those amounts is a
// round one of about one US dollar at the rates of late 2025, twice what an account in dollars needs and a
// third above 15 CZK, the documented minimum of the greatest worth. Currencies that lose value fast, or that
// banks do not trade at the official rate, have more.
var smallest = map[string]int64{
	"AED": 200, "AFN": 8_000, "ALL": 10_000, "AMD": 50_000, "ANG": 200, "AOA": 150_000, "ARS": 300_000, "AUD": 50, "AWG": 200, "AZN": 200,
	"BAM": 200, "BBD": 200, "BDT": 15_000, "BHD": 400, "BIF": 4_000, "BMD": 100, "BND": 150, "BOB": 1_500, "BRL": 50, "BSD": 100,
	"BWP": 1_500, "BYN": 400, "BZD": 200, "CAD": 50, "CDF": 350_000, "CHF": 50, "CLP": 1_000, "CNY": 800, "COP": 500_000, "CRC": 60_000,
	"CVE": 10_000, "CZK": 1_500, "DJF": 200, "DKK": 250, "DOP": 7_000, "DZD": 15_000, "EGP": 7_500, "ETB": 25_000, "EUR": 50, "FJD": 250,
	"FKP": 100, "GBP": 30, "GEL": 300, "GIP": 100, "GMD": 8_000, "GNF": 10_000, "GTQ": 800, "GYD": 25_000, "HKD": 400, "HNL": 3_000,
	"HTG": 15_000, "HUF": 17_500, "IDR": 2_000_000, "ILS": 400, "INR": 50, "ISK": 150, "JMD": 20_000, "JOD": 800, "JPY": 50, "KES": 15_000,
	"KGS": 10_000, "KHR": 500_000, "KMF": 500, "KRW": 1_500, "KWD": 400, "KYD": 100, "KZT": 60_000, "LAK": 2_500_000, "LBP": 10_000_000, "LKR": 35_000,
	"LRD": 20_000, "LSL": 2_000, "MAD": 1_000, "MDL": 2_000, "MGA": 500_000, "MKD": 6_000, "MMK": 500_000, "MNT": 400_000, "MOP": 1_000, "MUR": 5_000,
	"MVR": 2_000, "MWK": 250_000, "MXN": 1_000, "MYR": 200, "MZN": 7_500, "NAD": 2_000, "NGN": 200_000, "NIO": 4_000, "NOK": 300, "NPR": 15_000,
	"NZD": 50, "OMR": 400, "PAB": 100, "PEN": 400, "PGK": 500, "PHP": 7_000, "PKR": 35_000, "PLN": 200, "PYG": 8_000, "QAR": 400,
	"RON": 200, "RSD": 12_000, "RUB": 12_000, "RWF": 2_000, "SAR": 400, "SBD": 1_000, "SCR": 1_500, "SEK": 300, "SGD": 50, "SHP": 100,
	"SLE": 3_000, "SOS": 75_000, "SRD": 5_000, "SZL": 2_000, "THB": 1_000, "TJS": 1_200, "TND": 3_500, "TOP": 300, "TRY": 10_000, "TTD": 800,
	"TWD": 4_000, "TZS": 300_000, "UAH": 5_000, "UGX": 4_000, "USD": 50, "UYU": 5_000, "UZS": 1_500_000, "VND": 30_000, "VUV": 150, "WST": 300,
	"XAF": 700, "XCD": 300, "XOF": 700, "XPF": 150, "YER": 50_000, "ZAR": 2_000, "ZMW": 3_000,
}

// largest has the largest charge in the provider's minor unit for currencies where it differs from
// largestCharge. These limits apply to every payment method; the limit of many cards is higher.
var largest = map[string]int64{"COP": 9_999_999_999, "IDR": 999_999_999_999, "INR": 999_999_999}

const largestCharge = 99_999_999

// providerDigits lists the currencies for which the provider's minor unit differs from ISO 4217: the krona and
// the Ugandan shilling no longer have decimals but are sent with two, the ariary is sent without.
var providerDigits = map[string]int{"ISK": 2, "UGX": 2, "MGA": 0}

// threeDecimals are the currencies with three decimals that the provider supports; the last digit must be 0.
var threeDecimals = []string{"BHD", "JOD", "KWD", "OMR", "TND"}

// The errors of Chargeable.
var (
	ErrTooSmall              = fault.New(fault.Invalid, "amount_too_small", "The amount is below the smallest card payment. The price of a free ticket is 0.")
	ErrTooLarge              = fault.New(fault.Invalid, "amount_too_large", "The amount is above the largest card payment.")
	ErrNotChargeable         = fault.New(fault.Invalid, "amount_not_chargeable", "The amount has more decimals than card payments in this currency allow.")
	ErrCurrencyNotChargeable = fault.New(fault.Invalid, "currency_not_chargeable", "Card payments are not possible in this currency.")
)

// Chargeable returns nil if a card can be charged the amount: it is 0, or within the provider's limits for its
// currency and representable in the provider's minor unit. An amount of 0 is never charged.
func Chargeable(m Money) error {
	if m.Amount == 0 {
		return nil
	}
	least, ok := smallest[m.Currency]
	if !ok {
		return ErrCurrencyNotChargeable.With("currency", m.Currency)
	}
	if m.Amount < least {
		return ErrTooSmall.With("minimum", least)
	}
	charge, exact := ToProvider(m)
	if most := cmp.Or(largest[m.Currency], largestCharge); charge > most {
		greatest, _ := FromProvider(most, m.Currency)
		return ErrTooLarge.With("maximum", greatest.Amount)
	}
	if !exact {
		return ErrNotChargeable
	}
	return nil
}

// ToProvider converts an amount to the provider's minor unit. exact is false if the conversion loses a
// fraction, or if the provider does not accept the last digit.
func ToProvider(m Money) (amount int64, exact bool) {
	have := m.Digits()
	want, ok := providerDigits[m.Currency]
	if !ok {
		return m.Amount, !slices.Contains(threeDecimals, m.Currency) || m.Amount%10 == 0
	}
	return scale(m.Amount, want-have)
}

// FromProvider converts an amount from the provider's minor unit. exact is false if it has a fraction of the
// currency's minor unit.
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
