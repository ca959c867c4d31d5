package rest

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/telemetry"
)

var passes = telemetry.NewCounter("foyer.waitingroom.passes", "{pass}", "Admission passes that were asked for, by outcome.", "foyer.outcome", "error.type")

// admit has the service exchange a place for a pass, and measures it.
func (s Server) admit(ctx context.Context, account identity.Account, event uuid.UUID, place string) (pass string, until time.Time, err error) {
	ctx, span := telemetry.Start(ctx, "waitingroom.admission")
	pass, until, err = s.Service.Admit(ctx, account, event, place)
	span.End(err)
	outcome, errorType := telemetry.Outcome(err)
	passes.Add(ctx, 1, outcome, errorType)
	return pass, until, err
}
