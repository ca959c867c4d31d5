// Package postgres keeps the audit trail, the links of mails, and how many mails were asked for.
package postgres

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/services/auth"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations of the database `auth`.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Store is auth.Store, auth.Audit, auth.EventLog and auth.SessionEnds on Postgres.
type Store struct {
	Pool *pgxpool.Pool
	Key  []byte // of the hash that stands for addresses
}

var (
	_ auth.Store       = Store{}
	_ auth.Audit       = Store{}
	_ auth.EventLog    = Store{}
	_ auth.SessionEnds = Store{}
)

// PutLink implements auth.Store.
func (s Store) PutLink(ctx context.Context, account string, kind auth.LinkKind, hash []byte, expires time.Time) error {
	_, err := s.Pool.Exec(ctx, `
		INSERT INTO links (account, kind, hash, expires) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, kind) DO UPDATE SET hash = excluded.hash, expires = excluded.expires`,
		account, kind, hash, expires)
	if err != nil {
		return fmt.Errorf("put link: %w", err)
	}
	return nil
}

// RestoreLink implements auth.Store.
func (s Store) RestoreLink(ctx context.Context, account string, kind auth.LinkKind, hash []byte, expires time.Time) error {
	_, err := s.Pool.Exec(ctx, `INSERT INTO links (account, kind, hash, expires) VALUES ($1, $2, $3, $4) ON CONFLICT (account, kind) DO NOTHING`,
		account, kind, hash, expires)
	if err != nil {
		return fmt.Errorf("restore link: %w", err)
	}
	return nil
}

// Link implements auth.Store.
func (s Store) Link(ctx context.Context, account string, kind auth.LinkKind, now time.Time) (hash []byte, err error) {
	err = s.Pool.QueryRow(ctx, `SELECT hash FROM links WHERE account = $1 AND kind = $2 AND expires > $3`, account, kind, now).Scan(&hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	return hash, nil
}

// TakeLink implements auth.Store.
func (s Store) TakeLink(ctx context.Context, account string, kind auth.LinkKind, hash []byte, now time.Time) (bool, error) {
	tag, err := s.Pool.Exec(ctx, `DELETE FROM links WHERE account = $1 AND kind = $2 AND hash = $3 AND expires > $4`, account, kind, hash, now)
	if err != nil {
		return false, fmt.Errorf("take link: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Count implements auth.Store.
func (s Store) Count(ctx context.Context, key string, now time.Time, window time.Duration, limit int) (ok bool, err error) {
	mac := hmac.New(sha256.New, s.Key)
	mac.Write([]byte(key))
	hash := mac.Sum(nil)
	err = database.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		// Those of one key take turns.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(binary.BigEndian.Uint64(hash))); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO counts (key, at) SELECT $1, $2
			WHERE (SELECT count(*) FROM counts WHERE key = $1 AND at > $3) < $4`, hash, now, now.Add(-window), limit)
		ok = tag.RowsAffected() == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("count: %w", err)
	}
	return ok, nil
}

// aloneLock is the advisory lock of Alone.
const aloneLock = 0x666f796572_61 // "foyera"

// Alone implements auth.Store.
func (s Store) Alone(ctx context.Context, f func(context.Context) error) error {
	conn, err := s.Pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("alone: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, aloneLock); err != nil {
		return fmt.Errorf("alone: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, aloneLock); err != nil {
			_ = conn.Conn().Close(ctx) // which frees the lock too
		}
	}()
	return f(ctx)
}

// Record implements auth.Audit.
func (s Store) Record(ctx context.Context, entries ...auth.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	for _, e := range entries {
		queueEntry(batch, "foyer", e)
	}
	if err := s.Pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

func queueEntry(batch *pgx.Batch, source string, e auth.Entry) {
	batch.Queue(`
		INSERT INTO audit (id, at, kind, account, actor, address, detail, source)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
		e.ID, e.At, e.Kind, e.Account, e.Actor, e.Address, e.Detail, source)
}

// Find implements auth.Audit.
func (s Store) Find(ctx context.Context, q auth.AuditQuery) ([]auth.Entry, error) {
	if q.To.IsZero() {
		q.To = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	rows, err := s.Pool.Query(ctx, `
		SELECT id, at, kind, account, actor, address, detail FROM audit
		WHERE ($1 = '' OR account = $1) AND ($2 = '' OR kind = $2) AND at >= $3 AND at < $4
		  AND ($5 OR (at, id) < ($6, $7))
		ORDER BY at DESC, id DESC LIMIT $8`,
		q.Account, q.Kind, q.From, q.To, q.Before.At.IsZero(), q.Before.At, q.Before.ID, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[auth.Entry])
}

// LastEvent implements auth.EventLog.
func (s Store) LastEvent(ctx context.Context) (at time.Time, err error) {
	var last *time.Time
	if err := s.Pool.QueryRow(ctx, `SELECT max(at) FROM audit WHERE source = 'keycloak'`).Scan(&last); err != nil {
		return at, fmt.Errorf("audit: %w", err)
	}
	if last != nil {
		at = *last
	}
	return at, nil
}

// Unknown implements auth.EventLog.
func (s Store) Unknown(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := s.Pool.Query(ctx, `SELECT id FROM unnest($1::uuid[]) AS id WHERE NOT EXISTS (SELECT FROM audit WHERE audit.id = id.id)`, ids)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	unknown, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	set := make(map[uuid.UUID]bool, len(unknown))
	for _, id := range unknown {
		set[id] = true
	}
	return set, nil
}
