// Command auth serves browser sessions and accounts.
package main

import (
	"context"
	"net/http"
	"time"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/services/auth"
	"github.com/foyer-tickets/foyer/services/auth/keycloak"
	"github.com/foyer-tickets/foyer/services/auth/rest"
	dapr "github.com/foyer-tickets/foyer/services/auth/sidecar"
)

type config struct {
	Sidecar    sidecar.Config
	Identity   identity.Config
	Keycloak   keycloak.Config
	Web        keycloak.WebConfig
	SessionKey string `secret:"session-key"`
}

// resetQueue bounds the reset mails that wait.
const resetQueue = 100

func main() { process.Main("auth", run) }

func run(ctx context.Context, p *process.Process) error {
	cfg, err := process.Load[config]()
	if err != nil {
		return err
	}
	client, err := sidecar.New(cfg.Sidecar)
	if err != nil {
		return err
	}
	p.OnClose("sidecar", process.Plain(client.Close))
	if err := client.LoadSecrets(ctx, &cfg); err != nil {
		return err
	}
	seal, err := rest.NewSeal(cfg.SessionKey)
	if err != nil {
		return err
	}
	cache, directory, provider := client.Store(event.Cache), keycloak.NewDirectory(cfg.Keycloak, cfg.Web), keycloak.NewProvider(ctx, cfg.Web)
	resets := make(chan string, resetQueue)
	server := rest.Server{
		Keeper:   &auth.Keeper{Sessions: dapr.Sessions{Store: cache}, Provider: provider, Now: time.Now},
		Provider: provider, Directory: directory, Administration: directory,
		Resets: resets, PublicURL: cfg.Web.PublicURL, Seal: seal,
	}
	router, err := httpapi.NewRouter(httpapi.Options{
		Service: p.Name, Spec: rest.Spec, Metrics: p.Metrics, Verifier: identity.NewVerifier(cfg.Identity, sidecar.Keys{Store: cache}),
	})
	if err != nil {
		return err
	}
	rest.HandlerWithOptions(server, rest.GorillaServerOptions{BaseRouter: router, ErrorHandlerFunc: httpapi.BadRequest})
	router.HandleFunc("/gateway/session", server.Gateway).Methods(http.MethodGet)
	server.MountInternal(sidecar.Guarded(router, cfg.Sidecar.AppToken))

	p.Go("reset mails", rest.Resets(directory, resets))
	return p.Serve(ctx, httpapi.Traced(p.Name, router))
}
