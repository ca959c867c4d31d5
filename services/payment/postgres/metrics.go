package postgres

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/services/payment"
)

var owingGauge = telemetry.NewGauge("payment.refunds.owing", "{refund}", "Refunds that failed for good and wait for an admin.")

var findings = telemetry.NewCounter("foyer.payment.findings", "{finding}", "Findings of reconciliations, by kind and by what became of them: healed, failed (the remedy did not work) or reported.", "foyer.kind", "foyer.outcome")

// remedied tells what became of a finding.
func remedied(f payment.Finding) string {
	switch {
	case f.Healed:
		return "healed"
	case f.Failure != "":
		return telemetry.Failed
	}
	return "reported"
}

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
