// Command booking serves seat maps, holds, bookings and tickets.
package main

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/app"
	"github.com/foyer-tickets/foyer/services/booking/clients"
	"github.com/foyer-tickets/foyer/services/booking/personal"
	"github.com/foyer-tickets/foyer/services/booking/postgres"
	"github.com/foyer-tickets/foyer/services/booking/rest"
	"github.com/foyer-tickets/foyer/services/booking/saga"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
	"github.com/foyer-tickets/foyer/services/booking/ticketpdf"
)

func main() { process.Main("booking", run) }

func run(ctx context.Context, p *process.Process) error {
	cfg, err := process.Load[app.Config]()
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, p, &cfg)
	if err != nil {
		return err
	}
	steps, cache, maps := &rest.Steps{}, a.Client.Store(messages.Cache), rest.NewMaps()
	live := seatmap.NewCache(clients.Catalog{Client: a.Client}, a.Seats, maps, time.Now)
	a.SeatChanges.Local = func(id uuid.UUID, changes []booking.Change) { live.Apply(ctx, id, changes) }
	expiries := &saga.Expiries{Deadlines: a.Store, Holds: a.Seats, Notifier: clients.Notices{Client: a.Client}, Now: time.Now}
	service := &booking.Service{
		Seats: a.Seats, SeatMaps: live, Bookings: a.Store, Announcer: a.SeatChanges, Expiries: expiries, HoldFor: cfg.HoldFor(), Now: time.Now,
	}
	queue := a.HighDemand(service, expiries)
	server := rest.Server{Service: service, Live: live, Reader: a.Store, Steps: steps, Printer: ticketpdf.Printer{}, Key: a.PublicKey, Maps: maps}

	router, err := httpapi.NewRouter(httpapi.Options{
		Service: p.Name, Spec: rest.Spec, Verifier: identity.NewVerifier(cfg.Identity, daprclient.Keys{Store: cache}),
		Idempotency: daprclient.Idempotency{Store: cache},
	})
	if err != nil {
		return err
	}
	rest.Mount(router, server)
	guarded := daprclient.Guarded(router, cfg.Sidecar.AppToken)
	rest.Internal{Server: server, Store: a.Store}.Mount(guarded)
	personaldata.Mount(guarded, personal.Data{Store: a.Store, Seats: a.Client.Store(messages.Seats), Now: time.Now})
	daprclient.Mount(router, cfg.Sidecar.AppToken, append(app.Subscriptions(live, a.Client), queue.Subscription())...)

	p.Go("seat maps", live.Run)
	p.OnClose("hold queue metrics", process.Plain(telemetry.ObserveQueue("hold requests", queue.Waiting)))
	p.Go("hold queue", queue.Run)
	p.Go("expiries", expiries.Run)
	p.OnClose("expiries", expiries.Flush)
	p.Go("steps", func(ctx context.Context) error { return steps.Run(ctx, a.Store.Listen) })
	p.Go("inventories", a.Then(a.Store.AsLeader(postgres.InventoryLock, seatmap.InventoryPublisher{Client: a.Client, Cache: live, Store: a.Store}.Run)))
	return p.Serve(ctx, httpapi.Traced(p.Name, a.Guard(router)))
}
