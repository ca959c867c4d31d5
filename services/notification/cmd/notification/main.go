// Command notification serves in-app messages and sends mail.
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
	"github.com/foyer-tickets/foyer/services/notification"
	"github.com/foyer-tickets/foyer/services/notification/dapr"
	"github.com/foyer-tickets/foyer/services/notification/postgres"
	"github.com/foyer-tickets/foyer/services/notification/rest"
)

type config struct {
	Sidecar     daprclient.Config
	Identity    identity.Config
	Retention   retention.Config
	DatabaseURL string `secret:"notification-database-url"`
	PublicURL   string `env:"FOYER_PUBLIC_URL,required"`
	MailFrom    string `env:"FOYER_MAIL_FROM" envDefault:"Foyer <tickets@foyer.test>"`
}

func main() { process.Main("notification", run) }

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
	composer, err := notification.NewComposer(cfg.PublicURL)
	if err != nil {
		return err
	}
	stored, adapter, hub := postgres.Store{Pool: pool}, dapr.NewAdapter(client, cfg.MailFrom), rest.NewHub()

	router, err := httpapi.NewRouter(httpapi.Options{
		Service: p.Name, Spec: rest.Spec, Verifier: identity.NewVerifier(cfg.Identity, daprclient.Keys{Store: client.Store(messages.Cache)}),
	})
	if err != nil {
		return err
	}
	rest.Mount(router, rest.Server{Store: stored, Hub: hub})
	inbox := notification.Inbox{Store: stored, Announcer: adapter}
	guarded := daprclient.Guarded(router, cfg.Sidecar.AppToken)
	deletionMails := notification.DeletionMails{Store: stored, Composer: composer, Sender: adapter, Now: time.Now, GivenUp: dapr.CountGivenUp}
	rest.Internal{DeletionMails: deletionMails}.Mount(guarded)
	personaldata.Mount(guarded, stored)
	daprclient.Mount(router, cfg.Sidecar.AppToken, dapr.Subscriptions(inbox, hub.Show)...)

	p.OnClose("metrics", process.Plain(stored.Observe()))
	p.Check("postgres", pool.Ping)
	p.Go("mailer", notification.Mailer{
		Outbox: stored, Directory: adapter, Orders: adapter, Composer: composer, Sender: adapter, Now: time.Now, GivenUp: dapr.CountGivenUp,
	}.Run)
	p.Go("farewells", deletionMails.Run)
	p.Go("retention", retention.Janitor{Pool: pool, Rules: cfg.Retention.Notification()}.Run)
	return p.Serve(ctx, httpapi.Traced(p.Name, router))
}
