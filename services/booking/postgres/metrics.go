package postgres

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/telemetry"
)

var setAside = telemetry.NewGauge("booking.set_aside", "{booking}", "Bookings that could not be driven to their end and wait for an admin.")

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
