// Package process implements the lifecycle of a Foyer process: read the configuration from the environment,
// set up logs, traces and metrics, serve requests and health checks, and stop in order on a signal.
//
// A process always stops in the same steps:
//
//  1. it reports not ready, and streams end with a hint when to reconnect;
//  2. it accepts no new connections and finishes running requests;
//  3. the tasks stop;
//  4. resources registered with OnClose are flushed and closed, the last registered first;
//  5. traces are flushed.
//
// Each step has a timeout; all together take less than five seconds. Nothing that a task or a request uses
// is closed before they have ended, because main functions leave closing to this package.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/foyer-tickets/foyer/internal/telemetry"
)

// Config is the configuration that every process reads from its environment. It contains only those secrets
// that are needed before the sidecar answers.
type Config struct {
	Host         string        `env:"APP_HOST" envDefault:"127.0.0.1"`
	Port         uint16        `env:"APP_PORT"` // required by Serve
	LogLevel     slog.Level    `env:"FOYER_LOG_LEVEL" envDefault:"INFO"`
	DrainDelay   time.Duration `env:"FOYER_DRAIN_DELAY" envDefault:"0s"`   // not ready, still taking connections: lets load balancers notice
	DrainTimeout time.Duration `env:"FOYER_DRAIN_TIMEOUT" envDefault:"2s"` // for requests to finish before they are cancelled
	TaskTimeout  time.Duration `env:"FOYER_TASK_TIMEOUT" envDefault:"1s"`  // for tasks to end
	CloseTimeout time.Duration `env:"FOYER_CLOSE_TIMEOUT" envDefault:"1s"` // for all that is flushed and closed
	OTLPEndpoint string        `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
}

const (
	cutTimeout   = 300 * time.Millisecond // for cancelled requests to say so
	flushTimeout = 500 * time.Millisecond // for traces
)

// limit is the maximum duration of a stop.
func (c Config) limit() time.Duration {
	return c.DrainDelay + c.DrainTimeout + cutTimeout + c.TaskTimeout + c.CloseTimeout + flushTimeout
}

// Process is one running service.
type Process struct {
	Name    string
	Config  Config
	Log     *slog.Logger
	Metrics *prometheus.Registry

	checks     map[string]func(context.Context) error
	ready      atomic.Bool
	drain      context.Context //nolint:containedctx // ends when draining begins
	startDrain context.CancelFunc

	tasks taskGroup

	mu      sync.Mutex
	onDrain []func()
	closers []closer
}

type closer struct {
	name  string
	close func(context.Context) error
}

// Main runs a process until SIGINT or SIGTERM. It exits with 0 after an orderly stop and with 1 after a
// failure. A second signal ends the process at once.
func Main(name string, run func(ctx context.Context, p *Process) error) {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		<-signals
		slog.Error("exiting immediately on a second signal", "process", name)
		os.Exit(1)
	}()
	if err := start(ctx, name, run); err != nil {
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
	p := &Process{
		Name: name, Config: cfg, Log: log, Metrics: telemetry.Metrics(),
		checks: map[string]func(context.Context) error{},
	}
	p.drain, p.startDrain = context.WithCancel(context.WithoutCancel(ctx))
	p.tasks.ctx, p.tasks.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, p.watch)

	err = run(ctx, p)
	if ctx.Err() != nil { // told to stop, perhaps while still starting
		err = ignoreCanceled(err)
	}
	p.beginDrain() // where run failed before it served
	err = errors.Join(err, p.tasks.stop(cfg.TaskTimeout), p.close())

	flushCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if ferr := flush(flushCtx); ferr != nil {
		log.Warn("traces not flushed", "error", ferr)
	}
	if err == nil {
		log.Info("stopped")
	}
	return err
}

// watch ends a process whose stop hangs in spite of the steps' timeouts.
func (p *Process) watch() {
	time.AfterFunc(p.Config.limit(), func() {
		var stacks strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		p.Log.Error("not stopped in time", "limit", p.Config.limit().String(), "goroutines", stacks.String())
		os.Exit(1)
	})
}

// Load fills a struct with `env` tags from the environment. It is called once, at start.
func Load[T any]() (T, error) {
	cfg, err := env.ParseAs[T]()
	if err != nil {
		return cfg, fmt.Errorf("configuration: %w", err)
	}
	return cfg, nil
}

// Check adds a readiness check. Its context has a timeout of two seconds.
func (p *Process) Check(name string, check func(context.Context) error) { p.checks[name] = check }

// OnDrain registers a function that runs when draining begins, for example to end hijacked connections.
func (p *Process) OnDrain(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onDrain = append(p.onDrain, f)
}

// OnClose registers a function that flushes or closes a resource after all requests and tasks have ended. The
// last registered runs first, so a resource may use those that were opened before it.
func (p *Process) OnClose(name string, f func(context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closers = append(p.closers, closer{name, f})
}

// Plain adapts a function without arguments and results for OnClose.
func Plain(f func()) func(context.Context) error {
	return func(context.Context) error {
		f()
		return nil
	}
}

// beginDrain does nothing the second time.
func (p *Process) beginDrain() {
	p.ready.Store(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.draining() {
		return
	}
	p.startDrain()
	for _, f := range p.onDrain {
		f()
	}
}

func (p *Process) draining() bool { return p.drain.Err() != nil }

// close runs the closers. A closer that hangs is abandoned and does not block the others.
func (p *Process) close() error {
	p.mu.Lock()
	closers := slices.Clone(p.closers)
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), p.Config.CloseTimeout)
	defer cancel()
	var errs []error
	for i, c := range slices.Backward(closers) {
		deadline, _ := ctx.Deadline() // each gets half of what is left, the last one all
		one, cancel := context.WithTimeout(ctx, time.Until(deadline)/time.Duration(min(i+1, 2)))
		done := make(chan error, 1)
		go func() { done <- c.close(one) }()
		select {
		case err := <-done:
			if err != nil {
				errs = append(errs, fmt.Errorf("close %s: %w", c.name, err))
			}
		case <-one.Done():
			errs = append(errs, fmt.Errorf("close %s: %w", c.name, one.Err()))
		}
		cancel()
	}
	return errors.Join(errs...)
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
