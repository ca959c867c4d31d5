// Package app runs the payment service: its configuration and the wiring of domain and adapters.
package app

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/cdc"
	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/internal/retention"
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

// Run runs the service until ctx ends.
func Run(ctx context.Context, p *process.Process) error {
	cfg, err := process.Load[config]()
	if err != nil {
		return err
	}
	client, err := daprclient.New(cfg.Sidecar)
	if err != nil {
		return err
	}
	p.OnClose("sidecar", process.Plain(client.Close))
	if err := client.LoadSecrets(ctx, &cfg); err != nil {
		return err
	}
	pool, err := database.Open(ctx, cfg.DatabaseURL, postgres.Migrations())
	if err != nil {
		return err
	}
	p.OnClose("postgres", process.Plain(pool.Close))
	router, err := httpapi.NewRouter(httpapi.Options{
		Service: p.Name, Spec: rest.Spec, Verifier: identity.NewVerifier(cfg.Identity, daprclient.Keys{Store: client.Store(messages.Cache)}),
	})
	if err != nil {
		return err
	}
	store := postgres.Store{Pool: pool, Now: time.Now}
	p.OnClose("metrics", process.Plain(store.Observe()))
	parts := assemble(cfg, store, client)
	parts.poller.Failed = func(ctx context.Context) { looksFailed.Add(ctx, 1) }
	parts.job.Background = func(task func(context.Context)) {
		p.Go("scheduled reconciliation", func(ctx context.Context) error {
			task(ctx)
			return nil
		})
	}
	rest.Mount(router, parts.server)
	guarded := daprclient.Guarded(router, cfg.Sidecar.AppToken)
	parts.internal.Mount(guarded)
	parts.job.Mount(guarded)
	personaldata.Mount(guarded, store)

	p.Check("postgres", pool.Ping)
	p.Go("relay", cdc.Outbox(cfg.DatabaseURL, client).Run)
	p.Go("retention", retention.Janitor{Pool: pool, Rules: cfg.Retention.Payment()}.Run)
	p.Go("poller", parts.poller.Run)
	p.Go("schedule", parts.job.Run)
	return p.Serve(ctx, httpapi.Traced(p.Name, router))
}
