package postgres

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/telemetry"
)

// Observe measures what waits in the database until stop is called.
func (s Store) Observe() (stop func()) {
	stopMails := telemetry.ObserveQueue("mails", func(ctx context.Context) (int, time.Duration, error) {
		return database.Due(ctx, s.Pool, "mails", "next_try")
	})
	stopDeletionMails := telemetry.ObserveQueue("farewells", func(ctx context.Context) (int, time.Duration, error) {
		return database.Due(ctx, s.Pool, "farewells", "next_try")
	})
	return func() {
		stopMails()
		stopDeletionMails()
	}
}
