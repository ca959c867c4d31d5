package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// Instruments are variables of the packages that measure. Their names, units and attributes follow OpenTelemetry's
// semantic conventions (https://opentelemetry.io/docs/specs/semconv/general/metrics/); docs/metrics-internal.md lists
// them, and a test compares the list with the code. The exporter writes them in Prometheus's form: foyer.booking.holds
// is foyer_booking_holds_total at /metrics.
//
// The provider is not OpenTelemetry's global one: the instrumented HTTP and gRPC libraries would add
// metrics with attributes that clients choose.
var (
	domain = prometheus.NewRegistry()
	meter  = newMeter(domain)
)

func newMeter(reg prometheus.Registerer) metric.Meter {
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(reg), otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo())
	if err != nil {
		panic(fmt.Sprintf("telemetry: metrics exporter: %v", err)) // options of ours: cannot happen
	}
	return sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter)).Meter("github.com/foyer-tickets/foyer")
}

// Metrics returns a registry with everything that this process measures: the instruments of this package, the Go
// runtime and the process itself.
func Metrics() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(domain, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// must ends the process for an instrument that OpenTelemetry refuses, as regexp.MustCompile does.
func must[T any](instrument T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("telemetry: %v", err))
	}
	return instrument
}

// Counter counts what happened since the process started.
type Counter struct {
	instrument metric.Int64Counter
	attributes attributes
}

// NewCounter makes a counter. unit is a UCUM unit, or a noun in braces for things counted: {hold}. attributes names
// what Add is given the values of; each has few values, and none tells of a person.
func NewCounter(name, unit, description string, attributes ...string) *Counter {
	c := &Counter{
		must(meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))), newAttributes(attributes),
	}
	if len(attributes) == 0 {
		c.Add(context.Background(), 0) // so that it is there before the first one
	}
	return c
}

// Add counts n more. values are those of the attributes, in their order.
func (c *Counter) Add(ctx context.Context, n int64, values ...string) {
	c.instrument.Add(ctx, n, c.attributes.set(values).add...)
}

// UpDownCounter counts what is there now: it goes up and down.
type UpDownCounter struct {
	instrument metric.Int64UpDownCounter
	attributes attributes
}

// NewUpDownCounter makes a counter of what is there. For the parameters see NewCounter.
func NewUpDownCounter(name, unit, description string, attributes ...string) *UpDownCounter {
	return &UpDownCounter{
		must(meter.Int64UpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))), newAttributes(attributes),
	}
}

// Add counts n more, or fewer where n is negative.
func (c *UpDownCounter) Add(ctx context.Context, n int64, values ...string) {
	c.instrument.Add(ctx, n, c.attributes.set(values).add...)
}

// Histogram is the distribution of durations.
type Histogram struct {
	instrument metric.Float64Histogram
	attributes attributes
}

// durationBounds are the buckets of durations, in seconds.
var durationBounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// NewDuration makes a histogram of durations, in seconds. For the parameters see NewCounter.
func NewDuration(name, description string, attributes ...string) *Histogram {
	return &Histogram{
		must(meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(durationBounds...))),
		newAttributes(attributes),
	}
}

// Record takes in one duration.
func (h *Histogram) Record(ctx context.Context, d time.Duration, values ...string) {
	h.instrument.Record(ctx, d.Seconds(), h.attributes.set(values).record...)
}

// Gauge is a value that is read whenever metrics are collected.
type Gauge struct {
	instrument metric.Float64ObservableGauge
	attributes attributes
}

// NewGauge makes a gauge that has no value before Observe. For the parameters see NewCounter.
func NewGauge(name, unit, description string, attributes ...string) *Gauge {
	return &Gauge{
		must(meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))), newAttributes(attributes),
	}
}

// Reading takes the values of gauges.
type Reading struct{ observer metric.Observer }

// Set gives a gauge its value. values are those of its attributes.
func (r Reading) Set(g *Gauge, value float64, values ...string) {
	r.observer.ObserveFloat64(g.instrument, value, g.attributes.set(values).observe...)
}

// readTimeout is how long a reading may take while metrics are collected.
const readTimeout = 2 * time.Second

// Observe has gauges read by f until stop is called. A value that f does not give is left out until the next time: an
// alarm must not take what could not be read for zero.
func Observe(f func(ctx context.Context, r Reading) error, gauges ...*Gauge) (stop func()) {
	instruments := make([]metric.Observable, len(gauges))
	for i, g := range gauges {
		instruments[i] = g.instrument
	}
	registration := must(meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		ctx, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		if err := f(ctx, Reading{o}); err != nil {
			slog.WarnContext(ctx, "metrics not read", "error", err)
		}
		return nil
	}, instruments...))
	return func() { _ = registration.Unregister() }
}

// ObserveCount has a gauge without attributes read by count until stop is called.
func ObserveCount(g *Gauge, count func(context.Context) (int, error)) (stop func()) {
	return Observe(func(ctx context.Context, r Reading) error {
		n, err := count(ctx)
		if err == nil {
			r.Set(g, float64(n))
		}
		return err
	}, g)
}

// Leads counts changes of leaders, by a name of the task that one replica does for all.
var Leads = NewCounter("foyer.leader.changes", "{change}", "Times that this replica became the leader of a task.", "foyer.task")

// The queues of all services.
var (
	queueSize = NewGauge("foyer.queue.size", "{item}", "Items that wait in a queue and are due.", "foyer.queue")
	queueAge  = NewGauge("foyer.queue.age", "s", "How long the item that waits longest in a queue has been due; 0 when none is.", "foyer.queue")
)

// ObserveQueue has the size and the age of a queue read by f until stop is called. Replicas that share a queue
// in a database all tell of the same items.
func ObserveQueue(name string, f func(ctx context.Context) (size int, age time.Duration, err error)) (stop func()) {
	return Observe(func(ctx context.Context, r Reading) error {
		size, age, err := f(ctx)
		if err != nil {
			return fmt.Errorf("queue %s: %w", name, err)
		}
		r.Set(queueSize, float64(size), name)
		r.Set(queueAge, max(0, age.Seconds()), name)
		return nil
	}, queueSize, queueAge)
}

// attributes keeps the sets of an instrument's attributes that were used, so that measuring does not allocate.
type attributes struct {
	names []string
	known *atomic.Pointer[map[values]*set]
	grow  *sync.Mutex
}

const (
	maxAttributes = 4
	maxSets       = 1000 // of one instrument; more would not be bounded
)

type values [maxAttributes]string

// set is a set of attributes in the form that each kind of instrument takes.
type set struct {
	add     []metric.AddOption
	record  []metric.RecordOption
	observe []metric.ObserveOption
}

func newAttributes(names []string) attributes {
	if len(names) > maxAttributes {
		panic("telemetry: too many attributes")
	}
	a := attributes{names, &atomic.Pointer[map[values]*set]{}, &sync.Mutex{}}
	a.known.Store(&map[values]*set{})
	return a
}

// Other stands for values of attributes that are beyond the known ones.
const Other = "_OTHER"

func (a attributes) set(given []string) *set {
	if len(given) != len(a.names) {
		panic(fmt.Sprintf("telemetry: %d values for %d attributes", len(given), len(a.names)))
	}
	var key values
	copy(key[:], given)
	if s := (*a.known.Load())[key]; s != nil {
		return s
	}
	return a.learn(key)
}

func (a attributes) learn(key values) *set {
	a.grow.Lock()
	defer a.grow.Unlock()
	known := *a.known.Load()
	if s := known[key]; s != nil {
		return s
	}
	if len(known) >= maxSets {
		for i := range a.names {
			key[i] = Other
		}
		if s := known[key]; s != nil {
			return s
		}
	}
	all := make([]attribute.KeyValue, 0, len(a.names))
	for i, name := range a.names {
		if key[i] != "" { // an attribute without a value is left out
			all = append(all, attribute.String(name, key[i]))
		}
	}
	option := metric.WithAttributeSet(attribute.NewSet(all...))
	s := &set{[]metric.AddOption{option}, []metric.RecordOption{option}, []metric.ObserveOption{option}}
	next := make(map[values]*set, len(known)+1)
	for k, v := range known {
		next[k] = v
	}
	next[key] = s
	a.known.Store(&next)
	return s
}
