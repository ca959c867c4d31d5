package seatmap

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/booking"
)

// onSale is an event with two places, and a store in which the first is booked.
type onSale struct {
	event uuid.UUID
	asked chan struct{} // receives for each read of the store
	read  chan struct{} // lets it go on; nil: at once

	mu    sync.Mutex
	plan  int
	seats map[string]booking.Seat
}

func newOnSale() *onSale {
	return &onSale{event: uuid.New(), asked: make(chan struct{}, 1000), seats: map[string]booking.Seat{"A1-0": {State: booking.Booked, Hold: uuid.New()}}}
}

func (o *onSale) Sale(context.Context, uuid.UUID) (*booking.Sale, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := &booking.Sale{Event: o.event, Status: booking.EventPublished}
	for _, row := range []string{"A1", "A2"} {
		s.Units = append(s.Units, booking.Unit{ID: fmt.Sprintf("%s-%d", row, o.plan)})
	}
	s.Prepare()
	return s, nil
}

func (o *onSale) Read(ctx context.Context, _ uuid.UUID, units []string) (map[string]booking.Seat, error) {
	o.asked <- struct{}{}
	if o.read != nil {
		select {
		case <-o.read:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	seats := map[string]booking.Seat{}
	for _, u := range units {
		if s, ok := o.seats[u]; ok {
			seats[u] = s
		}
	}
	return seats, nil
}

type plainEncoder struct{}

func (plainEncoder) Encode(d Delta) []byte { return fmt.Appendf(nil, "%v", d.Changes) }
func (plainEncoder) Changed(uuid.UUID)     {}

func letters(h *Map) string {
	_, states := h.Snapshot()
	return string(states)
}

// TestTheSecondViewerOfAColdMapSeesTheTruth: while the first viewer has the map loaded, nobody is
// shown one that says that everything is free.
func TestTheSecondViewerOfAColdMapSeesTheTruth(t *testing.T) {
	o := newOnSale()
	o.read = make(chan struct{})
	l := NewCache(o, o, plainEncoder{}, time.Now)
	seen := make(chan string, 2)
	view := func() {
		h, err := l.Get(t.Context(), o.event)
		if assert.NoError(t, err) {
			seen <- letters(h)
		}
	}
	go view()
	<-o.asked // the first one's load has come as far as the store
	impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := l.Get(impatient, o.event)
	require.Error(t, err, "shown before it is true")
	go view()
	hold := booking.Hold{ID: uuid.New(), Units: []booking.HeldUnit{{ID: "A2-0"}}, Until: time.Now().Add(time.Minute)}
	go func() { // heard while the store is being read
		l.Apply(t.Context(), o.event, booking.HeldChanges(hold))
		o.mu.Lock()
		o.seats["A2-0"] = booking.Seat{State: booking.Held, Hold: hold.ID, Until: hold.Until}
		o.mu.Unlock()
		close(o.read)
	}()
	for range 2 {
		select {
		case s := <-seen:
			require.Equal(t, "bh", s)
		case <-time.After(10 * time.Second):
			t.Fatal("no map")
		}
	}
}

// TestWhoWaitsForAMapDoesNotWaitForEver: the store does not answer.
func TestWhoWaitsForAMapDoesNotWaitForEver(t *testing.T) {
	o := newOnSale()
	o.read = make(chan struct{})
	l := NewCache(o, o, plainEncoder{}, time.Now)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := l.Get(ctx, o.event)
	require.Error(t, err)
	close(o.read)
	h, err := l.Get(t.Context(), o.event)
	require.NoError(t, err)
	require.Equal(t, "ba", letters(h))
}

// TestAHealTellsWhatItFinds: watchers hear of what the announcements did not say.
func TestAHealTellsWhatItFinds(t *testing.T) {
	o := newOnSale()
	l := NewCache(o, o, plainEncoder{}, time.Now)
	go func() { _ = l.Run(t.Context()) }()
	f, err := l.Watch(t.Context(), o.event, "")
	require.NoError(t, err)
	defer f.Close()
	o.mu.Lock()
	o.seats["A2-0"] = booking.Seat{State: booking.Booked, Hold: uuid.New()}
	o.mu.Unlock()
	require.NoError(t, l.reread(t.Context(), f.loaded))
	select {
	case frame := <-f.Frames:
		require.Contains(t, string(frame.Data), "A2-0")
	case <-time.After(10 * time.Second):
		t.Fatal("nobody was told")
	}
}

// TestADroppedMapIsNotWatched: it gets no more changes.
func TestADroppedMapIsNotWatched(t *testing.T) {
	o := newOnSale()
	l := NewCache(o, o, plainEncoder{}, time.Now)
	s, err := l.entry(t.Context(), o.event)
	require.NoError(t, err)
	f, err := l.Watch(t.Context(), o.event, "")
	require.NoError(t, err)
	s.publish([]byte("x"))
	last := (<-f.Frames).ID
	l.drop(s)
	_, open := <-f.Frames
	require.False(t, open)
	f.Close()
	require.Nil(t, s.watch(""))
	f, err = l.Watch(t.Context(), o.event, last)
	require.NoError(t, err)
	defer f.Close()
	require.NotSame(t, s, f.loaded)
	for range 3 {
		f.loaded.publish([]byte("y"))
	}
	again, err := l.Watch(t.Context(), o.event, last)
	require.NoError(t, err)
	defer again.Close()
	require.False(t, again.Resumed, "the frames of another seat map mean nothing here")
}

// TestWatchersAreFedOrSentAway: seat maps are made anew all the time, and everyone who watches one
// hears of the next change or that they have to come back.
func TestWatchersAreFedOrSentAway(t *testing.T) {
	o := newOnSale()
	l := NewCache(o, o, plainEncoder{}, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = l.Run(ctx) })
	running.Go(func() {
		for ctx.Err() == nil {
			select {
			case <-o.asked:
			default:
			}
			o.mu.Lock()
			o.plan++
			o.mu.Unlock()
			l.Apply(ctx, o.event, nil) // the event changed
			time.Sleep(time.Millisecond)
		}
	})
	var watchers sync.WaitGroup
	for range 8 {
		watchers.Go(func() {
			for range 20 {
				f, err := l.Watch(ctx, o.event, "")
				if !assert.NoError(t, err) {
					return
				}
				hold := booking.Hold{ID: uuid.New(), Units: []booking.HeldUnit{{ID: f.Map.Sale().Units[1].ID}}, Until: time.Now().Add(time.Minute)}
				l.Apply(ctx, o.event, booking.HeldChanges(hold))
				select {
				case <-f.Frames:
				case <-time.After(10 * time.Second):
					t.Error("neither fed nor sent away")
				}
				f.Close()
			}
		})
	}
	watchers.Wait()
	cancel()
	running.Wait()
}
