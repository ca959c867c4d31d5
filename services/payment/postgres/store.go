// Package postgres keeps payments, refunds, the webhook inbox, the ledger and the outbox. What
// one step changes is one transaction.
package postgres

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/services/payment"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations of the database `payment`.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Store is payment's stores on Postgres.
type Store struct {
	Pool *pgxpool.Pool
	Now  func() time.Time
}

var (
	_ payment.Store               = Store{}
	_ payment.InboxStore          = Store{}
	_ payment.DuePayments         = Store{}
	_ payment.ReconciliationStore = Store{}
)

const paymentColumns = `id, booking, attempt, account, event, amount, currency, coalesce(intent, ''), client_secret, status,
	captured, refunded, settled, reason, looks, created_at, updated_at, next_look`

func scanPayment(row pgx.CollectableRow) (payment.Payment, error) {
	var p payment.Payment
	var next *time.Time
	err := row.Scan(&p.ID, &p.Booking, &p.Attempt, &p.Account, &p.Event, &p.Amount.Amount, &p.Amount.Currency, &p.Intent, &p.ClientSecret,
		&p.Status, &p.Captured, &p.Refunded, &p.Settled, &p.Reason, &p.PollCount, &p.CreatedAt, &p.UpdatedAt, &next)
	if next != nil {
		p.NextPoll = *next
	}
	return p, err
}

const refundColumns = `id, payment, amount, reason, coalesce(provider, ''), status, failure, created_at, updated_at, attempt, owed, next_try, resolved_at, resolution`

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func payments(ctx context.Context, q querier, where string, args ...any) ([]payment.Payment, error) {
	rows, err := q.Query(ctx, `SELECT `+paymentColumns+` FROM payments WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanPayment)
}

func refunds(ctx context.Context, q querier, where string, args ...any) ([]payment.Refund, error) {
	rows, err := q.Query(ctx, `SELECT `+refundColumns+` FROM refunds WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[payment.Refund])
}

func one(found []payment.Payment, err error) (payment.Payment, error) {
	if err != nil {
		return payment.Payment{}, fmt.Errorf("payment: %w", err)
	}
	if len(found) == 0 {
		return payment.Payment{}, payment.ErrNotFound
	}
	return found[0], nil
}

func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Open implements payment.Store.
func (s Store) Open(ctx context.Context, p payment.Payment) (payment.Payment, error) {
	tag, err := s.Pool.Exec(ctx, `
		INSERT INTO payments (id, booking, attempt, account, event, amount, currency, status, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (booking, attempt) DO NOTHING`,
		p.ID, p.Booking, p.Attempt, p.Account, p.Event, p.Amount.Amount, p.Amount.Currency, p.Status, p.CreatedAt, p.UpdatedAt)
	if err != nil {
		return payment.Payment{}, fmt.Errorf("open payment: %w", err)
	}
	if tag.RowsAffected() == 1 {
		return p, nil
	}
	return one(payments(ctx, s.Pool, `booking = $1 AND attempt = $2`, p.Booking, p.Attempt))
}

// Get implements payment.Store.
func (s Store) Get(ctx context.Context, id uuid.UUID) (payment.Payment, error) {
	return one(payments(ctx, s.Pool, `id = $1`, id))
}

// OfBooking implements payment.Store.
func (s Store) OfBooking(ctx context.Context, booking uuid.UUID) ([]payment.Payment, error) {
	found, err := payments(ctx, s.Pool, `booking = $1 ORDER BY attempt`, booking)
	if err != nil {
		return nil, fmt.Errorf("payments of booking: %w", err)
	}
	return found, nil
}

// Change implements payment.Store.
func (s Store) Change(ctx context.Context, id uuid.UUID, decide payment.Decision) (payment.Payment, error) {
	var (
		found []payment.Payment
		have  []payment.Refund
		after payment.Payment
	)
	err := database.InTwo(ctx, s.Pool, func(b *pgx.Batch) {
		b.Queue(`SELECT `+paymentColumns+` FROM payments WHERE id = $1 FOR UPDATE`, id).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, scanPayment)
			return err
		})
		b.Queue(`SELECT `+refundColumns+` FROM refunds WHERE payment = $1 ORDER BY created_at, id`, id).Query(func(rows pgx.Rows) (err error) {
			have, err = pgx.CollectRows(rows, pgx.RowToStructByPos[payment.Refund])
			return err
		})
	}, func(b *pgx.Batch) error {
		before, err := one(found, nil)
		if err != nil {
			return err
		}
		c, err := decide(before, have)
		if err != nil {
			return err
		}
		after = c.Payment
		return s.apply(ctx, b, before, c)
	})
	if database.Violates(err, database.UniqueViolation, "inbox_pkey") {
		return payment.Payment{}, payment.ErrSeen
	}
	if err != nil {
		return payment.Payment{}, err
	}
	return after, nil
}

// apply queues what a change writes.
func (s Store) apply(ctx context.Context, b *pgx.Batch, before payment.Payment, c payment.Change) error {
	if r := c.Receipt; r != nil {
		b.Queue(`INSERT INTO inbox (id, type, payment, outcome, reason, at) VALUES ($1, $2, $3, $4, $5, $6)`, r.ID, r.Type, r.Payment, r.Outcome, r.Reason, r.At)
	}
	if p := c.Payment; p != before {
		b.Queue(`UPDATE payments SET intent = $2, client_secret = $3, status = $4, captured = $5, refunded = $6, settled = $7,
				reason = $8, looks = $9, updated_at = $10, next_look = $11 WHERE id = $1`,
			p.ID, orNull(p.Intent), p.ClientSecret, p.Status, p.Captured, p.Refunded, p.Settled, p.Reason, p.PollCount, p.UpdatedAt, orNull(p.NextPoll))
	}
	for _, r := range c.Refunds {
		b.Queue(`INSERT INTO refunds (id, payment, amount, reason, provider, status, failure, created_at, updated_at, attempt, owed, next_try, resolved_at, resolution)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
			ON CONFLICT (id) DO UPDATE SET provider = $5, status = $6, failure = $7, updated_at = $9, attempt = $10, owed = $11, next_try = $12,
				resolved_at = $13, resolution = $14`,
			r.ID, r.Payment, r.Amount, r.Reason, orNull(r.Provider), r.Status, r.Failure, r.CreatedAt, r.UpdatedAt, r.Attempt, r.Owed, r.NextTry, r.ResolvedAt, r.Resolution)
	}
	for _, t := range c.Transfers {
		b.Queue(`INSERT INTO transfers (key, payment, refund, currency, at) VALUES ($1, $2, $3, $4, $5)`, t.Key, t.Payment, t.Refund, t.Currency, s.Now())
		for _, e := range t.Entries {
			b.Queue(`INSERT INTO entries (transfer, account, amount) VALUES ($1, $2, $3)`, t.Key, e.Account, e.Amount)
		}
	}
	for _, n := range c.Notices {
		if err := s.queueNotice(ctx, b, c.Payment, n); err != nil {
			return err
		}
	}
	return nil
}

func (s Store) queueNotice(ctx context.Context, b *pgx.Batch, p payment.Payment, n payment.Notice) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	payload, err := json.Marshal(messages.PaymentChanged{
		Payment: p.ID, Booking: p.Booking, Intent: p.Intent, Kind: messages.PaymentKind(n.Kind), Amount: n.Amount, Currency: p.Amount.Currency,
		Refund: n.Refund, Attempt: n.Attempt, Reason: n.Reason, At: s.Now().UTC(),
	})
	if err != nil {
		return err
	}
	b.Queue(`INSERT INTO outbox (id, topic, key, payload, trace) VALUES ($1, $2, $3, $4, $5)`, id, messages.PaymentEvents, p.Booking.String(), payload, telemetry.TraceParent(ctx))
	return nil
}

// Find implements payment.InboxStore.
func (s Store) Find(ctx context.Context, webhook, intent string, id uuid.UUID) (*payment.Receipt, *payment.Payment, error) {
	var (
		receipts []payment.Receipt
		found    []payment.Payment
	)
	b := &pgx.Batch{}
	b.Queue(`SELECT id, type, payment, outcome, reason, at FROM inbox WHERE id = $1`, webhook).Query(func(rows pgx.Rows) (err error) {
		receipts, err = pgx.CollectRows(rows, pgx.RowToStructByPos[payment.Receipt])
		return err
	})
	if intent != "" {
		b.Queue(`SELECT `+paymentColumns+` FROM payments WHERE `+byIntent, intent, id).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, scanPayment)
			return err
		})
	}
	if err := s.Pool.SendBatch(ctx, b).Close(); err != nil {
		return nil, nil, fmt.Errorf("find webhook: %w", err)
	}
	return first(receipts), first(found), nil
}

func first[T any](all []T) *T {
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}

// Save implements payment.InboxStore.
func (s Store) Save(ctx context.Context, r payment.Receipt) error {
	_, err := s.Pool.Exec(ctx, `INSERT INTO inbox (id, type, payment, outcome, reason, at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`,
		r.ID, r.Type, r.Payment, r.Outcome, r.Reason, r.At)
	if err != nil {
		return fmt.Errorf("save receipt: %w", err)
	}
	return nil
}

// byIntent finds the payment of an intent, or by its own id when the intent is not known here yet.
const byIntent = `intent = $1 OR id = $2 AND intent IS NULL`

// Due implements payment.DuePayments. The lease is the column next_look: when a replica dies, the payment
// is due again at the end of the lease.
func (s Store) Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]payment.Payment, error) {
	rows, err := s.Pool.Query(ctx, `
		UPDATE payments SET next_look = $2 WHERE id IN (
			SELECT id FROM payments WHERE next_look <= $1 ORDER BY next_look LIMIT $3 FOR UPDATE SKIP LOCKED)
		RETURNING `+paymentColumns, now, now.Add(lease), limit)
	if err != nil {
		return nil, fmt.Errorf("payments due: %w", err)
	}
	return pgx.CollectRows(rows, scanPayment)
}

// Postpone implements payment.DuePayments.
func (s Store) Postpone(ctx context.Context, id uuid.UUID, next time.Time) error {
	_, err := s.Pool.Exec(ctx, `UPDATE payments SET looks = looks + 1, next_look = $2 WHERE id = $1`, id, next)
	if err != nil {
		return fmt.Errorf("postpone payment: %w", err)
	}
	return nil
}

// OpenRefunds implements payment.DuePayments.
func (s Store) OpenRefunds(ctx context.Context, id uuid.UUID) ([]payment.Refund, error) {
	found, err := refunds(ctx, s.Pool, `payment = $1 AND status IN ('requested', 'pending', 'retrying') ORDER BY created_at, id`, id)
	if err != nil {
		return nil, fmt.Errorf("open refunds: %w", err)
	}
	return found, nil
}

// FindRefund gives a refund.
func (s Store) FindRefund(ctx context.Context, id uuid.UUID) (payment.Refund, error) {
	found, err := refunds(ctx, s.Pool, `id = $1`, id)
	if err != nil {
		return payment.Refund{}, fmt.Errorf("refund: %w", err)
	}
	if len(found) == 0 {
		return payment.Refund{}, payment.ErrRefundNotFound
	}
	return found[0], nil
}

const owing = `owed AND status = 'failed' AND resolved_at IS NULL`

// Owing lists refunds that wait for an admin, the oldest first.
func (s Store) Owing(ctx context.Context, limit int) ([]payment.Refund, error) {
	found, err := refunds(ctx, s.Pool, owing+` ORDER BY updated_at, id LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("refunds owing: %w", err)
	}
	return found, nil
}

// CountOwing tells how many refunds wait for an admin.
func (s Store) CountOwing(ctx context.Context) (n int, err error) {
	if err := s.Pool.QueryRow(ctx, `SELECT count(*) FROM refunds WHERE `+owing).Scan(&n); err != nil {
		return 0, fmt.Errorf("refunds owing: %w", err)
	}
	return n, nil
}
