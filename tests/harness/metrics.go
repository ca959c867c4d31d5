package harness

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/telemetry"
)

// FindMetric reads a metric of this process by its name in Prometheus's form and by labels, which are names and values in
// turn; other labels are added up. Of a histogram it gives how many values were recorded. Metrics are the process's, not
// a test's: tests compare before and after.
func FindMetric(t testing.TB, name string, labels ...string) (value float64, found bool) {
	t.Helper()
	families, err := telemetry.Metrics().Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			has := map[string]string{}
			for _, label := range m.GetLabel() {
				has[label.GetName()] = label.GetValue()
			}
			matches := true
			for i := 0; i+1 < len(labels); i += 2 {
				matches = matches && has[labels[i]] == labels[i+1]
			}
			if matches {
				found = true
				value += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return value, found
}

// Metric is FindMetric for a metric that has to be there.
func Metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	value, found := FindMetric(t, name, labels...)
	require.True(t, found, "no metric %s %v", name, labels)
	return value
}

// Counting tells how much a metric has grown since.
func Counting(t testing.TB, name string, labels ...string) (grown func() float64) {
	t.Helper()
	before, _ := FindMetric(t, name, labels...)
	return func() float64 {
		t.Helper()
		now, _ := FindMetric(t, name, labels...)
		return now - before
	}
}
