package holdqueue_test

import (
	"context"
	"errors"
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

// witness sees every request that reaches a consumer, and what was decided each time. Now and
// then it dies in the middle of a batch, which to the sidecar is a connection that breaks.
type witness struct {
	mu      sync.Mutex
	batches int
	crashes int
	first   map[uuid.UUID]int // in which order requests were first seen
	said    map[uuid.UUID][]holdqueue.Verdict
}

func (w *witness) died() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.crashes
}

// consumer is one replica of the highdemand-consumer.
type consumer struct {
	holdqueue.Decider
	*witness
}

const crashEvery = 4 // batches

func (c consumer) Decide(ctx context.Context, requests []booking.QueuedHold) ([]holdqueue.Verdict, error) {
	c.mu.Lock()
	c.batches++
	before, after := c.batches%crashEvery == 2, c.batches%crashEvery == 0
	if before || after {
		c.crashes++
	}
	for _, r := range requests {
		if _, again := c.first[r.Hold.ID]; !again {
			c.first[r.Hold.ID] = len(c.first)
		}
	}
	c.mu.Unlock()
	if before {
		panic(http.ErrAbortHandler)
	}
	verdicts, err := c.Decider.Decide(ctx, requests)
	if after { // stored, and nobody knows
		panic(http.ErrAbortHandler)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range verdicts {
		c.said[v.Hold] = append(c.said[v.Hold], v)
	}
	return verdicts, err
}

// TestNothingIsLostOrRepeated has buyers of several events ask while consumers die in the middle of
// batches, a second replica joins, and a sidecar is killed, so that partitions change hands. Every
// request is decided, in the order of the log, and always the same way.
func TestNothingIsLostOrRepeated(t *testing.T) {
	w := &witness{first: map[uuid.UUID]int{}, said: map[uuid.UUID][]holdqueue.Verdict{}}
	replica := func() daprclient.Config {
		return harness.Sidecar(t, messages.HighDemandConsumer, func(cfg daprclient.Config) http.Handler {
			client, err := daprclient.New(cfg)
			require.NoError(t, err)
			t.Cleanup(client.Close)
			c := consumer{daprstore.NewSeats(client.Store(messages.Seats), daprstore.Transactional, 5*time.Minute, time.Now), w}
			router := mux.NewRouter()
			daprclient.Mount(router, cfg.AppToken, holdqueue.Consumer{c, client, func(uuid.UUID, []booking.Change) {}}.Subscription())
			return router
		}, messages.Seats, messages.PubSub, messages.Broadcast)
	}
	killed := replica()
	var line *holdqueue.Queue
	var seats *daprstore.Seats
	harness.Sidecar(t, messages.Booking, func(cfg daprclient.Config) http.Handler {
		client, err := daprclient.New(cfg)
		require.NoError(t, err)
		t.Cleanup(client.Close)
		line, seats = holdqueue.NewQueue(client, func(booking.Hold) {}), daprstore.NewSeats(client.Store(messages.Seats), daprstore.Transactional, 5*time.Minute, time.Now)
		router := mux.NewRouter()
		daprclient.Mount(router, cfg.AppToken, line.Subscription())
		return router
	}, messages.Seats, messages.PubSub, messages.Broadcast)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- line.Run(ctx) }()
	defer func() {
		cancel()
		require.ErrorIs(t, <-ran, context.Canceled)
	}()

	const events, units, buyers = 6, 8, 40 // buyers of each event
	var group sync.WaitGroup
	var mu sync.Mutex
	asked := map[uuid.UUID]booking.QueuedHold{}
	ask := func(r booking.QueuedHold) {
		h, err := line.Hold(t.Context(), r)
		if err != nil && fault.KindOf(err) != fault.Conflict && !errors.Is(err, booking.ErrStillWaiting) {
			return // the log did not take it, and said so
		}
		mu.Lock()
		defer mu.Unlock()
		r.Hold = h
		asked[h.ID] = r
	}
	var last uuid.UUID // of the events
	for range events {
		last = uuid.New()
		for b := range buyers {
			r := requestFor(t, last, fmt.Sprintf("buyer-%d", b), fmt.Sprintf("u%d", b%units))
			group.Go(func() {
				time.Sleep(time.Duration(b/4) * 400 * time.Millisecond) // over all that happens, some together
				ask(r)
			})
		}
	}
	time.Sleep(500 * time.Millisecond)
	replica()
	harness.KillSidecar(t, killed)
	group.Wait()
	// How many batches the log makes of those is its own affair: more buyers until enough have died.
	harness.Eventually(t, time.Minute, "consumers died four times", func() error {
		if died := w.died(); died < 4 {
			ask(requestFor(t, last, fmt.Sprintf("late-%d", len(asked)), "u0"))
			return fmt.Errorf("%d times so far", died)
		}
		return nil
	})

	require.Greater(t, len(asked), events*buyers*9/10)
	harness.Eventually(t, time.Minute, "every request is decided", func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		for id := range asked {
			if len(w.said[id]) == 0 {
				return fmt.Errorf("%d of %d are", len(w.said), len(asked))
			}
		}
		return nil
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	winner := map[string]uuid.UUID{} // of each place: who came first
	for id, r := range asked {
		place := r.Hold.Event.String() + r.Hold.Units[0].ID
		if best, ok := winner[place]; !ok || w.first[id] < w.first[best] {
			winner[place] = id
		}
	}
	require.Len(t, winner, events*units)
	for id, r := range asked {
		wins := winner[r.Hold.Event.String()+r.Hold.Units[0].ID] == id
		for _, v := range w.said[id] {
			require.Equal(t, wins, v.Refusal == nil, "the log's order decides, however often: %v", w.said[id])
		}
		_, err := seats.Find(t.Context(), id)
		require.Equal(t, wins, err == nil, "the store says the same")
	}
}
