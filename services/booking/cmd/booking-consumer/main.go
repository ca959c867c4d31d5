// Command booking-consumer drives bookings to their end: it takes requests and news of payments
// from the queue, resumes what was interrupted, and carries the outbox to its topics.
package main

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/cdc"
	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/internal/retention"
	"github.com/foyer-tickets/foyer/services/booking/app"
	"github.com/foyer-tickets/foyer/services/booking/clients"
	"github.com/foyer-tickets/foyer/services/booking/postgres"
	"github.com/foyer-tickets/foyer/services/booking/saga"
)

func main() { process.Main("booking-consumer", run) }

func run(ctx context.Context, p *process.Process) error {
	cfg, err := process.Load[app.Config]()
	if err != nil {
		return err
	}
	b, err := app.Open(ctx, p, &cfg)
	if err != nil {
		return err
	}
	driver := b.Driver()
	pool := saga.NewWorkerPool(driver)
	calloff := saga.EventCancellation{Cancellations: b.Store, Store: b.Store, Troubles: b.Store, Sales: clients.Catalog{Client: b.Client}, Now: time.Now}

	router, err := httpapi.NewRouter(httpapi.Options{Service: p.Name})
	if err != nil {
		return err
	}
	daprclient.Mount(router, cfg.Sidecar.AppToken, app.ConsumerSubscriptions(pool, calloff.EventChanged)...)

	p.OnClose("metrics", process.Plain(b.Store.Observe()))
	p.Go("retention", b.Then(retention.Janitor{Pool: b.Pool, Rules: cfg.Retention.Booking()}.Run))
	p.Go("relay", b.Then(cdc.Outbox(cfg.DatabaseURL, b.Client).Run))
	p.Go("workers", b.Then(pool.Run))
	p.Go("sweeper", b.Then(saga.Sweeper{Due: b.Store, Driver: driver, Troubles: b.Store, Now: time.Now}.Run))
	p.Go("event cancellations", b.Then(b.Store.Alone(postgres.CancellationLock, calloff.Run)))
	return p.Serve(ctx, httpapi.Traced(p.Name, b.Guard(router)))
}
