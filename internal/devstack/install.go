package devstack

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Install installs everything that the stack consists of: missing Debian packages, then the parts that Debian
// does not package, into the cache. Downloads run in parallel with builds; Dapr's build, the longest, starts
// first. A second call finds everything installed.
func Install(ctx context.Context, cfg Config, report func(name string, step Step)) error {
	if err := Provide(ctx, func(step Step) { report("debian", step) }); err != nil {
		return fmt.Errorf("debian: %w", err)
	}
	type job struct {
		name    string
		install func(report func(Step)) error
	}
	jobs := [][]job{ // the inner ones one after the other
		{{"dapr", func(r func(Step)) error { _, err := cfg.daprTools(ctx, r); return err }}},
		{
			{"kafka", func(r func(Step)) error { _, err := cfg.kafkaLibs(ctx, r); return err }},
			{"elasticsearch", func(r func(Step)) error {
				libs, err := cfg.maven(ctx, "elasticsearch", r)
				if err == nil {
					_, err = cfg.javac(ctx, "elasticsearch", libs, r)
				}
				return err
			}},
			{"keycloak", func(r func(Step)) error { _, err := cfg.keycloakDist(ctx, r); return err }},
		},
		{
			{"mailpit", func(r func(Step)) error { _, err := cfg.mailpitProgram(ctx, r); return err }},
			{"nats", func(r func(Step)) error { _, err := cfg.natsProgram(ctx, r); return err }},
		},
	}
	var group sync.WaitGroup
	failed := make([]error, len(jobs))
	for i, row := range jobs {
		group.Go(func() {
			for _, job := range row {
				if err := job.install(func(step Step) { report(job.name, step) }); err != nil {
					failed[i] = fmt.Errorf("%s: %w", job.name, err)
					return
				}
				report(job.name, Step{}) // done
			}
		})
	}
	group.Wait()
	return errors.Join(failed...)
}

func (c *Config) mailpitProgram(ctx context.Context, report func(Step)) (string, error) {
	return c.goInstall(ctx, "github.com/axllent/mailpit", mailpitVersion, report)
}

func (c *Config) natsProgram(ctx context.Context, report func(Step)) (string, error) {
	return c.goInstall(ctx, "github.com/nats-io/nats-server/v2", natsVersion, report)
}
