// Package app runs the waiting room's service: its configuration, the wiring of domain and
// adapters, and the topics it reads.
package app

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/services/waitingroom/rest"
)

type config struct {
	Sidecar  daprclient.Config
	Identity identity.Config
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
	key, err := signingKey(ctx, client)
	if err != nil {
		return err
	}
	parts, err := assemble(client, key, time.Now)
	if err != nil {
		return err
	}
	p.OnClose("rooms", parts.Close)
	p.OnClose("metrics", process.Plain(parts.ticks.Observe()))
	hub := rest.NewHub()
	p.OnDrain(hub.Close)
	parts.Show = hub.Show

	router, err := httpapi.NewRouter(httpapi.Options{
		Service: p.Name, Spec: rest.Spec, Verifier: identity.NewVerifier(cfg.Identity, daprclient.Keys{Store: parts.Cache}),
	})
	if err != nil {
		return err
	}
	rest.Mount(router, rest.Server{Service: parts.Service, Hub: hub})
	guarded := daprclient.Guarded(router, cfg.Sidecar.AppToken)
	parts.Host.Mount(guarded, cfg.Sidecar.AppToken)
	personaldata.Mount(guarded, parts.Personal())
	daprclient.Mount(router, cfg.Sidecar.AppToken, parts.Subscriptions()...)

	p.Go("streams", hub.Run)
	p.Go("watch", parts.Watch)
	return p.Serve(ctx, httpapi.Traced(p.Name, router))
}
