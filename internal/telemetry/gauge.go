package telemetry

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// countWithin is how long a count may take while metrics are read.
const countWithin = 2 * time.Second

// CountGauge is a gauge that counts whenever it is read. What could not be counted is NaN: an alarm must not take it
// for nothing.
func CountGauge(ctx context.Context, name, help string, count func(context.Context) (int, error)) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
		ctx, cancel := context.WithTimeout(ctx, countWithin)
		defer cancel()
		n, err := count(ctx)
		if err != nil {
			return math.NaN()
		}
		return float64(n)
	})
}
