package rolling

import (
	"context"
	"fmt"
	"maps"
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
	rushRate = 2  // of those through the waiting room
	buyers   = 30
	rushers  = 10
	watchers = 3
	inTime   = 5 * time.Second // for a process to stop
)

// TestNobodyNoticesARestart ends each process with SIGTERM, one after the other, while people buy, stand in
// line and give tickets back. The supervisor starts it again. Nobody's request fails, nobody's seat map is
// wrong in the end, everybody has their tickets or their money, and each process ends of its own will and in time.
func TestNobodyNoticesARestart(t *testing.T) {
	p := harness.Everything(t)
	s := open(t, p)
	crowd, rushing := s.crowd(1, buyers), s.crowd(1+buyers, rushers)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group, selling sync.WaitGroup
	defer group.Wait()
	defer cancel()
	watching := []*watcher{{s: s, show: s.wanted}}
	for range watchers {
		watching = append(watching, &watcher{s: s, show: s.plain})
	}
	for _, w := range watching {
		group.Go(func() { w.run(ctx) })
	}
	sellCtx, stopSelling := context.WithCancel(ctx)
	defer stopSelling()
	selling.Go(func() { s.run(sellCtx, time.Second/rate, &s.purchases, crowd, s.purchase) })
	selling.Go(func() { s.run(sellCtx, time.Second/rushRate, &s.rushed, rushing, s.rush) })
	harness.Eventually(t, 2*time.Minute, "sales go on", func() error { return s.sinceMark(floor{buyers, 4, 4}) })

	began := time.Now()
	replaced := map[string]int{}
	for _, name := range victims(p) {
		// Each is stopped while all kinds of work are under way, and what it has a hand in is begun and finished after that.
		harness.Eventually(t, time.Minute, "there is work to interrupt by the end of "+name, func() error { return s.underWay(floor{3, 1, 1}) })
		s.mark()
		if name == gateway {
			replaced[name] = p.PID(t, name)
			require.NoError(t, p.Restart(t, name))
			assert.NotEqual(t, replaced[name], p.PID(t, name))
		} else {
			p.Terminate(t, name, inTime)
		}
		harness.Eventually(t, time.Minute, "work goes on after the end of "+name, func() error { return s.sinceMark(handIn(name)) })
		s.report(name)
		if failures := s.failed(); len(failures) > 0 {
			t.Errorf("after the end of %s:\n  %s", name, strings.Join(failures, "\n  "))
		}
	}
	stopSelling()
	selling.Wait()
	t.Logf("in %s: purchases: %s; in high demand: %s; refunds: %d begun, %d finished",
		time.Since(began).Round(time.Second), &s.purchases, &s.rushed, s.refunds.begun, s.refunds.finished)
	assert.Empty(t, s.failed())
	for name, pid := range replaced {
		harness.Eventually(t, time.Minute, "the replaced "+name+" ends", func() error { return p.Ended(t, name, pid) })
	}

	harness.Eventually(t, time.Minute, "all maps and all money show what is so", func() error {
		e, err := p.Evidence(t.Context())
		if err != nil {
			return err
		}
		for i, w := range watching {
			if err := w.agrees(e); err != nil {
				return fmt.Errorf("watcher %d: %w", i, err)
			}
		}
		return s.money(e)
	})
	harness.Eventually(t, time.Minute, "all were told", func() error { return s.told(crowd, rushing) })
	p.CheckLines(t)
	p.Invariants(t, time.Minute, slices.Collect(maps.Keys(s.bought))...)
}

// handIn is how much of each kind of work that began after the end of a process has to be finished before the next.
func handIn(name string) floor {
	least := floor{3, 0, 0}
	for _, rush := range []string{gateway, "waitingroom", "highdemand-consumer"} {
		if strings.HasPrefix(name, rush) {
			least[1] = 1
		}
	}
	for _, refund := range []string{gateway, "payment", "booking-consumer", "stripesim"} {
		if strings.HasPrefix(name, refund) {
			least[2] = 1
		}
	}
	return least
}

// gateway is the one process that is not ended by SIGTERM, which nginx takes for the wish to drop everything: it is
// restarted as `foyer restart` does.
const gateway = "gateway"

// victims are all services with their sidecars, the gateway and the payment simulator, or those that FOYER_ROLLING names.
func victims(p *harness.Platform) (names []string) {
	if chosen := os.Getenv("FOYER_ROLLING"); chosen != "" {
		return strings.Split(chosen, ",")
	}
	for name := range p.Apps {
		names = append(names, name, name+".daprd")
	}
	slices.Sort(names)
	return append(names, gateway, "stripesim")
}

// report tells what was begun and finished since the mark.
func (s *sale) report(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.Logf("%-28s %3d purchases, %3d in high demand, %3d refunds begun since and finished; %d of %d offered skipped so far",
		name, s.purchases.since, s.rushed.since, s.refunds.since, s.purchases.skipped, s.purchases.offered)
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
