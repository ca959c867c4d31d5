package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"

	"github.com/caarlos0/env/v11"
)

// isolatedPrefix is the prefix of the data directories of test stacks.
const isolatedPrefix = "foyer-test-"

// Isolated returns the configuration of a stack that shares only the cache with others on this machine: it has
// its own data directory and ports. release deletes the directory.
func Isolated() (cfg Config, release func(), err error) {
	root, err := findRoot()
	if err != nil {
		return Config{}, nil, err
	}
	sweep()
	// The defaults and the cache, not what a developer's environment says about the stack in use.
	vars := map[string]string{}
	for _, name := range []string{"FOYER_CACHE", "PUBSUB", "FOYER_LOG_LEVEL"} {
		if value, ok := os.LookupEnv(name); ok {
			vars[name] = value
		}
	}
	if cfg, err = env.ParseAsWithOptions[Config](env.Options{Environment: vars}); err != nil {
		return Config{}, nil, err
	}
	cfg.Root = root
	if cfg.Data, err = os.MkdirTemp("", isolatedPrefix); err != nil {
		return Config{}, nil, err
	}
	if err := os.Chmod(cfg.Data, 0o755); err != nil { // the database's own user walks through it
		return Config{}, nil, err
	}
	lock, err := os.OpenFile(cfg.path("alive.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return Config{}, nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return Config{}, nil, err
	}
	const forApps = 140
	fields := reflect.ValueOf(&cfg.Ports).Elem()
	ports, unreserve, err := Reserve(fields.NumField() + forApps)
	if err != nil {
		return Config{}, nil, err
	}
	for i := range fields.NumField() {
		fields.Field(i).SetInt(int64(ports[i]))
	}
	rest := ports[fields.NumField():]
	cfg.NextPort = func() int {
		if len(rest) == 0 {
			panic("devstack: more ports asked for than were reserved for a test stack")
		}
		port := rest[0]
		rest = rest[1:]
		return port
	}
	release = func() {
		unreserve()
		lock.Close()
		_ = Wipe(cfg)
	}
	return cfg, release, cfg.complete()
}

// sweep deletes the data directories of killed test runs.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), isolatedPrefix+"*"))
	for _, dir := range left {
		lock, err := os.OpenFile(filepath.Join(dir, "alive.lock"), os.O_RDWR, 0)
		if err != nil {
			continue // just being made, or not ours to remove
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		lock.Close()
	}
}

// Attach adds a sidecar for an application that the caller runs on app.Port, with only the named components
// and their dependencies. It returns the part's name when the sidecar answers.
func (s *Stack) Attach(ctx context.Context, app App, components ...string) (string, error) {
	dir := s.Config.path("resources", fmt.Sprintf("%s-%d", app.ID, app.Port))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	needs := map[string]bool{}
	for _, name := range append([]string{"secrets"}, components...) {
		raw, err := os.ReadFile(filepath.Join(s.Config.componentsDir(), name+".yaml"))
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("no component is named %s", name)
		}
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), raw, 0o644); err != nil {
			return "", err
		}
		for marker, part := range map[string]string{"state.postgresql": "postgres", ".redis": "redis", "pubsub.kafka": "kafka", "pubsub.jetstream": "nats", "bindings.smtp": "mailpit", "actorStateStore": "placement"} {
			if strings.Contains(string(raw), marker) {
				needs[part] = true
			}
		}
	}
	if needs["placement"] {
		needs["scheduler"] = true
		app.PlacementHost, app.SchedulerHost = host, host
	}
	var after []string
	for part := range needs {
		after = append(after, part)
	}
	app.resources = dir
	part := s.sidecar(app, s.Secrets, after)
	part.Name = fmt.Sprintf("%s-%d", part.Name, app.Port) // tests may have several of one app-id
	s.add(part)
	if err := s.Start(part.Name); err != nil {
		return "", err
	}
	return part.Name, s.await(ctx, part.Name)
}
