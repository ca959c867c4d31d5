package app

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/daprstore"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// oneSale sells a few places.
type oneSale struct{ sale *booking.Sale }

func (s oneSale) Sale(context.Context, uuid.UUID) (*booking.Sale, error) { return s.sale, nil }

type noStand struct{}

func (noStand) Encode(seatmap.Delta) []byte { return nil }
func (noStand) Changed(uuid.UUID)           {}

// replica is a booking service with a sidecar and a clock of its own.
type replica struct {
	seats *daprstore.Seats
	out   *seatmap.ChangePublisher
	live  *seatmap.Cache
	now   func() time.Time
	event uuid.UUID
}

func newReplica(t *testing.T, sale *booking.Sale, skew time.Duration) *replica {
	t.Helper()
	r := &replica{event: sale.Event, now: func() time.Time { return time.Now().Add(skew) }}
	harness.Sidecar(t, messages.Booking, func(cfg daprclient.Config) http.Handler {
		client, err := daprclient.New(cfg)
		require.NoError(t, err)
		t.Cleanup(client.Close)
		r.seats = daprstore.NewSeats(client.Store(messages.Seats), daprstore.Transactional, time.Minute, r.now)
		r.live = seatmap.NewCache(oneSale{sale}, r.seats, noStand{}, r.now)
		r.out = &seatmap.ChangePublisher{Client: client, Local: func(id uuid.UUID, changes []booking.Change) { r.live.Apply(t.Context(), id, changes) }}
		router := mux.NewRouter()
		daprclient.Mount(router, cfg.AppToken, Subscriptions(r.live, client)...)
		return router
	}, messages.Seats, messages.PubSub, messages.Broadcast)
	return r
}

func (r *replica) take(t *testing.T, unit string) booking.Hold {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	h := booking.Hold{ID: id, Event: r.event, Account: uuid.NewString(), Until: r.now().Add(time.Minute).Truncate(time.Millisecond), Status: booking.HoldOpen, Units: []booking.HeldUnit{{ID: unit}}}
	require.NoError(t, r.seats.Take(t.Context(), h, 0))
	r.out.Announce(r.event, booking.HeldChanges(h))
	return h
}

func (r *replica) free(t *testing.T, h booking.Hold) {
	t.Helper()
	require.NoError(t, r.seats.Free(t.Context(), h, h.UnitIDs(), true))
	r.out.Announce(r.event, booking.FreedChanges(h.ID, h.UnitIDs()))
}

// shows gives the letter of a unit on the map.
func (r *replica) shows(t *testing.T, unit string) string {
	t.Helper()
	seats, err := r.live.Get(t.Context(), r.event)
	require.NoError(t, err)
	i, ok := seats.Sale().Index(unit)
	require.True(t, ok)
	_, states := seats.Snapshot()
	return string(states[i])
}

// TestAReleaseElsewhereDoesNotUndoALaterTake: one replica gives a place back, and before the news of
// it is out another one sells it. Whatever their clocks say, and whichever message is last, both
// go on showing it as taken.
func TestAReleaseElsewhereDoesNotUndoALaterTake(t *testing.T) {
	for _, skew := range []time.Duration{2 * time.Second, -2 * time.Second} {
		t.Run(skew.String(), func(t *testing.T) {
			sale := &booking.Sale{Event: uuid.New(), Status: booking.EventPublished}
			for _, id := range []string{"A1", "A2", "A3"} {
				sale.Units = append(sale.Units, booking.Unit{ID: id})
			}
			sale.Prepare()
			one, two := newReplica(t, sale, skew), newReplica(t, sale, 0)
			for _, r := range []*replica{one, two} { // both hear each other
				from := map[*replica]*replica{one: two, two: one}[r]
				require.Equal(t, "a", r.shows(t, "A1"))
				unit := map[*replica]string{one: "A2", two: "A3"}[from]
				h := from.take(t, unit)
				harness.Eventually(t, time.Minute, "the other hears", func() error {
					from.out.Announce(sale.Event, booking.HeldChanges(h))
					require.NoError(t, from.out.Flush(t.Context()))
					if s := r.shows(t, unit); s != "h" {
						return fmt.Errorf("%s is %s", unit, s)
					}
					return nil
				})
				from.free(t, h)
				require.NoError(t, from.out.Flush(t.Context()))
				harness.Eventually(t, time.Minute, "and of the release", func() error {
					if s := r.shows(t, unit); s != "a" {
						return fmt.Errorf("%s is %s", unit, s)
					}
					return nil
				})
			}
			first := one.take(t, "A1")
			require.NoError(t, one.out.Flush(t.Context()))
			one.free(t, first) // and the news of it waits for the next flush
			two.take(t, "A1")
			require.NoError(t, two.out.Flush(t.Context()))
			require.NoError(t, one.out.Flush(t.Context()))
			one.take(t, "A2") // what is told after all that
			require.NoError(t, one.out.Flush(t.Context()))
			harness.Eventually(t, time.Minute, "all of it is heard", func() error {
				if s := one.shows(t, "A2") + two.shows(t, "A2"); s != "hh" {
					return fmt.Errorf("A2 is %s", s)
				}
				return nil
			})
			harness.Eventually(t, time.Minute, "one hears of two", func() error {
				if s := one.shows(t, "A1"); s != "h" {
					return fmt.Errorf("A1 is %s", s)
				}
				return nil
			})
			require.Equal(t, "h", two.shows(t, "A1"), "a late release of the hold before")
		})
	}
}
