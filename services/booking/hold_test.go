package booking_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/booking"
)

func hold(status booking.HoldStatus) booking.Hold {
	return booking.Hold{ID: mine, Event: theirs, Account: "buyer", Until: later, Status: status, Booking: theirs, Units: []booking.HeldUnit{unit("A1", 100), unit("A2", 200)}}
}

func TestOnlyAnOpenHoldCanBeUsed(t *testing.T) {
	for status, refusal := range map[booking.HoldStatus]error{
		booking.HoldOpen: nil, booking.HoldCheckout: booking.ErrCheckoutStarted, booking.HoldBooked: booking.ErrCheckoutStarted,
		booking.HoldReleased: booking.ErrHoldReleased, booking.HoldExpired: booking.ErrHoldExpired,
	} {
		h := hold(status)
		for event, apply := range map[string]func(time.Time) (booking.Hold, error){
			"change":    func(now time.Time) (booking.Hold, error) { return h.Change(nil, []string{"A1"}, 0, now) },
			"check out": func(now time.Time) (booking.Hold, error) { return h.CheckOut(uuid.New(), now) },
		} {
			after, err := apply(noon)
			assert.ErrorIs(t, err, refusal, "%s %s", event, status)
			if refusal != nil {
				assert.Equal(t, h, after, "a refusal changes nothing")
			}
		}
	}
	_, err := hold(booking.HoldOpen).CheckOut(uuid.New(), later)
	assert.ErrorIs(t, err, booking.ErrHoldExpired)
	assert.Equal(t, booking.HoldExpired, hold(booking.HoldCheckout).StatusAt(later))
	assert.Equal(t, booking.HoldBooked, hold(booking.HoldBooked).StatusAt(later))
}

func TestChangingACart(t *testing.T) {
	h := hold(booking.HoldOpen)
	for name, c := range map[string]struct {
		add     []booking.HeldUnit
		remove  []string
		limit   int
		refusal error
	}{
		"twice":     {add: []booking.HeldUnit{unit("A1", 1)}, refusal: booking.ErrUnitTwice},
		"not in it": {remove: []string{"B1"}, refusal: booking.ErrUnknownUnit},
		"emptied":   {remove: []string{"A1", "A2"}, refusal: booking.ErrNothing},
		"too many":  {add: []booking.HeldUnit{unit("A3", 1)}, limit: 2, refusal: booking.ErrLimitExceeded},
		"too dear":  {add: []booking.HeldUnit{unit("A3", 99_999_999)}, refusal: money.ErrTooLarge},
	} {
		_, err := h.Change(c.add, c.remove, c.limit, noon)
		assert.ErrorIs(t, err, c.refusal, name)
	}
	next, err := h.Change([]booking.HeldUnit{unit("A3", 300)}, []string{"A1"}, 2, noon)
	require.NoError(t, err)
	assert.Equal(t, []string{"A2", "A3"}, next.UnitIDs())
	assert.Equal(t, int64(500), next.Total().Amount)
	assert.Equal(t, h.Until, next.Until, "the deadline stays")
	assert.Equal(t, []string{"A1", "A2"}, h.UnitIDs(), "the old cart is as it was")
}

func TestTheCapOfAnAccount(t *testing.T) {
	var c booking.Cap
	c, err := c.Hold(mine, 2, later, 4, noon)
	require.NoError(t, err)
	_, err = c.Hold(theirs, 1, later, 4, noon)
	require.ErrorIs(t, err, booking.ErrHoldExists)
	_, err = c.Hold(mine, 5, later, 4, noon)
	require.ErrorIs(t, err, booking.ErrLimitExceeded)

	c, err = c.Book(mine, 2, 0, noon)
	require.NoError(t, err)
	assert.Equal(t, 2, c.Units())
	_, err = c.Hold(theirs, 3, later, 4, noon)
	require.ErrorIs(t, err, booking.ErrLimitExceeded, "what was bought counts")
	c, err = c.Hold(theirs, 2, later, 4, noon)
	require.NoError(t, err)
	assert.Equal(t, 4, c.Units())
	assert.Equal(t, 2, c.At(later).Units(), "what ran out does not")
	_, err = c.Book(uuid.New(), 1, 4, noon)
	require.ErrorIs(t, err, booking.ErrLimitExceeded, "a late payer is counted again")
	assert.Equal(t, 1, c.Drop(theirs, noon).Return(1, noon).Units())
	assert.Zero(t, c.Return(99, noon).Booked)
}

// TestGivingBackCostsTime: a few times are free, then each next hold has to wait longer, and whoever
// leaves an event alone for a while starts anew. Holds that ran out count as those given back.
func TestGivingBackCostsTime(t *testing.T) {
	now := noon
	hold := func(c booking.Cap) (booking.Cap, uuid.UUID, error) {
		id := uuid.New()
		next, err := c.Hold(id, 2, now.Add(5*time.Minute), 8, now)
		return next, id, err
	}
	var c booking.Cap
	for i := range 4 {
		next, id, err := hold(c)
		require.NoError(t, err, i)
		if now = now.Add(time.Second); i == 1 {
			now = now.Add(5 * time.Minute) // forgotten, not given back
		}
		c = next.Release(id, now)
		c = c.Release(id, now) // once more changes nothing
	}
	waits := []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute}
	for _, wait := range waits {
		_, _, err := hold(c)
		require.ErrorIs(t, err, booking.ErrCoolDown)
		refused, ok := errors.AsType[*fault.Error](err)
		require.True(t, ok)
		require.InDelta(t, wait.Seconds(), refused.RetryAfter.Seconds(), 1)
		now = now.Add(wait)
		next, id, err := hold(c)
		require.NoError(t, err, "after %s", wait)
		c = next.Release(id, now)
	}
	booked, err := c.Book(uuid.New(), 1, 0, now)
	require.NoError(t, err)
	_, _, err = hold(booked)
	require.ErrorIs(t, err, booking.ErrCoolDown, "buying does not undo it")
	now = now.Add(10 * time.Minute)
	next, id, err := hold(c)
	require.NoError(t, err)
	next = next.Release(id, now)
	_, _, err = hold(next)
	require.NoError(t, err, "long ago")
}
