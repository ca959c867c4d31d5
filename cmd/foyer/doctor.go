package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/foyer-tickets/foyer/internal/devstack"
)

// doctor says what this machine lacks and how to get it.
func (c *cli) doctor(ctx context.Context) error {
	bad := 0
	for _, finding := range devstack.Examine(ctx, c.cfg) {
		mark := "ok     "
		if finding.Problem != "" {
			mark = "MISSING"
			bad++
		}
		fmt.Fprintf(c.out, "%s  %-14s %s\n", mark, finding.Subject, finding.Found)
		if finding.Problem != "" {
			fmt.Fprintf(c.out, "         %s\n", finding.Problem)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of these need attention", bad)
	}
	return nil
}

// env prints what `dapr run -f dapr` needs beside dapr/dapr.yaml.
func (c *cli) env() error {
	exports, err := devstack.Exports(c.cfg)
	if err != nil {
		return err
	}
	fmt.Fprint(c.out, exports)
	return nil
}

// install fills the cache and shows how far it is, as up does.
func (c *cli) install(ctx context.Context) error {
	began := time.Now()
	view := newView(c.out)
	var mu sync.Mutex // of what follows
	var parts []devstack.Status
	show := func(name string, step devstack.Step) {
		mu.Lock()
		defer mu.Unlock()
		i := slices.IndexFunc(parts, func(s devstack.Status) bool { return s.Name == name })
		if i < 0 {
			if step == (devstack.Step{}) {
				return // was there
			}
			i = len(parts)
			parts = append(parts, devstack.Status{Name: name, Since: time.Now()})
		}
		s := &parts[i]
		s.State, s.Step, s.Took = devstack.Preparing, step, time.Since(s.Since)
		if step == (devstack.Step{}) {
			s.State = devstack.Healthy
		}
		view.show(parts, time.Since(began))
	}
	if err := devstack.Install(ctx, c.cfg, show); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "all is installed, after %s\n", seconds(time.Since(began)))
	return nil
}

// releaseSums prints what tools/releases.sums should have.
func (c *cli) releaseSums(ctx context.Context) error { return devstack.ReleaseSums(ctx, c.cfg, c.out) }
