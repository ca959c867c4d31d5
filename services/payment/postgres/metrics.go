package postgres

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/telemetry"
)

var owingGauge = telemetry.NewGauge("payment.refunds.owing", "{refund}", "Refunds that failed for good and wait for an admin.")

// Observe measures what waits in the database until stop is called.
func (s Store) Observe() (stop func()) {
	stopOwing := telemetry.ObserveCount(owingGauge, s.CountOwing)
	stopDue := telemetry.ObserveQueue("payments", func(ctx context.Context) (int, time.Duration, error) {
		return database.Due(ctx, s.Pool, "payments", "next_look")
	})
	return func() {
		stopOwing()
		stopDue()
	}
}
