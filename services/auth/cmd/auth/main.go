// Command auth serves browser sessions and accounts.
package main

import (
	"context"
	"net/http"
	"time"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/internal/retention"
	"github.com/foyer-tickets/foyer/services/auth"
	"github.com/foyer-tickets/foyer/services/auth/dapr"
	"github.com/foyer-tickets/foyer/services/auth/keycloak"
	"github.com/foyer-tickets/foyer/services/auth/postgres"
	"github.com/foyer-tickets/foyer/services/auth/rest"
)

type config struct {
	Sidecar     daprclient.Config
	Identity    identity.Config
	Keycloak    keycloak.Config
	Web         keycloak.WebConfig
	Retention   retention.Config
	DatabaseURL string `secret:"auth-database-url"`
	SessionKey  string `secret:"session-key"`
	MailsPerIP  int    `env:"FOYER_MAILS_PER_IP" envDefault:"30"` // an hour; 0: no limit

	// From the first erasure of a deleted account to the second: longer than a request, a message or a
	// token that was under way can still bring something in.
	DeletionSettle time.Duration `env:"FOYER_DELETION_SETTLE" envDefault:"20m"`
}

func main() { process.Main("auth", run) }

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
	sealer, err := auth.NewSealer(cfg.SessionKey)
	if err != nil {
		return err
	}
	seal, err := sealer.AEAD(rest.SealPurpose)
	if err != nil {
		return err
	}
	forms, err := sealer.AEAD(auth.SealJobs)
	if err != nil {
		return err
	}
	mac, err := sealer.Mac("foyer counts")
	if err != nil {
		return err
	}
	pool, err := database.Open(ctx, cfg.DatabaseURL, postgres.Migrations())
	if err != nil {
		return err
	}
	p.OnClose("postgres", process.Plain(pool.Close))
	records, cache := postgres.Store{Pool: pool, Key: mac}, client.Store(messages.Cache)
	shared, directory, provider := daprclient.Keys{Store: cache}, keycloak.NewDirectory(cfg.Keycloak), keycloak.NewProvider(ctx, cfg.Web)
	verifier := identity.NewVerifier(cfg.Identity, shared)
	revoker := &auth.GroupRevoker{Write: shared.Revoke, Wrote: verifier.Reread, Now: time.Now}
	confirmations := dapr.Confirmations{Store: cache}
	ender := auth.Ender{Directory: directory, Revoker: revoker, Now: time.Now}
	accounts := &auth.Accounts{
		Directory: directory, Store: records, Audit: records, Notifier: dapr.Notifier{Client: client, Now: time.Now},
		Ender: ender, Confirmed: confirmations, Seal: forms, PublicURL: cfg.Web.PublicURL, PerIP: cfg.MailsPerIP, Now: time.Now,
	}
	deleter := &auth.Deleter{
		Deletions: directory, Sessions: ender, DeletionMails: dapr.DeletionMails{Client: client}, Lease: dapr.Lease{Store: cache}, Audit: records,
		Holders: dapr.Holders(client), Settle: cfg.DeletionSettle, Now: time.Now,
	}
	server := rest.Server{
		Sessions: &auth.SessionManager{
			Sessions: dapr.Sessions{Store: cache}, Provider: provider, Sealer: sealer,
			Verify: verifier.Verify, Revoker: revoker, Confirmations: confirmations, Now: time.Now,
		},
		Provider: provider, Directory: directory, Accounts: accounts, Audit: records, SignIns: directory, Deleter: deleter, Exports: &auth.Exports{}, PublicURL: cfg.Web.PublicURL, Seal: seal,
	}
	router, err := httpapi.NewRouter(httpapi.Options{
		Service: p.Name, Spec: rest.Spec, Verifier: verifier,
	})
	if err != nil {
		return err
	}
	rest.Mount(router, server)
	router.HandleFunc("/gateway/session", httpapi.Handle(server.Gateway)).Methods(http.MethodGet)
	server.MountInternal(daprclient.Guarded(router, cfg.Sidecar.AppToken))

	p.Check("postgres", pool.Ping)
	p.Go("account jobs", accounts.Run)
	p.Go("events", auth.EventReader{Events: directory, Log: records, Now: time.Now}.Run)
	p.Go("sessions to end", auth.SessionCloser{Queue: records, Ender: ender, Now: time.Now}.Run)
	p.Go("retention", retention.Janitor{Pool: pool, Rules: cfg.Retention.Auth()}.Run)
	p.Go("deletions", deleter.Run)
	return p.Serve(ctx, httpapi.Traced(p.Name, router))
}
