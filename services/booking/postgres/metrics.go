package postgres

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/services/booking"
)

var setAside = telemetry.NewGauge("booking.set_aside", "{booking}", "Bookings that could not be driven to their end and wait for an admin.")

// The outcomes of bookings and refunds, counted when they are stored.
var (
	bookings = telemetry.NewCounter("foyer.booking.bookings", "{booking}", "Bookings that reached an outcome: confirmed, failed, expired, cancelled or refunded.", "foyer.status")
	refunds  = telemetry.NewCounter("foyer.booking.refunds", "{refund}", "Refunds that were requested, and what became of them: succeeded, retrying or failed.", "foyer.status")
)

// count counts a step that was stored.
func count(ctx context.Context, b booking.Booking, e booking.Effects) {
	if b.Status.Outcome() && !e.Quiet && (e.Closed == nil || b.Status == booking.Refunded) {
		bookings.Add(ctx, 1, string(b.Status))
	}
	if e.Opened != nil {
		refunds.Add(ctx, 1, string(e.Opened.Status))
	}
	if e.Closed != nil && e.Closed.Status != booking.RefundRequested {
		refunds.Add(ctx, 1, string(e.Closed.Status))
	}
}

// Observe measures what waits in the database until stop is called.
func (s Store) Observe() (stop func()) {
	stops := []func(){
		telemetry.ObserveCount(setAside, s.CountSetAside),
		telemetry.ObserveQueue("bookings", func(ctx context.Context) (int, time.Duration, error) {
			return database.Due(ctx, s.Pool, "bookings", "next_look")
		}),
		telemetry.ObserveQueue("expired holds", func(ctx context.Context) (int, time.Duration, error) {
			return database.Due(ctx, s.Pool, "hold_deadlines", "due")
		}),
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}
