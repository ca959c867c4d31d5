package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/internal/stack"
	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// bench is one run on a stack.
type bench struct {
	stack    *stack.Stack
	issuer   *issuer
	accounts int
	report   *strings.Builder
}

const joinClients = 256

func (b *bench) port(app string) int {
	for _, a := range b.stack.Apps {
		if a.ID == app {
			return a.Port
		}
	}
	return 0
}

func (b *bench) address(app string) string { return fmt.Sprintf("http://127.0.0.1:%d", b.port(app)) }

// post sends JSON as the merchant.
func (b *bench) post(ctx context.Context, url string, in, out any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	_, err = load.NewHTTP(1).Do(ctx, http.MethodPost, url, b.issuer.merchant, raw, func(status int, answer []byte) error {
		if status >= 300 {
			return fmt.Errorf("%s answered %d: %s", url, status, answer)
		}
		return json.Unmarshal(answer, out)
	})
	return err
}

type concert struct {
	ID          string
	TicketTypes []struct{ ID string }
}

// event puts one on sale.
func (b *bench) event(ctx context.Context, highDemand bool, capacity int) (e concert, err error) {
	catalog, starts := b.address("catalog"), time.Now().AddDate(0, 1, 0).UTC()
	var venue struct{ ID string }
	if err := b.post(ctx, catalog+"/api/v1/venues", map[string]any{"name": "Bench", "city": "Wien", "country": "AT", "timeZone": "Europe/Vienna"}, &venue); err != nil {
		return e, err
	}
	err = b.post(ctx, catalog+"/api/v1/events", map[string]any{
		"name": "Bench", "venue": venue.ID, "category": "music", "startsAt": starts, "endsAt": starts.Add(time.Hour),
		"salesStart": time.Now().Add(-time.Hour).UTC(), "highDemand": highDemand, "maxPerOrder": 4, "maxPerAccount": 4,
		"ticketTypes": []any{map[string]any{"name": "Standing", "price": map[string]any{"amount": 2500, "currency": "EUR"}, "capacity": capacity}},
	}, &e)
	if err != nil {
		return e, err
	}
	var published concert
	return e, b.post(ctx, catalog+"/api/v1/events/"+e.ID+"/publish", nil, &published)
}

// joins measures how fast a crowd gets its places, then kills what it runs on.
func (b *bench) joins(ctx context.Context) error {
	bare, err := b.bareHandler(ctx)
	if err != nil {
		return err
	}
	e, err := b.event(ctx, true, 1000)
	if err != nil {
		return err
	}
	half := b.accounts / 2
	h, url := load.NewHTTP(joinClients), b.address("waitingroom")+"/api/v1/events/"+e.ID+"/queue"
	began := b.used()
	plain := load.Run(ctx, load.Plan{Clients: joinClients, Requests: half}, b.joiner(h, url, half, 0, nil))
	used := b.used() - began
	if err := plain.Only("201"); err != nil {
		return err
	}
	told := &places{number: map[int]int64{}}
	stop := b.killers(ctx)
	crashed := load.Run(ctx, load.Plan{Clients: joinClients, Requests: b.accounts - half}, b.joiner(h, url, b.accounts-half, half, told))
	kills := stop()
	if err := told.check(); err != nil {
		return err
	}
	line, err := b.line(ctx, e.ID)
	if err != nil {
		return err
	}
	if err := line.Check(); err != nil {
		return err
	}
	fmt.Fprintf(b.report, "## Joins\n\nAn account each, with a token to verify, straight to one replica.\n\n| | joins/s | p50 | p99 |\n|---|---|---|---|\n")
	row := func(name string, r load.Result) {
		fmt.Fprintf(b.report, "| %s | %.0f | %s | %s |\n", name, r.Rate(), r.Quantile(50).Round(time.Millisecond), r.Quantile(99).Round(time.Millisecond))
	}
	row("waiting room", plain)
	row("bare net/http handler, nothing stored", bare)
	row(fmt.Sprintf("waiting room, with kill -9 of %s", kills), crashed)
	fmt.Fprintf(b.report, "\nA join takes %.0f µs of processor time in service, sidecar, Redis and Postgres together.\n", float64(used.Microseconds())/float64(half))
	fmt.Fprintf(b.report, "\nRatio to the bare handler %.2f (goal of the waiting room: 5,000 joins/s). After the kills all %d places that were told are different, and I4 holds: %d arrivals, %d let in, %d places of requests that died unanswered.\n\n",
		plain.Rate()/bare.Rate(), len(told.number)+half, line.Taken, line.Served, line.Taken-int64(len(told.number)+half))
	return nil
}

// used is the processor time that everything a join touches has taken. Unlike the rate it says
// the same on a busy machine.
func (b *bench) used() (sum time.Duration) {
	for _, s := range b.stack.Status() {
		switch s.Name {
		case "waitingroom", "waitingroom.daprd", "redis", "postgres":
			for _, pid := range append(children(s.PID), s.PID) {
				if d, err := cpu(pid); err == nil {
					sum += d
				}
			}
		}
	}
	return sum
}

// children are the processes that a process started: Postgres has one for each connection.
func children(pid int) (pids []int) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	for _, word := range strings.Fields(string(raw)) {
		if n, err := strconv.Atoi(word); err == nil {
			pids = append(pids, n)
		}
	}
	return pids
}

// joiner has each client join with accounts of its own. With told, it asks until it is answered.
func (b *bench) joiner(h *load.HTTP, url string, people, from int, told *places) load.Call {
	var next atomic.Int64
	return func(ctx context.Context, _, _ int) (string, error) {
		a := from + int(next.Add(1)-1)
		if a >= from+people {
			return "201", nil
		}
		for {
			var answer struct{ Number int64 }
			outcome, err := h.Do(ctx, http.MethodPost, url, b.issuer.tokens[a], nil, func(status int, raw []byte) error {
				if status >= 300 {
					return nil
				}
				return json.Unmarshal(raw, &answer)
			})
			if told == nil {
				return outcome, err
			}
			if err == nil && answer.Number > 0 {
				told.note(a, answer.Number)
				return outcome, nil
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// places are the numbers that people were told.
type places struct {
	mu     sync.Mutex
	number map[int]int64
}

func (p *places) note(account int, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number[account] = n
}

func (p *places) check() error {
	seen := map[int64]int{}
	for a, n := range p.number {
		if other, twice := seen[n]; twice {
			return fmt.Errorf("place %d was given to accounts %d and %d", n, a, other)
		}
		seen[n] = a
	}
	return nil
}

// killers ends one part after the other; the supervisor starts them again.
func (b *bench) killers(ctx context.Context) (stop func() string) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan []string, 1)
	go func() {
		var killed []string
		for _, victim := range []string{"waitingroom", "waitingroom.daprd", "placement"} {
			select {
			case <-ctx.Done():
				done <- killed
				return
			case <-time.After(1500 * time.Millisecond):
			}
			for _, s := range b.stack.Status() {
				if s.Name == victim && s.PID != 0 && syscall.Kill(s.PID, syscall.SIGKILL) == nil {
					killed = append(killed, victim)
				}
			}
		}
		done <- killed
	}()
	return func() string {
		cancel()
		return strings.Join(<-done, ", ")
	}
}

func (b *bench) line(ctx context.Context, event string) (*harness.Line, error) {
	db, err := pgx.Connect(ctx, b.stack.Config.DatabaseURL("dapr"))
	if err != nil {
		return nil, err
	}
	defer db.Close(ctx)
	lines, err := harness.ReadLines(ctx, db)
	if err != nil {
		return nil, err
	}
	if lines[event] == nil {
		return nil, fmt.Errorf("no line of event %s", event)
	}
	return lines[event], nil
}

// bareHandler is the least that an answer of that size costs with net/http.
func (b *bench) bareHandler(ctx context.Context) (load.Result, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return load.Result{}, err
	}
	var next atomic.Int64
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := next.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"place": "AAAAAAAAAAFJUCRMUqGwTM62KKXhShgzbADEk60C9OeBWYPD0mo0xA", "number": n, "position": n, "ahead": n - 1, "state": "waiting"})
	})}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	h, url := load.NewHTTP(joinClients), "http://"+listener.Addr().String()+"/api/v1/events/x/queue"
	r := load.Run(ctx, load.Plan{Clients: joinClients, Requests: b.accounts}, func(ctx context.Context, _, n int) (string, error) {
		return h.Do(ctx, http.MethodPost, url, b.issuer.tokens[n%len(b.issuer.tokens)], nil, nil)
	})
	return r, r.Only("201")
}
