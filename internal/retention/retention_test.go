package retention_test

import (
	"io/fs"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/retention"
	auth "github.com/foyer-tickets/foyer/services/auth/postgres"
	booking "github.com/foyer-tickets/foyer/services/booking/postgres"
	catalog "github.com/foyer-tickets/foyer/services/catalog/postgres"
	notification "github.com/foyer-tickets/foyer/services/notification/postgres"
	payment "github.com/foyer-tickets/foyer/services/payment/postgres"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

var cfg = retention.Config{
	Messages: 10 * time.Hour, Webhooks: 10 * time.Hour, WebhookCases: 20 * time.Hour, Secrets: 10 * time.Hour, Deadlines: 10 * time.Hour, Outbox: 10 * time.Hour, Rejected: 30 * 24 * time.Hour,
	SignIns: 90 * 24 * time.Hour, Audit: 400 * 24 * time.Hour,
}

func openPool(t *testing.T, migrations fs.FS) *pgxpool.Pool {
	t.Helper()
	pool, err := database.Open(t.Context(), harness.Postgres(t), migrations)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql)
	require.NoError(t, err)
}

func count(t *testing.T, pool *pgxpool.Pool, sql string) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), sql).Scan(&n))
	return n
}

// What a relay set aside goes in every service that relays.
func TestRejected(t *testing.T) {
	for name, service := range map[string]struct {
		migrations fs.FS
		rules      []retention.Rule
	}{
		"booking": {booking.Migrations(), cfg.Booking()},
		"payment": {payment.Migrations(), cfg.Payment()},
		"catalog": {catalog.Migrations(), cfg.Catalog()},
	} {
		t.Run(name, func(t *testing.T) {
			pool := openPool(t, service.migrations)
			exec(t, pool, `INSERT INTO cdc_rejected (at, topic, key, payload, reason) SELECT now() - d * interval '1 day', 't', 'k', '{}', 'too large' FROM unnest(ARRAY[1, 29, 31, 400]) d`)
			retention.Janitor{Pool: pool, Rules: service.rules}.Apply(t.Context(), time.Now())
			assert.Equal(t, 2, count(t, pool, `SELECT count(*) FROM cdc_rejected`))
		})
	}
}

func TestNotification(t *testing.T) {
	pool := openPool(t, notification.Migrations())
	exec(t, pool, `INSERT INTO messages (id, account, kind, at) SELECT gen_random_uuid(), 'a', 'your_turn', now() - interval '11 hours' FROM generate_series(1, 2500)`)
	exec(t, pool, `INSERT INTO mails (message) SELECT id FROM messages`)
	exec(t, pool, `INSERT INTO messages (id, account, kind, at) VALUES (gen_random_uuid(), 'a', 'your_turn', now() - interval '9 hours')`)
	j := retention.Janitor{Pool: pool, Rules: cfg.Notification()}
	assert.EqualValues(t, 2500, j.Apply(t.Context(), time.Now())["messages"])
	assert.Equal(t, 1, count(t, pool, `SELECT count(*) FROM messages`))
	assert.Zero(t, count(t, pool, `SELECT count(*) FROM mails`))
	assert.Zero(t, j.Apply(t.Context(), time.Now())["messages"])
}

func TestPayment(t *testing.T) {
	pool := openPool(t, payment.Migrations())
	for outcome, hours := range map[string]string{"applied": "11", "ignored": "11", "refused": "21", "noted": "21"} {
		exec(t, pool, `INSERT INTO inbox (id, type, outcome, at) VALUES ('old-`+outcome+`', 't', '`+outcome+`', now() - interval '`+hours+` hours'), ('new-`+outcome+`', 't', '`+outcome+`', now() - interval '9 hours')`)
	}
	exec(t, pool, `INSERT INTO inbox (id, type, outcome, at) VALUES ('case', 't', 'refused', now() - interval '11 hours')`)
	exec(t, pool, `INSERT INTO outbox (id, topic, key, payload, created_at) VALUES (gen_random_uuid(), 't', 'k', '{}', now() - interval '11 hours'), (gen_random_uuid(), 't', 'k', '{}', now())`)
	exec(t, pool, `INSERT INTO payments (id, booking, attempt, account, event, amount, currency, client_secret, status, created_at, updated_at)
		SELECT gen_random_uuid(), gen_random_uuid(), 1, 'a', gen_random_uuid(), 1, 'EUR', 'pi_secret', 'pending', now() - h * interval '1 hour', now() - h * interval '1 hour' FROM unnest(ARRAY[9, 11]) h`)
	retention.Janitor{Pool: pool, Rules: cfg.Payment()}.Apply(t.Context(), time.Now())
	assert.Equal(t, 5, count(t, pool, `SELECT count(*) FROM inbox WHERE id LIKE 'new-%' OR id = 'case'`))
	assert.Zero(t, count(t, pool, `SELECT count(*) FROM inbox WHERE id LIKE 'old-%'`))
	assert.Equal(t, 1, count(t, pool, `SELECT count(*) FROM outbox`))
	assert.Equal(t, 1, count(t, pool, `SELECT count(*) FROM payments WHERE client_secret <> ''`))
	assert.Equal(t, 2, count(t, pool, `SELECT count(*) FROM payments`))
}

func TestBooking(t *testing.T) {
	pool := openPool(t, booking.Migrations())
	exec(t, pool, `INSERT INTO bookings (id, event_id, hold_id, account, merchant, status, version, amount, currency, units, occasion, client_secret, expires_at, created_at, updated_at)
		SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'a', 'm', 'awaiting_payment', 2, 1, 'EUR', '[]', '{}', 'pi_secret', now(), now(), now() - h * interval '1 hour' FROM unnest(ARRAY[9, 11]) h`)
	exec(t, pool, `INSERT INTO hold_deadlines (hold_id, due) SELECT gen_random_uuid(), now() - h * interval '1 hour' FROM unnest(ARRAY[9, 11]) h`)
	exec(t, pool, `INSERT INTO troubles (booking_id, version, code, tries, since, next_try) SELECT id, row_number() OVER (ORDER BY updated_at), 'x', 1, now(), now() - interval '1 hour' FROM bookings`)
	retention.Janitor{Pool: pool, Rules: cfg.Booking()}.Apply(t.Context(), time.Now())
	assert.Equal(t, 1, count(t, pool, `SELECT count(*) FROM bookings WHERE client_secret <> ''`))
	assert.Equal(t, 1, count(t, pool, `SELECT count(*) FROM hold_deadlines`))
	assert.Equal(t, 1, count(t, pool, `SELECT count(*) FROM troubles`), "that of a booking that moved goes")
}

func TestAuth(t *testing.T) {
	pool := openPool(t, auth.Migrations())
	exec(t, pool, `INSERT INTO audit (id, at, kind) SELECT gen_random_uuid(), now() - d * interval '1 day', k FROM unnest(ARRAY[89, 91, 399, 401]) d, unnest(ARRAY['sign_in', 'account_locked']) k`)
	exec(t, pool, `INSERT INTO audit (id, at, kind, address) SELECT gen_random_uuid(), now() - interval '91 days', 'sign_in', '192.0.2.1' FROM generate_series(1, 12000)`)
	exec(t, pool, `INSERT INTO links (account, kind, hash, expires) SELECT 'a', h::text, '', now() - h * interval '1 hour' FROM unnest(ARRAY[-1, 1]) h`)
	exec(t, pool, `INSERT INTO counts (key, at) SELECT 'k', now() - h * interval '1 hour' FROM unnest(ARRAY[1, 25, 25]) h`)
	exec(t, pool, `INSERT INTO jobs (id, kind, due, created_at) SELECT gen_random_uuid(), k, now(), now() - h * interval '1 hour' FROM unnest(ARRAY[1, 25, 169]) h, unnest(ARRAY['register', 'end_sessions']) k`)
	retention.Janitor{Pool: pool, Rules: cfg.Auth()}.Apply(t.Context(), time.Now())
	assert.Zero(t, count(t, pool, `SELECT count(*) FROM audit WHERE address <> ''`), "all that is over, however much")
	assert.Equal(t, 1, count(t, pool, `SELECT count(*) FROM audit WHERE kind = 'sign_in'`))
	assert.Equal(t, 3, count(t, pool, `SELECT count(*) FROM audit WHERE kind = 'account_locked'`))
	assert.Equal(t, 1, count(t, pool, `SELECT count(*) FROM links`))
	assert.Equal(t, 1, count(t, pool, `SELECT count(*) FROM counts`))
	assert.Equal(t, 1, count(t, pool, `SELECT count(*) FROM jobs WHERE kind = 'register'`))
	assert.Equal(t, 2, count(t, pool, `SELECT count(*) FROM jobs WHERE kind = 'end_sessions'`))
}
