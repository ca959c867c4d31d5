package saga

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

// Cancellation is a cancelled event's progress in giving everybody their money back.
type Cancellation struct {
	Event      uuid.UUID
	Total      int
	Done       int
	StartedAt  time.Time
	FinishedAt *time.Time
}

// Cancellations keeps that progress.
type Cancellations interface {
	// Begin notes a cancelled event with as many bookings as it has to give back. Again: nothing.
	Begin(ctx context.Context, event uuid.UUID, now time.Time) error
	// Open lists events whose cancellation is not done.
	Open(ctx context.Context) ([]uuid.UUID, error)
	// Left gives bookings of the event that still have something, up to limit, and notes the
	// progress. Those in trouble are left out until they are to be tried again.
	Left(ctx context.Context, event uuid.UUID, limit int, now time.Time) ([]booking.Booking, error)
	// Live tells whether the event has any booking that gives a right to anything.
	Live(ctx context.Context, event uuid.UUID) (bool, error)
}

// EventCancellation gives back what was sold of a cancelled event. It can stop anywhere and go on: what is
// left is whatever bookings are left.
type EventCancellation struct {
	Cancellations Cancellations
	Store         Store
	Troubles      Troubles
	Sales         seatmap.SaleReader
	Now           func() time.Time
}

// EventChanged looks whether an event was cancelled.
func (c EventCancellation) EventChanged(ctx context.Context, event uuid.UUID) error {
	live, err := c.Cancellations.Live(ctx, event)
	if err != nil || !live {
		return err
	}
	sale, err := c.Sales.Sale(ctx, event)
	if errors.Is(err, booking.ErrEventNotFound) {
		return nil
	}
	if err != nil || sale.Status != booking.EventCancelled {
		return err
	}
	return c.Cancellations.Begin(ctx, event, c.Now())
}

const (
	cancelEvery = time.Second
	cancelBatch = 50
)

// Run works off cancellations until ctx ends.
func (c EventCancellation) Run(ctx context.Context) error {
	return every(ctx, cancelEvery, "cancellation", c.step)
}

// step goes through the cancelled events. What fails of one booking, or of one event, keeps no other
// from being given back.
func (c EventCancellation) step(ctx context.Context) error {
	open, err := c.Cancellations.Open(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, event := range open {
		left, err := c.Cancellations.Left(ctx, event, cancelBatch, c.Now())
		errs = append(errs, err)
		for _, b := range left {
			if err := c.giveBack(ctx, b); err != nil && !errors.Is(err, booking.ErrStale) {
				errs = append(errs, noteTrouble(ctx, c.Troubles, b.ID, err, c.Now()))
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return errors.Join(errs...)
}

// giveBack refunds or cancels one booking. One that is on its way somewhere is left for the next round.
func (c EventCancellation) giveBack(ctx context.Context, b booking.Booking) error {
	now := c.Now()
	switch {
	case b.Status == booking.Confirmed:
		// Made of the booking and its version, so that a repetition is the same refund.
		id := uuid.NewSHA1(b.ID, fmt.Append(nil, booking.ReasonEventCancelled, b.Version))
		next, r, err := b.Refund(id, nil, booking.ReasonEventCancelled, booking.ByMerchant, now)
		if err != nil {
			return err
		}
		return c.Store.Save(ctx, next, booking.Effects{Opened: &r, Drive: true})
	case (b.Status == booking.Requested || b.Status == booking.AwaitingPayment) && !b.Authorized:
		next, err := b.Cancel(booking.ReasonEventCancelled, now)
		if err != nil {
			return err
		}
		return c.Store.Save(ctx, next, booking.Effects{Drive: true})
	}
	return nil
}
