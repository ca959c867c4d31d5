package holdqueue

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/booking"
)

func holdID(t *testing.T, at time.Time) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	return id
}

func TestFloorDecidesInOrder(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	event := uuid.New()
	request := func(account string, units ...string) booking.QueuedHold {
		h := booking.Hold{ID: holdID(t, now), Event: event, Account: account, Until: now.Add(5 * time.Minute), Status: booking.HoldOpen}
		for _, u := range units {
			h.Units = append(h.Units, booking.HeldUnit{ID: u})
		}
		return booking.QueuedHold{Hold: h, Limit: 4, Admitted: now.Add(-time.Minute)}
	}
	mine := func(c booking.Cap) *Batch {
		f := NewBatch()
		f.PutCap(event, "anna", c)
		return f
	}
	old := booking.CapHold{Hold: holdID(t, now.Add(-6*time.Minute)), Units: 1, Until: now.Add(-time.Second)}
	earlier := old
	earlier.Hold = holdID(t, now.Add(-30*time.Second)) // made with the pass of a minute ago
	open := booking.CapHold{Hold: holdID(t, now), Units: 1, Until: now.Add(time.Minute)}

	for name, c := range map[string]struct {
		floor    *Batch
		requests []booking.QueuedHold
		want     []error
	}{
		"the first one wins":            {NewBatch(), []booking.QueuedHold{request("anna", "a1"), request("ben", "a1"), request("ben", "a2")}, []error{nil, booking.ErrUnitsUnavailable, nil}},
		"all or nothing":                {NewBatch(), []booking.QueuedHold{request("anna", "a1"), request("ben", "a1", "a2"), request("cem", "a2")}, []error{nil, booking.ErrUnitsUnavailable, nil}},
		"one hold at a time":            {NewBatch(), []booking.QueuedHold{request("anna", "a1"), request("anna", "a2")}, []error{nil, booking.ErrHoldExists}},
		"a hold from before the batch":  {mine(booking.Cap{Holds: []booking.CapHold{open}}), []booking.QueuedHold{request("anna", "a1")}, []error{booking.ErrHoldExists}},
		"no more than the limit":        {mine(booking.Cap{Booked: 3}), []booking.QueuedHold{request("anna", "a1", "a2"), request("anna", "a1")}, []error{booking.ErrLimitExceeded, nil}},
		"a pass of before the old hold": {mine(booking.Cap{Holds: []booking.CapHold{old}}), []booking.QueuedHold{request("anna", "a1")}, []error{nil}},
		"a pass whose hold ran out":     {mine(booking.Cap{Holds: []booking.CapHold{earlier}}), []booking.QueuedHold{request("anna", "a1")}, []error{ErrPassUsed}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, r := range c.requests {
				err := c.floor.Decide(r, now)
				require.Equal(t, fault.CodeOf(c.want[i]), fault.CodeOf(err), "request %d: %v", i, err)
			}
		})
	}
	t.Run("too late", func(t *testing.T) {
		r := request("anna", "a1")
		require.ErrorIs(t, NewBatch().Decide(r, r.Hold.Until), booking.ErrHoldExpired)
	})
	t.Run("a refusal changes nothing", func(t *testing.T) {
		f := NewBatch()
		require.NoError(t, f.Decide(request("anna", "a1"), now))
		err := f.Decide(request("ben", "a2", "a1"), now)
		refused, _ := errors.AsType[*fault.Error](err)
		require.Equal(t, []string{"a1"}, refused.Fields["units"])
		require.Empty(t, f.Seats[event]["a2"].Hold)
		require.Empty(t, f.Caps[event]["ben"].Holds)
	})
}
