// Package harness provides real infrastructure to tests: a database in seconds, one sidecar with selected
// components, or the whole platform. It uses the same package as cmd/foyer (internal/devstack), on reserved
// ports and in its own data directory. A missing program fails a test; no test is skipped.
//
// A part is started by the first test that needs it and shared within the test binary. The parts end with
// the test binary, even if it is killed.
package harness

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/devstack"
)

// shared is the stack of this test binary.
var shared = sync.OnceValues(func() (*devstack.Stack, error) {
	cfg, release, err := devstack.Isolated()
	if err != nil {
		return nil, err
	}
	cfg.Replicas = replicas
	// Few accounts do here what many would.
	cfg.ExtraEnv = map[string]string{"FOYER_DELETION_SETTLE": "3s", "FOYER_HOLD_COOLDOWN": "false"}
	s, err := devstack.New(cfg)
	if err != nil {
		release()
		return nil, err
	}
	atExit = func() {
		s.Stop()
		release()
	}
	return s, nil
})

// replicas of services that the platform of this test binary has; see Replicas.
var replicas map[string]int

// Replicas sets the number of replicas of services on this test binary's platform. Call it in TestMain.
func Replicas(of map[string]int) { replicas = of }

// atExit stops what the tests started. Main calls it; without Main the kernel ends the
// processes with us and the next run removes the directory.
var atExit = func() {}

// Main runs the tests of a TestMain, then stops the parts gracefully and deletes their data.
func Main(m *testing.M) {
	code := m.Run()
	atExit()
	os.Exit(code)
}

// start makes parts of the shared stack run.
func start(t testing.TB, names ...string) *devstack.Stack {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("harness: %v", err)
	}
	if err := s.Start(names...); err != nil {
		t.Fatalf("harness: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := s.Wait(ctx); err != nil {
		t.Fatalf("harness: %v", err)
	}
	return s
}

// Postgres returns the address of a new, empty database on a server of this test binary.
func Postgres(t testing.TB) string {
	t.Helper()
	s := start(t, "postgres")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	admin, err := pgx.Connect(ctx, s.Config.DatabaseURL("postgres"))
	if err != nil {
		t.Fatalf("harness: %v", err)
	}
	defer admin.Close(ctx)
	name := "test_" + uuid.NewString()[:8]
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+" STRATEGY wal_log"); err != nil {
		t.Fatalf("harness: %v", err)
	}
	return s.Config.DatabaseURL(name)
}

// Elasticsearch returns the address of a node of this test binary.
func Elasticsearch(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("http://127.0.0.1:%d", start(t, "elasticsearch").Config.Ports.Elasticsearch)
}

// Mailpit returns the addresses of a mail catcher's API and of its SMTP server.
func Mailpit(t testing.TB) (api, smtp string) {
	t.Helper()
	ports := start(t, "mailpit").Config.Ports
	return fmt.Sprintf("http://127.0.0.1:%d", ports.Mailpit), fmt.Sprintf("127.0.0.1:%d", ports.SMTP)
}

// Kafka returns the address of a broker of this test binary.
func Kafka(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", start(t, "kafka").Config.Ports.Kafka)
}

// Sidecar starts a daprd for the app-id with the named components of components/, and what
// those need. The component's scopes must admit the app-id. handler answers as the application:
// GET /dapr/subscribe and the topics' routes, as daprclient.Mount makes them; nil where nothing
// is received. newHandler gets the configuration, since a subscription needs the token.
func Sidecar(t testing.TB, appID string, newHandler func(daprclient.Config) http.Handler, components ...string) daprclient.Config {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("harness: %v", err)
	}
	return attach(t, s, appID, newHandler, components)
}

func attach(t testing.TB, s *devstack.Stack, appID string, newHandler func(daprclient.Config) http.Handler, components []string) daprclient.Config {
	t.Helper()
	next := s.Config.NextPort
	app := devstack.App{ID: appID, Port: next(), HTTPPort: next(), GRPCPort: next(), InternalPort: next(), MetricsPort: next(), Command: []string{"test"}}
	cfg := daprclient.Config{
		Host: "127.0.0.1", HTTPPort: uint16(app.HTTPPort), GRPCPort: uint16(app.GRPCPort),
		APIToken: s.Secrets.DaprAPIToken(appID), AppToken: s.Secrets.AppAPIToken(appID),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	if newHandler != nil {
		mux.Handle("/", newHandler(cfg))
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", app.Port))
	if err != nil {
		t.Fatalf("harness: %v", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	name, err := s.Attach(ctx, app, components...)
	attached.Store(cfg.HTTPPort, name)
	t.Cleanup(func() {
		attached.Delete(cfg.HTTPPort)
		if name != "" {
			if t.Failed() {
				t.Logf("end of the sidecar's log:\n%s", tail(s, name))
			}
			_ = s.StopPart(name)
		}
		server.Close()
	})
	if err != nil {
		t.Fatalf("harness: %v", err)
	}
	return cfg
}

// attached names the sidecars of this test binary, by their HTTP port.
var attached sync.Map

// KillSidecar ends the sidecar that Sidecar gave cfg for with SIGKILL, and waits until its
// supervisor has another one running.
func KillSidecar(t testing.TB, cfg daprclient.Config) {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("harness: %v", err)
	}
	name, _ := attached.Load(cfg.HTTPPort)
	find := func() devstack.Status {
		all := s.Status()
		return all[slices.IndexFunc(all, func(p devstack.Status) bool { return p.Name == name })]
	}
	old := find().PID
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatalf("harness: %v", err)
	}
	Eventually(t, time.Minute, fmt.Sprintf("%v runs again", name), func() error {
		if now := find(); now.PID == old || now.State != devstack.Healthy {
			return fmt.Errorf("%s", now.State)
		}
		return nil
	})
}

// Freeze stops a part of this test binary, as a machine without time does: it keeps its connections
// and answers nobody until the returned function has it go on.
func Freeze(t testing.TB, part string) (thaw func()) {
	t.Helper()
	s := start(t, part)
	all := s.Status()
	pid := all[slices.IndexFunc(all, func(p devstack.Status) bool { return p.Name == part })].PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatalf("harness: %v", err)
	}
	thaw = sync.OnceFunc(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	t.Cleanup(thaw)
	return thaw
}

// Broker is a separate stack with another kind of broker.
type Broker struct{ stack *devstack.Stack }

// With returns a stack with the components of the given kind: kafka, redis or jetstream.
func With(t testing.TB, kind string) *Broker {
	t.Helper()
	cfg, release, err := devstack.Isolated()
	if err != nil {
		t.Fatalf("harness: %v", err)
	}
	cfg.Components = kind
	s, err := devstack.New(cfg)
	if err != nil {
		t.Fatalf("harness: %v", err)
	}
	t.Cleanup(func() {
		s.Stop()
		release()
	})
	return &Broker{s}
}

// Sidecar is like the function of that name, on this stack.
func (b *Broker) Sidecar(t testing.TB, appID string, newHandler func(daprclient.Config) http.Handler, components ...string) daprclient.Config {
	t.Helper()
	return attach(t, b.stack, appID, newHandler, components)
}

// Provider is a payment simulator of this test binary.
type Provider struct{ API, Form, SecretKey, PublishableKey, WebhookSecret string }

// Stripesim returns a running payment simulator that sends no webhooks.
func Stripesim(t testing.TB) Provider {
	t.Helper()
	s := start(t, "stripesim")
	return Provider{
		API: fmt.Sprintf("http://127.0.0.1:%d", s.Config.Ports.StripeAPI), Form: fmt.Sprintf("http://127.0.0.1:%d", s.Config.Ports.StripeForm),
		SecretKey: s.Secrets.StripeSecretKey, PublishableKey: "pk_test_foyer_local", WebhookSecret: s.Secrets.StripeWebhookSecret,
	}
}
