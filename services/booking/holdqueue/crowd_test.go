package holdqueue_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/daprstore"
	"github.com/foyer-tickets/foyer/services/booking/holdqueue"
	"github.com/foyer-tickets/foyer/services/booking/wire"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// TestWhatIsDecidedTogetherFitsIntoOneCall: reading and writing the pages, caps and seats of a batch
// stay below what a sidecar takes, however the requests are made up.
func TestWhatIsDecidedTogetherFitsIntoOneCall(t *testing.T) {
	short := func(units int) booking.QueuedHold {
		h := booking.Hold{Event: uuid.Max, Account: uuid.Max.String(), Until: time.UnixMilli(1 << 42), Status: booking.HoldOpen}
		for i := range units {
			h.Units = append(h.Units, booking.HeldUnit{ID: fmt.Sprintf("A-%d", i), TicketType: uuid.Max.String(), Price: money.Money{Amount: 4500, Currency: "EUR"}})
		}
		return booking.QueuedHold{Hold: h}
	}
	const around = 120 // ETag, field tags and lengths of one item
	for name, r := range map[string]booking.QueuedHold{"1": short(1), "3": short(3), "8": short(8), "50": short(50), "longest 8": holdqueue.Longest(8), "longest 50": holdqueue.Longest(50)} {
		request := len(holdqueue.EncodeRequest(r, uuid.Max))
		seat := len(daprstore.EncodeSeat(booking.Seat{State: booking.Held, Hold: uuid.Max, Until: time.UnixMilli(1 << 42), Version: 1 << 20}))
		cost := 2*len(holdqueue.BlockKey(uuid.Max)) + around/holdqueue.BlockSize + len(wire.MustEncode(holdqueue.BlockEntry{ID: uuid.Max, Hold: ptr(wire.FromHold(r.Hold))}))
		cost += len(daprstore.CapKey(r.Hold.Event, r.Hold.Account)) + around + 200
		for _, u := range r.Hold.UnitIDs() {
			cost += len(daprstore.SeatKey(r.Hold.Event, u)) + around + seat
		}
		most := holdqueue.MaxDecide/request + 1
		require.LessOrEqual(t, most*cost, messages.SidecarMax, "%s: %d requests of %d bytes cost %d each", name, most, request, cost)
	}
}

// TestACrowdWithThreePlacesEachIsDecided sends full records, more than a delivery takes, through the
// real broker, sidecar, router and store: everyone is decided and nothing goes to the dead letters.
func TestACrowdWithThreePlacesEachIsDecided(t *testing.T) {
	var line *holdqueue.Queue
	served := func(app string, subscriptions func(*daprclient.Client) []daprclient.Subscription) {
		harness.Sidecar(t, app, func(cfg daprclient.Config) http.Handler {
			client, err := daprclient.New(cfg)
			require.NoError(t, err)
			t.Cleanup(client.Close)
			router, err := httpapi.NewRouter(httpapi.Options{Service: "test"})
			require.NoError(t, err)
			daprclient.Mount(router, cfg.AppToken, subscriptions(client)...)
			return router
		}, messages.Seats, messages.PubSub, messages.Broadcast)
	}
	served(messages.HighDemandConsumer, func(client *daprclient.Client) []daprclient.Subscription {
		seats := daprstore.NewSeats(client.Store(messages.Seats), daprstore.Transactional, 5*time.Minute, time.Now)
		return []daprclient.Subscription{holdqueue.Consumer{seats, client, func(uuid.UUID, []booking.Change) {}}.Subscription()}
	})
	served(messages.Booking, func(client *daprclient.Client) []daprclient.Subscription {
		line = holdqueue.NewQueue(client, func(booking.Hold) {})
		line.SetWait(time.Minute)
		return []daprclient.Subscription{line.Subscription()}
	})
	const records = 24
	id := uuid.New()
	var group sync.WaitGroup
	var mu sync.Mutex
	undecided := map[string]int{}
	for i := range records * holdqueue.MaxRecord {
		r := requestFor(t, id, uuid.NewString(), fmt.Sprintf("%s-%d", id, 3*i), fmt.Sprintf("%s-%d", id, 3*i+1), fmt.Sprintf("%s-%d", id, 3*i+2))
		for j := range r.Hold.Units {
			u := &r.Hold.Units[j]
			u.TicketType, u.TypeName, u.Label = id.String(), "Standing room", "Main floor, Row 12, Seat 34"
			u.Place, u.Price = seat.Place{Zone: "Main floor", Row: "12", Number: "34"}, money.Money{Amount: 4500, Currency: "EUR"}
		}
		group.Go(func() {
			if _, err := line.Hold(t.Context(), r); err != nil {
				mu.Lock()
				defer mu.Unlock()
				undecided[err.Error()]++
			}
		})
	}
	harness.Eventually(t, time.Minute, "everyone stands in line", func() error {
		if n := line.Queued(); n < records*holdqueue.MaxRecord {
			return fmt.Errorf("%d do", n)
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- line.Run(ctx) }()
	group.Wait()
	cancel()
	require.ErrorIs(t, <-ran, context.Canceled)
	require.Empty(t, undecided)
}

func ptr[T any](v T) *T { return &v }
