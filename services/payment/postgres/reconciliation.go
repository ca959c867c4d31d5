package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/services/payment"
)

// Books implements payment.ReconciliationStore. It reads everything in one snapshot.
func (s Store) Books(ctx context.Context, from, to time.Time) (payment.Books, error) {
	var b payment.Books
	err := pgx.BeginTxFunc(ctx, s.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		if b.Payments, err = payments(ctx, tx, `created_at >= $1 AND created_at < $2 ORDER BY id`, from, to); err != nil {
			return err
		}
		const moved = `updated_at >= $1 AND created_at < $2`
		if b.Related, err = payments(ctx, tx, `created_at < $1 AND id IN (SELECT payment FROM refunds WHERE `+moved+` OR `+owing+`) ORDER BY id`, from, to); err != nil {
			return err
		}
		if b.Refunds, err = refunds(ctx, tx, moved+` ORDER BY id`, from, to); err != nil {
			return err
		}
		if b.Owing, err = refunds(ctx, tx, owing+` AND payment IN (SELECT id FROM payments WHERE created_at < $1) ORDER BY id`, to); err != nil {
			return err
		}
		if b.Resolved, err = resolved(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			SELECT t.payment, e.account, sum(e.amount)::bigint, t.currency
			FROM entries e JOIN transfers t ON t.key = e.transfer JOIN payments p ON p.id = t.payment
			WHERE e.account IN ('provider_clearing', 'refund_clearing') AND p.settled AND p.created_at < $2 AND p.updated_at >= $1
				AND NOT EXISTS (SELECT FROM refunds r WHERE r.payment = p.id AND r.status IN ('requested', 'pending', 'retrying'))
			GROUP BY 1, 2, 4 HAVING sum(e.amount) <> 0`, from, to)
		if err != nil {
			return err
		}
		if b.Clearings, err = pgx.CollectRows(rows, pgx.RowToStructByPos[payment.Clearing]); err != nil {
			return err
		}
		rows, err = tx.Query(ctx, `SELECT id, type, payment, outcome, reason, at FROM inbox
			WHERE outcome IN ('refused', 'noted') AND at >= $1 AND at < $2 ORDER BY at`, from, to)
		if err != nil {
			return err
		}
		b.Receipts, err = pgx.CollectRows(rows, pgx.RowToStructByPos[payment.Receipt])
		return err
	})
	if err != nil {
		return payment.Books{}, fmt.Errorf("books: %w", err)
	}
	return b, nil
}

// resolved sums up what was returned by other means, by payment, up to now. There is little of it.
func resolved(ctx context.Context, tx pgx.Tx) (map[uuid.UUID]int64, error) {
	rows, err := tx.Query(ctx, `SELECT payment, sum(amount)::bigint FROM refunds WHERE resolved_at IS NOT NULL GROUP BY 1`)
	if err != nil {
		return nil, err
	}
	sums := map[uuid.UUID]int64{}
	var id uuid.UUID
	var amount int64
	_, err = pgx.ForEachRow(rows, []any{&id, &amount}, func() error {
		sums[id] = amount
		return nil
	})
	return sums, err
}

// namedAtOnce bounds one statement.
const namedAtOnce = 5000

// Payments implements payment.ReconciliationStore.
func (s Store) Payments(ctx context.Context, named payment.Keys) (all []payment.Payment, err error) {
	if all, err = namedBy(ctx, s, payments, all, `intent = ANY($1)`, named.Intents); err != nil {
		return nil, fmt.Errorf("payments by intent: %w", err)
	}
	if all, err = namedBy(ctx, s, payments, all, `id = ANY($1)`, named.IDs); err != nil {
		return nil, fmt.Errorf("payments by id: %w", err)
	}
	if all, err = namedBy(ctx, s, payments, all, `booking = ANY($1)`, named.Bookings); err != nil {
		return nil, fmt.Errorf("payments by booking: %w", err)
	}
	return all, nil
}

// RefundsNamed implements payment.ReconciliationStore.
func (s Store) RefundsNamed(ctx context.Context, ids []uuid.UUID, provider []string) ([]payment.Refund, error) {
	all, err := namedBy(ctx, s, refunds, nil, `id = ANY($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("refunds by id: %w", err)
	}
	have := map[uuid.UUID]bool{}
	for _, r := range all {
		have[r.ID] = true
	}
	others, err := namedBy(ctx, s, refunds, nil, `provider = ANY($1)`, provider)
	if err != nil {
		return nil, fmt.Errorf("refunds by the provider's id: %w", err)
	}
	return append(all, slices.DeleteFunc(others, func(r payment.Refund) bool { return have[r.ID] })...), nil
}

// namedBy adds what where finds for the keys, a bounded number of them at a time.
func namedBy[T any, K any](ctx context.Context, s Store, read func(context.Context, querier, string, ...any) ([]T, error), all []T, where string, keys []K) ([]T, error) {
	for some := range slices.Chunk(keys, namedAtOnce) {
		found, err := read(ctx, s.Pool, where, some)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// reconciliationLock is the key of the advisory lock of reconciliations. It only has to be unique.
const reconciliationLock int64 = 0x466f796572_11

// RunExclusive implements payment.ReconciliationStore.
func (s Store) RunExclusive(ctx context.Context, f func(context.Context) error) error {
	err := database.Leader{Pool: s.Pool, Key: reconciliationLock}.Try(ctx, f)
	if errors.Is(err, database.ErrLocked) {
		return payment.ErrReconciling
	}
	return err
}

// maxReports is how many reports are kept.
const maxReports = 1000

const saveTimeout = 5 * time.Second

// SaveReport implements payment.ReconciliationStore.
func (s Store) SaveReport(ctx context.Context, r payment.Reconciliation) error {
	raw, err := encodeFindings(r.Findings)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout) // a run that timed out is stored too
	defer cancel()
	_, err = s.Pool.Exec(ctx, `
		WITH old AS (DELETE FROM reconciliations WHERE id IN (SELECT id FROM reconciliations ORDER BY started_at DESC OFFSET $13))
		INSERT INTO reconciliations (id, trigger, from_at, to_at, started_at, finished_at, intents, payments, refunds, bookings, findings, failure, not_asked)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $14)`,
		r.ID, r.Trigger, r.From, r.To, r.StartedAt, r.FinishedAt, r.Intents, r.Payments, r.Refunds, r.Bookings, raw, r.Failure, maxReports, r.NotQueried)
	if err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	for _, f := range r.Findings {
		findings.Add(ctx, 1, string(f.Kind), remedied(f))
	}
	return nil
}

func scanReport(row pgx.CollectableRow) (payment.Reconciliation, error) {
	var r payment.Reconciliation
	var findings []byte
	err := row.Scan(&r.ID, &r.Trigger, &r.From, &r.To, &r.StartedAt, &r.FinishedAt, &r.Intents, &r.Payments, &r.Refunds, &r.Bookings, &findings, &r.Failure, &r.NotQueried)
	if err == nil {
		r.Findings, err = decodeFindings(findings)
	}
	return r, err
}

// Report gives a reconciliation, the newest when no id is given.
func (s Store) Report(ctx context.Context, id uuid.UUID) (payment.Reconciliation, error) {
	rows, err := s.Pool.Query(ctx, `
		SELECT id, trigger, from_at, to_at, started_at, finished_at, intents, payments, refunds, bookings, findings, failure, not_asked
		FROM reconciliations WHERE $1 OR id = $2 ORDER BY started_at DESC LIMIT 1`, id == uuid.Nil, id)
	if err != nil {
		return payment.Reconciliation{}, fmt.Errorf("report: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanReport)
	if err != nil {
		return payment.Reconciliation{}, fmt.Errorf("report: %w", err)
	}
	if len(found) == 0 {
		return payment.Reconciliation{}, payment.ErrReconciliationNotFound
	}
	return found[0], nil
}

// Balances gives all accounts of the ledger.
func (s Store) Balances(ctx context.Context) ([]payment.Balance, error) {
	rows, err := s.Pool.Query(ctx, `SELECT account, currency, amount FROM ledger_balances ORDER BY 1, 2`)
	if err != nil {
		return nil, fmt.Errorf("balances: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[payment.Balance])
}
