package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// The supervisor of a stack listens on a Unix socket in the data directory, which only the directory's owner
// can reach. The launcher's commands use it.

func socketPath(cfg *Config) string { return cfg.path("foyer.sock") }

// Supervise runs a stack, or the named parts of it, until ctx ends or a client requests a stop. It leaves no
// process behind.
func Supervise(ctx context.Context, cfg Config, names ...string) error {
	if err := os.MkdirAll(cfg.Data, 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(cfg.path("foyer.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("another supervisor has %s", cfg.Data)
	}
	s, err := New(cfg)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(socketPath(&cfg)); err != nil {
		return err
	}
	listener, err := net.Listen("unix", socketPath(&cfg))
	if err != nil {
		return fmt.Errorf("control socket (a shorter FOYER_DATA may help): %w", err)
	}
	if err := os.Chmod(socketPath(&cfg), 0o600); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{Handler: s.control(stop), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	if err := s.Start(names...); err != nil {
		return err
	}
	<-ctx.Done()
	s.Stop()
	return nil
}

func (s *Stack) control(stop func()) http.Handler {
	mux := http.NewServeMux()
	reply := func(w http.ResponseWriter, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		}
	}
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(s.Status())
	})
	mux.HandleFunc("POST /start", func(w http.ResponseWriter, r *http.Request) {
		reply(w, s.Start(r.URL.Query()["name"]...))
	})
	mux.HandleFunc("POST /restart", func(w http.ResponseWriter, r *http.Request) {
		reply(w, s.Restart(r.Context(), r.URL.Query().Get("name")))
	})
	mux.HandleFunc("POST /halt", func(w http.ResponseWriter, r *http.Request) {
		reply(w, s.StopPart(r.URL.Query().Get("name")))
	})
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		stop()
	})
	return mux
}

// ErrNotRunning means that no supervisor runs for this data directory.
var ErrNotRunning = errors.New("the stack is not running")

// Client is a client of a stack's supervisor.
type Client struct {
	cfg  Config
	http *http.Client
}

// NewClient returns a client for the stack of cfg, which need not be running.
func NewClient(cfg Config) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", socketPath(&cfg))
	}
	return &Client{cfg: cfg, http: &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// Status returns the status of every part.
func (c *Client) Status(ctx context.Context) ([]Status, error) {
	body, err := c.call(ctx, http.MethodGet, "/status", nil)
	if err != nil {
		return nil, err
	}
	var all []Status
	return all, json.Unmarshal(body, &all)
}

// Start starts the named parts, or all, if they are not running.
func (c *Client) Start(ctx context.Context, names ...string) error {
	_, err := c.call(ctx, http.MethodPost, "/start", url.Values{"name": names})
	return err
}

// Restart rebuilds and restarts one part and waits until it is healthy.
func (c *Client) Restart(ctx context.Context, name string) error {
	_, err := c.call(ctx, http.MethodPost, "/restart", url.Values{"name": {name}})
	return err
}

// Halt stops one part until it is started again.
func (c *Client) Halt(ctx context.Context, name string) error {
	_, err := c.call(ctx, http.MethodPost, "/halt", url.Values{"name": {name}})
	return err
}

// Stop stops the stack and returns when its supervisor, and so every part, has ended.
func (c *Client) Stop(ctx context.Context) error {
	if _, err := c.call(ctx, http.MethodPost, "/stop", nil); err != nil {
		return err
	}
	unlock, err := lockFile(ctx, c.cfg.path("foyer.lock"), nil)
	if err != nil {
		return err
	}
	unlock()
	return nil
}

func (c *Client) call(ctx context.Context, method, path string, query url.Values) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://foyer"+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, ErrNotRunning
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = errors.New(strings.TrimSpace(string(body)))
	}
	return body, err
}
