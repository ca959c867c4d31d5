// Command stripesim is a payment provider for development and tests: it speaks enough of
// Stripe's API that stripe-go and a card form work with it unchanged, and it can be told to
// misbehave. README.md says what it knows.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/cmd/stripesim/sim"
	"github.com/foyer-tickets/foyer/internal/telemetry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		slog.Error("stripesim failed", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := env.ParseAs[sim.Config]()
	if err != nil {
		return err
	}
	slog.SetDefault(telemetry.Logger(os.Stdout, "stripesim", cfg.LogLevel))
	s, err := sim.Open(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Run(ctx) })
	group.Go(func() error { return serve(ctx, cfg.APIAddr, s.API()) })
	group.Go(func() error { return serve(ctx, cfg.FormAddr, s.Form()) })
	if err := group.Wait(); !errors.Is(err, context.Canceled) && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func serve(ctx context.Context, addr string, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	return server.Serve(listener)
}
