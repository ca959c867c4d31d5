package actor

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

var (
	admissions = telemetry.NewCounter("foyer.waitingroom.admissions", "{place}", "Places whose turn came.")
	waiting    = telemetry.NewGauge("foyer.waitingroom.waiting", "{place}", "Places that wait for their turn, in all lines that this replica ticks.")
	wait       = telemetry.NewGauge("foyer.waitingroom.wait", "s", "How long the last place of the longest line will wait at the present speed.")
)

// ticked are the lines that this process ticks, for metrics.
type ticked struct {
	mu    sync.Mutex
	lines map[uuid.UUID]tickedLine
}

type tickedLine struct {
	served, waiting int64
	wait, at        float64 // seconds; at since the epoch
}

// tickedFor is how long after its last tick a line still counts: another replica may tick it by then.
const tickedFor = 5 * time.Second

// note takes in a line after a tick.
func (t *ticked) note(ctx context.Context, l waitingroom.Line, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lines == nil {
		t.lines = map[uuid.UUID]tickedLine{}
	}
	before, known := t.lines[l.Event]
	if known && l.Served > before.served {
		admissions.Add(ctx, l.Served-before.served)
	}
	next := tickedLine{served: l.Served, waiting: l.Waiting(), at: unix(now)}
	if speed := l.Speed(now); speed > 0 {
		next.wait = float64(next.waiting) / speed
	}
	t.lines[l.Event] = next
}

// forget drops a line that has no more ticks.
func (t *ticked) forget(event uuid.UUID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.lines, event)
}

// Observe measures the lines until stop is called.
func (t *TickPublisher) Observe() (stop func()) {
	return telemetry.Observe(func(_ context.Context, r telemetry.Reading) error {
		t.ticked.mu.Lock()
		defer t.ticked.mu.Unlock()
		var places int64
		longest := 0.0
		for _, l := range t.ticked.lines {
			if unix(t.Now())-l.at <= tickedFor.Seconds() {
				places += l.waiting
				longest = max(longest, l.wait)
			}
		}
		r.Set(waiting, float64(places))
		r.Set(wait, longest)
		return nil
	}, waiting, wait)
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
