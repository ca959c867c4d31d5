package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/daprstore"
	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
)

// result gathers the times and outcomes of one kind of request.
type result struct {
	mu       sync.Mutex
	times    []time.Duration
	outcomes map[string]int
}

func (r *result) add(outcome string, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outcomes == nil {
		r.outcomes = map[string]int{}
	}
	r.outcomes[outcome]++
	r.times = append(r.times, took)
}

func (r *result) quantile(q float64) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.times) == 0 {
		return 0
	}
	slices.Sort(r.times)
	return r.times[int(q*float64(len(r.times)-1))].Round(100 * time.Microsecond)
}

// cpu is what each process of the stack has used so far.
func (b *bench) cpu() map[string]time.Duration {
	const perSecond = 100 // USER_HZ
	spent := map[string]time.Duration{}
	for _, s := range b.stack.Status() {
		var ticks int64
		for _, pid := range append(children(s.PID), s.PID) { // nginx's workers, Postgres's backends
			if raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
				ticks += used(string(raw))
			}
		}
		spent[s.Name] = time.Duration(ticks) * time.Second / perSecond
	}
	return spent
}

// spenders lists who used more than a hundredth of the time between two looks, and the sum.
func spenders(before, after map[string]time.Duration, n int) (list string, sum time.Duration) {
	for name := range after {
		sum += after[name] - before[name]
	}
	names := slices.SortedFunc(maps.Keys(after), func(a, b string) int { return int(after[b] - before[b] - after[a] + before[a]) })
	var parts []string
	for _, name := range names {
		if spent := after[name] - before[name]; spent > sum/100 {
			parts = append(parts, fmt.Sprintf("%s %.1f", name, spent.Seconds()*1000/float64(max(1, n))))
		}
	}
	return strings.Join(parts, ", "), sum
}

func used(stat string) (ticks int64) {
	_, rest, _ := strings.Cut(stat, ") ")
	fields := strings.Fields(rest)
	const utime, cstime = 11, 14 // of the process and of its children that ended
	for _, f := range fields[utime : cstime+1] {
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return ticks
}

func children(pid int) (all []int) {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for field := range strings.FieldsSeq(string(raw)) {
		if n, err := strconv.Atoi(field); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// ratio compares a hold through the sidecar with the statements that it comes down to.
func (b *bench) ratio(ctx context.Context) error {
	var app struct{ HTTP, GRPC int }
	for _, a := range b.stack.Apps {
		if a.ID == messages.Booking {
			app.HTTP, app.GRPC = a.HTTPPort, a.GRPCPort
		}
	}
	client, err := daprclient.New(daprclient.Config{
		Host: "127.0.0.1", HTTPPort: uint16(app.HTTP), GRPCPort: uint16(app.GRPC), //nolint:gosec // ports
		APIToken: b.stack.Secrets.DaprAPIToken(messages.Booking), AppToken: b.stack.Secrets.AppAPIToken(messages.Booking),
	})
	if err != nil {
		return err
	}
	defer client.Close()
	seats := daprstore.NewSeats(client.Store(messages.Seats), daprstore.Transactional, 5*time.Minute, time.Now)
	pool, err := pgxpool.New(ctx, b.stack.Config.DatabaseURL("dapr")+"&pool_max_conns=30")
	if err != nil {
		return err
	}
	defer pool.Close()
	of := uuid.New()
	hold := func() booking.Hold {
		return booking.Hold{
			ID: uuid.New(), Event: of, Account: uuid.NewString(), Status: booking.HoldOpen, Until: time.Now().Add(5 * time.Minute),
			Units: []booking.HeldUnit{{ID: uuid.NewString(), TicketType: "t", TypeName: "Standing", Label: "Standing"}},
		}
	}
	through := func(ctx context.Context, _, _ int) (string, error) { return "held", seats.Take(ctx, hold(), 8) }
	bare := func(ctx context.Context, _, _ int) (string, error) { return "held", bareHold(ctx, pool, hold()) }
	var rates [2][]float64
	for range 3 {
		for i, call := range []load.Call{through, bare} {
			load.Run(ctx, load.Plan{Clients: 32, Duration: time.Second}, call)
			r := load.Run(ctx, load.Plan{Clients: 32, Duration: 3 * time.Second}, call)
			if r.Err != nil {
				return r.Err
			}
			rates[i] = append(rates[i], r.Rate())
		}
	}
	for i := range rates {
		slices.Sort(rates[i])
	}
	b.say("## A hold in the state store\n\n32 callers, one place each, the middle one of three rounds.\n")
	b.say("| | holds/s | ratio | goal |\n|---|---:|---:|---|")
	b.say("| the same statements from bare Go | %.0f | | |", rates[1][1])
	b.say("| through the sidecar | %.0f | %.2f | 0.45 |", rates[0][1], rates[0][1]/rates[1][1])
	return nil
}

// bareHold is a hold as the state store's component does it: one read, one transaction.
func bareHold(ctx context.Context, pool *pgxpool.Pool, h booking.Hold) error {
	capKey, holdKey := "bare||"+daprstore.CapKey(h.Event, h.Account), "bare||"+daprstore.HoldKey(h.ID)
	rows, err := pool.Query(ctx, `SELECT key, value, etag, expires_at FROM seats_state WHERE key = ANY($1) AND (expires_at IS NULL OR expires_at >= now())`, []string{capKey, holdKey})
	if err != nil {
		return err
	}
	rows.Close()
	c, err := booking.Cap{}.Hold(h.ID, len(h.Units), h.Until, 8, time.Now())
	if err != nil {
		return err
	}
	ops := []struct {
		key   string
		value []byte
	}{
		{capKey, daprstore.EncodeCap(c)}, {holdKey, daprstore.EncodeHold(h)},
		{"bare||" + daprstore.SeatKey(h.Event, h.Units[0].ID), daprstore.EncodeSeat(booking.Seat{State: booking.Held, Hold: h.ID, Until: h.Until})},
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for _, op := range ops {
			tag, err := tx.Exec(ctx, `INSERT INTO seats_state AS t (key, value, etag, expires_at) VALUES ($1, $2, gen_random_uuid(), now() + interval '300 seconds')
				ON CONFLICT (key) DO UPDATE SET value = $2, etag = gen_random_uuid(), updated_at = now(), expires_at = now() + interval '300 seconds'
				WHERE t.expires_at IS NOT NULL AND t.expires_at < now()`, op.key, op.value)
			if err != nil {
				return err
			}
			if tag.RowsAffected() != 1 {
				return booking.ErrUnitsUnavailable
			}
		}
		return nil
	})
}
