// Command highdemand-consumer decides the hold requests of high-demand events in the order in which they came, and
// drives the bookings made of them, so that neither waits for other traffic.
package main

import (
	"context"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/services/booking/app"
	"github.com/foyer-tickets/foyer/services/booking/saga"
)

func main() { process.Main("highdemand-consumer", run) }

func run(ctx context.Context, p *process.Process) error {
	cfg, err := process.Load[app.Config]()
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, p, &cfg)
	if err != nil {
		return err
	}

	router, err := httpapi.NewRouter(httpapi.Options{Service: p.Name})
	if err != nil {
		return err
	}
	pool := saga.NewWorkerPool(a.Driver())
	daprclient.Mount(router, cfg.Sidecar.AppToken, app.HighDemandSubscriptions(a.Seats, pool, a.Client, a.SeatChanges.Announce)...)
	p.OnClose("worker metrics", process.Plain(app.ObservePool(pool)))
	p.Go("workers", a.Then(pool.Run))
	return p.Serve(ctx, httpapi.Traced(p.Name, a.Guard(router)))
}
