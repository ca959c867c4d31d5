package harness

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// Metrics registers collectors as a process does. The answer reads a gauge by its name.
func Metrics(t testing.TB, collectors ...prometheus.Collector) func(name string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collectors...)
	return func(name string) float64 {
		t.Helper()
		families, err := registry.Gather()
		require.NoError(t, err)
		for _, family := range families {
			if family.GetName() == name {
				require.Len(t, family.GetMetric(), 1)
				return family.GetMetric()[0].GetGauge().GetValue()
			}
		}
		require.Fail(t, "no such metric", name)
		return 0
	}
}
