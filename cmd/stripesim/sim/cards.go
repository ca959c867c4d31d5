package sim

import (
	"strconv"
	"strings"
	"time"
)

// card is what a number does. The numbers are those of https://docs.stripe.com/testing.
type card struct {
	brand   string
	country string
	funding string

	decline      *refusal // the charge is refused so
	authenticate bool     // 3-D Secure is asked for
	refund       string   // "fails": a refund fails after a while; "pends": it takes a while
	dispute      string   // the holder contests the payment, with this reason
	available    bool     // the money is available at once
}

var (
	genericDecline = declined("card_declined", "generic_decline", "Your card was declined.")
	tooPoor        = declined("card_declined", "insufficient_funds", "Your card has insufficient funds.")
)

func visa() card { return card{brand: "visa", country: "US", funding: "credit"} }

func visaThat(change func(*card)) card {
	c := visa()
	change(&c)
	return c
}

func refuses(r *refusal) card { return visaThat(func(c *card) { c.decline = r }) }

var cards = map[string]card{
	"4242424242424242": visa(),
	"4000056655665556": {brand: "visa", country: "US", funding: "debit"},
	"5555555555554444": {brand: "mastercard", country: "US", funding: "credit"},
	"2223003122003222": {brand: "mastercard", country: "US", funding: "credit"},
	"5200828282828210": {brand: "mastercard", country: "US", funding: "debit"},
	"5105105105105100": {brand: "mastercard", country: "US", funding: "prepaid"},
	"378282246310005":  {brand: "amex", country: "US", funding: "credit"},
	"371449635398431":  {brand: "amex", country: "US", funding: "credit"},
	"6011111111111117": {brand: "discover", country: "US", funding: "credit"},
	"6011000990139424": {brand: "discover", country: "US", funding: "credit"},
	"3056930009020004": {brand: "diners", country: "US", funding: "credit"},
	"36227206271667":   {brand: "diners", country: "US", funding: "credit"},
	"3566002020360505": {brand: "jcb", country: "JP", funding: "credit"},
	"6200000000000005": {brand: "unionpay", country: "CN", funding: "credit"},
	"4000002760000016": {brand: "visa", country: "DE", funding: "credit"},
	"4000002500000003": {brand: "visa", country: "FR", funding: "credit"},
	"4000000400000008": {brand: "visa", country: "AT", funding: "credit"},
	"4000007240000007": {brand: "visa", country: "ES", funding: "credit"},
	"4000003920000003": {brand: "visa", country: "JP", funding: "credit"},
	"4000008260000000": {brand: "visa", country: "GB", funding: "credit"},

	"4000000000000002": refuses(genericDecline),
	"4000000000009995": refuses(tooPoor),
	"4000000000009987": refuses(declined("card_declined", "lost_card", "Your card was declined.")),
	"4000000000009979": refuses(declined("card_declined", "stolen_card", "Your card was declined.")),
	"4000000000000069": refuses(declined("expired_card", "", "Your card has expired.")),
	"4000000000000127": refuses(declined("incorrect_cvc", "", "Your card's security code is incorrect.")),
	"4000000000000119": refuses(declined("processing_error", "", "An error occurred while processing your card. Try again in a little bit.")),
	"4000000000006975": refuses(declined("card_declined", "card_velocity_exceeded", "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.")),
	"4100000000000019": refuses(declined("card_declined", "fraudulent", "Your card was declined.")),
	"4000000000000341": refuses(genericDecline),

	"4000002500003155": visaThat(func(c *card) { c.authenticate = true }),
	"4000002760003184": visaThat(func(c *card) { c.authenticate = true }),
	"4000000000003220": visaThat(func(c *card) { c.authenticate = true }),
	"4000000000003063": visaThat(func(c *card) { c.authenticate = true }),
	"4000008260003178": visaThat(func(c *card) { c.authenticate, c.decline = true, tooPoor }),
	"4000008400001629": visaThat(func(c *card) { c.authenticate, c.decline = true, genericDecline }),
	"4000000000003055": visa(), // supports 3-D Secure, does not ask for it
	"4000003800000446": visa(), // was set up before

	"4000000000005126": visaThat(func(c *card) { c.refund = "fails" }),
	"4000000000007726": visaThat(func(c *card) { c.refund = "pends" }),
	"4000000000000259": visaThat(func(c *card) { c.dispute = "fraudulent" }),
	"4000000000002685": visaThat(func(c *card) { c.dispute = "product_not_received" }),
	"4000000000000077": visaThat(func(c *card) { c.available = true }),
}

// tokens are payment methods that exist without being made.
var tokens = map[string]string{
	"pm_card_visa": "4242424242424242", "pm_card_visa_debit": "4000056655665556", "pm_card_mastercard": "5555555555554444",
	"pm_card_mastercard_debit": "5200828282828210", "pm_card_mastercard_prepaid": "5105105105105100", "pm_card_amex": "378282246310005",
	"pm_card_discover": "6011111111111117", "pm_card_diners": "3056930009020004", "pm_card_jcb": "3566002020360505", "pm_card_unionpay": "6200000000000005",
	"pm_card_de": "4000002760000016", "pm_card_fr": "4000002500000003", "pm_card_at": "4000000400000008", "pm_card_es": "4000007240000007",
	"pm_card_jp": "4000003920000003", "pm_card_gb": "4000008260000000", "pm_card_bypassPending": "4000000000000077",
	"pm_card_chargeDeclined": "4000000000000002", "pm_card_visa_chargeDeclined": "4000000000000002",
	"pm_card_chargeDeclinedInsufficientFunds": "4000000000009995", "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
	"pm_card_chargeDeclinedLostCard": "4000000000009987", "pm_card_visa_chargeDeclinedLostCard": "4000000000009987",
	"pm_card_chargeDeclinedStolenCard": "4000000000009979", "pm_card_visa_chargeDeclinedStolenCard": "4000000000009979",
	"pm_card_chargeDeclinedExpiredCard": "4000000000000069", "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
	"pm_card_chargeDeclinedProcessingError": "4000000000000119", "pm_card_visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
	"pm_card_chargeDeclinedFraudulent": "4100000000000019", "pm_card_radarBlock": "4100000000000019", "pm_card_chargeCustomerFail": "4000000000000341",
	"pm_card_authenticationRequired": "4000002760003184", "pm_card_authenticationRequiredOnSetup": "4000002500003155",
	"pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178", "pm_card_threeDSecure2Required": "4000000000003220",
	"pm_card_threeDSecureRequired": "4000000000003063", "pm_card_threeDSecureRequiredChargeDeclined": "4000008400001629",
	"pm_card_threeDSecureOptional": "4000000000003055", "pm_card_authenticationRequiredSetupForOffSession": "4000003800000446",
	"pm_card_refundFail": "4000000000005126", "pm_card_pendingRefund": "4000000000007726",
	"pm_card_createDispute": "4000000000000259", "pm_card_createDisputeProductNotReceived": "4000000000002685",
}

func (m *Method) card() card {
	if c, ok := cards[m.Number]; ok {
		return c
	}
	return card{brand: "unknown", country: "US", funding: "credit", decline: declined("card_declined", "test_mode_live_card",
		"Your card was declined. Your request was in test mode, but used a non test (live) card. For a list of valid test cards, visit: https://stripe.com/docs/testing.")}
}

func (m *Method) last4() string { return m.Number[max(0, len(m.Number)-4):] }

// checkCard is what Stripe finds wrong with card details before it asks the bank.
func checkCard(number, month, year, cvc string, now time.Time) (*Method, *refusal) {
	number = strings.NewReplacer(" ", "", "-", "").Replace(number)
	at := func(r *refusal, param string) (*Method, *refusal) {
		r.Param, r.unkept = param, true
		return nil, r
	}
	if len(number) < 12 || len(number) > 19 || !luhn(number) {
		return at(declined("incorrect_number", "incorrect_number", "Your card number is incorrect."), "number")
	}
	m, err := strconv.ParseInt(month, 10, 64)
	if err != nil || m < 1 || m > 12 {
		return at(declined("invalid_expiry_month", "", "Your card's expiration month is invalid."), "exp_month")
	}
	y, err := strconv.ParseInt(year, 10, 64)
	if err == nil && y < 100 {
		y += 2000
	}
	if err != nil || y < int64(now.Year()) || y > int64(now.Year())+50 {
		return at(declined("invalid_expiry_year", "invalid_expiry_year", "Your card's expiration year is invalid."), "exp_year")
	}
	if y == int64(now.Year()) && m < int64(now.Month()) {
		return at(declined("invalid_expiry_month", "", "Your card's expiration month is invalid."), "exp_month")
	}
	if cvc != "" && (len(cvc) < 3 || len(cvc) > 4 || strings.Trim(cvc, "0123456789") != "") {
		return at(declined("invalid_cvc", "invalid_cvc", "Your card's security code is invalid."), "cvc")
	}
	return &Method{Number: number, Month: m, Year: y}, nil
}

func luhn(number string) bool {
	sum := 0
	for i := range number {
		d := int(number[len(number)-1-i] - '0')
		if d < 0 || d > 9 {
			return false
		}
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
