// Package devstack runs the whole platform on one machine: the infrastructure, a Dapr sidecar
// for each service, the services, and the gateway, each in its own process. The launcher
// (cmd/foyer) and the tests (tests/harness) use this package, so tests run the same stack as
// users.
package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Stack is a set of parts that are kept running.
type Stack struct {
	Config  Config
	Apps    []App
	Secrets *Secrets

	identity *identity

	mu         sync.Mutex // of the parts, to which tests add
	runners    map[string]*runner
	order      []string
	spawn      map[Turn]func(*exec.Cmd) error
	installing sync.Mutex
	building   chan struct{}                // holds one token: whose turn it is to build
	batches    map[string]*batch            // of the packages that started parts are about to ask for
	dapr       atomic.Pointer[daprPrograms] // where Dapr's programs are, once they are
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
	id, err := newIdentity(&cfg)
	if err != nil {
		return nil, err
	}
	s := &Stack{Config: cfg, Apps: apps, Secrets: secrets, identity: id, runners: map[string]*runner{}, spawn: map[Turn]func(*exec.Cmd) error{}, building: make(chan struct{}, 1), batches: map[string]*batch{}}
	for _, turn := range []Turn{ahead, usual, behind} {
		s.spawn[turn] = spawner(turn)
	}
	for _, part := range s.plan(secrets) {
		s.add(part)
	}
	return s, nil
}

func (s *Stack) add(part Part) {
	log := s.Config.LogFile(part.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runners[part.Name] == nil {
		s.order = append(s.order, part.Name)
	}
	s.runners[part.Name] = &runner{
		part: part, log: log, spawn: s.spawn[part.Turn], waitFor: s.waitFor, meet: s.meet, changed: make(chan struct{}), next: make(chan chan struct{}),
		status: Status{Name: part.Name, Tier: part.Tier, State: Stopped, URL: part.URL, Log: log},
	}
}

func (s *Stack) runner(name string) (*runner, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.runners[name]
	return r, ok
}

// Names of all parts in the order of starting.
func (s *Stack) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.order)
}

// Start begins to keep the named parts running, with all that they lean on; no name means
// every part. It does not wait.
func (s *Stack) Start(names ...string) error {
	if len(names) == 0 {
		names = s.Names()
	}
	wanted := map[string]bool{}
	var want func(name string) error
	want = func(name string) error {
		r, ok := s.runner(name)
		if !ok {
			return fmt.Errorf("no part is named %q", name)
		}
		if wanted[name] {
			return nil
		}
		wanted[name] = true
		for _, dep := range slices.Concat(r.part.After, r.part.With) {
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
	var runs []func()
	together := batch{turn: make(chan struct{}, 1)}
	for _, name := range s.Names() {
		if r, _ := s.runner(name); wanted[name] {
			if run := r.arm(); run != nil {
				runs = append(runs, run)
				if pkg := r.part.Package; pkg != "" && !slices.Contains(together.packages, pkg) && isProgram(filepath.Join(s.Config.Root, pkg)) {
					together.packages = append(together.packages, pkg)
				}
			}
		}
	}
	s.mu.Lock()
	for _, pkg := range together.packages {
		s.batches[pkg] = &together
	}
	s.mu.Unlock()
	for _, run := range runs {
		go run()
	}
	return nil
}

// Wait returns when every started part has settled; the error joins what failed.
func (s *Stack) Wait(ctx context.Context) error {
	var failures []error
	for _, name := range s.Names() {
		if err := s.await(ctx, name); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// await returns when one part has settled, with an error unless it is well or was never wanted.
func (s *Stack) await(ctx context.Context, name string) error {
	r, _ := s.runner(name)
	for {
		status, changed := r.snapshot()
		if status.Settled() {
			switch status.State {
			case Healthy, Absent, Stopped:
				return nil
			}
			return fmt.Errorf("%s is %s: %s (log: %s)", name, status.State, status.Error, status.Log)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is still %s: %w", name, status.State, ctx.Err())
		case <-changed:
		}
	}
}

// waitFor returns when the named parts are healthy, or with an error when one cannot become so.
func (s *Stack) waitFor(ctx context.Context, names []string) error {
	for _, name := range names {
		r, ok := s.runner(name)
		if !ok {
			return fmt.Errorf("needs %s, which is not part of this stack", name)
		}
		for {
			status, changed := r.snapshot()
			if status.State == Healthy {
				break
			}
			if status.State == Failed || status.State == Absent {
				return fmt.Errorf("needs %s, which is %s", name, status.State)
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

// meet returns when the named parts are prepared and what they lean on is healthy; one that
// nobody started is not waited for.
func (s *Stack) meet(ctx context.Context, names []string) error {
	for _, name := range names {
		r, ok := s.runner(name)
		if !ok {
			return fmt.Errorf("needs %s, which is not part of this stack", name)
		}
		for met := false; !met; {
			status, changed := r.snapshot()
			switch status.State {
			case Failed, Absent:
				return fmt.Errorf("needs %s, which is %s", name, status.State)
			case Stopped:
				met = true
				continue
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-r.isPoised():
				met = true
			case <-changed:
			}
		}
	}
	return nil
}

// Status of every part, in the order of starting.
func (s *Stack) Status() []Status {
	var all []Status
	for _, name := range s.Names() {
		r, _ := s.runner(name)
		status, _ := r.snapshot()
		if !status.Settled() {
			status.Took = time.Since(r.beganAt())
		}
		all = append(all, status)
	}
	return all
}

func (r *runner) isPoised() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.poised
}

func (r *runner) beganAt() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.began
}

// Restart stops one part and starts it anew, building it again when it is ours.
// A build that fails leaves the running one alone. Of a service that has several replicas, one after
// the other is restarted, each when the one before is ready again; the name of a further replica
// means that one alone. Where the next process can take over from the one that runs, it does.
func (s *Stack) Restart(ctx context.Context, name string) error {
	if _, ok := s.runner(name); !ok {
		return fmt.Errorf("no part is named %q; they are %v", name, s.Names())
	}
	for _, replica := range s.Names() {
		r, _ := s.runner(replica)
		if replica != name && r.part.Service != name {
			continue
		}
		if r.part.Prepare != nil {
			if err := r.part.Prepare(ctx, func(Step) {}); err != nil {
				return err
			}
		}
		if !r.handOver(ctx) {
			r.stop()
			r.start()
		}
		if err := s.await(ctx, replica); err != nil {
			return err
		}
	}
	return nil
}

// StopPart stops one part until it is started again.
func (s *Stack) StopPart(name string) error {
	r, ok := s.runner(name)
	if !ok {
		return fmt.Errorf("no part is named %q", name)
	}
	r.stop()
	r.letGo()
	return nil
}

// Stop ends all parts, tier by tier, and returns when no process is left. What is being installed or
// built is given up at once, whatever its tier.
func (s *Stack) Stop() {
	for _, name := range s.Names() {
		if r, _ := s.runner(name); r != nil {
			r.giveUp()
		}
	}
	for tier := Edge; tier >= Infrastructure; tier-- {
		var group sync.WaitGroup
		for _, name := range s.Names() {
			if r, _ := s.runner(name); r.part.Tier == tier {
				group.Go(func() {
					r.stop()
					r.letGo()
				})
			}
		}
		group.Wait()
	}
}
