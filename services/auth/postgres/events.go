package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/foyer-tickets/foyer/services/auth"
)

// RecordEvents implements auth.EventLog. An event that the database refuses for what it says is
// recorded without that: its content came from outside, and must not keep the others out.
func (s Store) RecordEvents(ctx context.Context, now time.Time, events ...auth.Event) error {
	err := s.recordEvents(ctx, now, events)
	if !refusedData(err) {
		return err
	}
	for _, e := range events {
		err := s.recordEvents(ctx, now, []auth.Event{e})
		if refusedData(err) {
			slog.ErrorContext(ctx, "event recorded without its details", "event", e.ID, "kind", e.Kind, "error", err)
			e.Account, e.Actor, e.Address = clean(e.Account), clean(e.Actor), ""
			e.Detail = json.RawMessage(`{"unreadable": true}`)
			err = s.recordEvents(ctx, now, []auth.Event{e})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refusedData tells whether Postgres refused values (class 22, data exceptions; 23, constraints).
func refusedData(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23"))
}

func clean(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "") }

func (s Store) recordEvents(ctx context.Context, now time.Time, events []auth.Event) error {
	if len(events) == 0 {
		return nil
	}
	batch := &pgx.Batch{} // which is a transaction
	for _, e := range events {
		if e.Account != "" && (e.EndsAll || e.EndsBefore) {
			// Not if the event is known: another replica may have read and ended it.
			batch.Queue(`
				INSERT INTO session_ends (account, everything, before, since, due)
				SELECT $1, $2, $3, $4, $4 WHERE NOT EXISTS (SELECT FROM audit WHERE id = $5)
				ON CONFLICT (account) DO UPDATE SET
					everything = session_ends.everything OR excluded.everything,
					before = greatest(session_ends.before, excluded.before), version = session_ends.version + 1, tries = 0,
					since = excluded.since, due = excluded.due`,
				e.Account, e.EndsAll, e.At, now, e.ID)
		}
		queueEntry(batch, "keycloak", e.Entry)
	}
	if err := s.Pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// TakeEnds implements auth.SessionEnds.
func (s Store) TakeEnds(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]auth.SessionEnd, error) {
	rows, err := s.Pool.Query(ctx, `
		UPDATE session_ends SET due = $2, tries = tries + 1
		WHERE account IN (SELECT account FROM session_ends WHERE due <= $1 ORDER BY due LIMIT $3 FOR UPDATE SKIP LOCKED)
		RETURNING account, everything, before, since, version, tries - 1`, now, now.Add(lease), limit)
	if err != nil {
		return nil, fmt.Errorf("sessions to end: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[auth.SessionEnd])
}

// EndDone implements auth.SessionEnds.
func (s Store) EndDone(ctx context.Context, e auth.SessionEnd) error {
	if _, err := s.Pool.Exec(ctx, `DELETE FROM session_ends WHERE account = $1 AND version = $2`, e.Account, e.Version); err != nil {
		return fmt.Errorf("sessions ended: %w", err)
	}
	return nil
}

// PutOff implements auth.SessionEnds.
func (s Store) PutOff(ctx context.Context, e auth.SessionEnd, until time.Time) error {
	if _, err := s.Pool.Exec(ctx, `UPDATE session_ends SET due = $3 WHERE account = $1 AND version = $2`, e.Account, e.Version, until); err != nil {
		return fmt.Errorf("sessions to end: %w", err)
	}
	return nil
}
