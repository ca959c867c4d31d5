package saga_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/bookingtest"
	"github.com/foyer-tickets/foyer/services/booking/saga"
)

// slowBank takes its time with one booking.
type slowBank struct {
	saga.Payments

	slow    uuid.UUID
	release chan struct{}
}

func (b slowBank) Intend(ctx context.Context, k booking.Booking) (booking.Payment, error) {
	if k.ID == b.slow {
		select {
		case <-b.release:
		case <-ctx.Done():
			return booking.Payment{}, ctx.Err()
		}
	}
	return b.Payments.Intend(ctx, k)
}

func TestOneBookingWaitsForNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFixture(t)
		first := s.requested()
		bank := slowBank{Payments: s.bank, slow: first.ID, release: make(chan struct{})}
		s.driver.Payments = bank
		pool := saga.NewWorkerPool(s.driver)
		ctx, leave := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { gone <- pool.Run(ctx) }()

		require.NoError(t, pool.Drive(ctx, first.ID))
		second := booking.New(uuid.New(), booking.Hold{
			ID: uuid.New(), Event: bookingtest.Sale().Event, Account: "other", Until: s.now.Add(5 * time.Minute), Units: []booking.HeldUnit{bookingtest.Unit("B1", 4500)},
		}, bookingtest.Sale(), s.now)
		_, _, err := s.store.Create(ctx, second)
		require.NoError(t, err)
		require.NoError(t, pool.Drive(ctx, second.ID))
		synctest.Wait()
		s.expect(second, booking.AwaitingPayment)
		s.expect(first, booking.Requested)

		leave() // what is in hand is finished
		synctest.Wait()
		close(bank.release)
		require.ErrorIs(t, <-gone, context.Canceled)
		s.expect(first, booking.AwaitingPayment)
	})
}

func TestAFullPoolMakesTheBrokerWait(t *testing.T) {
	pool := saga.NewWorkerPool(newFixture(t).driver) // nobody works
	for range 256 {
		require.NoError(t, pool.Drive(t.Context(), uuid.New()))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, pool.Drive(ctx, uuid.New()), context.Canceled)
}

func TestThePoolTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFixture(t)
		b, failures := s.requested(), 0
		s.bank.Fail = func() error {
			if failures++; failures < 4 {
				return errCrash
			}
			return nil
		}
		pool := saga.NewWorkerPool(s.driver)
		ctx, leave := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { gone <- pool.Run(ctx) }()
		require.NoError(t, pool.Drive(ctx, b.ID))
		time.Sleep(2 * time.Second) // of the bubble's clock
		s.expect(b, booking.AwaitingPayment)
		leave()
		require.ErrorIs(t, <-gone, context.Canceled)
	})
}
