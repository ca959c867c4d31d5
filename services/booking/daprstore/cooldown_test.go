package daprstore

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// TestReturnsAreCountedAcrossReplicas: the count of holds that came to nothing and the time of the last one stand in
// the state store, so that an account has to wait whichever replica it asks, and whether or not its hold goes through
// the hold queue.
func TestReturnsAreCountedAcrossReplicas(t *testing.T) {
	now := time.Now().Truncate(time.Millisecond)
	clock := func() time.Time { return now }
	replica := func() (*Seats, *daprclient.Store) {
		client, err := daprclient.New(harness.Sidecar(t, messages.Booking, nil, messages.Seats))
		require.NoError(t, err)
		t.Cleanup(client.Close)
		store := client.Store(messages.Seats)
		return NewSeats(store, Transactional, 5*time.Minute, clock), store
	}
	one, store := replica()
	two, _ := replica()
	require.NoError(t, Await(t.Context(), store, Transactional, time.Minute))
	of := uuid.New()
	fresh := func(event uuid.UUID, account string) booking.Hold {
		id, err := uuid.NewV7()
		require.NoError(t, err)
		return booking.Hold{ID: id, Event: event, Account: account, Until: now.Add(5 * time.Minute), Status: booking.HoldOpen, Units: []booking.HeldUnit{{ID: "A1"}}}
	}
	stored := func() booking.Cap {
		item, err := store.Get(t.Context(), CapKey(of, "buyer"))
		require.NoError(t, err)
		require.True(t, item.Found)
		c, err := DecodeCap(item.Value)
		require.NoError(t, err)
		return c
	}
	for n := range 4 {
		taker, giver := one, two
		if n%2 == 1 {
			taker, giver = two, one
		}
		h := fresh(of, "buyer")
		require.NoError(t, taker.Take(t.Context(), h, 8), "hold %d", n+1)
		if now = now.Add(time.Second); n == 2 { // it runs out, and the next hold counts that
			now = h.Until.Add(time.Second)
			continue
		}
		require.NoError(t, giver.Free(t.Context(), h, h.UnitIDs(), true))
		c := stored()
		assert.Equal(t, n+1, c.Returns)
		assert.True(t, now.Equal(c.Returned), "given back at %s, stored %s", now, c.Returned)
		assert.Empty(t, c.Holds)
	}
	for name, s := range map[string]*Seats{"one": one, "two": two} {
		for way, take := range map[string]func(booking.Hold) error{
			"at once": func(h booking.Hold) error { return s.Take(t.Context(), h, 8) },
			"by the hold queue": func(h booking.Hold) error {
				verdicts, err := s.Decide(t.Context(), []booking.QueuedHold{{Hold: h, Limit: 8, Admitted: time.Unix(1<<40, 0)}})
				require.NoError(t, err)
				return verdicts[0].Refusal
			},
		} {
			err := take(fresh(of, "buyer"))
			require.ErrorIs(t, err, booking.ErrCoolDown, "%s, %s", name, way)
			refused, ok := errors.AsType[*fault.Error](err)
			require.True(t, ok)
			assert.Equal(t, "hold_cooldown", refused.Code)
			assert.Equal(t, 16*time.Second, refused.RetryAfter)
		}
	}
	elsewhere := fresh(uuid.New(), "buyer")
	require.NoError(t, one.Take(t.Context(), elsewhere, 8), "another event")
	rival := fresh(of, "rival")
	require.NoError(t, one.Take(t.Context(), rival, 8), "another account")
	require.NoError(t, one.Free(t.Context(), rival, rival.UnitIDs(), true))

	lenient := NewSeats(store, Transactional, 5*time.Minute, clock)
	lenient.Lenient = true
	h := fresh(of, "buyer")
	require.NoError(t, lenient.Take(t.Context(), h, 8), "where nobody has to wait")
	require.NoError(t, lenient.Free(t.Context(), h, h.UnitIDs(), true))
	require.LessOrEqual(t, stored().Returns, 1)
}
