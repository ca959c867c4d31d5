package app

import (
	"context"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/saga"
)

// measuredFence traces the fencing of seats.
type measuredFence struct{ fence saga.Fence }

// Fence implements saga.Fence.
func (f measuredFence) Fence(ctx context.Context, b booking.Booking) error {
	ctx, span := telemetry.Start(ctx, "booking.fence")
	span.Set("foyer.units", len(b.Units))
	err := f.fence.Fence(ctx, b)
	span.End(err)
	return err
}

// Free implements saga.Fence.
func (f measuredFence) Free(ctx context.Context, h booking.Hold, units []string, whole bool) error {
	return f.fence.Free(ctx, h, units, whole)
}

// measuredPayments traces captures and refunds.
type measuredPayments struct{ saga.Payments }

// Capture implements saga.Payments.
func (p measuredPayments) Capture(ctx context.Context, payment uuid.UUID) error {
	ctx, span := telemetry.Start(ctx, "booking.capture")
	err := p.Payments.Capture(ctx, payment)
	span.End(err)
	return err
}

// Refund implements saga.Payments.
func (p measuredPayments) Refund(ctx context.Context, payment uuid.UUID, r booking.Refund, owed bool) (booking.RefundStatus, error) {
	ctx, span := telemetry.Start(ctx, "booking.refund")
	span.Set("foyer.units", len(r.Units))
	status, err := p.Payments.Refund(ctx, payment, r, owed)
	span.End(err)
	return status, err
}

var poolBacklog = telemetry.NewGauge("foyer.booking.pool.size", "{booking}", "Bookings that wait for a worker of this replica.")

// ObservePool measures a worker pool until stop is called.
func ObservePool(pool *saga.WorkerPool) (stop func()) {
	return telemetry.ObserveCount(poolBacklog, func(context.Context) (int, error) { return pool.Backlog(), nil })
}
