package app

import (
	"context"

	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/services/payment"
)

// measuredProvider traces the calls that move money.
type measuredProvider struct{ payment.Provider }

// CaptureIntent implements payment.Provider.
func (p measuredProvider) CaptureIntent(ctx context.Context, intent string) (payment.Intent, error) {
	ctx, span := telemetry.Start(ctx, "payment.capture")
	in, err := p.Provider.CaptureIntent(ctx, intent)
	span.End(err)
	return in, err
}

// CreateRefund implements payment.Provider.
func (p measuredProvider) CreateRefund(ctx context.Context, of payment.Payment, r payment.Refund) (payment.ProviderRefund, error) {
	ctx, span := telemetry.Start(ctx, "payment.refund")
	made, err := p.Provider.CreateRefund(ctx, of, r)
	span.End(err)
	return made, err
}
