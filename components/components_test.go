// Package components holds nothing but a test: whichever folder of components a deployment
// uses, the services find the same names and the same scopes.
package components

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/stack"
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
	names := []string{event.Seats, event.Line, event.Cache, event.PubSub, event.Broadcast, event.Email, event.Secrets}
	apps := []string{event.Auth, event.Catalog, event.Search, event.Booking, event.BookingConsumer, event.HighDemandConsumer, event.WaitingRoom, event.Payment, event.Notification}
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
	apps, err := stack.LoadApps(stack.Config{Root: ".."})
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
	require.ElementsMatch(t, []string{event.Auth, event.Catalog, event.Search, event.Booking, event.BookingConsumer, event.HighDemandConsumer, event.WaitingRoom, event.Payment, event.Notification}, ids)
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
	require.Contains(t, file.Spec.Targets.Apps, event.Payment)
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
