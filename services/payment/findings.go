package payment

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// FindingKind is the kind of a difference between the books.
type FindingKind string

// The kinds. docs/runbook-payment.md says what each means and what to do.
const (
	CapturedWithoutBooking FindingKind = "captured_without_booking"
	BookingWithoutCapture  FindingKind = "booking_without_capture"
	AmountMismatch         FindingKind = "amount_mismatch"
	RefundMissingHere      FindingKind = "refund_missing_here"
	RefundMissingThere     FindingKind = "refund_missing_there"
	RefundOwing            FindingKind = "refund_owing"
	BookingSetAside        FindingKind = "booking_set_aside"
	OrphanIntent           FindingKind = "orphan_intent"
	Stuck                  FindingKind = "stuck"
	LedgerImbalance        FindingKind = "ledger_imbalance"
	WebhookRefused         FindingKind = "webhook_refused"
	PaymentDisputed        FindingKind = "payment_disputed"
)

// Remedy is what can be done about a finding without a person's decision.
type Remedy string

// The remedies.
const (
	Report      Remedy = ""             // a person has to look
	Apply       Remedy = "apply"        // read it from the provider again and apply it
	Void        Remedy = "void"         // cancel an authorisation without a booking
	RefundAgain Remedy = "refund_again" // request it again with the same idempotency key
)

// Finding is one difference between the books. Expected and Actual are in the currency's minor units.
type Finding struct {
	Kind     FindingKind
	Payment  *uuid.UUID
	Booking  *uuid.UUID
	Refund   *uuid.UUID
	Intent   string
	Expected int64
	Actual   int64
	Currency string
	Detail   string
	Remedy   Remedy
	Healed   bool
	Failure  string // why the remedy did not work, as a code
}

// BookingMoney is what a booking records about its money.
type BookingMoney struct {
	Booking  uuid.UUID
	Payment  *uuid.UUID
	Status   string
	Amount   int64
	Refunded int64
	Currency string
	At       time.Time // when it last changed
	Trouble  string    // why it was set aside, as a code; empty: it was not
}

// sold reports whether the booking has been paid for.
func (b BookingMoney) sold() bool {
	return b.Status == "confirmed" || b.Status == "refunding" || b.Status == "refunded"
}

func (b BookingMoney) over() bool {
	return b.Status == "expired" || b.Status == "failed" || b.Status == "cancelled"
}

// Clearing is a payment with a clearing account that is not zero although nothing is in progress.
type Clearing struct {
	Payment  uuid.UUID
	Account  LedgerAccount
	Amount   int64
	Currency string
}

// Books are the records of a period: the provider's, ours and the bookings'.
type Books struct {
	Intents         []Intent         // the provider's
	ProviderRefunds []ProviderRefund // the provider's
	Payments        []Payment        // ours
	Related         []Payment        // ours, from outside the period, that something in the period refers to
	Refunds         []Refund         // ours
	Bookings        []BookingMoney
	Clearings       []Clearing
	Owing           []Refund            // ours that failed for good, however old; their payments are among the above
	Resolved        map[uuid.UUID]int64 // given back by other means, by payment
	Receipts        []Receipt           // webhooks that were refused, or that people should know of
	NotQueried      map[uuid.UUID]bool  // our refunds that the provider was not asked for: that one is missing there is not known
}

// How long the sides may differ while something is in progress.
const (
	inProgress     = 2 * time.Minute  // between two sides
	noBookingAfter = 10 * time.Minute // a payment whose booking is not found
)

// Compare returns all differences. It depends on the books and the time only.
func (b Books) Compare(now time.Time) []Finding {
	c := comparison{now: now, intents: map[string]Intent{}, payments: map[uuid.UUID]Payment{}, bookings: map[uuid.UUID]BookingMoney{}, byIntent: map[string]Payment{}, pending: map[uuid.UUID]bool{}, resolved: b.Resolved}
	for _, in := range b.Intents {
		c.intents[in.ID] = in
	}
	for _, p := range b.Payments {
		c.payments[p.ID] = p
		if p.Intent != "" {
			c.byIntent[p.Intent] = p
		}
	}
	for _, p := range b.Related {
		c.payments[p.ID] = p
		if p.Intent != "" {
			c.byIntent[p.Intent] = p
		}
	}
	for _, k := range b.Bookings {
		c.bookings[k.Booking] = k
	}
	for _, r := range b.Refunds {
		if r.open() {
			c.pending[r.Payment] = true
		}
	}
	for _, in := range b.Intents {
		c.intent(in)
	}
	for _, p := range b.Payments {
		c.payment(p)
	}
	paid := map[uuid.UUID]bool{}
	for _, p := range b.Payments {
		paid[p.Booking] = true // or it was found above
	}
	for _, p := range b.Related {
		if status := c.status(p); status == Captured || status == Refunded {
			paid[p.Booking] = true
		}
	}
	for _, k := range b.Bookings {
		if k.sold() && k.Amount > 0 && !paid[k.Booking] {
			c.add(Finding{Kind: BookingWithoutCapture, Booking: &k.Booking, Expected: k.Amount, Currency: k.Currency, Detail: "The booking is confirmed and no payment was taken for it."})
		}
	}
	c.refunds(b)
	for _, r := range b.Owing {
		f := newFinding(RefundOwing, c.payments[r.Payment], "A refund failed for good, and the money is still owed to the buyer.")
		f.Refund, f.Expected = &r.ID, r.Amount
		c.add(f)
	}
	for _, k := range b.Bookings {
		if k.Trouble != "" {
			c.add(Finding{Kind: BookingSetAside, Booking: &k.Booking, Payment: k.Payment, Expected: k.Amount, Currency: k.Currency, Detail: "The booking could not be brought on and was set aside: " + k.Trouble + "."})
		}
	}
	for _, l := range b.Clearings {
		c.add(Finding{Kind: LedgerImbalance, Payment: &l.Payment, Actual: l.Amount, Currency: l.Currency, Detail: "A clearing account is not zero although nothing is under way: " + string(l.Account) + "."})
	}
	for _, r := range b.Receipts {
		f := Finding{Kind: WebhookRefused, Payment: r.Payment, Detail: "A signed webhook was refused: its " + r.Reason + " is not what was asked for. Webhook " + r.ID + "."}
		if r.Outcome == Noted {
			f.Kind, f.Detail = PaymentDisputed, "The card's holder contests the payment. Webhook "+r.ID+"."
		}
		c.add(f)
	}
	return c.found
}

type comparison struct {
	now      time.Time
	intents  map[string]Intent
	payments map[uuid.UUID]Payment
	byIntent map[string]Payment
	bookings map[uuid.UUID]BookingMoney
	pending  map[uuid.UUID]bool // payments with refunds under way
	resolved map[uuid.UUID]int64
	found    []Finding
}

func (c *comparison) add(f Finding) { c.found = append(c.found, f) }

// newFinding returns a finding about a payment.
func newFinding(kind FindingKind, p Payment, detail string) Finding {
	return Finding{Kind: kind, Payment: &p.ID, Booking: &p.Booking, Intent: p.Intent, Expected: p.Amount.Amount, Currency: p.Amount.Currency, Detail: detail}
}

// intent compares an intent of the provider with our payment.
func (c *comparison) intent(in Intent) {
	if in.Booking == uuid.Nil {
		return // not one of ours: the account may serve others too
	}
	p, ours := c.byIntent[in.ID]
	if !ours {
		p, ours = c.payments[in.Payment]
	}
	switch {
	case !ours && in.Status == IntentCaptured && in.Refunded < in.Captured:
		c.add(Finding{Kind: CapturedWithoutBooking, Booking: &in.Booking, Intent: in.ID, Actual: in.Captured - in.Refunded, Currency: in.Amount.Currency, Detail: "Money was taken for a payment that is not in our books."})
	case !ours && in.Status != IntentCanceled && in.Status != IntentCaptured && c.now.Sub(in.CreatedAt) > inProgress:
		c.add(Finding{Kind: OrphanIntent, Booking: &in.Booking, Intent: in.ID, Actual: in.Amount.Amount, Currency: in.Amount.Currency, Remedy: Void, Detail: "The provider has an intent that is not in our books."})
	case !ours:
	case in.Amount != p.Amount:
		f := newFinding(AmountMismatch, p, "The provider's amount is not the one that was asked for.")
		f.Actual, f.Intent = in.Amount.Amount, in.ID
		c.add(f)
	case p.Intent == "" && p.Status == Preparing:
		f := newFinding(Stuck, p, "The provider's answer to the making of the intent got lost.")
		f.Intent, f.Remedy = in.ID, Apply
		c.add(f)
	case behind(p, in):
		f := newFinding(Stuck, p, "The provider is further than our books: a webhook got lost.")
		f.Actual, f.Remedy = in.Captured, Apply
		c.add(f)
	case in.Status == IntentCaptured && in.Captured != in.Amount.Amount:
		f := newFinding(AmountMismatch, p, "Another amount was taken than was authorised.")
		f.Actual = in.Captured
		c.add(f)
	}
}

// behind reports whether our payment is older than the provider's intent.
func behind(p Payment, in Intent) bool {
	switch in.Status {
	case IntentAuthorized:
		return p.Status == Preparing || p.Status == Pending
	case IntentCaptured:
		return p.Status == Preparing || p.Status == Pending || p.Status == Authorized || !p.Settled && in.Settlement != nil
	case IntentCanceled:
		return p.Status == Preparing || p.Status == Pending || p.Status == Authorized
	}
	return false
}

// status is a payment's status, or the provider's when ours is behind: it will be ours in a moment.
func (c *comparison) status(p Payment) Status {
	if in, ok := c.intents[p.Intent]; ok && behind(p, in) {
		return map[IntentStatus]Status{IntentAuthorized: Authorized, IntentCaptured: Captured, IntentCanceled: Voided}[in.Status]
	}
	return p.Status
}

// payment compares a payment with its booking.
func (c *comparison) payment(p Payment) {
	status := c.status(p)
	open := status == Pending || status == Authorized || status == Preparing
	returned := p.Refunded + c.resolved[p.ID]
	kept := p.Captured - returned
	k, known := c.bookings[p.Booking]
	quiet := c.now.Sub(p.UpdatedAt) > inProgress
	switch {
	case !known && c.now.Sub(p.CreatedAt) <= noBookingAfter:
	case (!known || k.over()) && open && (!known || c.now.Sub(k.At) > inProgress):
		f := newFinding(OrphanIntent, p, "The booking is over or not to be found, and the payment is still open.")
		f.Remedy = Void
		c.add(f)
	case (!known || k.over()) && status == Captured && kept > 0 && quiet && !c.pending[p.ID]:
		f := newFinding(CapturedWithoutBooking, p, "Money was taken for a booking that is not.")
		f.Expected, f.Actual = 0, kept
		c.add(f)
	case !known:
	case k.Amount != p.Amount.Amount || k.Currency != p.Amount.Currency:
		f := newFinding(AmountMismatch, p, "The booking's total is not the payment's amount.")
		f.Expected, f.Actual = k.Amount, p.Amount.Amount
		c.add(f)
	case k.sold() && (k.Payment == nil || *k.Payment == p.ID) && status != Captured && status != Refunded:
		c.add(newFinding(BookingWithoutCapture, p, "The booking is confirmed and its payment was not taken."))
	case !k.sold() && !k.over() && status == Captured && quiet && c.now.Sub(k.At) > inProgress:
		c.add(newFinding(CapturedWithoutBooking, p, "Money was taken and the booking has not noticed."))
	case k.Status == "secured" && status == Authorized && quiet:
		c.add(newFinding(Stuck, p, "The seats are fenced and the money has not been taken."))
	case k.sold() && k.Refunded > returned && !c.pending[p.ID]:
		f := newFinding(RefundMissingHere, p, "The booking knows of a refund that is not in our books.")
		f.Expected, f.Actual = k.Refunded, returned
		c.add(f)
	case k.sold() && k.Refunded < returned && quiet && c.now.Sub(k.At) > inProgress:
		f := newFinding(RefundMissingHere, p, "The booking does not know of a refund that was made.")
		f.Expected, f.Actual = returned, k.Refunded
		c.add(f)
	}
}

// refunds compares both sides' refunds.
func (c *comparison) refunds(b Books) {
	byID, byProvider := map[uuid.UUID]Refund{}, map[string]Refund{}
	for _, r := range b.Refunds {
		byID[r.ID] = r
		if r.Provider != "" {
			byProvider[r.Provider] = r
		}
	}
	there := map[uuid.UUID]ProviderRefund{}
	for _, s := range b.ProviderRefunds {
		p, ours := c.byIntent[s.Intent]
		if !ours {
			continue
		}
		r, known := byID[s.Refund]
		if !known {
			r, known = byProvider[s.ID]
		}
		if !known {
			if s.Status != RefundFailed {
				f := newFinding(RefundMissingHere, p, "The provider made a refund that nobody asked for here: "+s.ID+".")
				f.Expected, f.Actual = 0, s.Amount.Amount
				c.add(f)
			}
			continue
		}
		if !s.isAttemptOf(r) {
			continue // an attempt that failed before this one
		}
		there[r.ID] = s
		switch news := r.open() && r.Status != RefundRetrying && s.Status != RefundPending || r.Status == RefundSucceeded && s.Status == RefundFailed; {
		case s.Status != RefundFailed && s.Amount.Amount != r.Amount:
			f := newFinding(AmountMismatch, p, "The provider refunded another amount than was asked for.")
			f.Refund, f.Expected, f.Actual = &r.ID, r.Amount, s.Amount.Amount
			c.add(f)
		case news:
			f := newFinding(Stuck, p, "The provider is further with a refund than our books: a webhook got lost.")
			f.Refund, f.Remedy = &r.ID, Apply
			c.add(f)
		}
	}
	for _, r := range b.Refunds {
		p, known := c.payments[r.Payment]
		if _, found := there[r.ID]; found || b.NotQueried[r.ID] || !known || p.free() || !r.expectedThere(c.now) {
			continue
		}
		f := newFinding(RefundMissingThere, p, "The provider does not have a refund that our books have.")
		f.Refund, f.Expected = &r.ID, r.Amount
		if r.Status == RefundRequested && c.now.Sub(r.UpdatedAt) < keyLife {
			f.Remedy = RefundAgain // the provider remembers the key: it cannot become two refunds
		}
		c.add(f)
	}
}

// keyLife is how long the provider remembers an idempotency key at least.
const keyLife = 23 * time.Hour

// missingPayments names the payments that the books refer to and do not contain.
func (b Books) missingPayments() Keys {
	intents, ids, bookings := map[string]bool{}, map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	for _, p := range slices.Concat(b.Payments, b.Related) {
		intents[p.Intent], ids[p.ID], bookings[p.Booking] = true, true, true
	}
	var n Keys
	for _, in := range b.Intents {
		if in.Booking == uuid.Nil || intents[in.ID] || ids[in.Payment] {
			continue
		}
		n.Intents = append(n.Intents, in.ID)
		if in.Payment != uuid.Nil {
			n.IDs = append(n.IDs, in.Payment)
		}
	}
	for _, s := range b.ProviderRefunds {
		if !intents[s.Intent] {
			intents[s.Intent] = true
			n.Intents = append(n.Intents, s.Intent)
		}
	}
	for _, k := range b.Bookings {
		if k.sold() && k.Amount > 0 && !bookings[k.Booking] {
			n.Bookings = append(n.Bookings, k.Booking)
		}
	}
	return n
}

// unknownRefunds names the provider's refunds that match no refund of ours.
func (b Books) unknownRefunds() (ids []uuid.UUID, provider []string) {
	byID, byProvider := map[uuid.UUID]bool{}, map[string]bool{}
	for _, r := range b.Refunds {
		byID[r.ID], byProvider[r.Provider] = true, true
	}
	for _, s := range b.ProviderRefunds {
		if byID[s.Refund] || byProvider[s.ID] {
			continue
		}
		provider = append(provider, s.ID)
		if s.Refund != uuid.Nil {
			ids = append(ids, s.Refund)
		}
	}
	return ids, provider
}

// unseenRefunds returns our refunds, by intent, that the provider's records lack.
func (b Books) unseenRefunds(now time.Time) map[string][]Refund {
	payments, there := map[uuid.UUID]Payment{}, map[uuid.UUID]bool{}
	for _, p := range slices.Concat(b.Payments, b.Related) {
		payments[p.ID] = p
	}
	byID, byProvider := map[uuid.UUID]Refund{}, map[string]Refund{}
	for _, r := range b.Refunds {
		byID[r.ID], byProvider[r.Provider] = r, r
	}
	for _, s := range b.ProviderRefunds {
		for _, r := range []Refund{byID[s.Refund], byProvider[s.ID]} {
			if r.ID != uuid.Nil && s.isAttemptOf(r) {
				there[r.ID] = true
			}
		}
	}
	unseen := map[string][]Refund{}
	for _, r := range b.Refunds {
		if p := payments[r.Payment]; p.Intent != "" && !there[r.ID] && r.expectedThere(now) {
			unseen[p.Intent] = append(unseen[p.Intent], r)
		}
	}
	return unseen
}

// expectedThere reports whether the provider must have a refund by now.
func (r Refund) expectedThere(now time.Time) bool {
	return r.Status != RefundFailed && r.Status != RefundRetrying && now.Sub(r.UpdatedAt) > inProgress
}
