package telemetry_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestInstrumentsAreExportedInPrometheusForm(t *testing.T) {
	counter := telemetry.NewCounter("test.things", "{thing}", "Things.", "foyer.outcome", "error.type")
	counter.Add(t.Context(), 2, telemetry.Refused, "too_many")
	counter.Add(t.Context(), 1, telemetry.Succeeded, "")
	open := telemetry.NewUpDownCounter("test.open", "{thing}", "Open things.")
	open.Add(t.Context(), 3)
	open.Add(t.Context(), -1)
	telemetry.NewDuration("test.duration", "How long.").Record(t.Context(), 20*time.Millisecond)

	assert.InDelta(t, 2, harness.Metric(t, "test_things_total", "foyer_outcome", "refused", "error_type", "too_many"), 0)
	assert.InDelta(t, 1, harness.Metric(t, "test_things_total", "foyer_outcome", "succeeded"), 0, "an attribute without a value is left out")
	assert.InDelta(t, 2, harness.Metric(t, "test_open"), 0)
	assert.InDelta(t, 1, harness.Metric(t, "test_duration_seconds"), 0)
	telemetry.NewCounter("test.nothing", "{thing}", "Nothing yet.")
	assert.InDelta(t, 0, harness.Metric(t, "test_nothing_total"), 0, "an alarm can tell zero from missing")
}

func TestAttributesAreBounded(t *testing.T) {
	counter := telemetry.NewCounter("test.many", "{thing}", "Things.", "foyer.kind")
	for i := range 1800 {
		counter.Add(t.Context(), 1, strconv.Itoa(i))
	}
	assert.InDelta(t, 1, harness.Metric(t, "test_many_total", "foyer_kind", "0"), 0)
	assert.InDelta(t, 800, harness.Metric(t, "test_many_total", "foyer_kind", telemetry.Other), 0)
	assert.Panics(t, func() { counter.Add(t.Context(), 1) }, "a value for each attribute")
}

func TestMeasuringDoesNotAllocate(t *testing.T) {
	counter := telemetry.NewCounter("test.cheap", "{thing}", "Things.", "foyer.outcome", "error.type")
	ctx := context.Background()
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		counter.Add(ctx, 1, telemetry.Succeeded, "")
		counter.Add(ctx, 1, telemetry.Refused, "too_many")
	}))
}

func TestAValueThatCannotBeReadIsLeftOut(t *testing.T) {
	gauge := telemetry.NewGauge("test.size", "{thing}", "Size.")
	var broken error
	stop := telemetry.Observe(func(_ context.Context, r telemetry.Reading) error {
		if broken == nil {
			r.Set(gauge, 7)
		}
		return broken
	}, gauge)
	_, found := harness.FindMetric(t, "test_size")
	require.True(t, found)
	broken = errors.New("database away")
	_, found = harness.FindMetric(t, "test_size")
	assert.False(t, found)
	broken = nil
	stop()
	_, found = harness.FindMetric(t, "test_size")
	assert.False(t, found)
}

func TestOutcomesTellNothingOfAnErrorsText(t *testing.T) {
	for _, c := range []struct {
		err                error
		outcome, errorType string
	}{
		{nil, telemetry.Succeeded, ""},
		{fault.New(fault.Conflict, "seat_taken", "Taken."), telemetry.Refused, "seat_taken"},
		{fault.Away("seats", errors.New("a@b.test")), telemetry.Failed, "dependency_unavailable"},
		{errors.New("a@b.test"), telemetry.Failed, telemetry.Other},
	} {
		outcome, errorType := telemetry.Outcome(c.err)
		assert.Equal(t, c.outcome, outcome)
		assert.Equal(t, c.errorType, errorType)
	}
}
