// Command waitingroom measures the waiting room: joins against a bare handler and through
// kill -9, streams against centrifuge, and holds of an event in high demand against the normal
// way, and runs a whole sale. `make bench-waitingroom` runs all; arguments choose sections: joins,
// streams, holds, sale.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/foyer-tickets/foyer/internal/stack"
	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" { // a child of ours
		fmt.Fprintln(os.Stderr, serve(os.Args[2]))
		os.Exit(1)
	}
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench-waitingroom:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, sections []string) error {
	chosen := func(name string) bool { return len(sections) == 0 || slices.Contains(sections, name) }
	machine := load.Machine()
	fmt.Println(machine)
	var report strings.Builder
	if chosen("streams") {
		if err := streams(ctx, &report); err != nil {
			return err
		}
	}
	if chosen("joins") || chosen("holds") || chosen("sale") {
		if err := onStack(ctx, &report, chosen); err != nil {
			return err
		}
	}
	fmt.Print(report.String())
	if len(sections) > 0 {
		return nil
	}
	return load.Write(".", "waitingroom", "Waiting room", machine, report.String())
}

// onStack measures what needs the real parts.
func onStack(ctx context.Context, report *strings.Builder, chosen func(string) bool) error {
	accounts := people()
	issuer, err := newIssuer(accounts)
	if err != nil {
		return err
	}
	defer issuer.close()
	cfg, release, err := stack.Isolated()
	if err != nil {
		return err
	}
	defer release()
	cfg.ExtraEnv = map[string]string{"OIDC_ISSUER": issuer.url, "OIDC_JWKS_URL": issuer.url + "/keys", "GOMEMLIMIT": "1GiB"}
	s, err := stack.New(cfg)
	if err != nil {
		return err
	}
	defer s.Stop()
	names := []string{"catalog", "waitingroom"}
	if chosen("holds") || chosen("sale") {
		names = append(names, "booking", "highdemand-consumer")
	}
	if chosen("sale") {
		names = append(names, "booking-consumer", "payment")
	}
	for _, n := range names {
		names = append(names, n+".daprd")
	}
	if chosen("sale") {
		names = append(names, "stripesim")
	}
	if err := s.Start(names...); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if err := s.Wait(wait); err != nil {
		return err
	}
	b := &bench{stack: s, issuer: issuer, accounts: accounts, report: report}
	if chosen("joins") {
		if err := b.joins(ctx); err != nil {
			return fmt.Errorf("joins: %w", err)
		}
	}
	if chosen("holds") {
		if err := b.holds(ctx); err != nil {
			return fmt.Errorf("holds: %w", err)
		}
	}
	if chosen("sale") {
		if err := b.sale(ctx); err != nil {
			return fmt.Errorf("sale: %w", err)
		}
	}
	return nil
}
