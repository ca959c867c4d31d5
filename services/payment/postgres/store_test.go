package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/payment"
	"github.com/foyer-tickets/foyer/services/payment/postgres"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func open(t *testing.T) (postgres.Store, *pgxpool.Pool) {
	t.Helper()
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return postgres.Store{Pool: pool, Now: time.Now}, pool
}

func fresh() payment.Payment {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return payment.Payment{
		ID: uuid.Must(uuid.NewV7()), Booking: uuid.Must(uuid.NewV7()), Attempt: 1, Account: "buyer", Event: uuid.Must(uuid.NewV7()),
		Amount: money.Money{Amount: 4500, Currency: "EUR"}, Status: payment.Preparing, CreatedAt: now, UpdatedAt: now,
	}
}

func taken(p payment.Payment) payment.Intent {
	return payment.Intent{
		ID: "pi_" + p.ID.String(), Status: payment.IntentCaptured, Amount: p.Amount, Captured: p.Amount.Amount, Payment: p.ID, Booking: p.Booking, Account: p.Account,
		Settlement: &payment.Settlement{Transaction: "txn", Amount: p.Amount.Amount, Fee: 93},
	}
}

func capture(t *testing.T, s postgres.Store, p payment.Payment, r *payment.Receipt) (payment.Payment, error) {
	t.Helper()
	return s.Change(t.Context(), p.ID, func(p payment.Payment, _ []payment.Refund) (payment.Change, error) {
		c, err := p.Observe(taken(p), time.Now())
		c.Receipt = r
		return c, err
	})
}

func count(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

func TestOpenHasOneWinner(t *testing.T) {
	s, _ := open(t)
	first := fresh()
	ids := make([]uuid.UUID, 20)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			p := first
			p.ID = uuid.Must(uuid.NewV7())
			got, err := s.Open(t.Context(), p)
			if err != nil {
				t.Error(err)
			}
			ids[i] = got.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
	second := first
	second.ID, second.Attempt = uuid.Must(uuid.NewV7()), 2
	got, err := s.Open(t.Context(), second)
	require.NoError(t, err)
	require.Equal(t, second.ID, got.ID)
	all, err := s.OfBooking(t.Context(), first.Booking)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, 2, all[1].Attempt)
}

// One webhook at once from many: one effect, all of it, and the others see that it was had.
func TestOneEffectPerWebhook(t *testing.T) {
	s, pool := open(t)
	p, err := s.Open(t.Context(), fresh())
	require.NoError(t, err)
	var wg sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[bool]int{}
	for range 30 {
		wg.Go(func() {
			_, err := capture(t, s, p, &payment.Receipt{ID: "evt_1", Type: "x", Outcome: payment.Applied, Payment: &p.ID, At: time.Now()})
			if err != nil && !errors.Is(err, payment.ErrSeen) {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			outcomes[err == nil]++
		})
	}
	wg.Wait()
	require.Equal(t, map[bool]int{true: 1, false: 29}, outcomes)
	require.Equal(t, 1, count(t, pool, `SELECT count(*) FROM outbox WHERE key = $1`, p.Booking.String()), "authorised")
	require.Equal(t, 2, count(t, pool, `SELECT count(*) FROM transfers WHERE payment = $1`, p.ID))
	now, err := s.Get(t.Context(), p.ID)
	require.NoError(t, err)
	r, found, err := s.Find(t.Context(), "evt_1", now.Intent, uuid.Nil)
	require.NoError(t, err)
	require.NotNil(t, r)
	require.Equal(t, payment.Applied, r.Outcome)
	require.Equal(t, p.ID, found.ID)
}

// A step that fails leaves nothing behind: no receipt, no notice, no entry.
func TestAllOrNothing(t *testing.T) {
	s, pool := open(t)
	p, err := s.Open(t.Context(), fresh())
	require.NoError(t, err)
	_, err = s.Change(t.Context(), p.ID, func(p payment.Payment, _ []payment.Refund) (payment.Change, error) {
		c, err := p.Observe(taken(p), time.Now())
		c.Receipt = &payment.Receipt{ID: "evt_2", Type: "x", Outcome: payment.Applied, At: time.Now()}
		c.Transfers[0].Entries[0].Amount++ // does not balance
		return c, err
	})
	require.True(t, database.Violates(err, database.CheckViolation, "transfer_balances"), err)
	for _, table := range []string{"inbox", "outbox", "transfers", "entries"} {
		require.Zero(t, count(t, pool, `SELECT count(*) FROM `+table), table)
	}
	got, err := s.Get(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, payment.Preparing, got.Status)
	_, err = s.Change(t.Context(), uuid.New(), nil)
	require.ErrorIs(t, err, payment.ErrNotFound)
}

func TestTheLedgerIsOnlyAddedTo(t *testing.T) {
	s, pool := open(t)
	p, err := s.Open(t.Context(), fresh())
	require.NoError(t, err)
	_, err = capture(t, s, p, nil)
	require.NoError(t, err)
	for _, sql := range []string{
		`UPDATE entries SET amount = amount + 1`, `DELETE FROM entries`, `TRUNCATE entries CASCADE`,
		`UPDATE transfers SET currency = 'USD'`, `DELETE FROM transfers`, `TRUNCATE transfers CASCADE`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.True(t, database.Violates(err, "23001", ""), "%s: %v", sql, err)
	}
	for name, entries := range map[string][]int64{"one side": {100}, "lopsided": {100, -99}, "none": nil} {
		err := database.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), `INSERT INTO transfers (key, payment, currency, at) VALUES ($1, $2, 'EUR', now())`, name, p.ID); err != nil {
				return err
			}
			for i, amount := range entries {
				account := []string{"sales", "provider_clearing"}[i]
				if _, err := tx.Exec(t.Context(), `INSERT INTO entries (transfer, account, amount) VALUES ($1, $2, $3)`, name, account, amount); err != nil {
					return err
				}
			}
			return nil
		})
		require.True(t, database.Violates(err, database.CheckViolation, "transfer_balances"), "%s: %v", name, err)
	}
	// An entry cannot be slipped into a transfer that is done.
	_, err = pool.Exec(t.Context(), `INSERT INTO entries (transfer, account, amount) VALUES ($1, 'refund_clearing', 5)`, "capture:"+p.ID.String())
	require.True(t, database.Violates(err, database.CheckViolation, "transfer_balances"), err)
	balances, err := s.Balances(t.Context())
	require.NoError(t, err)
	held := map[payment.LedgerAccount]int64{}
	for _, b := range balances {
		held[b.Account] = b.Amount
	}
	require.Equal(t, map[payment.LedgerAccount]int64{payment.ProviderBalance: 4407, payment.ProviderFees: 93, payment.Sales: -4500, payment.ProviderClearing: 0}, held)
}

// Ten refunds at once that together are more than was taken: what is given back never is.
func TestRefundsAtOnce(t *testing.T) {
	s, pool := open(t)
	p, err := s.Open(t.Context(), fresh())
	require.NoError(t, err)
	_, err = capture(t, s, p, nil)
	require.NoError(t, err)
	var wg sync.WaitGroup
	var mu sync.Mutex
	granted := 0
	var deciding atomic.Int32
	for range 10 {
		wg.Go(func() {
			_, err := s.Change(t.Context(), p.ID, func(p payment.Payment, have []payment.Refund) (payment.Change, error) {
				if deciding.Add(1) > 1 {
					t.Error("two decide about one payment at a time")
				}
				defer deciding.Add(-1)
				time.Sleep(5 * time.Millisecond) // room for the others to come in, if they could
				c, _, err := p.Request(have, payment.Refund{ID: uuid.New(), Amount: 1000}, time.Now())
				return c, err
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				granted++
			case !errors.Is(err, payment.ErrRefundTooLarge):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 4, granted)
	require.Equal(t, 4000, count(t, pool, `SELECT sum(amount) FROM refunds WHERE payment = $1`, p.ID))
	open, err := s.OpenRefunds(t.Context(), p.ID)
	require.NoError(t, err)
	require.Len(t, open, 4)
}

func TestDueIsLeased(t *testing.T) {
	s, pool := open(t)
	for range 20 {
		p, err := s.Open(t.Context(), fresh())
		require.NoError(t, err)
		_, err = pool.Exec(t.Context(), `UPDATE payments SET intent = $2, status = 'pending', next_look = now() - interval '1 minute' WHERE id = $1`, p.ID, "pi_"+p.ID.String())
		require.NoError(t, err)
	}
	seen := map[uuid.UUID]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			due, err := s.Due(t.Context(), time.Now(), time.Minute, 8)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, p := range due {
				seen[p.ID]++
			}
		})
	}
	wg.Wait()
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
}

func TestReports(t *testing.T) {
	s, _ := open(t)
	_, err := s.Report(t.Context(), uuid.Nil)
	require.ErrorIs(t, err, payment.ErrReconciliationNotFound)
	now := time.Now().UTC().Truncate(time.Millisecond)
	var last payment.Reconciliation
	for i := range 3 {
		last = payment.Reconciliation{ID: uuid.New(), Trigger: "request", From: now, To: now, StartedAt: now.Add(time.Duration(i) * time.Second), FinishedAt: now, NotQueried: i,
			Findings: []payment.Finding{{Kind: payment.Stuck, Detail: fmt.Sprint(i), Remedy: payment.Apply, Healed: true}}}
		require.NoError(t, s.SaveReport(t.Context(), last))
	}
	got, err := s.Report(t.Context(), uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, last.ID, got.ID)
	require.Equal(t, last.Findings, got.Findings)
	require.Equal(t, 2, got.NotQueried)
}

// A report on last week reads what there is now: so does what it knows of refunds resolved since.
func TestBooksKnowWhatWasResolvedAfterThePeriod(t *testing.T) {
	s, pool := open(t)
	p, err := s.Open(t.Context(), fresh())
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `INSERT INTO refunds (id, payment, amount, reason, status, failure, created_at, updated_at, owed, resolved_at, resolution)
		VALUES ($1, $2, 500, '', 'failed', 'unknown', $3, $4, true, $4, 'bank transfer')`, uuid.New(), p.ID, p.CreatedAt, p.CreatedAt.AddDate(0, 0, 7))
	require.NoError(t, err)
	books, err := s.Books(t.Context(), p.CreatedAt.Add(-time.Hour), p.CreatedAt.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, map[uuid.UUID]int64{p.ID: 500}, books.Resolved)

	defer s.Observe()()
	require.Zero(t, harness.Metric(t, "payment_refunds_owing"), "it was resolved")
	_, err = pool.Exec(t.Context(), `UPDATE refunds SET resolved_at = NULL WHERE payment = $1`, p.ID)
	require.NoError(t, err)
	require.InDelta(t, 1, harness.Metric(t, "payment_refunds_owing"), 0)
}
