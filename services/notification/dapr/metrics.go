package dapr

import (
	"context"

	"github.com/foyer-tickets/foyer/internal/telemetry"
)

var givenUp = telemetry.NewCounter("notification.mails.given_up", "{mail}", "Mails that were tried for the last time and not sent.")

// CountGivenUp counts a mail that was tried for the last time.
func CountGivenUp(ctx context.Context) { givenUp.Add(ctx, 1) }
