package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/foyer-tickets/foyer/internal/devstack"
)

// Platform is the whole running platform, as after `foyer up`.
type Platform struct {
	Config  devstack.Config
	Secrets *devstack.Secrets
	Apps    map[string]devstack.App
	Traces  *Traces // nil where a stack that runs already sends none to us

	control controller
	tokens  sync.Map           // user name -> token
	signIns singleflight.Group // Keycloak refuses sign-ins of one account side by side
}

// controller is the stack itself, or the supervisor of one that runs already.
type controller interface {
	Status(ctx context.Context) ([]devstack.Status, error)
	Restart(ctx context.Context, name string) error
	Halt(ctx context.Context, name string) error
	Start(ctx context.Context, names ...string) error
}

// everything starts the whole platform once per test binary. FOYER_TEST_STACK=shared uses the
// one that `foyer up` runs instead, which is quicker while developing.
var everything = sync.OnceValues(func() (*Platform, error) {
	if os.Getenv("FOYER_TEST_STACK") == "shared" {
		return adopt()
	}
	s, err := shared()
	if err != nil {
		return nil, err
	}
	traces, err := newTraces("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.Config.OTLPEndpoint = traces.URL
	if err := s.Start(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := s.Wait(ctx); err != nil {
		return nil, err
	}
	p := platform(s.Config, s.Secrets, s.Apps, local{s})
	p.Traces = traces
	return p, nil
})

func adopt() (*Platform, error) {
	cfg, err := devstack.Load()
	if err != nil {
		return nil, err
	}
	client := devstack.NewClient(cfg)
	if _, err := client.Status(context.Background()); err != nil {
		return nil, fmt.Errorf("FOYER_TEST_STACK=shared: %w; start it with `make up`", err)
	}
	apps, err := devstack.LoadApps(cfg)
	if err != nil {
		return nil, err
	}
	secrets, err := devstack.ReadSecrets(cfg)
	if err != nil {
		return nil, err
	}
	p := platform(cfg, secrets, apps, client)
	if cfg.OTLPEndpoint != "" { // it was started to send traces here
		if p.Traces, err = newTraces(strings.TrimPrefix(cfg.OTLPEndpoint, "http://")); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func platform(cfg devstack.Config, secrets *devstack.Secrets, apps []devstack.App, control controller) *Platform {
	p := &Platform{Config: cfg, Secrets: secrets, Apps: map[string]devstack.App{}, control: control}
	for _, app := range apps {
		p.Apps[app.Name()] = app
	}
	return p
}

// local makes a stack in this process look like one behind a socket.
type local struct{ *devstack.Stack }

func (l local) Status(context.Context) ([]devstack.Status, error) { return l.Stack.Status(), nil }
func (l local) Halt(_ context.Context, name string) error         { return l.StopPart(name) }
func (l local) Start(_ context.Context, names ...string) error    { return l.Stack.Start(names...) }
func (l local) Restart(ctx context.Context, name string) error    { return l.Stack.Restart(ctx, name) }

// Everything returns the running platform, starting it for the first test that asks.
func Everything(t testing.TB) *Platform {
	t.Helper()
	p, err := everything()
	if err != nil {
		t.Fatalf("harness: the platform does not come up: %v", err)
	}
	return p
}

// Parts returns a platform that runs only the named parts and their dependencies, for tests that do not need
// the whole platform. It is shared within the test binary.
func Parts(t testing.TB, names ...string) *Platform {
	t.Helper()
	s := start(t, names...)
	return platform(s.Config, s.Secrets, s.Apps, local{s})
}

// On returns the platform of a stack that is already running.
func On(s *devstack.Stack) *Platform { return platform(s.Config, s.Secrets, s.Apps, local{s}) }

// URL is the gateway's address, which all public calls go through.
func (p *Platform) URL() string { return fmt.Sprintf("http://localhost:%d", p.Config.Ports.Gateway) }

// ServiceURL is a service's own address, not through the gateway.
func (p *Platform) ServiceURL(appID string) string {
	return fmt.Sprintf("http://127.0.0.1:%d", p.Apps[appID].Port)
}

// MailpitURL is the mail catcher's address.
func (p *Platform) MailpitURL() string {
	return fmt.Sprintf("http://127.0.0.1:%d", p.Config.Ports.Mailpit)
}

// StripesimURL is the payment simulator's API.
func (p *Platform) StripesimURL() string {
	return fmt.Sprintf("http://127.0.0.1:%d", p.Config.Ports.StripeAPI)
}

// PID returns the process id of a part: a service ("booking"), its sidecar ("booking.daprd"), or
// infrastructure ("kafka"). It is 0 while the part is not running.
func (p *Platform) PID(t testing.TB, name string) int {
	t.Helper()
	return p.status(t, name).PID
}

func (p *Platform) status(t testing.TB, name string) devstack.Status {
	t.Helper()
	all, err := p.control.Status(context.WithoutCancel(t.Context())) // a cleanup asks too
	if err != nil {
		t.Fatalf("harness: %v", err)
	}
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("harness: no part is named %s", name)
	return devstack.Status{}
}

// Kill kills a part's process with SIGKILL. The supervisor restarts it.
func (p *Platform) Kill(t testing.TB, name string) {
	t.Helper()
	p.Signal(t, name, syscall.SIGKILL)
}

// Signal sends a signal to a part's process, such as SIGSTOP and SIGCONT.
func (p *Platform) Signal(t testing.TB, name string, signal syscall.Signal) {
	t.Helper()
	pid := p.PID(t, name)
	if pid == 0 {
		t.Fatalf("harness: %s does not run", name)
	}
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatalf("harness: %v", err)
	}
}

// Terminate ends a part's process with SIGTERM, and waits until the supervisor has started it again.
// It has to end of its own will, with status 0, and within the time given.
func (p *Platform) Terminate(t testing.TB, name string, within time.Duration) {
	t.Helper()
	pid, began := p.PID(t, name), time.Now()
	p.Signal(t, name, syscall.SIGTERM)
	var exit devstack.Exit
	Eventually(t, time.Minute, name+" ends", func() error {
		s := p.status(t, name)
		if s.Exit == nil || s.Exit.PID != pid {
			return fmt.Errorf("%s, process %d", s.State, s.PID)
		}
		exit = *s.Exit
		return nil
	})
	if took := exit.At.Sub(began); exit.Code != 0 || took > within {
		t.Errorf("%s ended with status %d after %s", name, exit.Code, took.Round(time.Millisecond))
	}
	p.WaitHealthy(t, name, 2*time.Minute, pid)
}

// Ended returns nil once a part's process has exited by itself and been replaced.
func (p *Platform) Ended(t testing.TB, name string, pid int) error {
	t.Helper()
	switch s := p.status(t, name); {
	case s.Exit == nil || s.Exit.PID != pid:
		return fmt.Errorf("process %d of %s runs", pid, name)
	case s.Exit.Code != 0:
		return fmt.Errorf("process %d of %s ended with status %d", pid, name, s.Exit.Code)
	}
	return nil
}

// Restart restarts a part as `foyer restart` does.
func (p *Platform) Restart(t testing.TB, name string) error {
	t.Helper()
	return p.control.Restart(t.Context(), name)
}

// Halt stops a part until Resume, or until the end of the test.
func (p *Platform) Halt(t testing.TB, name string) {
	t.Helper()
	if err := p.control.Halt(t.Context(), name); err != nil {
		t.Fatalf("harness: %v", err)
	}
	t.Cleanup(func() { _ = p.control.Start(context.Background(), name) })
}

// Resume starts a halted part and waits until it is healthy.
func (p *Platform) Resume(t testing.TB, name string) {
	t.Helper()
	if err := p.control.Start(t.Context(), name); err != nil {
		t.Fatalf("harness: %v", err)
	}
	p.WaitHealthy(t, name, 2*time.Minute)
}

// WaitHealthy waits until a part is healthy, with a process other than those given.
func (p *Platform) WaitHealthy(t testing.TB, name string, within time.Duration, notPID ...int) {
	t.Helper()
	Eventually(t, within, name+" is healthy", func() error {
		s := p.status(t, name)
		if s.State != devstack.Healthy {
			return fmt.Errorf("%s: %s", s.State, s.Error)
		}
		for _, old := range notPID {
			if s.PID == old {
				return errors.New("still the old process")
			}
		}
		return nil
	})
}

// Token signs a user in with the password grant of the local realm. It is cached for half a minute.
func (p *Platform) Token(t testing.TB, email string) string {
	t.Helper()
	type cached struct {
		token string
		until time.Time
	}
	if have, ok := p.tokens.Load(email); ok && time.Now().Before(have.(cached).until) {
		return have.(cached).token
	}
	token, err := p.SignIn(email)
	if err != nil {
		t.Fatalf("harness: sign in as %s: %v", email, err)
	}
	p.tokens.Store(email, cached{token, time.Now().Add(30 * time.Second)})
	return token
}

// Forget drops the cached token of an account whose sessions have been ended.
func (p *Platform) Forget(email string) { p.tokens.Delete(email) }

// NewPassword is the password of accounts that tests register.
const NewPassword = "quiet lamp orbit"

// Password returns the password of an account; accounts registered by tests are named t-….
func Password(email string) string {
	if strings.HasPrefix(email, "t-") {
		return NewPassword
	}
	return "foyer-local"
}

// SignIn returns a fresh token, which is valid for minutes.
func (p *Platform) SignIn(email string) (string, error) {
	token, err, _ := p.signIns.Do(email, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		return p.Config.Token(ctx, email, Password(email))
	})
	if err != nil {
		return "", err
	}
	return token.(string), nil
}

// Eventually polls until check returns nil.
func Eventually(t testing.TB, within time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s: %v", within, what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func tail(s *devstack.Stack, name string) string {
	lines, err := devstack.Tail(s.Config.LogFile(name), 40)
	if err != nil {
		return err.Error()
	}
	return strings.Join(lines, "\n")
}
