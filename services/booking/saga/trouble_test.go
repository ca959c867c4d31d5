package saga_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/bookingtest"
	"github.com/foyer-tickets/foyer/services/booking/saga"
)

func TestTroubleIsSetAside(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		tries int           // until it is set aside
		most  time.Duration // of a pause until then
	}{
		"a fault of its own":  {errors.New("poison"), 10, 15 * time.Minute},
		"a dependency away":   {fault.Away("payment", nil), 364, time.Minute},
		"no answer in time":   {context.DeadlineExceeded, 364, time.Minute},
		"a refund given up":   {booking.ErrRefundOwed, 1, time.Hour},
		"a refused operation": {fault.New(fault.Conflict, "no", "No."), 10, 15 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			var trouble saga.Trouble
			now, before := bookingtest.Noon, time.Duration(0)
			for trouble.SetAside == nil {
				trouble = trouble.Failed(c.err, now)
				pause := trouble.Next.Sub(now)
				assert.GreaterOrEqual(t, pause, before)
				assert.LessOrEqual(t, pause, max(c.most, time.Hour))
				if trouble.SetAside == nil {
					assert.LessOrEqual(t, pause, c.most)
				}
				now, before = trouble.Next, pause
				require.LessOrEqual(t, trouble.Tries, c.tries, "a bound")
			}
			assert.Equal(t, c.tries, trouble.Tries)
			assert.NotEmpty(t, trouble.Code)
			aside := *trouble.SetAside
			trouble = trouble.Failed(c.err, now)
			assert.Equal(t, time.Hour, trouble.Next.Sub(now), "now and then it is tried all the same")
			assert.Equal(t, aside, *trouble.SetAside, "and the alarm sounds once")
		})
	}
}

// cancelledEvent is an event with bookings, the first of which cannot be saved.
type cancelledEvent struct {
	saga.Store

	bookings []booking.Booking
	poison   int
	trouble  map[uuid.UUID]saga.Trouble
	back     []uuid.UUID
}

func (c *cancelledEvent) Begin(context.Context, uuid.UUID, time.Time) error { return nil }
func (c *cancelledEvent) Live(context.Context, uuid.UUID) (bool, error)     { return true, nil }
func (c *cancelledEvent) Open(context.Context) ([]uuid.UUID, error) {
	return []uuid.UUID{uuid.New()}, nil
}
func (c *cancelledEvent) Left(_ context.Context, _ uuid.UUID, limit int, now time.Time) (left []booking.Booking, _ error) {
	for _, b := range c.bookings {
		if len(left) < limit && !slices.Contains(c.back, b.ID) && !now.Before(c.trouble[b.ID].Next) {
			left = append(left, b)
		}
	}
	return left, nil
}

func (c *cancelledEvent) Save(_ context.Context, b booking.Booking, _ booking.Effects) error {
	if slices.IndexFunc(c.bookings, func(o booking.Booking) bool { return o.ID == b.ID }) < c.poison {
		return errors.New("poison")
	}
	c.back = append(c.back, b.ID)
	return nil
}

func (c *cancelledEvent) NoteTrouble(_ context.Context, id uuid.UUID, f func(saga.Trouble) saga.Trouble) (saga.Trouble, error) {
	c.trouble[id] = f(c.trouble[id])
	return c.trouble[id], nil
}

func (c *cancelledEvent) EndTrouble(_ context.Context, id uuid.UUID) error {
	delete(c.trouble, id)
	return nil
}

// However many bookings of a cancelled event are poison, and first in the queue, all others are given back.
func TestPoisonBookingsKeepNobodyFromTheirMoney(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		event := &cancelledEvent{poison: 60, trouble: map[uuid.UUID]saga.Trouble{}}
		for range 200 {
			event.bookings = append(event.bookings, booking.Booking{
				ID: uuid.New(), Status: booking.Confirmed, Version: 1, Units: []booking.BookedUnit{{HeldUnit: bookingtest.Unit("A1", 4500)}},
			})
		}
		off := saga.EventCancellation{Cancellations: event, Store: event, Troubles: event, Now: time.Now}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		require.ErrorIs(t, off.Run(ctx), context.DeadlineExceeded)
		assert.Len(t, event.back, 140)
		for _, b := range event.bookings[:60] {
			assert.NotNil(t, event.trouble[b.ID].SetAside, "it waits for an admin")
			assert.Less(t, event.trouble[b.ID].Tries, 20, "and is left alone")
		}
	})
}

// dueBookings are due each time.
type dueBookings []uuid.UUID

func (d dueBookings) Due(context.Context, time.Time, time.Duration, int) ([]uuid.UUID, error) {
	return d, nil
}

// Failures with successes between them are no reason to call anybody, even when the booking stands
// still: its refund is under way.
func TestOnlyFailuresInARowAreTrouble(t *testing.T) {
	s := newFixture(t)
	b := s.confirmed()
	s.refunding(b, booking.ReasonEventCancelled)
	s.bank.RefundStatus = booking.RefundRequested
	event := &cancelledEvent{trouble: map[uuid.UUID]saga.Trouble{}}
	sweeper := saga.Sweeper{Due: dueBookings{b.ID}, Driver: s.driver, Troubles: event, Now: s.driver.Now}
	for range 20 {
		s.bank.Fail = func() error { return errors.New("a moment's trouble") }
		_ = sweeper.Sweep(t.Context())
		require.Equal(t, 1, event.trouble[b.ID].Tries)
		s.bank.Fail = nil
		s.now = s.now.Add(time.Hour)
		require.NoError(t, sweeper.Sweep(t.Context()))
		require.Empty(t, event.trouble)
	}
}
