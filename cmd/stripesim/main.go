// Command stripesim is a payment provider for development and tests. It implements the part of
// Stripe's API that stripe-go and a card form need, so both work with it unchanged, and can be told to
// fail. README.md lists what it supports.
package main

import (
	"context"

	"github.com/foyer-tickets/foyer/cmd/stripesim/sim"
	"github.com/foyer-tickets/foyer/internal/process"
)

func main() { process.Main("stripesim", run) }

func run(ctx context.Context, p *process.Process) error {
	cfg, err := process.Load[sim.Config]()
	if err != nil {
		return err
	}
	s, err := sim.Open(cfg)
	if err != nil {
		return err
	}
	p.OnClose("books", process.Plain(s.Close))
	p.Go("events", s.Run)
	return p.ServeAll(ctx, process.Endpoint{Address: cfg.APIAddr, Handler: s.API()}, process.Endpoint{Address: cfg.FormAddr, Handler: s.Form()})
}
