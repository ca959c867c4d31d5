package rest

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/services/booking"
)

var holds = telemetry.NewCounter("foyer.booking.holds", "{hold}", "Holds that were asked for, by what came of it. Pending ones are decided later.", "foyer.outcome", "error.type")

// pendingOutcome is that of a hold that waits in the hold queue when its caller is answered.
const pendingOutcome = "pending"

// hold has the service hold units, and measures it.
func (s Server) hold(ctx context.Context, account identity.Account, event uuid.UUID, request booking.HoldRequest) (booking.Hold, error) {
	ctx, span := telemetry.Start(ctx, "booking.hold")
	h, err := s.Service.Hold(ctx, account, event, request)
	if errors.Is(err, booking.ErrStillWaiting) {
		span.End(nil)
		holds.Add(ctx, 1, pendingOutcome, "")
		return h, err
	}
	span.End(err)
	outcome, errorType := telemetry.Outcome(err)
	holds.Add(ctx, 1, outcome, errorType)
	return h, err
}
