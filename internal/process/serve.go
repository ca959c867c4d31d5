package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/foyer-tickets/foyer/internal/httpapi"
)

// Endpoint is an address and the handler that serves it.
type Endpoint struct {
	Address string
	Handler http.Handler
}

// Serve serves requests on the process's port until ctx ends, then drains. It adds /healthz, /readyz and
// /metrics to handler; the gateway does not route them.
func (p *Process) Serve(ctx context.Context, handler http.Handler) error {
	if p.Config.Port == 0 {
		return errors.New("configuration: APP_PORT is not set")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", p.healthz)
	mux.HandleFunc("GET /readyz", p.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.Metrics, promhttp.HandlerOpts{}))
	mux.Handle("/", handler)
	return p.ServeAll(ctx, Endpoint{Address: net.JoinHostPort(p.Config.Host, fmt.Sprint(p.Config.Port)), Handler: mux})
}

// ServeAll serves requests at all endpoints until ctx ends or a task fails, and then drains: the process
// reports not ready, streams end, no new connection is accepted, and running requests get DrainTimeout to
// finish. After that they are cancelled and may still send a response.
func (p *Process) ServeAll(ctx context.Context, endpoints ...Endpoint) error {
	requests, cancelRequests := context.WithCancel(httpapi.WithDrain(context.WithoutCancel(ctx), p.drain))
	defer cancelRequests()
	failed := make(chan error, len(endpoints))
	servers := make([]*server, len(endpoints))
	for i, e := range endpoints {
		listener, err := listen(ctx, e.Address, i, len(endpoints))
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		servers[i] = p.server(requests, listener, e.Handler)
		p.Log.Info("serving", "address", e.Address)
		go func() { failed <- servers[i].Serve(listener) }()
	}
	p.ready.Store(true)
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-p.tasks.ctx.Done(): // a task failed
		p.beginDrain()
	case <-ctx.Done():
		p.beginDrain()
		<-time.After(p.Config.DrainDelay)
	}
	errs := make([]error, len(servers))
	var group sync.WaitGroup
	for i, s := range servers {
		group.Go(func() { errs[i] = s.drain(p.Config.DrainTimeout, cancelRequests) })
	}
	group.Wait()
	p.Log.Info("drained")
	return errors.Join(errs...)
}

// listen uses the listener inherited from the supervisor by systemd's protocol
// (https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html), or else opens one. Connections
// that arrive during a restart then wait for the next process.
func listen(ctx context.Context, address string, i, n int) (net.Listener, error) {
	const firstDescriptor = 3
	if os.Getenv("LISTEN_FDS") == fmt.Sprint(n) {
		file := os.NewFile(uintptr(firstDescriptor+i), address)
		defer file.Close()
		return net.FileListener(file)
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
}

// server is an http.Server that counts its connections.
type server struct {
	*http.Server
	listener net.Listener
	open     atomic.Int64
}

func (p *Process) server(base context.Context, listener net.Listener, handler http.Handler) *server {
	s := &server{listener: listener}
	s.Server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if p.draining() {
				w.Header().Set("Connection", "close") // the next request goes to another process
			}
			handler.ServeHTTP(w, r)
		}),
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second, // streams move their own deadline forward
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(p.Log.Handler(), slog.LevelWarn),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.open.Add(1)
			case http.StateClosed, http.StateHijacked:
				s.open.Add(-1)
			case http.StateActive, http.StateIdle:
			}
		},
	}
	return s
}

// Timing of draining.
const (
	lingerTime = time.Second // of idle connections; see drain
	lingerLook = 10 * time.Millisecond
)

// drain stops accepting connections, serves requests on open ones, and gives running requests time to finish.
// Idle connections are not closed at once: a client that is just sending a request would get no response and
// could not know whether it may repeat it. Proxies use idle connections first, and each response closes its
// connection.
func (s *server) drain(timeout time.Duration, cancelRequests func()) error {
	end := time.Now().Add(timeout)
	_ = s.listener.Close()
	for linger := min(lingerTime, timeout); linger > 0 && s.open.Load() > 0; linger -= lingerLook {
		time.Sleep(lingerLook)
	}
	ctx, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	if s.Shutdown(ctx) == nil {
		return nil
	}
	cancelRequests()
	ctx, cancel = context.WithTimeout(context.Background(), cutTimeout)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("drain: requests did not end: %w", err), s.Close())
	}
	return nil
}

// healthz is Dapr's health check: Dapr stops delivering messages to a process that drains.
func (p *Process) healthz(w http.ResponseWriter, _ *http.Request) {
	if p.draining() {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
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
