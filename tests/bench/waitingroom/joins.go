package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// bench is one section's run.
type bench struct {
	section section
	ready   func() error // returns when the machine is quiet
	stack   *devstack.Stack
	issuer  *issuer
	report  strings.Builder
}

const joinClients = 1000

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

// joins measures how fast a crowd gets its places.
func (b *bench) joins(ctx context.Context) error {
	everyone := len(b.issuer.tokens)
	bareUsed := selfUsed()
	bare, err := b.bareHandler(ctx, everyone)
	bareUsed = selfUsed() - bareUsed
	if err != nil {
		return err
	}
	e, err := b.event(ctx, true, 1000)
	if err != nil {
		return err
	}
	h, url := load.NewHTTP(joinClients), b.queue(e)
	busy := []string{"waitingroom", "waitingroom.daprd", "postgres"}
	theirs, ours := b.used(busy...), selfUsed()
	r := load.Run(ctx, load.Plan{Clients: joinClients, Requests: everyone}, b.joiner(h, url, nil))
	theirs, ours = b.used(busy...)-theirs, selfUsed()-ours
	if err := r.Only("201"); err != nil {
		return err
	}
	if _, err := b.lined(ctx, e, nil); err != nil {
		return err
	}
	fmt.Fprintf(&b.report, "%d accounts, each with a token to verify, %d at once, straight to one replica.\n\n| | joins/s | p50 | p99 | processor time each | share of the machine |\n|---|---:|---:|---:|---:|---:|\n", everyone, joinClients)
	for _, row := range []struct {
		name string
		load.Result
		used time.Duration
	}{{"waiting room", r, theirs + ours}, {"bare net/http handler, nothing verified, nothing stored", bare, bareUsed}} {
		fmt.Fprintf(&b.report, "| %s | %.0f | %s | %s | %.0f µs | %.0f %% |\n", row.name, row.Rate(), row.Quantile(50).Round(time.Millisecond), row.Quantile(99).Round(time.Millisecond),
			float64(row.used.Microseconds())/float64(everyone), 100*share(row.used, row.Elapsed))
	}
	fmt.Fprintf(&b.report, "\nGoal 5,000/s. Ratio to the bare handler %.2f by rate, %.2f by processor time. Of a join's, %.0f µs are in service, sidecar and Postgres together, %.0f µs in the client. "+
		"The share is what the measured parts got of the machine's processors: what is missing to 100 %% went to others on it, or was waited.\n",
		r.Rate()/bare.Rate(), float64(bareUsed)/float64(theirs+ours), float64(theirs.Microseconds())/float64(everyone), float64(ours.Microseconds())/float64(everyone))
	return nil
}

// share is how much of the machine's processors a run had.
func share(used, elapsed time.Duration) float64 {
	return used.Seconds() / elapsed.Seconds() / float64(runtime.NumCPU())
}

func (b *bench) queue(e concert) string {
	return b.address("waitingroom") + "/api/v1/events/" + e.ID + "/queue"
}

// crash has the crowd join while what its line runs on is killed.
func (b *bench) crash(ctx context.Context) error {
	everyone := len(b.issuer.tokens)
	e, err := b.event(ctx, true, 2000)
	if err != nil {
		return err
	}
	const rate = 100
	if err := b.send(ctx, http.MethodPatch, b.queue(e)+"/settings", b.issuer.merchant, map[string]any{"rate": rate, "claimWindowSeconds": 20}, nil, nil); err != nil {
		return err
	}
	told := newPlaces(everyone)
	stop := b.killers(ctx, told)
	r := load.Run(ctx, load.Plan{Clients: joinClients, Requests: everyone}, b.joiner(load.NewHTTP(joinClients), b.queue(e), told))
	kills := stop()
	if r.Err != nil {
		return r.Err
	}
	if want := strings.Join(victims, ", "); kills != want {
		return fmt.Errorf("killed %s, not %s", kills, want)
	}
	if err := told.check(); err != nil {
		return err
	}
	// The line goes on: whoever is let in by now was let in in order, and never over the rate.
	deadline := time.Now().Add(2 * time.Minute)
	for {
		line, err := b.lined(ctx, e, told)
		if err != nil {
			return err
		}
		if line.Served >= 10*rate {
			fmt.Fprintf(&b.report, "%d accounts, %d at once, join within %s; meanwhile %s are ended by kill -9, one after the other. Who gets no answer asks again; the longest took %s.\n\n"+
				"Every account has exactly one place, the one it was told (%d arrivals for %d accounts); whoever was told before another asked stands before them. "+
				"%d people were let in, at %d moments, in order and never faster than %d a second (I4).\n",
				everyone, joinClients, r.Elapsed.Round(time.Second), kills, r.Quantile(100).Round(100*time.Millisecond), line.Arrivals, everyone, line.Served, len(line.Log), rate)
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("only %d were let in", line.Served)
		}
		time.Sleep(time.Second)
	}
}

// lined reads the line and checks that everyone has one place there, the one they were told.
func (b *bench) lined(ctx context.Context, e concert, told *places) (*harness.Line, error) {
	line, err := b.line(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	if err := line.Check(); err != nil {
		return nil, err
	}
	everyone := len(b.issuer.tokens)
	at := map[string]int64{}
	arrival := int64(0)
	for _, page := range line.Pages {
		for _, who := range page {
			arrival++
			if before, twice := at[who]; twice {
				return nil, fmt.Errorf("%s stands at %d and at %d", who, before, arrival)
			}
			at[who] = arrival
		}
	}
	if len(at) != everyone {
		return nil, fmt.Errorf("%d accounts have a place, %d joined", len(at), everyone)
	}
	for a := 0; told != nil && a < everyone; a++ {
		if at[account(a)] != told.of[a].number {
			return nil, fmt.Errorf("account %d was told %d and stands at %d", a, told.of[a].number, at[account(a)])
		}
	}
	return line, nil
}

// used is the processor time that parts have taken. Unlike the rate it says much the same on a
// busy machine.
func (b *bench) used(parts ...string) (sum time.Duration) {
	for _, s := range b.stack.Status() {
		if slices.Contains(parts, s.Name) {
			for _, pid := range append(children(s.PID), s.PID) {
				if d, err := cpu(pid); err == nil {
					sum += d
				}
			}
		}
	}
	return sum
}

// selfUsed is the processor time of this process.
func selfUsed() time.Duration {
	d, err := cpu(os.Getpid())
	if err != nil {
		return 0
	}
	return d
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

// joiner has each call join with an account of its own. With told, it asks until it is answered.
func (b *bench) joiner(h *load.HTTP, url string, told *places) load.Call {
	var next atomic.Int64
	return func(ctx context.Context, _, _ int) (string, error) {
		a := int(next.Add(1) - 1)
		if told != nil {
			told.asks(a)
		}
		for {
			var answer struct{ Number int64 }
			outcome, err := h.Do(ctx, http.MethodPost, url, b.issuer.tokens[a], nil, func(status int, raw []byte) error {
				if status >= 300 || told == nil {
					return nil
				}
				return json.Unmarshal(raw, &answer)
			})
			if told == nil {
				return outcome, err
			}
			if err == nil && answer.Number > 0 {
				told.note(a, answer.Number)
				return "201", nil
			}
			select {
			case <-ctx.Done():
				return "", ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// places are the numbers that people were told, and when.
type places struct {
	began time.Time
	of    []told
	done  atomic.Int64
}

type told struct {
	number       int64
	asked, knows time.Duration
}

func newPlaces(n int) *places { return &places{began: time.Now(), of: make([]told, n)} }

func (p *places) asks(account int) { p.of[account].asked = time.Since(p.began) }

func (p *places) note(account int, n int64) {
	p.of[account].number, p.of[account].knows = n, time.Since(p.began)
	p.done.Add(1)
}

// check verifies that no place was told twice, and that whoever knew theirs before another asked
// stands before them.
func (p *places) check() error {
	order := slices.Clone(p.of)
	slices.SortFunc(order, func(a, b told) int { return cmp.Compare(a.number, b.number) })
	earliest := time.Duration(math.MaxInt64) // that anyone further behind knew their place
	for i := len(order) - 1; i >= 0; i-- {
		if i > 0 && order[i].number == order[i-1].number {
			return fmt.Errorf("place %d was given twice", order[i].number)
		}
		if order[i].asked > earliest {
			return fmt.Errorf("place %d was asked for after somebody behind it was told theirs", order[i].number)
		}
		earliest = min(earliest, order[i].knows)
	}
	return nil
}

var victims = []string{"waitingroom", "waitingroom.daprd", "placement"}

// killers ends one part after the other, when a quarter, a half and three quarters have their
// places; the supervisor starts them again.
func (b *bench) killers(ctx context.Context, told *places) (stop func() string) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan []string, 1)
	go func() {
		var killed []string
		for i, victim := range victims {
			for told.done.Load() < int64((i+1)*len(told.of)/(len(victims)+1)) && ctx.Err() == nil {
				time.Sleep(10 * time.Millisecond)
			}
			if ctx.Err() != nil {
				break
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
func (b *bench) bareHandler(ctx context.Context, requests int) (load.Result, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return load.Result{}, err
	}
	var next atomic.Int64
	server := &http.Server{ReadHeaderTimeout: 30 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := next.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"place": "AAAAAAAAAAFJUCRMUqGwTM62KKXhShgzbADEk60C9OeBWYPD0mo0xA", "number": n, "position": n, "ahead": n - 1, "state": "waiting"})
	})}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	h, url := load.NewHTTP(joinClients), "http://"+listener.Addr().String()+"/api/v1/events/x/queue"
	r := load.Run(ctx, load.Plan{Clients: joinClients, Requests: requests}, func(ctx context.Context, _, n int) (string, error) {
		return h.Do(ctx, http.MethodPost, url, b.issuer.tokens[n%len(b.issuer.tokens)], nil, nil)
	})
	return r, r.Only("201")
}
