package holdqueue_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/daprstore"
	"github.com/foyer-tickets/foyer/services/booking/holdqueue"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func requestFor(t *testing.T, id uuid.UUID, account string, units ...string) booking.QueuedHold {
	t.Helper()
	hold, err := uuid.NewV7()
	require.NoError(t, err)
	now := time.Now().Truncate(time.Millisecond)
	h := booking.Hold{ID: hold, Event: id, Account: account, Until: now.Add(5 * time.Minute), Status: booking.HoldOpen}
	for _, u := range units {
		h.Units = append(h.Units, booking.HeldUnit{ID: u})
	}
	return booking.QueuedHold{Hold: h, Limit: 4, Admitted: now.Add(-time.Minute)}
}

// TestLineDecidesInLogOrder sends requests through the real broker and store: one of those who
// want a unit gets it, and everyone hears.
func TestLineDecidesInLogOrder(t *testing.T) {
	var client *daprclient.Client
	var seats *daprstore.Seats
	var line *holdqueue.Queue
	served := func(cfg daprclient.Config, subscriptions func(*daprclient.Client) []daprclient.Subscription) http.Handler {
		c, err := daprclient.New(cfg)
		require.NoError(t, err)
		t.Cleanup(c.Close)
		router := mux.NewRouter()
		daprclient.Mount(router, cfg.AppToken, subscriptions(c)...)
		return router
	}
	harness.Sidecar(t, messages.HighDemandConsumer, func(cfg daprclient.Config) http.Handler {
		return served(cfg, func(c *daprclient.Client) []daprclient.Subscription {
			client = c
			seats = daprstore.NewSeats(client.Store(messages.Seats), daprstore.Transactional, 5*time.Minute, time.Now)
			return []daprclient.Subscription{holdqueue.Consumer{seats, client, func(uuid.UUID, []booking.Change) {}}.Subscription()}
		})
	}, messages.Seats, messages.PubSub, messages.Broadcast)
	harness.Sidecar(t, messages.Booking, func(cfg daprclient.Config) http.Handler {
		return served(cfg, func(c *daprclient.Client) []daprclient.Subscription {
			line = holdqueue.NewQueue(c, func(booking.Hold) {})
			return []daprclient.Subscription{line.Subscription()}
		})
	}, messages.Seats, messages.PubSub, messages.Broadcast)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- line.Run(ctx) }()
	defer func() {
		cancel()
		require.ErrorIs(t, <-ran, context.Canceled)
	}()

	id := uuid.New()
	harness.Eventually(t, 60*time.Second, "a first request comes back", func() error {
		_, err := line.Hold(t.Context(), requestFor(t, id, "first-"+uuid.NewString(), "warm-"+uuid.NewString()))
		return err
	})
	const buyers, units = 60, 20
	var mu sync.Mutex
	winners := map[string][]uuid.UUID{}
	var wg sync.WaitGroup
	for i := range buyers {
		wg.Go(func() {
			unit := fmt.Sprintf("a%d", i%units)
			h, err := line.Hold(t.Context(), requestFor(t, id, fmt.Sprintf("buyer-%d", i), unit))
			switch {
			case err == nil:
				mu.Lock()
				winners[unit] = append(winners[unit], h.ID)
				mu.Unlock()
			case fault.CodeOf(err) != booking.ErrUnitsUnavailable.Code:
				t.Errorf("buyer %d: %v", i, err)
			default:
				if again := line.Verdict(t.Context(), h.ID, h.Account); fault.CodeOf(again) != booking.ErrUnitsUnavailable.Code {
					t.Errorf("the refusal of buyer %d is not kept: %v", i, again)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, winners, units)
	for unit, holds := range winners {
		require.Len(t, holds, 1, unit)
	}

	// What comes twice is answered as before, even though the unit could be had by now.
	taken := requestFor(t, id, "late", "a0")
	verdicts, err := seats.Decide(t.Context(), []booking.QueuedHold{taken})
	require.NoError(t, err)
	require.ErrorIs(t, verdicts[0].Refusal, booking.ErrUnitsUnavailable)
	winner, err := seats.Find(t.Context(), winners["a0"][0])
	require.NoError(t, err)
	require.NoError(t, seats.Free(t.Context(), winner, winner.UnitIDs(), true))
	verdicts, err = seats.Decide(t.Context(), []booking.QueuedHold{taken})
	require.NoError(t, err)
	require.ErrorIs(t, verdicts[0].Refusal, booking.ErrUnitsUnavailable)

	// Outside interference: somebody holds one of the batch's units while it is decided.
	batch := []booking.QueuedHold{requestFor(t, id, "b1", "c1"), requestFor(t, id, "b2", "c2"), requestFor(t, id, "b3", "c1")}
	other := requestFor(t, id, "other", "c2")
	meddler := &meddling{Keys: client.Store(messages.Seats), once: func() { require.NoError(t, seats.Take(t.Context(), other.Hold, 4)) }}
	verdicts, err = daprstore.NewSeats(meddler, daprstore.Transactional, 5*time.Minute, time.Now).Decide(t.Context(), batch)
	require.NoError(t, err)
	require.NoError(t, verdicts[0].Refusal)
	require.ErrorIs(t, verdicts[1].Refusal, booking.ErrUnitsUnavailable)
	require.ErrorIs(t, verdicts[2].Refusal, booking.ErrUnitsUnavailable)
}

// meddling lets something happen between the look and the transaction.
type meddling struct {
	daprstore.Keys
	once func()
}

func (m *meddling) Transact(ctx context.Context, ops []daprclient.Op) error {
	if m.once != nil {
		m.once()
		m.once = nil
	}
	return m.Keys.Transact(ctx, ops)
}
