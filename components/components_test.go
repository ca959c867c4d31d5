// Package components contains only tests. They check that every folder of components defines the same
// names with the same scopes, so a deployment can use any of them, and that access rules match the code.
package components

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/auth/keycloak"
	"github.com/foyer-tickets/foyer/services/payment"
	"github.com/foyer-tickets/foyer/services/payment/stripe"
)

type component struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Type     string
		Metadata []struct {
			Name         string
			Value        string
			EnvRef       string                `yaml:"envRef"`
			SecretKeyRef struct{ Name string } `yaml:"secretKeyRef"`
		}
	}
	Scopes []string
}

var folders = []string{"local", "redis", "jetstream", "k8s"}

func load(t *testing.T, folder string) map[string]component {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	require.NoError(t, err)
	all := map[string]component{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var c component
		require.NoError(t, yaml.Unmarshal(raw, &c), file)
		require.Equal(t, "Component", c.Kind, file)
		require.Equal(t, c.Metadata.Name+".yaml", filepath.Base(file), "a file is named like its component")
		all[c.Metadata.Name] = c
	}
	return all
}

func TestEveryFolderHasTheSameNamesAndScopes(t *testing.T) {
	names := []string{messages.Seats, messages.Line, messages.Cache, messages.PubSub, messages.Broadcast, messages.Email, messages.Secrets}
	apps := []string{messages.Auth, messages.Catalog, messages.Search, messages.Booking, messages.BookingConsumer, messages.HighDemandConsumer, messages.WaitingRoom, messages.Payment, messages.Notification}
	want := load(t, "local")
	for _, folder := range folders {
		have := load(t, folder)
		require.Len(t, have, len(names), folder)
		for _, name := range names {
			c, ok := have[name]
			require.True(t, ok, "%s lacks %s", folder, name)
			require.NotEmpty(t, c.Scopes, "%s/%s is open to every app", folder, name)
			require.Equal(t, want[name].Scopes, c.Scopes, "%s/%s", folder, name)
			kind, _, _ := strings.Cut(c.Spec.Type, ".")
			wantKind, _, _ := strings.Cut(want[name].Spec.Type, ".")
			require.Equal(t, wantKind, kind, "%s/%s", folder, name)
			for _, scope := range c.Scopes {
				require.Contains(t, apps, scope, "%s/%s", folder, name)
			}
		}
	}
}

func TestNoSecretStandsInAFile(t *testing.T) {
	secret := []string{"password", "connectionstring", "redispassword", "saslpassword", "token", "clientkey"}
	for _, folder := range folders {
		for name, c := range load(t, folder) {
			for _, item := range c.Spec.Metadata {
				if slices.Contains(secret, strings.ToLower(item.Name)) {
					require.NotEmpty(t, item.SecretKeyRef.Name, "%s/%s: %s is a secret by reference", folder, name, item.Name)
				}
			}
		}
	}
}

func TestRunFileListsEveryApp(t *testing.T) {
	apps, err := devstack.LoadApps(devstack.Config{Root: ".."})
	require.NoError(t, err)
	var ids []string
	ports := map[int]string{}
	for _, app := range apps {
		ids = append(ids, app.ID)
		for _, port := range []int{app.Port, app.HTTPPort, app.GRPCPort, app.InternalPort, app.MetricsPort} {
			require.Empty(t, ports[port], "%s: port %d is taken", app.ID, port)
			ports[port] = app.ID
		}
		require.DirExists(t, filepath.Join("..", app.Command[len(app.Command)-1]), app.ID)
	}
	require.ElementsMatch(t, []string{messages.Auth, messages.Catalog, messages.Search, messages.Booking, messages.BookingConsumer, messages.HighDemandConsumer, messages.WaitingRoom, messages.Payment, messages.Notification}, ids)
}

// The circuit breakers and retries of dapr/resiliency.yaml name what exists.
func TestResiliencyNamesComponentsAndApps(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "dapr", "resiliency.yaml"))
	require.NoError(t, err)
	var file struct {
		Spec struct {
			Targets struct {
				Apps       map[string]any
				Components map[string]any
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(raw, &file))
	have := load(t, "local")
	for name := range file.Spec.Targets.Components {
		require.Contains(t, have, name)
	}
	require.Contains(t, file.Spec.Targets.Apps, messages.Payment)
}

// The daprd that is built here knows the components that the folders of this machine name.
func TestOurSidecarKnowsTheComponents(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "tools", "daprd", "main.go"))
	require.NoError(t, err)
	for _, folder := range folders {
		for _, c := range load(t, folder) {
			kind, name, ok := strings.Cut(c.Spec.Type, ".")
			require.True(t, ok, c.Spec.Type)
			require.Regexp(t, kind+`\.DefaultRegistry\.Register\w+\((.*, )?"`+name+`"`, string(raw), "%s names %s", folder, c.Spec.Type)
		}
	}
}

// A client that gives up before its sidecar does repeats what may still be done; one that waits much
// longer holds its caller up for nothing.
func TestDeadlinesAgreeWithResiliency(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "dapr", "resiliency.yaml"))
	require.NoError(t, err)
	type target struct{ Timeout, Retry string }
	type retry struct {
		Policy, Duration string
		InitialInterval  string `yaml:"initialInterval"`
		MaxInterval      string `yaml:"maxInterval"`
		MaxRetries       int    `yaml:"maxRetries"`
	}
	var file struct {
		Spec struct {
			Policies struct {
				Timeouts map[string]string
				Retries  map[string]retry
			}
			Targets struct {
				Apps       map[string]target
				Components map[string]struct{ Outbound *target }
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(raw, &file))
	duration := func(s string) time.Duration {
		if s == "" {
			return 0
		}
		d, err := time.ParseDuration(s)
		require.NoError(t, err)
		return d
	}
	// As Dapr does it: exponential pauses grow by half, and each is off by half of itself at most.
	pauses := func(r retry) (sum time.Duration) {
		if r.Policy == "constant" {
			return time.Duration(r.MaxRetries) * duration(r.Duration)
		}
		next := duration(r.InitialInterval)
		for range r.MaxRetries {
			sum += next * 3 / 2
			next = min(next*3/2, duration(r.MaxInterval))
		}
		return sum
	}
	timeouts, targets := file.Spec.Policies.Timeouts, file.Spec.Targets.Apps
	for name, c := range file.Spec.Targets.Components {
		if c.Outbound != nil {
			targets[name] = *c.Outbound
		}
	}
	for _, name := range []string{
		messages.Auth, messages.Catalog, messages.Search, messages.Booking, messages.WaitingRoom, messages.Payment, messages.Notification,
		messages.Seats, messages.Line, messages.Cache, messages.PubSub, messages.Broadcast, messages.Email,
	} {
		require.Contains(t, targets, name)
	}
	for name, to := range targets {
		require.Contains(t, timeouts, to.Timeout, name)
		require.Contains(t, file.Spec.Policies.Retries, to.Retry, name)
		r := file.Spec.Policies.Retries[to.Retry]
		require.GreaterOrEqual(t, r.MaxRetries, 0, "%s: a retry has a bound", name)
		longest := duration(timeouts[to.Timeout])*time.Duration(r.MaxRetries+1) + pauses(r)
		require.Greater(t, daprclient.Deadline(name), longest, "%s: the client gives up before its sidecar", name)
		require.LessOrEqual(t, daprclient.Deadline(name), longest+5*time.Second, "%s: the client waits for nothing", name)
	}
	// A target's own work fits into one attempt.
	cfg, err := env.ParseAsWithOptions[stripe.Config](env.Options{Environment: map[string]string{"STRIPE_SECRET_KEY": "k", "STRIPE_PUBLISHABLE_KEY": "k", "STRIPE_WEBHOOK_SECRET": "k"}})
	require.NoError(t, err)
	require.Greater(t, duration(timeouts["payment"]), payment.MaxProviderCalls*cfg.Timeout, "a payment's calls to the provider")
	require.Greater(t, duration(timeouts["accounts"]), keycloak.Timeout, "a question to Keycloak")
}

// TestBrokersTakeTheLargestMessage: what internal/messages allows, every broker carries.
func TestBrokersTakeTheLargestMessage(t *testing.T) {
	for _, folder := range folders {
		for name, c := range load(t, folder) {
			if c.Spec.Type != "pubsub.kafka" {
				continue
			}
			limit := ""
			for _, item := range c.Spec.Metadata {
				if item.Name == "maxMessageBytes" {
					limit = item.Value
				}
			}
			require.Equal(t, strconv.Itoa(messages.BrokerMax), limit, "%s/%s", folder, name)
		}
	}
}
