package rolling

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/tests/harness"
)

const (
	rate     = 20 // purchases a second that are offered; see sale.run
	buyers   = 100
	watchers = 3
	inTime   = 5 * time.Second // for a process to stop
)

// TestNobodyNoticesARestart ends each process with SIGTERM, one after the other, while people buy.
// The supervisor starts it again. Nobody's request fails, nobody's seat map is wrong in the end, and
// each process ends of its own will and in time.
func TestNobodyNoticesARestart(t *testing.T) {
	p := harness.Everything(t)
	s := open(t, p, buyers)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group, selling sync.WaitGroup
	defer group.Wait()
	defer cancel()
	watching := make([]*watcher, watchers)
	for i := range watching {
		watching[i] = &watcher{s: s}
		group.Go(func() { watching[i].run(ctx) })
	}
	sellCtx, stopSelling := context.WithCancel(ctx)
	defer stopSelling()
	selling.Go(func() { s.run(sellCtx, time.Second/rate) })
	harness.Eventually(t, 2*time.Minute, "sales go on", s.sells(buyers/4))

	began := time.Now()
	for _, name := range victims(p) {
		before := s.sold()
		p.Terminate(t, name, inTime)
		harness.Eventually(t, time.Minute, "sales go on after "+name, s.sells(before+2))
		if failures := s.failed(); len(failures) > 0 {
			t.Errorf("after the end of %s:\n  %s", name, strings.Join(failures, "\n  "))
		}
	}
	stopSelling()
	selling.Wait()
	t.Logf("%d tickets sold in %s, %d purchases not offered since all buyers were busy", len(s.bought), time.Since(began).Round(time.Second), s.skipped)
	assert.Empty(t, s.failed())

	harness.Eventually(t, 30*time.Second, "all maps show what is so", func() error {
		e, err := p.Evidence(t.Context())
		if err != nil {
			return err
		}
		for i, w := range watching {
			if err := w.agrees(e); err != nil {
				return fmt.Errorf("watcher %d: %w", i, err)
			}
		}
		return nil
	})
	p.Invariants(t, time.Minute, s.bought...)
}

// victims are all services with their sidecars, or those that FOYER_ROLLING names.
func victims(p *harness.Platform) (names []string) {
	if chosen := os.Getenv("FOYER_ROLLING"); chosen != "" {
		return strings.Split(chosen, ",")
	}
	for name := range p.Apps {
		names = append(names, name, name+".daprd")
	}
	slices.Sort(names)
	return names
}

func (s *sale) sold() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bought)
}

func (s *sale) sells(n int) func() error {
	return func() error {
		if have := s.sold(); have < n {
			return fmt.Errorf("%d sold, not %d", have, n)
		}
		return nil
	}
}

// failed gives the failures since it was last asked.
func (s *sale) failed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	failures := s.failures
	s.failures = nil
	return failures
}

// TestRestartIsRolling has the launcher restart a service of two replicas: one stays up.
func TestRestartIsRolling(t *testing.T) {
	p := harness.Everything(t)
	first, second := p.PID(t, "booking"), p.PID(t, "booking-2")
	done := make(chan error, 1)
	go func() { done <- p.Restart(t, "booking") }()
	for {
		select {
		case err := <-done:
			require.NoError(t, err)
			assert.NotEqual(t, first, p.PID(t, "booking"))
			assert.NotEqual(t, second, p.PID(t, "booking-2"))
			return
		default:
		}
		if p.PID(t, "booking-2") != second { // its turn has come
			assert.NotEqual(t, first, p.PID(t, "booking"), "the first is there again")
			p.WaitHealthy(t, "booking", time.Second)
			require.NoError(t, <-done)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestEachProcessStops ends each process with SIGTERM while nobody buys. It needs a part of the
// platform only, and is red where a process waits for itself.
func TestEachProcessStops(t *testing.T) {
	names := []string{"auth", "search", "booking", "booking-2", "booking-consumer", "highdemand-consumer", "catalog", "payment", "notification", "waitingroom", "stripesim"}
	if chosen := os.Getenv("FOYER_ROLLING"); chosen != "" {
		names = strings.Split(chosen, ",")
	}
	p := harness.Parts(t, names...)
	for _, name := range names {
		p.WaitHealthy(t, name, 5*time.Minute)
	}
	for _, name := range names {
		p.Terminate(t, name, inTime)
	}
}
