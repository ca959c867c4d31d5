package saga

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/booking"
)

// Cancellation is the progress of refunding the bookings of a cancelled event.
type Cancellation struct {
	Event      uuid.UUID
	Total      int
	Done       int
	StartedAt  time.Time
	FinishedAt *time.Time
}

// Cancellations stores that progress.
type Cancellations interface {
	// Begin stores a cancelled event and how many bookings have to be refunded. A repetition changes nothing.
	Begin(ctx context.Context, event uuid.UUID, now time.Time) error
	// Open lists events whose cancellation is not finished.
	Open(ctx context.Context) ([]uuid.UUID, error)
	// Left gives up to limit bookings of the event that are not refunded or cancelled, and stores the progress.
	// Those in trouble are left out until their next try.
	Left(ctx context.Context, event uuid.UUID, limit int, now time.Time) ([]booking.Booking, error)
	// Live tells whether the event has a booking that is not over.
	Live(ctx context.Context, event uuid.UUID) (bool, error)
}

// SaleReader reads what is on sale.
type SaleReader interface {
	Sale(ctx context.Context, event uuid.UUID) (*booking.Sale, error)
}

// EventCancellation refunds or cancels the bookings of cancelled events. It may be interrupted at any time: it
// goes on with the bookings that are left.
type EventCancellation struct {
	Cancellations Cancellations
	Store         Store
	Troubles      Troubles
	Sales         SaleReader
	Now           func() time.Time
}

// EventChanged begins a cancellation if the event is cancelled.
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

// Run processes cancellations until ctx ends.
func (c EventCancellation) Run(ctx context.Context) error {
	return every(ctx, cancelEvery, "cancellation", c.step)
}

// step processes a batch of each cancelled event. An error of one booking or event does not block the others.
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
			if err := c.undo(ctx, b); err != nil && !errors.Is(err, booking.ErrStale) {
				errs = append(errs, noteTrouble(ctx, c.Troubles, b.ID, err, c.Now()))
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return errors.Join(errs...)
}

// undo refunds or cancels one booking. One that is between two statuses is left for the next step.
func (c EventCancellation) undo(ctx context.Context, b booking.Booking) error {
	now := c.Now()
	switch {
	case b.Status == booking.Confirmed:
		// Made of the booking and its version: a repetition is the same refund.
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
