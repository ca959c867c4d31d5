// Command search finds events, and keeps its index equal to the catalog.
package main

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/services/search"
	"github.com/foyer-tickets/foyer/services/search/dapr"
	"github.com/foyer-tickets/foyer/services/search/elastic"
	"github.com/foyer-tickets/foyer/services/search/rest"
)

type config struct {
	Sidecar          daprclient.Config
	ElasticsearchURL string `env:"ELASTICSEARCH_URL,required"`
	WebIndex         string `env:"FOYER_WEB_INDEX" envDefault:"web/dist/index.html"`
}

func main() { process.Main("search", run) }

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
	catalog := dapr.Catalog{Client: client}
	index, err := elastic.New(cfg.ElasticsearchURL)
	if err != nil {
		return err
	}

	router, err := httpapi.NewRouter(httpapi.Options{Service: p.Name, Spec: rest.Spec})
	if err != nil {
		return err
	}
	rest.Mount(router, rest.Server{Finder: &search.Finder{Index: &search.CoalescingEngine{Engine: index}, Fallback: catalog}, Now: time.Now})
	rest.Pages{App: httpapi.Page{Index: cfg.WebIndex, API: router}}.Mount(router)
	indexer := search.Indexer{Catalog: catalog, Writer: index}
	maintainer := search.Maintainer{Indexer: indexer, Index: index, Lock: dapr.Lock{Cache: client.Store(messages.Cache)}, Asked: make(chan struct{}, 1), Grace: search.DriftGrace}
	rest.Internal{Ask: maintainer.Ask, Name: index.Name}.Mount(daprclient.Guarded(router, cfg.Sidecar.AppToken))
	daprclient.Mount(router, cfg.Sidecar.AppToken, dapr.Subscriptions(indexer)...)

	p.Go("maintainer", maintainer.Run)
	return p.Serve(ctx, httpapi.Traced(p.Name, router))
}
