// Package process is the life of a Foyer process, written once: read the environment, speak
// up (logs, traces, metrics), serve, answer health questions, and on a signal drain and leave.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/telemetry"
)

// Config is what every process reads from its environment. Secrets come from here only when
// they are needed before the sidecar answers.
type Config struct {
	Host         string        `env:"APP_HOST" envDefault:"127.0.0.1"`
	Port         uint16        `env:"APP_PORT,required"`
	LogLevel     slog.Level    `env:"FOYER_LOG_LEVEL" envDefault:"INFO"`
	DrainDelay   time.Duration `env:"FOYER_DRAIN_DELAY" envDefault:"0s"` // not ready, still serving: lets load balancers notice
	DrainTimeout time.Duration `env:"FOYER_DRAIN_TIMEOUT" envDefault:"10s"`
	OTLPEndpoint string        `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
}

// Process is one running service.
type Process struct {
	Name    string
	Config  Config
	Log     *slog.Logger
	Metrics *prometheus.Registry

	ctx    context.Context // ends when the tasks are to stop, which is after the last request
	tasks  *errgroup.Group
	checks map[string]func(context.Context) error
	ready  atomic.Bool
}

// Main runs a process until SIGINT or SIGTERM and exits with 1 when it failed.
func Main(name string, run func(ctx context.Context, p *Process) error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := start(ctx, name, run)
	stop()
	if err != nil {
		slog.Error("process failed", "process", name, "error", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, name string, run func(context.Context, *Process) error) error {
	cfg, err := env.ParseAs[Config]()
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	log := telemetry.Logger(os.Stdout, name, cfg.LogLevel)
	slog.SetDefault(log)
	flush, err := telemetry.Tracing(ctx, name, cfg.OTLPEndpoint != "")
	if err != nil {
		return err
	}
	taskCtx, stopTasks := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTasks()
	tasks, taskCtx := errgroup.WithContext(taskCtx)
	p := &Process{
		Name: name, Config: cfg, Log: log, Metrics: telemetry.Metrics(),
		ctx: taskCtx, tasks: tasks, checks: map[string]func(context.Context) error{},
	}
	err = run(ctx, p)
	stopTasks()
	err = errors.Join(err, ignoreCanceled(tasks.Wait()))

	flushCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if ferr := flush(flushCtx); ferr != nil {
		log.Warn("traces not flushed", "error", ferr)
	}
	return err
}

// Load fills a struct with `env` tags from the environment. It is called once, at the start.
func Load[T any]() (T, error) {
	cfg, err := env.ParseAs[T]()
	if err != nil {
		return cfg, fmt.Errorf("configuration: %w", err)
	}
	return cfg, nil
}

// Check adds a condition for being ready. It gets a context of two seconds.
func (p *Process) Check(name string, check func(context.Context) error) { p.checks[name] = check }

// Go runs a task beside the server. Its context ends after the last request was served.
// A task that fails takes the process down: a half-working process is worse than a restart.
func (p *Process) Go(name string, task func(context.Context) error) {
	p.tasks.Go(func() error {
		if err := ignoreCanceled(task(p.ctx)); err != nil {
			return fmt.Errorf("task %s: %w", name, err)
		}
		return nil
	})
}

// Serve answers requests until ctx ends, then drains: it stops being ready, waits DrainDelay,
// and gives running requests DrainTimeout to finish. /healthz, /readyz and /metrics are served
// beside handler; the gateway does not route them.
func (p *Process) Serve(ctx context.Context, handler http.Handler) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /readyz", p.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.Metrics, promhttp.HandlerOpts{}))
	mux.Handle("/", handler)

	// Streams end with the drain, not with their clients.
	requests, endStreams := context.WithCancel(context.WithoutCancel(ctx))
	defer endStreams()
	server := &http.Server{
		Handler:           mux,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second, // streams move their own deadline forward
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(p.Log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(endStreams)
	addr := net.JoinHostPort(p.Config.Host, fmt.Sprint(p.Config.Port))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	p.ready.Store(true)
	p.Log.Info("serving", "address", addr)

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-p.ctx.Done(): // a task failed
	case <-ctx.Done():
		p.ready.Store(false)
		wait(p.Config.DrainDelay)
	}
	p.ready.Store(false)
	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.Config.DrainTimeout)
	defer cancel()
	if err := server.Shutdown(shutdown); err != nil {
		return errors.Join(fmt.Errorf("drain: %w", err), server.Close())
	}
	p.Log.Info("drained")
	return nil
}

func (p *Process) readyz(w http.ResponseWriter, r *http.Request) {
	if !p.ready.Load() {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		bad error
	)
	for name, check := range p.checks {
		wg.Go(func() {
			if err := check(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				bad = errors.Join(bad, fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	wg.Wait()
	if bad != nil {
		p.Log.WarnContext(ctx, "not ready", "error", bad)
		http.Error(w, bad.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func wait(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
