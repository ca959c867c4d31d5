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
	b, err := app.Open(ctx, p, &cfg)
	if err != nil {
		return err
	}
	steps, cache, maps := &rest.Steps{}, b.Client.Store(messages.Cache), rest.NewMaps()
	live := seatmap.NewCache(clients.Catalog{Client: b.Client}, b.Seats, maps, time.Now)
	b.SeatChanges.Local = func(id uuid.UUID, changes []booking.Change) { live.Apply(ctx, id, changes) }
	expiries := &saga.Expiries{Deadlines: b.Store, Holds: b.Seats, Notifier: clients.Notices{Client: b.Client}, Now: time.Now}
	office := &booking.Service{
		Seats: b.Seats, SeatMaps: live, Bookings: b.Store, Announcer: b.SeatChanges, Expiries: expiries, HoldFor: cfg.HoldFor(), Now: time.Now,
	}
	line := b.HighDemand(office, expiries)
	server := rest.Server{Service: office, Live: live, Reader: b.Store, Steps: steps, Printer: ticketpdf.Printer{}, Key: b.PublicKey, Maps: maps}

	router, err := httpapi.NewRouter(httpapi.Options{
		Service: p.Name, Spec: rest.Spec, Verifier: identity.NewVerifier(cfg.Identity, daprclient.Keys{Store: cache}),
		Idempotency: daprclient.Idempotency{Store: cache},
	})
	if err != nil {
		return err
	}
	rest.Mount(router, server)
	guarded := daprclient.Guarded(router, cfg.Sidecar.AppToken)
	rest.Internal{Server: server, Store: b.Store}.Mount(guarded)
	personaldata.Mount(guarded, personal.Personal{Store: b.Store, Seats: b.Client.Store(messages.Seats), Now: time.Now})
	daprclient.Mount(router, cfg.Sidecar.AppToken, append(app.Subscriptions(live, b.Client), line.Subscription())...)

	p.Go("seat maps", live.Run)
	p.Go("hold queue", line.Run)
	p.Go("expiries", expiries.Run)
	p.OnClose("expiries", expiries.Flush)
	p.Go("steps", func(ctx context.Context) error { return steps.Run(ctx, b.Store.Listen) })
	p.Go("inventories", b.Then(b.Store.Alone(postgres.InventoryLock, seatmap.InventoryPublisher{Client: b.Client, Cache: live, Store: b.Store}.Run)))
	return p.Serve(ctx, httpapi.Traced(p.Name, b.Guard(router)))
}
