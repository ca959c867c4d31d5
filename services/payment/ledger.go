package payment

import (
	"strconv"

	"github.com/google/uuid"
)

// LedgerAccount is an account of the double-entry ledger. A positive entry is a debit, a negative one a
// credit.
type LedgerAccount string

// The accounts. A clearing account holds what one side knows and the other has not confirmed: when nothing
// is in progress, it is zero.
const (
	ProviderClearing LedgerAccount = "provider_clearing" // taken from cards, not yet on our balance
	ProviderBalance  LedgerAccount = "provider_balance"
	ProviderFees     LedgerAccount = "provider_fees"
	Sales            LedgerAccount = "sales"           // owed to merchants
	RefundClearing   LedgerAccount = "refund_clearing" // owed to buyers, not yet paid out
	PaidOtherwise    LedgerAccount = "paid_otherwise"  // given back to buyers outside the provider
)

// Transfer moves money between accounts. Its entries sum to zero, and its key is unique: it is stored once.
type Transfer struct {
	Key      string
	Payment  uuid.UUID
	Refund   *uuid.UUID
	Currency string
	Entries  []Entry
}

// Entry is one side of a transfer. Amount is in minor units of the transfer's currency.
type Entry struct {
	Account LedgerAccount
	Amount  int64
}

// Balance is the sum of an account's entries in one currency, in minor units.
type Balance struct {
	Account  LedgerAccount
	Currency string
	Amount   int64
}

// Balanced reports whether the entries sum to zero.
func (t Transfer) Balanced() bool {
	var sum int64
	for _, e := range t.Entries {
		sum += e.Amount
	}
	return sum == 0 && len(t.Entries) > 1
}

func captured(p Payment) Transfer {
	return Transfer{
		Key: "capture:" + p.ID.String(), Payment: p.ID, Currency: p.Amount.Currency,
		Entries: []Entry{{ProviderClearing, p.Captured}, {Sales, -p.Captured}},
	}
}

func settled(p Payment, s Settlement) Transfer {
	t := Transfer{
		Key: "settlement:" + p.ID.String(), Payment: p.ID, Currency: p.Amount.Currency,
		Entries: []Entry{{ProviderBalance, s.Amount - s.Fee}, {ProviderClearing, -s.Amount}},
	}
	if s.Fee != 0 {
		t.Entries = append(t.Entries, Entry{ProviderFees, s.Fee})
	}
	return t
}

func refundTransfer(step string, p Payment, r Refund, from, to LedgerAccount) Transfer {
	id := r.ID
	key := step + ":" + r.ID.String()
	if r.Attempt > 1 {
		key += ":" + strconv.Itoa(r.Attempt)
	}
	return Transfer{
		Key: key, Payment: p.ID, Refund: &id, Currency: p.Amount.Currency,
		Entries: []Entry{{to, r.Amount}, {from, -r.Amount}},
	}
}

func refundRequested(p Payment, r Refund) Transfer {
	return refundTransfer("refund", p, r, RefundClearing, Sales)
}

func refundSettled(p Payment, r Refund) Transfer {
	return refundTransfer("refund_settlement", p, r, ProviderBalance, RefundClearing)
}

// refundFailed reverses a refund: what was not paid out, or came back, is owed to merchants again.
func refundFailed(p Payment, r Refund, paidOut bool) Transfer {
	if paidOut {
		return refundTransfer("refund_failure", p, r, Sales, ProviderBalance)
	}
	return refundTransfer("refund_failure", p, r, Sales, RefundClearing)
}

// refundResolved follows refundFailed, after the buyer got the money by other means.
func refundResolved(p Payment, r Refund) Transfer {
	r.Attempt = 1 // one transfer for all attempts
	return refundTransfer("refund_resolution", p, r, PaidOtherwise, Sales)
}
