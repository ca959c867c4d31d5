package devstack

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/foyer-tickets/foyer/internal/messages"
)

// App is a service with its sidecar, from dapr/dapr.yaml, the multi-app run file that `dapr run -f dapr` also
// reads.
type App struct {
	ID            string            `yaml:"appID"`
	Dir           string            `yaml:"appDirPath"`
	Port          int               `yaml:"appPort"`
	HTTPPort      int               `yaml:"daprHTTPPort"`
	GRPCPort      int               `yaml:"daprGRPCPort"`
	InternalPort  int               `yaml:"daprInternalGRPCPort"`
	MetricsPort   int               `yaml:"metricsPort"`
	PlacementHost string            `yaml:"placementHostAddress"` // set where actors live
	SchedulerHost string            `yaml:"schedulerHostAddress"` // set where reminders or jobs are asked for
	Command       []string          `yaml:"command"`
	Env           map[string]string `yaml:"env"`

	Replica int `yaml:"-"` // which one of its service it is; the first is 1

	resources string // instead of this stack's components folder
}

// LoadApps reads dapr/dapr.yaml.
func LoadApps(cfg Config) ([]App, error) {
	path := filepath.Join(cfg.Root, "dapr", "dapr.yaml")
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Common struct {
			Env map[string]string `yaml:"env"`
		} `yaml:"common"`
		Apps []App `yaml:"apps"`
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i := range file.Apps {
		env := maps.Clone(file.Common.Env)
		maps.Copy(env, file.Apps[i].Env)
		file.Apps[i].Env = env
	}
	return replicate(cfg, file.Apps)
}

// replicaPorts is the distance between the ports of two replicas of a service.
const replicaPorts = 20

// replicate returns the configured number of replicas of each service, with their ports.
func replicate(cfg Config, services []App) (apps []App, err error) {
	for app := range cfg.Replicas {
		if !slices.ContainsFunc(services, func(a App) bool { return a.ID == app }) {
			return nil, fmt.Errorf("FOYER_REPLICAS: no service is named %q", app)
		}
	}
	for _, service := range services {
		for replica := 1; replica <= max(cfg.Replicas[service.ID], 1); replica++ {
			app := service
			app.Replica = replica
			for _, port := range app.ports() {
				*port += cfg.PortOffset + replicaPorts*(replica-1)
				if cfg.NextPort != nil {
					*port = cfg.NextPort()
				}
			}
			apps = append(apps, app)
		}
	}
	return apps, nil
}

// Name returns the name of the app's part: the service's name, with a number for further replicas.
func (a *App) Name() string {
	if a.Replica > 1 {
		return fmt.Sprintf("%s-%d", a.ID, a.Replica)
	}
	return a.ID
}

// pkg returns the Go package of the service, the last argument of its `go run` command.
func (a *App) pkg() string { return a.Command[len(a.Command)-1] }

// turn gives services a low priority if no person waits for their responses.
func (a *App) turn() Turn {
	if slices.Contains([]string{messages.BookingConsumer, messages.Payment, messages.Notification}, a.ID) {
		return behind
	}
	return usual
}

func (a *App) sidecarName() string { return a.Name() + ".daprd" }

func (a *App) ports() []*int {
	return []*int{&a.Port, &a.HTTPPort, &a.GRPCPort, &a.InternalPort, &a.MetricsPort}
}

func (s *Stack) service(app App, secrets *Secrets, after []string) Part {
	cfg := &s.Config
	return Part{
		Name: app.Name(), Service: app.ID, Tier: Service, Turn: app.turn(), Ports: []int{app.Port}, After: after, With: []string{app.sidecarName()},
		Package: app.pkg(),
		Prepare: func(ctx context.Context, report func(Step)) error { return s.build(ctx, app.pkg(), report) },
		Command: func() (*exec.Cmd, error) {
			cmd := exec.Command(s.binary(app.pkg()))
			cmd.Dir = cfg.Root
			cmd.Env = append(withoutSecrets(os.Environ()), pairs(s.serviceEnv(app, secrets))...)
			return cmd, nil
		},
		Ready:   answers(fmt.Sprintf("http://%s:%d/readyz", host, app.Port)),
		Timeout: 90 * time.Second,
		// With one replica, connections wait in the port during a restart; with several, the gateway uses
		// another replica.
		Hold: cfg.Replicas[app.ID] < 2,
	}
}

func (s *Stack) sidecar(app App, secrets *Secrets, after []string) Part {
	cfg := &s.Config
	dapr := filepath.Join(cfg.Root, "dapr")
	return Part{
		Name: app.sidecarName(), Service: app.ID + ".daprd", Tier: Sidecar, Turn: app.turn(), After: append([]string{"sentry"}, after...),
		Ports: []int{app.HTTPPort, app.GRPCPort, app.InternalPort, app.MetricsPort},
		Prepare: func(context.Context, func(Step)) error {
			if app.resources == "" && !isProgram(filepath.Join(cfg.Root, app.pkg())) {
				return ErrAbsent
			}
			return nil
		},
		Command: func() (*exec.Cmd, error) {
			args := []string{
				"--app-id", app.ID, "--app-protocol", "http", "--app-port", strconv.Itoa(app.Port), "--app-channel-address", host,
				"--dapr-http-port", strconv.Itoa(app.HTTPPort), "--dapr-grpc-port", strconv.Itoa(app.GRPCPort),
				"--dapr-internal-grpc-port", strconv.Itoa(app.InternalPort), "--dapr-internal-grpc-listen-address", host,
				"--dapr-listen-addresses", host, "--metrics-port", strconv.Itoa(app.MetricsPort), "--metrics-listen-address", host,
				"--resources-path", cmp.Or(app.resources, cfg.componentsDir()), "--resources-path", dapr,
				"--config", filepath.Join(dapr, "config.yaml"), "--config", filepath.Join(dapr, "access", app.ID+".yaml"),
				"--enable-mtls", "--sentry-address", s.sentryAddress(),
				"--control-plane-trust-domain", controlPlaneDomain, "--control-plane-namespace", namespace,
				"--enable-app-health-check", "--app-health-check-path", "/healthz", "--app-health-probe-interval", "1",
				"--app-health-probe-timeout", "900", "--app-health-threshold", "5",
				// A stopping sidecar first delivers no more messages, and still serves the app that is
				// processing some. Otherwise the app would wait for the closed sidecar until its own deadline,
				// and the sidecar for the app.
				"--dapr-block-shutdown-duration", "500ms", "--dapr-graceful-shutdown-seconds", "5",
			}
			if app.PlacementHost != "" {
				args = append(args, "--placement-host-address", fmt.Sprintf("%s:%d", host, cfg.Ports.Placement))
			}
			if app.SchedulerHost != "" {
				args = append(args, "--scheduler-host-address", fmt.Sprintf("%s:%d", host, cfg.Ports.Scheduler))
			}
			cmd := lean(cfg, exec.Command(s.dapr.Load().path("daprd"), args...))
			identity, err := s.identity.env(appDomain, app.ID)
			if err != nil {
				return nil, err
			}
			cmd.Env = append(cmd.Env, pairs(s.sidecarEnv(app.ID, secrets))...)
			cmd.Env = append(cmd.Env, pairs(identity)...)
			return cmd, nil
		},
		Ready: answers(fmt.Sprintf("http://%s:%d/v1.0/healthz/outbound", host, app.HTTPPort)),
	}
}

// sidecarEnv has the variables that components refer to by envRef.
func (s *Stack) sidecarEnv(app string, secrets *Secrets) map[string]string {
	cfg := &s.Config
	env := map[string]string{
		"DAPR_HOST_IP":        host,
		"DAPR_API_TOKEN":      secrets.DaprAPIToken(app),
		"APP_API_TOKEN":       secrets.AppAPIToken(app),
		"FOYER_KAFKA_BROKERS": fmt.Sprintf("%s:%d", host, cfg.Ports.Kafka),
		"FOYER_REDIS_HOST":    fmt.Sprintf("%s:%d", host, cfg.Ports.Redis),
		"FOYER_NATS_URL":      fmt.Sprintf("nats://%s:%d", host, cfg.Ports.NATS),
		"FOYER_SMTP_HOST":     host,
		"FOYER_SMTP_PORT":     strconv.Itoa(cfg.Ports.SMTP),
		"FOYER_SECRETS_FILE":  secretsFile(cfg),
	}
	if cfg.OTLPEndpoint != "" {
		// The same protocol as the services speak; a sidecar would take gRPC with TLS.
		env["OTEL_EXPORTER_OTLP_ENDPOINT"] = cfg.OTLPEndpoint
		env["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
		env["OTEL_EXPORTER_OTLP_INSECURE"] = strconv.FormatBool(!strings.HasPrefix(cfg.OTLPEndpoint, "https://"))
	}
	return env
}

// serviceEnv is the environment of a service: dapr.yaml lists its variables with local defaults; this stack's
// configuration overrides them.
func (s *Stack) serviceEnv(app App, secrets *Secrets) map[string]string {
	cfg := &s.Config
	env := map[string]string{}
	for name, value := range app.Env {
		env[name] = value
		if known, ok := s.known(name); ok {
			env[name] = known
		}
	}
	maps.Copy(env, map[string]string{
		"APP_HOST": host, "APP_PORT": strconv.Itoa(app.Port), "APP_API_TOKEN": secrets.AppAPIToken(app.ID),
		"DAPR_HTTP_PORT": strconv.Itoa(app.HTTPPort), "DAPR_GRPC_PORT": strconv.Itoa(app.GRPCPort), "DAPR_API_TOKEN": secrets.DaprAPIToken(app.ID),
		// Our heaps are a few megabytes. With the default setting they would be collected constantly.
		"FOYER_LOG_LEVEL": cfg.LogLevel, "GOMEMLIMIT": "256MiB", "GOGC": "400",
	})
	if cfg.OTLPEndpoint != "" {
		env["OTEL_EXPORTER_OTLP_ENDPOINT"] = cfg.OTLPEndpoint
	}
	maps.Copy(env, cfg.ExtraEnv)
	return env
}

// withoutSecrets removes the launcher's secrets from the inherited environment; a service reads its own from
// the secret store.
func withoutSecrets(env []string) []string {
	return slices.DeleteFunc(env, func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains([]string{
			"FOYER_DATABASE_PASSWORD", "FOYER_REDIS_PASSWORD", "FOYER_KEYCLOAK_ADMIN_PASSWORD", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "PGPASSWORD",
		}, name)
	})
}

// known returns this stack's value of a variable that dapr.yaml lists for a service.
func (s *Stack) known(name string) (string, bool) {
	cfg := &s.Config
	switch name {
	case "FOYER_PUBLIC_URL":
		return cfg.PublicURL, true
	case "OIDC_ISSUER":
		return cfg.issuer(), true
	case "OIDC_JWKS_URL":
		return cfg.KeycloakURL() + "/realms/foyer/protocol/openid-connect/certs", true
	case "KEYCLOAK_URL":
		return cfg.KeycloakURL(), true
	case "ELASTICSEARCH_URL":
		return fmt.Sprintf("http://%s:%d", host, cfg.Ports.Elasticsearch), true
	case "STRIPE_PUBLISHABLE_KEY":
		return cfg.StripePublishableKey, !cfg.Simulated()
	case "STRIPE_API_BASE":
		if cfg.Simulated() {
			return fmt.Sprintf("http://%s:%d", host, cfg.Ports.StripeAPI), true
		}
		return "", true
	case "FOYER_STRIPESIM_FORM_URL":
		if cfg.Simulated() {
			return fmt.Sprintf("http://localhost:%d", cfg.Ports.StripeForm), true
		}
		return "", true
	}
	return "", false
}

func (s *Stack) stripesim(secrets *Secrets) Part {
	cfg := &s.Config
	const pkg = "./cmd/stripesim"
	return Part{
		Name: "stripesim", Tier: Infrastructure, Turn: behind, Ports: []int{cfg.Ports.StripeAPI, cfg.Ports.StripeForm},
		Package: pkg,
		Hold:    true, // a provider is not away because ours starts anew
		Prepare: func(ctx context.Context, report func(Step)) error { return s.build(ctx, pkg, report) },
		Command: func() (*exec.Cmd, error) {
			cmd := exec.Command(s.binary(pkg))
			cmd.Dir = cfg.Root
			payment := cfg.Ports.Gateway
			for _, app := range s.Apps {
				if app.Name() == "payment" { // straight to the service, as Stripe would reach it past the gateway's cache
					payment = app.Port
				}
			}
			cmd.Env = append(os.Environ(), pairs(map[string]string{
				"FOYER_STRIPESIM_API_ADDR":        fmt.Sprintf("%s:%d", host, cfg.Ports.StripeAPI),
				"FOYER_STRIPESIM_FORM_ADDR":       fmt.Sprintf("%s:%d", host, cfg.Ports.StripeForm),
				"FOYER_STRIPESIM_DATA":            cfg.path("stripesim"),
				"FOYER_STRIPESIM_WEBHOOK_URL":     fmt.Sprintf("http://%s:%d/webhooks/stripe", host, payment),
				"FOYER_STRIPESIM_WEBHOOK_SECRET":  secrets.StripeWebhookSecret,
				"FOYER_STRIPESIM_SECRET_KEY":      secrets.StripeSecretKey,
				"FOYER_STRIPESIM_PUBLISHABLE_KEY": cmp.Or(cfg.StripePublishableKey, "pk_test_foyer_local"),
				"FOYER_PUBLIC_URL":                cfg.PublicURL,
				"FOYER_LOG_LEVEL":                 cfg.LogLevel,
			})...)
			return cmd, os.MkdirAll(cfg.path("stripesim"), 0o755)
		},
		Ready: answers(fmt.Sprintf("http://%s:%d/healthz", host, cfg.Ports.StripeAPI)),
	}
}

// binary returns the path of a package's built program.
func (s *Stack) binary(pkg string) string { return s.Config.path("bin", filepath.Base(pkg)) }

// batch is one build of all programs of parts that were started together, which loads the packages only once.
type batch struct {
	packages []string
	turn     chan struct{} // holds one token: whose turn it is to build, or to see that it is done
	done     bool
	err      error
}

// build calls compile for the first caller; others wait for the result until their own ctx ends. If the first
// caller is cancelled, the next one builds.
func (b *batch) build(ctx context.Context, compile func() error) error {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil { // select takes either of two that are ready
		return err
	}
	if !b.done {
		b.err = compile()
		b.done = ctx.Err() == nil
	}
	return b.err
}

// build compiles one program together with those of the parts that were started with it. The result is renamed
// into place, so that a running program keeps its file; the linker's output stays where the next build finds
// it up to date.
func (s *Stack) build(ctx context.Context, pkg string, report func(Step)) error {
	if !isProgram(filepath.Join(s.Config.Root, pkg)) {
		return ErrAbsent
	}
	s.mu.Lock()
	together := s.batches[pkg]
	delete(s.batches, pkg)
	s.mu.Unlock()
	if together != nil {
		err := together.build(ctx, func() error { return s.compile(ctx, together.packages, report) })
		if err == nil {
			return s.install(pkg)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := s.compile(ctx, []string{pkg}, report); err != nil { // whose error it is
		return err
	}
	return s.install(pkg)
}

// install copies a linked program to where this stack runs it; replicas share it.
func (s *Stack) install(pkg string) error {
	s.installing.Lock()
	defer s.installing.Unlock()
	return install(filepath.Join(s.linked(), filepath.Base(pkg)), s.binary(pkg))
}

// linked is the directory in which all stacks of this tree link their programs, so that up-to-date programs
// are not linked again.
func (s *Stack) linked() string {
	return filepath.Join(s.Config.Cache, "build-"+digest([]byte(s.Config.Root)))
}

func (s *Stack) compile(ctx context.Context, packages []string, report func(Step)) error {
	// Builds run one at a time, since each uses all cores.
	select {
	case s.building <- struct{}{}:
		defer func() { <-s.building }()
	case <-ctx.Done():
		return ctx.Err()
	}
	step := Step{Text: "building " + filepath.Base(packages[0])}
	if len(packages) > 1 {
		step = Step{Text: fmt.Sprintf("building %d programs of this tree", len(packages)), Total: allPackages, Work: workOf["services"]}
	}
	report(step)
	if err := os.MkdirAll(s.linked(), 0o755); err != nil {
		return err
	}
	unlock, err := lockFile(ctx, s.linked()+".lock", nil)
	if err != nil {
		return err
	}
	defer unlock()
	cmd := goCommand(slices.Concat([]string{"build", "-v", "-o", s.linked() + "/"}, packages)...)
	cmd.Dir = s.Config.Root
	return scanLines(ctx, cmd, helpers(), func(n int64) {
		if step.Total > 0 {
			step.Done = min(n, step.Total)
			report(step)
		}
	})
}

// allPackages is the approximate number of packages of all programs, including dependencies.
const allPackages = 700

func isProgram(dir string) bool {
	sources, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	return len(sources) > 0
}

// install copies a program beside its place and renames it there.
func install(from, to string) error {
	fresh, err := os.Stat(from)
	if err != nil {
		return err
	}
	if have, err := os.Stat(to); err == nil && have.Size() == fresh.Size() && have.ModTime().Equal(fresh.ModTime()) {
		return nil
	}
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to+".new", raw, 0o755); err != nil {
		return err
	}
	if err := os.Chtimes(to+".new", fresh.ModTime(), fresh.ModTime()); err != nil {
		return err
	}
	return os.Rename(to+".new", to)
}

func pairs(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}
