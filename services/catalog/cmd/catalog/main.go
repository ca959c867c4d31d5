// Command catalog serves venues and events.
package main

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/internal/retention"
	"github.com/foyer-tickets/foyer/services/catalog/dapr"
	"github.com/foyer-tickets/foyer/services/catalog/postgres"
	"github.com/foyer-tickets/foyer/services/catalog/rest"
)

type config struct {
	Sidecar     daprclient.Config
	Identity    identity.Config
	Retention   retention.Config
	DatabaseURL string `secret:"catalog-database-url"`
	PublicURL   string `env:"FOYER_PUBLIC_URL,required"`
	WebIndex    string `env:"FOYER_WEB_INDEX" envDefault:"web/dist/index.html"`
}

func main() { process.Main("catalog", run) }

func run(ctx context.Context, p *process.Process) error {
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
	finder, err := postgres.OpenSearch(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	p.OnClose("postgres of searches", process.Plain(finder.Close))
	cache, events := client.Store(messages.Cache), postgres.Store{Pool: pool}
	answers := dapr.Cache{Store: cache}

	router, err := httpapi.NewRouter(httpapi.Options{
		Service: p.Name, Spec: rest.Spec, Verifier: identity.NewVerifier(cfg.Identity, daprclient.Keys{Store: cache}),
		Idempotency: daprclient.Idempotency{Store: cache},
	})
	if err != nil {
		return err
	}
	rest.Mount(router, rest.Server{Store: events, Cache: answers, Now: time.Now})
	rest.Pages{Store: events, PublicURL: cfg.PublicURL, App: httpapi.Page{Index: cfg.WebIndex, API: router}}.Mount(router)
	guarded := daprclient.Guarded(router, cfg.Sidecar.AppToken)
	rest.Internal{Sales: events, Index: events, Finder: finder, Cache: answers}.Mount(guarded)
	personaldata.Mount(guarded, postgres.Personal{Store: events, Now: time.Now})
	daprclient.Mount(router, cfg.Sidecar.AppToken, dapr.Subscriptions(events.SetAvailability)...)

	p.Check("postgres", pool.Ping)
	p.Go("relay", dapr.Changes(cfg.DatabaseURL, client, events.EventsOf).Run)
	p.Go("retention", retention.Janitor{Pool: pool, Rules: cfg.Retention.Catalog()}.Run)
	return p.Serve(ctx, httpapi.Traced(p.Name, router))
}
