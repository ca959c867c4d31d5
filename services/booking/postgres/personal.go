package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Records lists everything about an account's bookings, newest first, from before one of them on.
func (s Store) Records(ctx context.Context, account string, before uuid.UUID, limit int) ([]booking.Record, error) {
	found, err := s.List(ctx, booking.Filter{Account: account, Before: before, Limit: limit})
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(found))
	at := make(map[uuid.UUID]int, len(found))
	all := make([]booking.Record, len(found))
	for i, b := range found {
		ids[i], at[b.ID], all[i] = b.ID, i, booking.Record{Booking: b}
	}
	rows, err := s.Pool.Query(ctx, ticketColumns+`WHERE booking_id = ANY($1) ORDER BY id`, ids)
	if err != nil {
		return nil, fmt.Errorf("tickets: %w", err)
	}
	tickets, err := pgx.CollectRows(rows, scanTicket)
	if err != nil {
		return nil, fmt.Errorf("tickets: %w", err)
	}
	for _, t := range tickets {
		k := &all[at[t.Booking]]
		k.Tickets = append(k.Tickets, t)
	}
	refunds, err := s.refunds(ctx, `WHERE booking_id = ANY($1) ORDER BY created_at`, ids)
	if err != nil {
		return nil, err
	}
	for _, r := range refunds {
		k := &all[at[r.Booking]]
		k.Refunds = append(k.Refunds, r)
	}
	return all, nil
}

// Pending counts what is still going on for an account: bookings that have not come to rest, and
// tickets of events that have not ended.
func (s Store) Pending(ctx context.Context, account string, now time.Time) (open, upcoming int, err error) {
	err = s.Pool.QueryRow(ctx, `SELECT
			(SELECT count(*) FROM bookings WHERE account = $1 AND (status IN ('requested', 'awaiting_payment', 'secured', 'refunding')
				OR status IN ('expired', 'failed', 'cancelled') AND NOT settled)),
			(SELECT count(*) FROM bookings b JOIN tickets t ON t.booking_id = b.id
				WHERE b.account = $1 AND t.voided_at IS NULL AND (b.occasion ->> 'endsAt')::timestamptz > $2)`, account, now).Scan(&open, &upcoming)
	if err != nil {
		return 0, 0, fmt.Errorf("pending: %w", err)
	}
	return open, upcoming, nil
}

// Anonymise has a tombstone take the place of an account on some of its bookings.
func (s Store) Anonymise(ctx context.Context, bookings []uuid.UUID, tombstone string) error {
	_, err := s.Pool.Exec(ctx, `UPDATE bookings SET account = $2, client_secret = NULL WHERE id = ANY($1)`, bookings, tombstone)
	if err != nil {
		return fmt.Errorf("anonymise bookings: %w", err)
	}
	return nil
}

// anonymisedAtOnce is how many of a merchant's bookings one statement changes.
const anonymisedAtOnce = 500

// AnonymiseRest has a tombstone take an account's place wherever it is not the buyer: as a merchant,
// and in messages that were sent a moment ago. A merchant may have sold any number of bookings: what a
// call that broke off has done stays done.
func (s Store) AnonymiseRest(ctx context.Context, account, tombstone string) error {
	err := database.InBatches(ctx, s.Pool, anonymisedAtOnce, `UPDATE bookings SET merchant = $2, occasion = jsonb_set(occasion, '{merchant}', to_jsonb($2::text))
		WHERE id IN (SELECT id FROM bookings WHERE merchant = $1 LIMIT $3)`, account, tombstone)
	if err != nil {
		return fmt.Errorf("anonymise a merchant's bookings: %w", err)
	}
	_, err = s.Pool.Exec(ctx, `UPDATE outbox SET payload = jsonb_set(payload, '{account}', to_jsonb($2::text)) WHERE payload ->> 'account' = $1`, account, tombstone)
	if err != nil {
		return fmt.Errorf("anonymise messages: %w", err)
	}
	if _, err := s.Pool.Exec(ctx, `DELETE FROM cdc_rejected WHERE payload ->> 'account' = $1`, account); err != nil {
		return fmt.Errorf("delete messages that were set aside: %w", err)
	}
	return nil
}
