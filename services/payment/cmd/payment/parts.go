package main

import (
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/retention"
	"github.com/foyer-tickets/foyer/services/payment"
	"github.com/foyer-tickets/foyer/services/payment/dapr"
	"github.com/foyer-tickets/foyer/services/payment/postgres"
	"github.com/foyer-tickets/foyer/services/payment/rest"
	"github.com/foyer-tickets/foyer/services/payment/stripe"
)

type config struct {
	Sidecar     daprclient.Config
	Identity    identity.Config
	Stripe      stripe.Config
	Retention   retention.Config
	DatabaseURL string `secret:"payment-database-url"`
	FormURL     string `env:"FOYER_STRIPESIM_FORM_URL"` // set where the provider is the simulator
	Schedule    string `env:"FOYER_RECONCILIATION_SCHEDULE" envDefault:"@daily"`
}

// parts are the use cases, each with what it needs.
type parts struct {
	server   rest.Server
	internal rest.Internal
	poller   payment.Poller
	job      dapr.Job
}

func assemble(cfg config, books postgres.Store, client *daprclient.Client) parts {
	provider := stripe.New(cfg.Stripe)
	service := payment.Service{Store: books, Provider: provider, Reader: provider, Now: time.Now}
	poller := payment.Poller{Due: books, Service: service, Reader: provider}
	reconciler := payment.Reconciler{
		Statement: provider, Bookings: dapr.Bookings{Client: client}, Ledger: books, Poller: poller, Now: time.Now,
	}
	shown := rest.PaymentProvider{Provider: rest.Stripe, PublishableKey: cfg.Stripe.PublishableKey}
	if cfg.FormURL != "" {
		shown.Provider, shown.FormUrl = rest.Simulator, &cfg.FormURL
	}
	return parts{
		server: rest.Server{
			Verify: func(body []byte, signature string) (payment.Message, error) {
				return stripe.Verify(body, signature, cfg.Stripe.WebhookSecret)
			},
			Webhooks:   payment.WebhookHandler{Inbox: books, Store: books, Reader: provider, Live: cfg.Stripe.Live(), Now: time.Now, Flights: &singleflight.Group{}},
			Reconciler: reconciler, Reports: books, Refunds: books, Service: service, Provider: shown, Now: time.Now,
		},
		internal: rest.Internal{Service: service, PublishableKey: cfg.Stripe.PublishableKey},
		poller:   poller,
		job:      dapr.Job{Client: client, Reconciler: reconciler, Schedule: cfg.Schedule},
	}
}
