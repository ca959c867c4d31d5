package actor

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"github.com/foyer-tickets/foyer/services/waitingroom"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestLinesThatTickHereAreMeasured(t *testing.T) {
	now := time.Now()
	p := &TickPublisher{Now: func() time.Time { return now }}
	defer p.Observe()()
	admitted := harness.Counting(t, "foyer_waitingroom_admissions_total")
	one, other := waitingroom.NewLine(uuid.New()), waitingroom.NewLine(uuid.New())
	one.Arrivals, other.Arrivals, other.Served = 10, 7, 5
	p.ticked.note(t.Context(), one, now)
	p.ticked.note(t.Context(), other, now)
	assert.InDelta(t, 12, harness.Metric(t, "foyer_waitingroom_waiting"), 0)
	assert.Zero(t, admitted(), "those of before are not counted again")
	one.Served = 4
	p.ticked.note(t.Context(), one, now)
	assert.InDelta(t, 4, admitted(), 0)
	assert.InDelta(t, 8, harness.Metric(t, "foyer_waitingroom_waiting"), 0)
	p.ticked.forget(other.Event)
	assert.InDelta(t, 6, harness.Metric(t, "foyer_waitingroom_waiting"), 0)
	now = now.Add(2 * tickedFor)
	assert.Zero(t, harness.Metric(t, "foyer_waitingroom_waiting"), "another replica ticks them")
}
