package stack

import (
	"context"
	"fmt"
)

// Install brings everything that the stack is made of: Debian's packages where they are missing,
// and into the cache what Debian has not, one after the other; a second time it finds all there.
func Install(ctx context.Context, cfg Config, report func(name string, step Step)) error {
	steps := []struct {
		name    string
		install func(report func(Step)) error
	}{
		{"debian", func(r func(Step)) error { return Provide(ctx, r) }},
		{"kafka", func(r func(Step)) error { _, err := cfg.maven(ctx, "kafka", r); return err }},
		{"elasticsearch", func(r func(Step)) error {
			libs, err := cfg.maven(ctx, "elasticsearch", r)
			if err == nil {
				_, err = cfg.javac(ctx, "elasticsearch", libs, r)
			}
			return err
		}},
		{"keycloak", func(r func(Step)) error { _, err := cfg.keycloakDist(ctx, r); return err }},
		{"mailpit", func(r func(Step)) error { _, err := cfg.mailpitProgram(ctx, r); return err }},
		{"nats", func(r func(Step)) error { _, err := cfg.natsProgram(ctx, r); return err }},
		{"dapr", func(r func(Step)) error { _, err := cfg.daprTools(ctx, r); return err }},
	}
	for _, step := range steps {
		if err := step.install(func(s Step) { report(step.name, s) }); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

func (c *Config) mailpitProgram(ctx context.Context, report func(Step)) (string, error) {
	return c.goInstall(ctx, "github.com/axllent/mailpit", mailpitVersion, report)
}

func (c *Config) natsProgram(ctx context.Context, report func(Step)) (string, error) {
	return c.goInstall(ctx, "github.com/nats-io/nats-server/v2", natsVersion, report)
}
