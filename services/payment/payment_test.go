package payment

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/money"
)

var (
	statuses       = []Status{Preparing, Pending, Authorized, Captured, Voided, Refunded}
	intentStatuses = []IntentStatus{IntentOpen, IntentAuthorized, IntentCaptured, IntentCanceled}
	noon           = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
)

func sample(status Status) Payment {
	p := Payment{
		ID: uuid.New(), Booking: uuid.New(), Attempt: 1, Account: "buyer", Event: uuid.New(), Amount: money.Money{Amount: 4500, Currency: "EUR"},
		Intent: "pi_1", Status: status, CreatedAt: noon, UpdatedAt: noon,
	}
	switch status {
	case Preparing:
		p.Intent = ""
	case Captured:
		p.Captured, p.Settled = 4500, true
	case Refunded:
		p.Captured, p.Refunded, p.Settled = 4500, 4500, true
	}
	return p
}

func said(p Payment, status IntentStatus) Intent {
	in := Intent{ID: "pi_1", ClientSecret: "pi_1_secret", Status: status, Amount: p.Amount, Payment: p.ID, Booking: p.Booking, Account: p.Account}
	if status == IntentCaptured {
		in.Captured, in.Settlement = 4500, &Settlement{Transaction: "txn_1", Amount: 4500, Fee: 93}
	}
	return in
}

// Every status meets everything that the provider may say of it.
func TestObserve(t *testing.T) {
	const refused = Status("refused")
	want := map[Status]map[IntentStatus]Status{
		Preparing:  {IntentOpen: Pending, IntentAuthorized: Authorized, IntentCaptured: Captured, IntentCanceled: Voided},
		Pending:    {IntentOpen: Pending, IntentAuthorized: Authorized, IntentCaptured: Captured, IntentCanceled: Voided},
		Authorized: {IntentOpen: Authorized, IntentAuthorized: Authorized, IntentCaptured: Captured, IntentCanceled: Voided},
		Captured:   {IntentOpen: Captured, IntentAuthorized: Captured, IntentCaptured: Captured, IntentCanceled: Captured},
		Voided:     {IntentOpen: Voided, IntentAuthorized: Voided, IntentCaptured: refused, IntentCanceled: Voided},
		Refunded:   {IntentOpen: Refunded, IntentAuthorized: Refunded, IntentCaptured: Refunded, IntentCanceled: Refunded},
	}
	notices := map[[2]Status][]NoticeKind{
		{Preparing, Authorized}: {NoticeAuthorized}, {Pending, Authorized}: {NoticeAuthorized},
		{Preparing, Captured}: {NoticeAuthorized}, {Pending, Captured}: {NoticeAuthorized},
		{Preparing, Voided}: {NoticeVoided}, {Pending, Voided}: {NoticeVoided}, {Authorized, Voided}: {NoticeVoided},
	}
	for _, status := range statuses {
		for _, news := range intentStatuses {
			t.Run(fmt.Sprintf("%s,%s", status, news), func(t *testing.T) {
				p := sample(status)
				c, err := p.Observe(said(p, news), noon.Add(time.Minute))
				if want[status][news] == refused {
					require.ErrorIs(t, err, ErrMismatch)
					require.Equal(t, p, c.Payment, "a refusal changes nothing")
					return
				}
				require.NoError(t, err)
				require.Equal(t, want[status][news], c.Payment.Status)
				var kinds []NoticeKind
				for _, n := range c.Notices {
					kinds = append(kinds, n.Kind)
				}
				require.Equal(t, notices[[2]Status{status, c.Payment.Status}], kinds)
				again, err := c.Payment.Observe(said(p, news), noon.Add(2*time.Minute))
				require.NoError(t, err)
				require.Empty(t, again.Notices, "the same news twice is news once")
				require.Empty(t, again.Transfers)
				for _, transfer := range c.Transfers {
					require.True(t, transfer.Balanced(), transfer.Key)
				}
			})
		}
	}
}

// Nothing that is not what was asked for gets through. Each case alters one thing.
func TestObserveRefusesWhatWasNotAskedFor(t *testing.T) {
	for what, alter := range map[string]func(*Intent){
		"intent":   func(in *Intent) { in.ID = "pi_2" },
		"booking":  func(in *Intent) { in.Booking = uuid.New() },
		"account":  func(in *Intent) { in.Account = "other" },
		"amount":   func(in *Intent) { in.Amount.Amount = 1 },
		"currency": func(in *Intent) { in.Amount.Currency = "USD" },
	} {
		t.Run(what, func(t *testing.T) {
			p := sample(Pending)
			in := said(p, IntentAuthorized)
			alter(&in)
			c, err := p.Observe(in, noon)
			require.ErrorIs(t, err, ErrMismatch)
			require.Equal(t, what, mismatch(err))
			require.Equal(t, Pending, c.Payment.Status)
			require.Empty(t, c.Notices)
		})
	}
}

func TestObserveRefund(t *testing.T) {
	want := map[RefundStatus]map[RefundStatus]RefundStatus{
		RefundRequested: {RefundPending: RefundPending, RefundSucceeded: RefundSucceeded, RefundFailed: RefundFailed},
		RefundPending:   {RefundPending: RefundPending, RefundSucceeded: RefundSucceeded, RefundFailed: RefundFailed},
		RefundSucceeded: {RefundPending: RefundSucceeded, RefundSucceeded: RefundSucceeded, RefundFailed: RefundFailed},
		RefundFailed:    {RefundPending: RefundFailed, RefundSucceeded: RefundFailed, RefundFailed: RefundFailed},
	}
	for have, row := range want {
		for news, after := range row {
			t.Run(fmt.Sprintf("%s,%s", have, news), func(t *testing.T) {
				p := sample(Captured)
				r := Refund{ID: uuid.New(), Payment: p.ID, Amount: 1500, Status: have, Attempt: 9} // the last one
				if have == RefundSucceeded {
					p.Refunded = 1500
				}
				c, err := p.ObserveRefund(r, ProviderRefund{ID: "re_1", Amount: money.Money{Amount: 1500, Currency: "EUR"}, Status: news, Refund: r.ID}, noon)
				require.NoError(t, err)
				if have == after && have != RefundPending {
					require.Empty(t, c.Refunds)
					require.Empty(t, c.Transfers)
					return
				}
				require.Equal(t, after, c.Refunds[0].Status)
				require.Equal(t, map[RefundStatus]int64{RefundSucceeded: 1500}[after], c.Payment.Refunded)
			})
		}
	}
	p := sample(Captured)
	_, err := p.ObserveRefund(Refund{ID: uuid.New(), Amount: 1500, Status: RefundPending}, ProviderRefund{Amount: money.Money{Amount: 1501, Currency: "EUR"}, Status: RefundSucceeded}, noon)
	require.ErrorIs(t, err, ErrMismatch)
}

func TestRequest(t *testing.T) {
	p := sample(Captured)
	first := Refund{ID: uuid.New(), Amount: 4000}
	c, made, err := p.Request(nil, first, noon)
	require.NoError(t, err)
	require.Equal(t, RefundRequested, made.Status)
	require.Len(t, c.Transfers, 1)
	_, _, err = p.Request(c.Refunds, Refund{ID: uuid.New(), Amount: 501}, noon)
	require.ErrorIs(t, err, ErrRefundTooLarge, "what is under way counts")
	again, _, err := p.Request(c.Refunds, first, noon)
	require.NoError(t, err)
	require.Empty(t, again.Transfers, "asked for twice, it is one")
	_, _, err = p.Request(c.Refunds, Refund{ID: first.ID, Amount: 1}, noon)
	require.ErrorIs(t, err, ErrRefundDiffers)
	for _, amount := range []int64{0, -1, 4501} {
		_, _, err = p.Request(nil, Refund{ID: uuid.New(), Amount: amount}, noon)
		require.ErrorIs(t, err, ErrRefundTooLarge)
	}
	for _, status := range []Status{Preparing, Pending, Authorized, Voided} {
		_, _, err = sample(status).Request(nil, first, noon)
		require.ErrorIs(t, err, ErrNotCaptured)
	}
}

// ledger is the books of one payment, as the store would keep them.
type ledger struct {
	keys     map[string]bool
	balances map[LedgerAccount]int64
}

func (l *ledger) post(t *testing.T, c Change) {
	for _, x := range c.Transfers {
		require.True(t, x.Balanced(), x.Key)
		require.False(t, l.keys[x.Key], "%s happened twice", x.Key)
		l.keys[x.Key] = true
		for _, e := range x.Entries {
			l.balances[e.Account] += e.Amount
		}
	}
}

// Whatever comes, in whatever order and however often: the books sum to zero, nothing is posted
// twice, no more is given back than was taken, and at rest the clearing accounts are empty.
func TestLedgerHolds(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		l := ledger{keys: map[string]bool{}, balances: map[LedgerAccount]int64{}}
		p := sample(Preparing)
		var refunds []Refund
		there := IntentOpen // the provider's truth, which goes forward
		returned := map[uuid.UUID]RefundStatus{}
		store := func(c Change, err error) {
			if err != nil {
				return // refused: nothing is stored
			}
			l.post(t, c)
			p = c.Payment
			for _, r := range c.Refunds {
				found := false
				for i := range refunds {
					if refunds[i].ID == r.ID {
						refunds[i], found = r, true
					}
				}
				if !found {
					refunds = append(refunds, r)
				}
			}
		}
		observe := func(status IntentStatus) { store(p.Observe(said(p, status), noon)) }
		seen := func(r Refund, status RefundStatus) {
			store(p.ObserveRefund(r, ProviderRefund{ID: "re_" + r.ID.String(), Amount: money.Money{Amount: r.Amount, Currency: "EUR"}, Status: status, Refund: r.ID}, noon))
		}
		for range 40 {
			switch random.IntN(6) {
			case 0:
				next := map[IntentStatus][]IntentStatus{IntentOpen: {IntentOpen, IntentAuthorized, IntentAuthorized, IntentCanceled}, IntentAuthorized: {IntentCaptured, IntentCaptured, IntentCanceled}}[there]
				if len(next) > 0 {
					there = next[random.IntN(len(next))]
				}
				observe(there)
			case 1: // old news, of a state that was
				if there != IntentCanceled && there != IntentOpen {
					observe([]IntentStatus{IntentOpen, IntentAuthorized}[random.IntN(2)])
				}
			case 2:
				c, r, err := p.Request(refunds, Refund{ID: uuid.New(), Amount: int64(random.IntN(3000))}, noon)
				if store(c, err); err == nil {
					returned[r.ID] = RefundPending
				}
			default:
				if len(refunds) == 0 {
					observe(there)
					continue
				}
				r := refunds[random.IntN(len(refunds))]
				next := map[RefundStatus][]RefundStatus{RefundPending: {RefundPending, RefundSucceeded, RefundFailed}, RefundSucceeded: {RefundSucceeded, RefundSucceeded, RefundFailed}, RefundFailed: {RefundFailed}}[returned[r.ID]]
				returned[r.ID] = next[random.IntN(len(next))]
				seen(r, returned[r.ID])
			}
			var sum int64
			for _, amount := range l.balances {
				sum += amount
			}
			require.Zero(t, sum, "seed %d", seed)
			require.LessOrEqual(t, p.Refunded, p.Captured, "seed %d", seed)
			require.GreaterOrEqual(t, p.Refunded, int64(0), "seed %d", seed)
		}
		observe(there)
		for _, r := range refunds { // let all come to rest
			if status := returned[r.ID]; status == RefundPending {
				seen(r, RefundSucceeded)
			} else {
				seen(r, status)
			}
		}
		require.Zero(t, l.balances[ProviderClearing], "seed %d", seed)
		require.Zero(t, l.balances[RefundClearing], "seed %d", seed)
		require.Equal(t, p.Refunded-p.Captured, l.balances[Sales], "seed %d", seed)
		if there == IntentCaptured {
			require.Equal(t, p.Captured-p.Refunded, l.balances[ProviderBalance]+l.balances[ProviderFees], "seed %d", seed)
		}
	}
}

// The checks above can fail: a planted mistake in the books is seen.
func TestPlantedMistakesAreSeen(t *testing.T) {
	p := sample(Captured)
	lopsided := captured(p)
	lopsided.Entries[1].Amount++
	require.False(t, lopsided.Balanced())
	lopsided.Entries = lopsided.Entries[:1]
	lopsided.Entries[0].Amount = 0
	require.False(t, lopsided.Balanced())
}

func TestLookingAfter(t *testing.T) {
	p := sample(Pending)
	p.plan(noon, false, time.Time{})
	require.Equal(t, noon.Add(firstPoll), p.NextPoll)
	p.PollCount = 100
	p.plan(noon, false, time.Time{})
	require.Equal(t, noon.Add(maxPollDelay), p.NextPoll)
	for _, status := range []Status{Captured, Voided, Refunded} {
		p = sample(status)
		p.plan(noon, false, time.Time{})
		require.Zero(t, p.NextPoll, "%s is at rest", status)
		p.plan(noon, true, time.Time{})
		require.NotZero(t, p.NextPoll, "%s, and a refund is under way", status)
	}
	p = sample(Captured)
	p.Settled = false
	p.plan(noon, false, time.Time{})
	require.NotZero(t, p.NextPoll, "the money is not on the balance yet")
}

// A refund that is owed is made again when it fails, a bounded number of times, each with a ledger of
// its own, and then waits for an admin; one that is not owed ends with its first failure.
func TestOwedRefundsAreMadeAgain(t *testing.T) {
	now, p := noon, sample(Captured)
	failed := func(r Refund) ProviderRefund {
		return ProviderRefund{ID: "re_" + strconv.Itoa(r.Attempt), Amount: money.Money{Amount: 1500, Currency: "EUR"}, Status: RefundFailed, Refund: r.ID, Attempt: r.Attempt}
	}
	_, r, err := p.Request(nil, Refund{ID: uuid.New(), Amount: 1500}, now)
	require.NoError(t, err)
	c, err := p.ObserveRefund(r, failed(r), now)
	require.NoError(t, err)
	require.Equal(t, RefundFailed, c.Refunds[0].Status)
	require.Equal(t, NoticeRefundFailed, c.Notices[0].Kind)
	require.False(t, c.Refunds[0].Owing(), "the buyer keeps the tickets")

	keys, held := map[string]bool{}, map[LedgerAccount]int64{}
	post := func(c Change) {
		for _, transfer := range c.Transfers {
			require.False(t, keys[transfer.Key], "%s twice", transfer.Key)
			require.True(t, transfer.Balanced())
			keys[transfer.Key] = true
			for _, e := range transfer.Entries {
				held[e.Account] += e.Amount
			}
		}
	}
	c, r, err = p.Request(nil, Refund{ID: uuid.New(), Amount: 1500, Owed: true}, now)
	require.NoError(t, err)
	post(c)
	for attempt := 1; ; attempt++ {
		require.LessOrEqual(t, attempt, 4, "a bound")
		c, err = p.ObserveRefund(r, failed(r), now)
		require.NoError(t, err)
		post(c)
		r = c.Refunds[0]
		require.Equal(t, attempt, c.Notices[0].Attempt)
		if r.Status == RefundFailed {
			require.Equal(t, NoticeRefundFailed, c.Notices[0].Kind)
			require.Equal(t, 4, attempt)
			break
		}
		require.Equal(t, NoticeRefundDelayed, c.Notices[0].Kind)
		require.Equal(t, RefundRetrying, r.Status)
		require.True(t, now.Before(*r.NextTry))
		open, next := unfinished([]Refund{r}, nil)
		require.True(t, open)
		require.Equal(t, *r.NextTry, next)
		now = *r.NextTry
		c, r = p.retry(r, now)
		post(c)
		again, err := p.observeRefunds([]Refund{r}, []ProviderRefund{failed(Refund{ID: r.ID, Attempt: r.Attempt - 1})}, now)
		require.NoError(t, err)
		require.Empty(t, again.Refunds, "the last attempt's failure is old news")
	}
	require.True(t, r.Owing())
	_, err = p.Resolve(Refund{Status: RefundSucceeded}, "", now)
	require.ErrorIs(t, err, ErrNotOwing)
	c, err = p.Reopen(r, now)
	require.NoError(t, err)
	require.Equal(t, RefundRetrying, c.Refunds[0].Status)
	c, err = p.Resolve(r, "transfer", now)
	require.NoError(t, err)
	require.False(t, c.Refunds[0].Owing())
	require.Equal(t, NoticeRefunded, c.Notices[0].Kind)
	post(c)
	require.EqualValues(t, 1500, held[Sales], "the buyer has it, so the merchant is not owed it")
	require.EqualValues(t, -1500, held[PaidOtherwise])
	require.Zero(t, held[RefundClearing])
	r = c.Refunds[0]
	_, _, err = p.Request([]Refund{r}, Refund{ID: uuid.New(), Amount: p.Captured - 1499}, now)
	require.ErrorIs(t, err, ErrRefundTooLarge, "nothing is given back twice")
	_, _, err = p.Request([]Refund{r}, Refund{ID: uuid.New(), Amount: p.Captured - 1500}, now)
	require.NoError(t, err)
}

// Whoever has the client secret can pay: it is kept only while there is something to pay.
func TestClientSecretsAreForgotten(t *testing.T) {
	p := sample(Pending)
	p.ClientSecret = "pi_1_secret_2"
	for status, kept := range map[IntentStatus]bool{IntentOpen: true, IntentAuthorized: false, IntentCaptured: false, IntentCanceled: false} {
		in := said(p, status)
		in.ClientSecret = p.ClientSecret
		c, err := p.Observe(in, noon)
		require.NoError(t, err)
		require.Equal(t, kept, c.Payment.ClientSecret != "", status)
	}
	c, err := p.Refuse("abandoned", noon)
	require.NoError(t, err)
	require.Empty(t, c.Payment.ClientSecret)
}
