package personal_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/services/booking/personal"
	"github.com/foyer-tickets/foyer/services/booking/postgres"
	"github.com/foyer-tickets/foyer/tests/harness"
)

var errRefused = errors.New("refused")

func TestMain(m *testing.M) { harness.Main(m) }

// pairs deletes keys two at a time: one alone waits for another.
type pairs struct {
	meet chan struct{}
	mu   sync.Mutex
	gone map[string]bool
}

func (p *pairs) Delete(ctx context.Context, key string) error {
	select {
	case p.meet <- struct{}{}:
	case <-p.meet:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone[key] = true
	return nil
}

// away deletes nothing.
type away struct{}

func (away) Delete(context.Context, string) error { return errRefused }

// TestAnAccountIsErasedInSteps of twenty bookings, their keys side by side. Where the keys could not be deleted, the
// bookings by which they are found stay as they were.
func TestAnAccountIsErasedInSteps(t *testing.T) {
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, err = pool.Exec(t.Context(), `INSERT INTO bookings (id, event_id, hold_id, account, merchant, status, version, amount, currency, units, occasion, expires_at, created_at, updated_at)
		SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'buyer', 'merchant', 'confirmed', 4, 4500, 'EUR', '[]', '{}', $1, $1, $1 FROM generate_series(1, 45)`, time.Now())
	require.NoError(t, err)
	keys := &pairs{meet: make(chan struct{}), gone: map[string]bool{}}
	data := personal.Data{Store: postgres.Store{Pool: pool}, Seats: keys, Now: time.Now}
	data.Seats = away{}
	_, err = data.EraseStep(t.Context(), "buyer", "deleted-1", "")
	require.ErrorIs(t, err, errRefused)
	data.Seats = keys
	cursor, left := "", []int{}
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		cursor, err = data.EraseStep(ctx, "buyer", "deleted-1", cursor)
		cancel()
		require.NoError(t, err)
		var n int
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM bookings WHERE account = 'buyer'`).Scan(&n))
		left = append(left, n)
		if cursor == "" {
			break
		}
	}
	assert.Equal(t, []int{25, 5, 0, 0}, left)
	assert.Len(t, keys.gone, 90, "a hold and a cap for each")
}

// TestABookingThatCameInIsCancelled: it was let in before the account was known to be locked. Nobody is to pay for what
// has no owner any more; what was paid before stays.
func TestABookingThatCameInIsCancelled(t *testing.T) {
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, err = pool.Exec(t.Context(), `INSERT INTO bookings (id, event_id, hold_id, account, merchant, status, version, amount, currency, units, occasion, expires_at, created_at, updated_at)
		SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'buyer', 'merchant', s, 4, 4500, 'EUR', '[]', '{}', $1, $1, $1
			FROM unnest(ARRAY['requested', 'awaiting_payment', 'secured', 'confirmed']) s`, time.Now())
	require.NoError(t, err)
	data := personal.Data{Store: postgres.Store{Pool: pool}, Seats: &pairs{meet: make(chan struct{}), gone: map[string]bool{}}, Now: time.Now}
	require.NoError(t, data.Erase(t.Context(), "buyer", "deleted-1"))
	rows, err := pool.Query(t.Context(), `SELECT status FROM bookings WHERE account = 'deleted-1' ORDER BY status`)
	require.NoError(t, err)
	statuses, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	assert.Equal(t, []string{"cancelled", "cancelled", "confirmed", "secured"}, statuses)
	var driven int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM bookings WHERE status = 'cancelled' AND NOT settled`).Scan(&driven))
	assert.Equal(t, 2, driven, "the payment is voided and the seats are freed next")
}
