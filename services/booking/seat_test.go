package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"github.com/foyer-tickets/foyer/services/booking"
)

var (
	later  = noon.Add(5 * time.Minute)
	mine   = uuid.MustParse("0192f0c4-0000-7000-8000-000000000001")
	theirs = uuid.MustParse("0192f0c4-0000-7000-8000-000000000002")
)

func held(by uuid.UUID) booking.Seat {
	return booking.Seat{State: booking.Held, Hold: by, Until: later}
}

func booked(by uuid.UUID) booking.Seat { return booking.Seat{State: booking.Booked, Hold: by} }

// TestEveryStateOfASeatMeetsEveryEvent is the whole life of a unit: what I get when I ask.
func TestEveryStateOfASeatMeetsEveryEvent(t *testing.T) {
	free := booking.Seat{State: booking.Available}
	blocked := booking.Seat{State: booking.Blocked}
	lapsed := func(by uuid.UUID) booking.Seat { return booking.Seat{State: booking.Held, Hold: by, Until: noon} }
	events := map[string]func(booking.Seat) (booking.Seat, error){
		"take":    func(s booking.Seat) (booking.Seat, error) { return s.Take(mine, noon, later) },
		"fence":   func(s booking.Seat) (booking.Seat, error) { return s.Fence(mine, noon) },
		"release": func(s booking.Seat) (booking.Seat, error) { return s.Release(mine, noon) },
	}
	gone, notMine := booking.ErrUnitsUnavailable, booking.ErrNotHolder
	for name, c := range map[string]struct {
		seat                 booking.Seat
		take, fence, release booking.Seat
		refused              map[string]error
	}{
		"nobody's":            {seat: booking.Seat{}, take: held(mine), fence: booked(mine), release: free},
		"available":           {seat: free, take: held(mine), fence: booked(mine), release: free},
		"held by me":          {seat: held(mine), take: held(mine), fence: booked(mine), release: free},
		"held by me, lapsed":  {seat: lapsed(mine), take: held(mine), fence: booked(mine), release: free},
		"theirs, lapsed":      {seat: lapsed(theirs), take: held(mine), fence: booked(mine), release: free},
		"held by another":     {seat: held(theirs), refused: map[string]error{"take": gone, "fence": gone, "release": notMine}},
		"booked by me":        {seat: booked(mine), fence: booked(mine), release: free, refused: map[string]error{"take": gone}},
		"booked by another":   {seat: booked(theirs), refused: map[string]error{"take": gone, "fence": gone, "release": notMine}},
		"blocked by the plan": {seat: blocked, refused: map[string]error{"take": gone, "fence": gone, "release": notMine}},
	} {
		want := map[string]booking.Seat{"take": c.take, "fence": c.fence, "release": c.release}
		for event, apply := range events {
			t.Run(name+"/"+event, func(t *testing.T) {
				before := c.seat
				after, err := apply(c.seat)
				if refusal := c.refused[event]; refusal != nil {
					assert.ErrorIs(t, err, refusal)
					assert.Equal(t, before.At(noon), after, "a refusal changes nothing")
					return
				}
				assert.NoError(t, err)
				assert.Equal(t, want[event], after)
			})
		}
	}
}

func TestAHoldEndsAtItsMoment(t *testing.T) {
	s := held(theirs)
	_, err := s.Take(mine, later.Add(-time.Nanosecond), later.Add(time.Minute))
	assert.ErrorIs(t, err, booking.ErrUnitsUnavailable)
	next, err := s.Take(mine, later, later.Add(time.Minute))
	assert.NoError(t, err)
	assert.Equal(t, mine, next.Hold)
}
