package seatmap_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

func oneUnit() *booking.Sale {
	s := &booking.Sale{Event: uuid.New(), Status: booking.EventPublished, Units: []booking.Unit{{ID: "A1", TicketType: "t"}}}
	s.Prepare()
	return s
}

func state(h *seatmap.Map) string {
	_, states := h.Snapshot()
	return string(states)
}

// TestAReleaseSpeaksOnlyOfItsOwnHold: whoever took the unit afterwards keeps it, whatever the
// clocks of the two replicas say and whichever news comes first.
func TestAReleaseSpeaksOnlyOfItsOwnHold(t *testing.T) {
	now := time.Now()
	first := booking.Hold{ID: uuid.New(), Units: []booking.HeldUnit{{ID: "A1"}}, Until: now.Add(time.Minute)}
	second := booking.Hold{ID: uuid.New(), Units: []booking.HeldUnit{{ID: "A1"}}, Until: now.Add(time.Minute)}
	took, freed, retook := booking.HeldChanges(first), booking.FreedChanges(first.ID, first.UnitIDs()), booking.HeldChanges(second)
	for name, order := range map[string][][]booking.Change{
		"as decided":            {took, freed, retook},
		"release late":          {took, retook, freed, retook},
		"release first":         {freed, took, retook},
		"first take late":       {freed, retook, took},
		"release twice":         {took, freed, retook, freed},
		"first take lost":       {freed, retook},
		"release after a while": {retook, freed},
	} {
		h := seatmap.NewMap(oneUnit(), 1, nil)
		for _, changes := range order {
			h.Apply(changes, now)
		}
		require.Equal(t, "h", state(h), name)
	}
}

// decided is what the store went through, and what was announced of it.
type decided struct {
	holds   []booking.Hold
	current int // index of the hold that has the unit; -1: nobody
	booked  bool
	news    [][]booking.Change
}

func (d *decided) step(t *rapid.T, until time.Time) {
	switch {
	case d.current < 0 && len(d.holds) > 0 && rapid.IntRange(0, 3).Draw(t, "again") == 0:
		h := &d.holds[len(d.holds)-1] // its owner changes the cart, to and fro
		if h.Status == booking.HoldReleased {
			return
		}
		h.Version++
		d.current = len(d.holds) - 1
		d.news = append(d.news, booking.HeldChanges(*h))
	case d.current < 0:
		h := booking.Hold{ID: uuid.New(), Units: []booking.HeldUnit{{ID: "A1"}}, Until: until}
		d.holds = append(d.holds, h)
		d.current = len(d.holds) - 1
		d.news = append(d.news, booking.HeldChanges(h))
	case d.booked || rapid.Bool().Draw(t, "ends"):
		h := &d.holds[d.current]
		h.Status = booking.HoldReleased
		d.news = append(d.news, booking.FreedChanges(h.ID, h.UnitIDs()))
		d.current, d.booked = -1, false
	case rapid.Bool().Draw(t, "books"):
		h := d.holds[d.current]
		d.booked = true
		d.news = append(d.news, booking.BookedChanges(booking.Booking{Hold: h.ID, Units: []booking.BookedUnit{{HeldUnit: h.Units[0]}}}))
	default:
		h := &d.holds[d.current]
		h.Version++
		d.news = append(d.news, []booking.Change{{Unit: "A1", State: booking.Available, Claim: booking.Claim{Hold: h.ID, Version: h.Version}}})
		d.current = -1
	}
}

func (d *decided) seats() map[string]booking.Seat {
	switch {
	case d.current < 0:
		return nil
	case d.booked:
		return map[string]booking.Seat{"A1": {State: booking.Booked, Hold: d.holds[d.current].ID}}
	}
	h := d.holds[d.current]
	return map[string]booking.Seat{"A1": {State: booking.Held, Hold: h.ID, Until: h.Until, Version: h.Version}}
}

// TestNewsInAnyOrderEndsInTheTruth delivers what several replicas announced in any order, some of
// it twice: once everything arrived, the projection says what the store says. It looks only where
// it was told that it has to.
func TestNewsInAnyOrderEndsInTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Now()
		d := &decided{current: -1}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			d.step(t, now.Add(time.Minute))
		}
		news := rapid.Permutation(append(d.news, d.news[:rapid.IntRange(0, len(d.news)).Draw(t, "twice")]...)).Draw(t, "order")
		h := seatmap.NewMap(oneUnit(), 1, nil)
		for _, changes := range news {
			for unsure := h.Apply(changes, now); len(unsure) > 0; {
				unsure = h.Correct(unsure, d.seats(), h.Clock(), now)
			}
		}
		want := "a"
		if s, ok := d.seats()["A1"]; ok {
			want = string(s.State)
		}
		require.Equal(t, want, state(h))
	})
}

// TestWhatHappensWhileTheStoreIsReadIsLookedAtAgain: a read that began before a change must not
// undo it.
func TestWhatHappensWhileTheStoreIsReadIsLookedAtAgain(t *testing.T) {
	now := time.Now()
	h := seatmap.NewMap(oneUnit(), 1, nil)
	since := h.Clock() // the store says: free
	hold := booking.Hold{ID: uuid.New(), Units: []booking.HeldUnit{{ID: "A1"}}, Until: now.Add(time.Minute)}
	h.Apply(booking.HeldChanges(hold), now)
	require.Equal(t, []string{"A1"}, h.Correct([]string{"A1"}, nil, since, now))
	require.Equal(t, "h", state(h))
	require.Empty(t, h.Correct([]string{"A1"}, nil, h.Clock(), now), "read after it: given back since, and the news of it lost")
	require.Equal(t, "a", state(h))
}
