package holdqueue

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/booking"
)

func enter(t *testing.T, l *Queue, event uuid.UUID, units int) (uuid.UUID, error) {
	t.Helper()
	h := booking.Hold{Event: event, Account: "a", Until: time.Now().Add(time.Minute)}
	for i := range units {
		h.Units = append(h.Units, booking.HeldUnit{ID: fmt.Sprint(i)})
	}
	w, err := l.enqueue(booking.QueuedHold{Hold: h})
	if err != nil {
		return uuid.Nil, err
	}
	return w.hold.ID, nil
}

func sizes(records []*record) (n []int) {
	for _, r := range records {
		n = append(n, len(r.requests))
	}
	return n
}

func TestACrowdSharesRecords(t *testing.T) {
	one, two := uuid.New(), uuid.New()
	l := NewQueue(nil, nil)
	seen := map[uuid.UUID]bool{}
	for i := range 300 {
		id, err := enter(t, l, one, 1)
		require.NoError(t, err)
		require.False(t, seen[id])
		seen[id] = true
		if i%100 == 0 {
			_, err = enter(t, l, two, 1)
			require.NoError(t, err)
		}
	}
	for range 3 {
		_, err := enter(t, l, two, 2000)
		require.NoError(t, err)
	}
	// one: 128 and 128 are full, and the rest; two: three of one unit and two of many fill one.
	require.Equal(t, []int{128, 5, 128, 44, 1}, sizes(l.nextRecords()))
	require.Empty(t, l.nextRecords())
	_, err := enter(t, l, one, 1)
	require.NoError(t, err)
	require.Equal(t, []int{1}, sizes(l.nextRecords()), "nobody joins a record that left")
	require.Zero(t, l.queued)
}

func TestTheLineHasAnEnd(t *testing.T) {
	l := NewQueue(nil, nil)
	for range maxQueued {
		_, err := enter(t, l, uuid.Nil, 1)
		require.NoError(t, err)
	}
	_, err := enter(t, l, uuid.Nil, 1)
	require.ErrorIs(t, err, ErrFull)
	require.Len(t, l.nextRecords(), maxPublish)
	_, err = enter(t, l, uuid.Nil, 1)
	require.NoError(t, err)
}
