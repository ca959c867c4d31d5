package telemetry

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// countWithin is the timeout of a count during a scrape.
const countWithin = 2 * time.Second

// CountGauge is a gauge whose value is counted at each scrape. If counting fails, the value is NaN, which an
// alert must not treat as zero.
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
