// Command waitingroom keeps the lines before sales in high demand.
package main

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/services/waitingroom/rest"
	"github.com/foyer-tickets/foyer/services/waitingroom/sidecar"
)

type config struct {
	Sidecar  daprclient.Config
	Identity identity.Config
}

func main() { process.Main("waitingroom", run) }

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
	house, err := sidecar.Open(ctx, client, time.Now)
	if err != nil {
		return err
	}
	p.OnClose("rooms", house.Close)
	hub := rest.NewHub(p.Metrics)
	p.OnDrain(hub.Close)
	house.Show = hub.Show

	router, err := httpapi.NewRouter(httpapi.Options{
		Service: p.Name, Spec: rest.Spec, Verifier: identity.NewVerifier(cfg.Identity, daprclient.Keys{Store: house.Cache}), Metrics: p.Metrics,
	})
	if err != nil {
		return err
	}
	rest.HandlerWithOptions(rest.Server{Service: house.Service, Hub: hub}, rest.GorillaServerOptions{
		BaseRouter: router, ErrorHandlerFunc: httpapi.BadRequest,
	})
	guarded := daprclient.Guarded(router, cfg.Sidecar.AppToken)
	house.Actors.Mount(guarded, cfg.Sidecar.AppToken)
	personaldata.Mount(guarded, house.Personal())
	daprclient.Mount(router, cfg.Sidecar.AppToken, house.Subscriptions()...)

	p.Go("streams", hub.Run)
	p.Go("watch", house.Watch)
	return p.Serve(ctx, httpapi.Traced(p.Name, router))
}
