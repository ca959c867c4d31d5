// Package stack runs the whole platform on one machine: the infrastructure, a Dapr sidecar
// for each service, the services, and the gateway, each as a process of its own. The launcher
// (cmd/foyer) and the tests (tests/harness) use the same package, so what is tested is what
// people run.
package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// Stack is a set of parts that are kept running.
type Stack struct {
	Config Config
	Apps   []App

	runners  map[string]*runner
	order    []string
	building chan struct{} // holds one token: whose turn it is to build
}

// New plans a stack; nothing runs before Start.
func New(cfg Config) (*Stack, error) {
	if err := os.MkdirAll(cfg.path("logs"), 0o755); err != nil {
		return nil, err
	}
	secrets, err := loadSecrets(&cfg)
	if err != nil {
		return nil, err
	}
	apps, err := LoadApps(cfg)
	if err != nil {
		return nil, err
	}
	s := &Stack{Config: cfg, Apps: apps, runners: map[string]*runner{}, building: make(chan struct{}, 1)}
	spawn := spawner()
	for _, part := range s.plan(secrets) {
		s.order = append(s.order, part.Name)
		s.runners[part.Name] = &runner{
			part: part, log: cfg.LogFile(part.Name), spawn: spawn, waitFor: s.waitFor, changed: make(chan struct{}),
			status: Status{Name: part.Name, Tier: part.Tier, State: Stopped, URL: part.URL, Log: cfg.LogFile(part.Name)},
		}
	}
	return s, nil
}

// Names of all parts in the order of starting.
func (s *Stack) Names() []string { return slices.Clone(s.order) }

// Start begins to keep the named parts running, with all that they lean on; no name means
// every part. It does not wait.
func (s *Stack) Start(names ...string) error {
	if len(names) == 0 {
		names = s.order
	}
	wanted := map[string]bool{}
	var want func(name string) error
	want = func(name string) error {
		r, ok := s.runners[name]
		if !ok {
			return fmt.Errorf("no part is named %q", name)
		}
		if wanted[name] {
			return nil
		}
		wanted[name] = true
		for _, dep := range r.part.After {
			if err := want(dep); err != nil {
				return err
			}
		}
		return nil
	}
	for _, name := range names {
		if err := want(name); err != nil {
			return err
		}
	}
	for _, name := range s.order {
		if wanted[name] {
			s.runners[name].start()
		}
	}
	return nil
}

// Wait returns when every started part has settled; the error joins what failed.
func (s *Stack) Wait(ctx context.Context) error {
	var failures []error
	for _, name := range s.order {
		r := s.runners[name]
		for {
			status, changed := r.snapshot()
			if status.Settled() {
				if status.State != Healthy && status.State != Absent && status.State != Stopped {
					failures = append(failures, fmt.Errorf("%s: %s (log: %s)", name, status.Error, status.Log))
				}
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s is still %s: %w", name, status.State, ctx.Err())
			case <-changed:
			}
		}
	}
	return errors.Join(failures...)
}

// waitFor returns when the named parts are healthy, or with an error when one cannot become so.
func (s *Stack) waitFor(ctx context.Context, names []string) error {
	for _, name := range names {
		r := s.runners[name]
		for {
			status, changed := r.snapshot()
			if status.State == Healthy {
				break
			}
			if status.State == Failed {
				return fmt.Errorf("needs %s, which failed", name)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-changed:
			}
		}
	}
	return nil
}

// Status of every part, in the order of starting.
func (s *Stack) Status() []Status {
	all := make([]Status, 0, len(s.order))
	for _, name := range s.order {
		status, _ := s.runners[name].snapshot()
		if !status.Settled() {
			status.Took = time.Since(s.runners[name].beganAt())
		}
		all = append(all, status)
	}
	return all
}

func (r *runner) beganAt() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.began
}

// Restart stops one part and starts it anew, building it again when it is ours.
// A build that fails leaves the running one alone.
func (s *Stack) Restart(ctx context.Context, name string) error {
	r, ok := s.runners[name]
	if !ok {
		return fmt.Errorf("no part is named %q; they are %v", name, s.order)
	}
	if r.part.Prepare != nil {
		if err := r.part.Prepare(ctx, func(Step) {}); err != nil {
			return err
		}
	}
	r.stop()
	r.start()
	for {
		status, changed := r.snapshot()
		if status.Settled() {
			if status.State != Healthy {
				return fmt.Errorf("%s is %s: %s (log: %s)", name, status.State, status.Error, status.Log)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// StopPart stops one part until it is started again.
func (s *Stack) StopPart(name string) error {
	r, ok := s.runners[name]
	if !ok {
		return fmt.Errorf("no part is named %q", name)
	}
	r.stop()
	return nil
}

// Stop ends all parts, tier by tier, and returns when no process is left.
func (s *Stack) Stop() {
	for tier := Edge; tier >= Infrastructure; tier-- {
		var group sync.WaitGroup
		for _, r := range s.runners {
			if r.part.Tier == tier {
				group.Go(r.stop)
			}
		}
		group.Wait()
	}
}
