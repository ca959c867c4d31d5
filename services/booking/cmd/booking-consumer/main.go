// Command booking-consumer runs the saga of bookings: it drives those that messages ask for, resumes interrupted
// ones, processes cancelled events, and publishes the outbox.
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
	a, err := app.Open(ctx, p, &cfg)
	if err != nil {
		return err
	}
	driver := a.Driver()
	pool := saga.NewWorkerPool(driver)
	cancellations := saga.EventCancellation{Cancellations: a.Store, Store: a.Store, Troubles: a.Store, Sales: clients.Catalog{Client: a.Client}, Now: time.Now}

	router, err := httpapi.NewRouter(httpapi.Options{Service: p.Name})
	if err != nil {
		return err
	}
	daprclient.Mount(router, cfg.Sidecar.AppToken, app.ConsumerSubscriptions(pool, cancellations.EventChanged)...)

	p.OnClose("metrics", process.Plain(a.Store.Observe()))
	p.Go("retention", a.Then(retention.Janitor{Pool: a.Pool, Rules: cfg.Retention.Booking()}.Run))
	p.Go("relay", a.Then(cdc.Outbox(cfg.DatabaseURL, a.Client).Run))
	p.OnClose("worker metrics", process.Plain(app.ObservePool(pool)))
	p.Go("workers", a.Then(pool.Run))
	p.Go("sweeper", a.Then(saga.Sweeper{Due: a.Store, Driver: driver, Troubles: a.Store, Now: time.Now}.Run))
	p.Go("event cancellations", a.Then(a.Store.AsLeader(postgres.CancellationLock, cancellations.Run)))
	return p.Serve(ctx, httpapi.Traced(p.Name, a.Guard(router)))
}
