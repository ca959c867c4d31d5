// Command waitingroom measures the waiting room. `make bench-waitingroom` runs all sections;
// arguments select some:
//
//	joins    rate of joins, compared with a bare handler
//	crash    the same joins while the processes of the queue are killed
//	streams  ticks to ten thousand clients, compared with centrifuge
//	holds    holds of one high-demand event, compared with direct holds
//	sale     a whole sale, from joining the queue to the last confirmed booking
//
// Each section replaces its own part of docs/results/waitingroom.md. With -ask, a section is set up and then
// waits for a line on stdin, so that other load on the machine can be stopped first.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" { // a child of ours
		fmt.Fprintln(os.Stderr, serve(os.Args[2]))
		os.Exit(1)
	}
	ask := flag.Bool("ask", false, "wait for a line on stdin before each section is measured")
	flag.Parse()
	if err := run(context.Background(), flag.Args(), *ask); err != nil {
		fmt.Fprintln(os.Stderr, "bench-waitingroom:", err)
		os.Exit(1)
	}
}

// section is one measurement on the parts that it names.
type section struct {
	name, title string
	parts       []string // services, each with its sidecar; none: no stack at all
	others      []string
	env         map[string]string
	run         func(b *bench, ctx context.Context) error
}

var sections = []section{
	{name: "joins", title: "Joins", parts: []string{"catalog", "waitingroom"}, run: (*bench).joins},
	{name: "crash", title: "Joins through kill -9", parts: []string{"catalog", "waitingroom", "booking"}, run: (*bench).crash},
	{name: "streams", title: "Streams", run: (*bench).streams},
	{name: "holds", title: "Holds on one event", parts: []string{"catalog", "booking", "highdemand-consumer"}, run: (*bench).holds},
	{
		name: "sale", title: "A whole sale", others: []string{"stripesim"}, env: map[string]string{"FOYER_HOLD_SECONDS": strconv.Itoa(holdSeconds)}, run: (*bench).sale,
		parts: []string{"catalog", "waitingroom", "booking", "highdemand-consumer", "booking-consumer", "payment"},
	},
}

func run(ctx context.Context, chosen []string, ask bool) error {
	input := bufio.NewReader(os.Stdin)
	for _, s := range sections {
		if len(chosen) > 0 && !slices.Contains(chosen, s.name) {
			continue
		}
		b := &bench{section: s, ready: func() error {
			if !ask {
				return nil
			}
			fmt.Println("ready:", s.name)
			_, err := input.ReadString('\n')
			return err
		}}
		if err := b.all(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Println("done:", s.name)
	}
	return nil
}

// all sets a section up, runs it and writes its part of the report.
func (b *bench) all(ctx context.Context) error {
	if len(b.section.parts) > 0 {
		stop, err := b.start(ctx)
		if err != nil {
			return err
		}
		defer stop()
	}
	if err := b.ready(); err != nil {
		return err
	}
	machine := load.Machine()
	if err := b.section.run(b, ctx); err != nil {
		return err
	}
	fmt.Print(b.report.String())
	return load.WriteSection(".", "waitingroom", "Waiting room", b.section.title, machine, b.report.String())
}

// start runs the section's parts, with an issuer of our own for the tokens.
func (b *bench) start(ctx context.Context) (stop func(), err error) {
	cfg, release, err := devstack.Isolated()
	if err != nil {
		return nil, err
	}
	if b.issuer, err = newIssuer(people(), cfg.Cache); err != nil {
		release()
		return nil, err
	}
	cfg.ExtraEnv = map[string]string{"OIDC_ISSUER": issuerName, "OIDC_JWKS_URL": b.issuer.url, "FOYER_HOLD_COOLDOWN": "false"}
	maps.Copy(cfg.ExtraEnv, b.section.env)
	if b.stack, err = devstack.New(cfg); err != nil {
		release()
		return nil, err
	}
	stop = func() {
		b.stack.Stop()
		b.issuer.close()
		release()
	}
	names := slices.Clone(b.section.others)
	for _, part := range b.section.parts {
		names = append(names, part, part+".daprd")
	}
	if err = b.stack.Start(names...); err == nil {
		wait, cancel := context.WithTimeout(ctx, 10*time.Minute)
		defer cancel()
		err = b.stack.Wait(wait)
	}
	if err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}
