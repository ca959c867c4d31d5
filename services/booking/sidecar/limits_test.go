package sidecar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// longest is a request whose names are as long as the catalogue lets them be. JSON writes each of
// their characters with six bytes.
func longest(units int) booking.QueuedHold {
	wide := func(n int) string { return strings.Repeat("<", n) }
	h := booking.Hold{Event: uuid.Max, Account: uuid.Max.String(), Until: time.UnixMilli(1 << 42), Status: booking.HoldOpen, Booking: uuid.Max, Version: 1 << 40}
	for i := range units {
		place := seat.Place{Zone: wide(200), Row: wide(50), Number: wide(50), Note: wide(200)}
		h.Units = append(h.Units, booking.HeldUnit{
			ID: fmt.Sprintf("%s-%06d", uuid.Max, i), TicketType: uuid.Max.String(), TypeName: wide(100), Place: place,
			Label: place.Zone + ", " + place.Row + "-" + place.Number + " (" + place.Note + ")", Price: money.Money{Amount: 1 << 50, Currency: "EUR"},
		})
	}
	return booking.QueuedHold{Hold: h, Limit: 200, Admitted: time.UnixMilli(1 << 42)}
}

// TestTheLongestRequestsFit: of one unit, of the usual most and of the most that an order may have,
// a record is as long as a message may be and no longer, and nobody is refused.
func TestTheLongestRequestsFit(t *testing.T) {
	for _, units := range []int{1, 3, 8, 50} {
		l := NewHoldQueue(nil, nil)
		total := 0
		for range 300 {
			_, err := l.enter(longest(units))
			require.NoError(t, err)
		}
		for batch := l.leaving(); len(batch) > 0; batch = l.leaving() {
			for _, r := range batch {
				require.LessOrEqual(t, len(mustEncode(recordValue{r.requests})), messages.MaxPayload(messages.HoldRequests, true))
				require.Len(t, r.ids, len(r.requests))
				total += len(r.requests)
			}
		}
		require.Equal(t, 300, total)
	}
	_, err := NewHoldQueue(nil, nil).enter(longest(200))
	require.ErrorIs(t, err, errTooLong)
}

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
	for name, r := range map[string]booking.QueuedHold{"1": short(1), "3": short(3), "8": short(8), "50": short(50), "longest 8": longest(8), "longest 50": longest(50)} {
		request := len(encodeRequest(r, uuid.Max))
		seat := len(EncodeSeat(booking.Seat{State: booking.Held, Hold: uuid.Max, Until: time.UnixMilli(1 << 42), Version: 1 << 20}))
		cost := 2*len(PageKey(uuid.Max)) + around/pageMost + len(mustEncode(pageEntry{ID: uuid.Max, Hold: ptr(holdOf(r.Hold))}))
		cost += len(CapKey(r.Hold.Event, r.Hold.Account)) + around + 200
		for _, u := range r.Hold.UnitIDs() {
			cost += len(SeatKey(r.Hold.Event, u)) + around + seat
		}
		most := decideMost/request + 1
		require.LessOrEqual(t, most*cost, messages.SidecarMax, "%s: %d requests of %d bytes cost %d each", name, most, request, cost)
	}
}

// TestSeatChangesFitIntoAMessage: and so does what a booking's outcome says.
func TestSeatChangesFitIntoAMessage(t *testing.T) {
	longID := uuid.Max.String() + "-100000"
	one := messages.SeatChange{Unit: longID, State: "h", Until: 1 << 42, Hold: uuid.Max, Version: 1 << 41}
	require.LessOrEqual(t, len(mustEncode(one))+1, changeSize)
	require.LessOrEqual(t, changesMost*changeSize+200, messages.MaxPayload(messages.SeatChanges, true))
	all := make([]string, 50)
	for i := range all {
		all[i] = longID
	}
	require.LessOrEqual(t, len(mustEncode(messages.BookingChanged{Account: uuid.Max.String(), Units: all, Reason: strings.Repeat("x", 100)})), messages.MaxPayload(messages.BookingEvents, false))
}

func TestPortions(t *testing.T) {
	list := []json.RawMessage{json.RawMessage("11"), json.RawMessage("22"), json.RawMessage("333333333"), json.RawMessage("4")}
	require.Equal(t, [][]json.RawMessage{list[:2], list[2:3], list[3:]}, portions(list, 6))
	require.Empty(t, portions(nil, 6))
}

// grumpy refuses to decide anything together with one account's request, as a record that breaks
// the decider would have it.
type grumpy struct{ booking.Decider }

func (g grumpy) Decide(_ context.Context, requests []booking.QueuedHold) ([]booking.Verdict, error) {
	verdicts := make([]booking.Verdict, len(requests))
	for i, r := range requests {
		if r.Hold.Account == "poison" {
			return nil, errors.New("cannot be decided")
		}
		verdicts[i] = booking.Verdict{Hold: r.Hold.ID, Refusal: booking.ErrHoldExpired}
	}
	return verdicts, nil
}

// TestAPoisonRecordSparesItsNeighbours: those are decided, and it alone is not.
func TestAPoisonRecordSparesItsNeighbours(t *testing.T) {
	client, err := daprclient.New(daprclient.Config{Host: "127.0.0.1", HTTPPort: 1, GRPCPort: 1})
	require.NoError(t, err)
	defer client.Close()
	record := func(account string) daprclient.Delivery {
		r := booking.QueuedHold{Hold: booking.Hold{Event: uuid.New(), Account: account}}
		return daprclient.Delivery{Bytes: mustEncode(recordValue{[]json.RawMessage{encodeRequest(r, uuid.New())}})}
	}
	errs := decisions{grumpy{}, client, func(uuid.UUID, []booking.Change) {}}.take(t.Context(),
		[]daprclient.Delivery{record("a"), record("poison"), {Bytes: []byte("?")}, record("b")})
	require.NoError(t, errs[0])
	require.ErrorContains(t, errs[1], "cannot be decided")
	require.Equal(t, fault.Malformed, fault.KindOf(errs[2]))
	require.NoError(t, errs[3])
}

// TestACrowdWithThreePlacesEachIsDecided sends full records, more than a delivery takes, through the
// real broker, sidecar, router and store: everyone is decided and nothing goes to the dead letters.
func TestACrowdWithThreePlacesEachIsDecided(t *testing.T) {
	var line *HoldQueue
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
		seats := NewSeats(client.Store(messages.Seats), Transactional, 5*time.Minute, time.Now)
		return Deciding(seats, nil, client, func(uuid.UUID, []booking.Change) {})
	})
	served(messages.Booking, func(client *daprclient.Client) []daprclient.Subscription {
		line = NewHoldQueue(client, func(booking.Hold) {})
		line.wait = time.Minute
		return []daprclient.Subscription{line.Subscription()}
	})
	const records = 24
	id := uuid.New()
	var group sync.WaitGroup
	var mu sync.Mutex
	undecided := map[string]int{}
	for i := range records * recordFull {
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
		line.mu.Lock()
		defer line.mu.Unlock()
		if line.queued < records*recordFull {
			return fmt.Errorf("%d do", line.queued)
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
