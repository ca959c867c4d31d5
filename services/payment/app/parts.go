package app

import (
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/services/payment"
	"github.com/foyer-tickets/foyer/services/payment/dapr"
	"github.com/foyer-tickets/foyer/services/payment/postgres"
	"github.com/foyer-tickets/foyer/services/payment/rest"
	"github.com/foyer-tickets/foyer/services/payment/stripe"
)

// parts are what the process runs and serves, connected to domain and adapters.
type parts struct {
	server   rest.Server
	internal rest.Internal
	poller   payment.Poller
	job      dapr.ReconciliationJob
}

func assemble(cfg config, store postgres.Store, client *daprclient.Client) parts {
	provider := stripe.New(cfg.Stripe)
	service := payment.Service{Store: store, Provider: measuredProvider{provider}, Reader: provider, Now: time.Now}
	poller := payment.Poller{Due: store, Service: service, Reader: provider}
	reconciler := payment.Reconciler{
		Statement: provider, Bookings: dapr.BookingClient{Client: client}, Store: store, Poller: poller, Now: time.Now,
	}
	shown := rest.PaymentProvider{Provider: rest.Stripe, PublishableKey: cfg.Stripe.PublishableKey}
	if cfg.FormURL != "" {
		shown.Provider, shown.FormUrl = rest.Simulator, &cfg.FormURL
	}
	return parts{
		server: rest.Server{
			Verify: func(body []byte, signature string) (payment.Webhook, error) {
				return stripe.Verify(body, signature, cfg.Stripe.WebhookSecret)
			},
			Webhooks:   payment.WebhookHandler{Inbox: store, Store: store, Reader: provider, Live: cfg.Stripe.Live(), Now: time.Now, Flights: &singleflight.Group{}},
			Reconciler: reconciler, Reports: store, Refunds: store, Service: service, Provider: shown, Now: time.Now,
		},
		internal: rest.Internal{Service: service, PublishableKey: cfg.Stripe.PublishableKey},
		poller:   poller,
		job:      dapr.ReconciliationJob{Client: client, Reconciler: reconciler, Schedule: cfg.Schedule},
	}
}
