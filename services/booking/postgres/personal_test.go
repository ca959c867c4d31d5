package postgres_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestABookingCanBeAnonymised(t *testing.T) {
	s, ctx := open(t), t.Context()
	b := confirmed(t, s, newBooking(uuid.New(), "A-1", "A-2"))
	create(t, s, newBooking(uuid.New(), "B-1"))
	open, upcoming, err := s.Pending(ctx, "buyer", now)
	require.NoError(t, err)
	assert.Equal(t, 1, open)
	assert.Equal(t, 2, upcoming)
	_, upcoming, err = s.Pending(ctx, "buyer", b.Occasion.EndsAt)
	require.NoError(t, err)
	assert.Zero(t, upcoming, "the event is over")

	kept, err := s.Records(ctx, "buyer", uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, kept, 2)
	assert.Len(t, kept[1].Tickets, 2)
	rest, err := s.Records(ctx, "buyer", kept[0].Booking.ID, 10)
	require.NoError(t, err)
	require.Len(t, rest, 1)

	require.NoError(t, s.Anonymise(ctx, []uuid.UUID{kept[0].Booking.ID, kept[1].Booking.ID}, "deleted-1"))
	_, err = s.Pool.Exec(ctx, `INSERT INTO cdc_rejected (topic, key, payload, reason) SELECT topic, key, payload, 'too large' FROM outbox;
		INSERT INTO cdc_rejected (topic, key, payload, reason) VALUES ('notices', 'k', '{"account": "other"}', 'too large')`)
	require.NoError(t, err)
	require.NoError(t, s.AnonymiseRest(ctx, "buyer", "deleted-1"))
	_, err = s.Pool.Exec(ctx, `INSERT INTO bookings (id, event_id, hold_id, account, merchant, status, version, amount, currency, units, occasion, expires_at, created_at, updated_at)
		SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'other', 'merchant', 'confirmed', 4, 4500, 'EUR', '[]', '{"merchant": "merchant"}', $1, $1, $1 FROM generate_series(1, 1200)`, now)
	require.NoError(t, err)
	// The last batch fails: those before it stay done, so that the next call has less to do.
	_, err = s.Pool.Exec(ctx, `CREATE SEQUENCE anonymised;
		CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('anonymised') > 1100 THEN RAISE EXCEPTION 'out of time'; END IF; RETURN NEW; END $$;
		CREATE TRIGGER stop BEFORE UPDATE ON bookings FOR EACH ROW EXECUTE FUNCTION stop()`)
	require.NoError(t, err)
	require.Error(t, s.AnonymiseRest(ctx, "merchant", "deleted-2"))
	var done int
	require.NoError(t, s.Pool.QueryRow(ctx, `SELECT count(*) FROM bookings WHERE merchant = 'deleted-2'`).Scan(&done))
	assert.Equal(t, 1000, done)
	_, err = s.Pool.Exec(ctx, `DROP TRIGGER stop ON bookings`)
	require.NoError(t, err)
	require.NoError(t, s.AnonymiseRest(ctx, "merchant", "deleted-2"))
	after, err := s.Get(ctx, b.ID)
	require.NoError(t, err)
	assert.Equal(t, "deleted-1", after.Account)
	assert.Equal(t, "deleted-2", after.Occasion.Merchant)
	assert.Empty(t, after.Payment.ClientSecret)
	assert.Equal(t, b.Total, after.Total)
	var left int
	require.NoError(t, s.Pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM bookings r WHERE r::text ~ 'buyer|"merchant": "merchant"|,merchant,')
		+ (SELECT count(*) FROM outbox r WHERE r::text ~ 'buyer') + (SELECT count(*) FROM cdc_rejected r WHERE r::text ~ 'buyer')`).Scan(&left))
	assert.Zero(t, left)
	require.NoError(t, s.Pool.QueryRow(ctx, `SELECT count(*) FROM cdc_rejected WHERE payload ->> 'account' = 'other'`).Scan(&left))
	assert.Equal(t, 1, left, "somebody else's")
	kept, err = s.Records(ctx, "buyer", uuid.Nil, 10)
	require.NoError(t, err)
	assert.Empty(t, kept)
}

func TestMessagesOfAnAccountAreFoundByAnIndex(t *testing.T) {
	s, ctx := open(t), t.Context()
	for table, statement := range map[string]string{
		"outbox":       `UPDATE outbox SET payload = '{}' WHERE payload ->> 'account' = $1`,
		"cdc_rejected": `DELETE FROM cdc_rejected WHERE payload ->> 'account' = $1`,
	} {
		tx, err := s.Pool.Begin(ctx)
		require.NoError(t, err)
		_, err = tx.Exec(ctx, `SET LOCAL enable_seqscan = off`) // the tables are empty here
		require.NoError(t, err)
		rows, err := tx.Query(ctx, `EXPLAIN `+statement, "buyer")
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		assert.Contains(t, strings.Join(plan, "\n"), table+"_of_account")
		require.NoError(t, tx.Rollback(ctx))
	}
}
