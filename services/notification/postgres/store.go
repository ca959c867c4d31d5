// Package postgres keeps messages and the queue of mails.
package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/notification"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations of the database `notification`.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Store is notification.Store and notification.Outbox on Postgres.
type Store struct{ Pool *pgxpool.Pool }

var (
	_ notification.Store  = Store{}
	_ notification.Outbox = Store{}

	_ notification.DeletionMailStore = Store{}
)

// refundColumn is a notification.Refund in the column messages.refund.
type refundColumn struct {
	Amount money.Money `json:"amount"`
	Units  []string    `json:"units"`
}

// recipientColumn is a notification.Recipient in the column farewells.recipient.
type recipientColumn struct {
	Email  string `json:"email"`
	Name   string `json:"name"`
	Locale string `json:"locale"`
}

// Add implements notification.Store: the message and its mail in one transaction.
func (s Store) Add(ctx context.Context, m notification.Message, mailed bool) (added bool, err error) {
	err = database.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			INSERT INTO messages (id, account, kind, event, booking, hold, at, refund)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
			m.ID, m.Account, m.Kind, m.Event, m.Booking, m.Hold, m.At, (*refundColumn)(m.Refund))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		added = true
		if mailed {
			_, err = tx.Exec(ctx, `INSERT INTO mails (message, next_try) VALUES ($1, $2)`, m.ID, m.At)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("add message: %w", err)
	}
	return added, nil
}

// List implements notification.Store.
func (s Store) List(ctx context.Context, account string, before notification.Cursor, limit int) ([]notification.Message, error) {
	rows, err := s.Pool.Query(ctx, `
		SELECT id, account, kind, event, booking, hold, at, read, refund FROM messages
		WHERE account = $1 AND ($2 OR (at, id) < ($3, $4))
		  AND kind NOT IN ('confirm_email', 'account_exists', 'password_reset', 'password_changed')
		ORDER BY at DESC, id DESC LIMIT $5`,
		account, before.At.IsZero(), before.At, before.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (notification.Message, error) {
		var (
			m      notification.Message
			refund *refundColumn
		)
		err := row.Scan(&m.ID, &m.Account, &m.Kind, &m.Event, &m.Booking, &m.Hold, &m.At, &m.Read, &refund)
		m.Refund = (*notification.Refund)(refund)
		return m, err
	})
}

// MarkRead implements notification.Store.
func (s Store) MarkRead(ctx context.Context, account string, until time.Time) error {
	_, err := s.Pool.Exec(ctx, `UPDATE messages SET read = true WHERE account = $1 AND at <= $2 AND NOT read`, account, until)
	if err != nil {
		return fmt.Errorf("mark messages read: %w", err)
	}
	return nil
}

// Due implements notification.Outbox. The lease is the next try itself: a replica that dies
// with a mail in hand leaves it to be sent a minute later.
func (s Store) Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]notification.Due, error) {
	rows, err := s.Pool.Query(ctx, `
		UPDATE mails SET next_try = $2, tries = tries + 1
		FROM messages m
		WHERE m.id = mails.message AND mails.message IN (
			SELECT message FROM mails WHERE next_try <= $1
			ORDER BY next_try LIMIT $3 FOR UPDATE SKIP LOCKED)
		RETURNING m.id, m.account, m.kind, m.event, m.booking, m.hold, m.at, m.refund, mails.tries`,
		now, now.Add(lease), limit)
	if err != nil {
		return nil, fmt.Errorf("mails due: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (notification.Due, error) {
		var (
			d      notification.Due
			refund *refundColumn
		)
		m := &d.Message
		err := row.Scan(&m.ID, &m.Account, &m.Kind, &m.Event, &m.Booking, &m.Hold, &m.At, &refund, &d.Try)
		m.Refund = (*notification.Refund)(refund)
		return d, err
	})
}

// Sent implements notification.Outbox.
func (s Store) Sent(ctx context.Context, id uuid.UUID, now time.Time) error {
	_, err := s.Pool.Exec(ctx, `UPDATE mails SET next_try = NULL, sent_at = $2 WHERE message = $1`, id, now)
	if err != nil {
		return fmt.Errorf("mail sent: %w", err)
	}
	return nil
}

// Failed implements notification.Outbox.
func (s Store) Failed(ctx context.Context, id uuid.UUID, retry time.Time) error {
	var next *time.Time
	if !retry.IsZero() {
		next = &retry
	}
	_, err := s.Pool.Exec(ctx, `UPDATE mails SET next_try = $2 WHERE message = $1`, id, next)
	if err != nil {
		return fmt.Errorf("mail failed: %w", err)
	}
	return nil
}

// AddDeletionMail implements notification.DeletionMailStore.
func (s Store) AddDeletionMail(ctx context.Context, id string, to notification.Recipient, now time.Time) error {
	_, err := s.Pool.Exec(ctx, `INSERT INTO farewells (id, recipient, next_try, at) VALUES ($1, $2, $3, $3) ON CONFLICT (id) DO NOTHING`, id, recipientColumn{to.Email, to.Name, to.Locale}, now)
	if err != nil {
		return fmt.Errorf("add deletion mail: %w", err)
	}
	return nil
}

// DueDeletionMails implements notification.DeletionMailStore.
func (s Store) DueDeletionMails(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]notification.DueDeletionMail, error) {
	rows, err := s.Pool.Query(ctx, `
		UPDATE farewells SET next_try = $2, tries = tries + 1
		WHERE id IN (SELECT id FROM farewells WHERE next_try <= $1 ORDER BY next_try LIMIT $3 FOR UPDATE SKIP LOCKED)
		RETURNING id, recipient, tries, at`, now, now.Add(lease), limit)
	if err != nil {
		return nil, fmt.Errorf("deletion mails due: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (notification.DueDeletionMail, error) {
		var (
			d  notification.DueDeletionMail
			to recipientColumn
		)
		err := row.Scan(&d.ID, &to, &d.Try, &d.QueuedAt)
		d.To = notification.Recipient{Email: to.Email, Name: to.Name, Locale: to.Locale}
		return d, err
	})
}

// EndDeletionMail implements notification.DeletionMailStore.
func (s Store) EndDeletionMail(ctx context.Context, id string) error {
	_, err := s.Pool.Exec(ctx, `UPDATE farewells SET recipient = NULL, next_try = NULL WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("end deletion mail: %w", err)
	}
	return nil
}

// RetryDeletionMail implements notification.DeletionMailStore.
func (s Store) RetryDeletionMail(ctx context.Context, id string, next time.Time) error {
	_, err := s.Pool.Exec(ctx, `UPDATE farewells SET next_try = $2 WHERE id = $1`, id, next)
	if err != nil {
		return fmt.Errorf("retry deletion mail: %w", err)
	}
	return nil
}
