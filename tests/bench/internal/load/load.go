// Package load is shared by the benchmarks: closed-loop and open-loop clients, statistics of their
// results, a description of the machine, and a stack to run against.
package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Plan bounds a run: it ends at Duration or after Requests, whichever is first; zero is no bound.
type Plan struct {
	Clients  int
	Duration time.Duration
	Requests int
	// Arrivals a second on average, each independent of the others (a Poisson process). Whoever comes while
	// all clients are busy waits for one. Zero: a client starts anew when it is done.
	Arrivals float64
}

// Call makes one request as one of the clients and says, in a word, what came of it: a status
// code, a refusal's code. An error counts as the outcome "error"; its text is kept once.
type Call func(ctx context.Context, client, n int) (outcome string, err error)

// Result of a run. Latency is in microseconds, of every call that had no error.
type Result struct {
	Clients  int
	Elapsed  time.Duration
	Latency  *hdrhistogram.Histogram
	Outcomes map[string]int
	Err      error // the first one
}

// longest latency that is told apart.
const longest = 10 * time.Minute

// skew between our clock and a server's idea of the same deadline.
const skew = 50 * time.Millisecond

// Run has all clients call until the plan's end. n counts a client's calls from 0.
func Run(ctx context.Context, p Plan, call Call) Result {
	if p.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Duration)
		defer cancel()
	}
	total := newResult(p.Clients)
	var (
		mu    sync.Mutex
		group sync.WaitGroup
	)
	began := time.Now()
	var due chan struct{}
	if p.Arrivals > 0 {
		arrivals, end := context.WithCancel(ctx)
		defer end()
		due = make(chan struct{}, p.Clients)
		go arrive(arrivals, p.Arrivals, due)
	}
	for client := range p.Clients {
		share := p.Requests / p.Clients
		if client < p.Requests%p.Clients {
			share++
		}
		group.Go(func() {
			own := newResult(1)
			for n := 0; (p.Requests == 0 || n < share) && ctx.Err() == nil; n++ {
				if due != nil {
					if _, open := <-due; !open {
						break
					}
				}
				own.one(ctx, client, n, call)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(own)
		})
	}
	group.Wait()
	total.Elapsed = time.Since(began)
	return total
}

// seed of the moments of arrival: every run has the same.
const seed = 1

// arrive announces arrivals until ctx ends.
func arrive(ctx context.Context, perSecond float64, due chan<- struct{}) {
	defer close(due)
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // moments, not secrets
	next := time.Now()
	for {
		next = next.Add(time.Duration(random.ExpFloat64() / perSecond * float64(time.Second)))
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
		select {
		case <-ctx.Done():
			return
		case due <- struct{}{}:
		}
	}
}

func newResult(clients int) Result {
	return Result{Clients: clients, Latency: hdrhistogram.New(1, longest.Microseconds(), 3), Outcomes: map[string]int{}}
}

func (r *Result) one(ctx context.Context, client, n int, call Call) {
	began := time.Now()
	outcome, err := call(ctx, client, n)
	if err != nil {
		// Cut off by the end of the run. A server that was told the deadline may see it a little earlier.
		if end, ok := ctx.Deadline(); ctx.Err() != nil || (ok && time.Until(end) < skew) {
			return
		}
		outcome = "error"
		if r.Err == nil {
			r.Err = err
		}
	} else {
		_ = r.Latency.RecordValue(min(time.Since(began), longest).Microseconds())
	}
	r.Outcomes[outcome]++
}

func (r *Result) add(o Result) {
	r.Latency.Merge(o.Latency)
	for outcome, n := range o.Outcomes {
		r.Outcomes[outcome] += n
	}
	if r.Err == nil {
		r.Err = o.Err
	}
}

// Requests that were answered.
func (r Result) Requests() int { return int(r.Latency.TotalCount()) }

// Rate is answered requests a second.
func (r Result) Rate() float64 { return float64(r.Requests()) / r.Elapsed.Seconds() }

// Quantile gives a latency, for instance at 99.
func (r Result) Quantile(q float64) time.Duration {
	return time.Duration(r.Latency.ValueAtQuantile(q)) * time.Microsecond
}

// Only returns an error unless every request had the outcome.
func (r Result) Only(outcome string) error {
	if r.Err != nil {
		return r.Err
	}
	for o, n := range r.Outcomes {
		if o != outcome {
			return fmt.Errorf("%d requests were answered %s, not %s", n, o, outcome)
		}
	}
	if r.Requests() == 0 {
		return errors.New("no request was answered")
	}
	return nil
}

func (r Result) String() string {
	return fmt.Sprintf("%.0f requests/s, p50 %s, p99 %s, %d clients, %d requests in %s, %v", r.Rate(), r.Quantile(50).Round(10*time.Microsecond),
		r.Quantile(99).Round(10*time.Microsecond), r.Clients, r.Requests(), r.Elapsed.Round(time.Millisecond), r.Outcomes)
}
