// Command booking measures sales: holds through the gateway, without and with contention for the same seats;
// the state store compared with the same SQL statements from plain Go; purchases from hold to ticket with
// the whole platform on this machine; and the seat map during sales.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
)

func main() {
	seconds := flag.Int("seconds", 60, "how long tickets are sold")
	clients := flag.Int("clients", 48, "buyers at once")
	only := flag.Bool("purchases", false, "only purchases, and no report")
	flag.Parse()
	if err := run(context.Background(), *clients, time.Duration(*seconds)*time.Second, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench-booking:", err)
		os.Exit(1)
	}
}

// parts is the platform without search and the waiting room, which take no part in a sale.
var parts = []string{
	"booking", "booking.daprd", "booking-consumer", "booking-consumer.daprd", "payment", "payment.daprd", "catalog", "catalog.daprd",
	"notification", "notification.daprd", "auth", "auth.daprd", "keycloak", "mailpit", "stripesim", "gateway",
}

const (
	capacity = 20_000
	warmUp   = 2 * time.Second
	measure  = 8 * time.Second
	settle   = 10 * time.Second // at half load, before
	calm     = 20 * time.Second // the time of a purchase and of the seat map is taken
)

// bench is one run.
type bench struct {
	stack    *devstack.Stack
	http     *load.HTTP
	base     string
	tokens   []string
	streams  http.Client
	merchant string
	venue    string
	report   strings.Builder
}

func run(ctx context.Context, clients int, selling time.Duration, only bool) error {
	machine := load.Machine()
	fmt.Println(machine)
	s, stop, err := load.Start(ctx, parts...)
	if err != nil {
		return err
	}
	defer stop()
	b := &bench{stack: s, http: load.NewHTTP(2*clients + 16), base: fmt.Sprintf("http://127.0.0.1:%d", s.Config.Ports.Gateway)}
	if err := b.signIn(ctx, clients); err != nil {
		return err
	}
	b.streams.Transport = &http.Transport{MaxIdleConnsPerHost: clients}
	if only {
		return b.purchases(ctx, selling)
	}
	for _, part := range []func(context.Context) error{
		b.ratio, b.holds,
		func(ctx context.Context) error { return b.purchases(ctx, selling) },
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return load.Write(s.Config.Root, "booking", "Selling tickets", machine, b.report.String())
}

// say prints a line of the report at once.
func (b *bench) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	fmt.Println(line)
	b.report.WriteString(line + "\n")
}

func (b *bench) signIn(ctx context.Context, clients int) error {
	b.tokens = make([]string, clients)
	for i := range b.tokens {
		token, err := b.stack.Config.Token(ctx, fmt.Sprintf("load-%04d@foyer.test", i+1), "foyer-local")
		if err != nil {
			return err
		}
		b.tokens[i] = token
	}
	var err error
	b.merchant, err = b.stack.Config.Token(ctx, "merchant@foyer.test", "foyer-local")
	return err
}

// call is one request whose answer is read into v; the outcome is the status, or a refusal's code.
func (b *bench) call(ctx context.Context, method, path, token string, in, v any, headers ...string) (string, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return "", err
		}
	}
	code := ""
	outcome, err := b.http.Do(ctx, method, b.base+path, token, body, func(status int, answer []byte) error {
		if status >= http.StatusBadRequest {
			var problem struct{ Code string }
			_ = json.Unmarshal(answer, &problem)
			code = problem.Code
			return nil
		}
		if v == nil || len(answer) == 0 {
			return nil
		}
		return json.Unmarshal(answer, v)
	}, headers...)
	if code != "" {
		return code, err
	}
	return outcome, err
}

func (b *bench) must(ctx context.Context, method, path, token string, in, v any) error {
	outcome, err := b.call(ctx, method, path, token, in, v)
	if err == nil && !strings.HasPrefix(outcome, "2") {
		err = errors.New(outcome)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// show is an event whose places are numbered.
type show struct{ id, ticketType string }

func (e show) place(n int) string { return fmt.Sprintf("%s-%d", e.ticketType, n) }

func (b *bench) newEvent(ctx context.Context) (show, error) {
	if b.venue == "" {
		var v struct{ ID string }
		if err := b.must(ctx, http.MethodPost, "/api/v1/venues", b.merchant, map[string]any{"name": "Bench", "city": "Oslo", "country": "NO", "timeZone": "Europe/Oslo"}, &v); err != nil {
			return show{}, err
		}
		b.venue = v.ID
	}
	starts := time.Now().AddDate(0, 3, 0).UTC().Truncate(time.Hour)
	var e struct {
		ID          string
		TicketTypes []struct{ ID string }
	}
	err := b.must(ctx, http.MethodPost, "/api/v1/events", b.merchant, map[string]any{
		"name": "Bench", "venue": b.venue, "category": "music", "startsAt": starts, "endsAt": starts.Add(time.Hour),
		"maxPerOrder": 8, "maxPerAccount": 200,
		"ticketTypes": []any{map[string]any{"name": "Standing", "price": map[string]any{"amount": 2500, "currency": "EUR"}, "capacity": capacity}},
	}, &e)
	if err != nil {
		return show{}, err
	}
	if err := b.must(ctx, http.MethodPost, "/api/v1/events/"+e.ID+"/publish", b.merchant, nil, nil); err != nil {
		return show{}, err
	}
	sold := show{e.ID, e.TicketTypes[0].ID}
	return sold, b.must(ctx, http.MethodGet, "/api/v1/events/"+sold.id+"/seats", "", nil, nil) // the seat map is loaded
}

// holds measures POST …/holds. Each is given back at once, outside of the time that counts.
func (b *bench) holds(ctx context.Context) error {
	e, err := b.newEvent(ctx)
	if err != nil {
		return err
	}
	b.say("\n## Holds through the gateway\n\n%d buyers; each holds one place and gives it back, so a hold is half of the requests.\n", len(b.tokens))
	b.say("| places | holds/s | refused/s | p50 | p99 | outcomes |\n|---|---:|---:|---:|---:|---|")
	for _, places := range []struct {
		name string
		n    int
	}{{"all different", capacity}, {"all want the same ten", 10}} {
		var taken result
		pair := func(ctx context.Context, client, _ int) (string, error) {
			var h struct{ ID string }
			began := time.Now()
			// To its end even when the time is over: a hold nobody knows of would stand in the client's way.
			outcome, err := b.call(context.WithoutCancel(ctx), http.MethodPost, "/api/v1/events/"+e.id+"/holds", b.tokens[client], map[string]any{"units": []string{e.place(1 + rand.IntN(places.n))}}, &h)
			if err != nil {
				return "", err
			}
			taken.add(outcome, time.Since(began))
			if h.ID != "" {
				_, err = b.call(context.WithoutCancel(ctx), http.MethodDelete, "/api/v1/holds/"+h.ID, b.tokens[client], nil, nil)
			}
			return outcome, err
		}
		load.Run(ctx, load.Plan{Clients: len(b.tokens), Duration: warmUp}, pair)
		taken = result{}
		r := load.Run(ctx, load.Plan{Clients: len(b.tokens), Duration: measure}, pair)
		won, all := float64(taken.outcomes["201"]), float64(len(taken.times))
		b.say("| %s | %.0f | %.0f | %s | %s | %v |", places.name, won/r.Elapsed.Seconds(), (all-won)/r.Elapsed.Seconds(), taken.quantile(.5), taken.quantile(.99), taken.outcomes)
	}
	return nil
}

// purchase goes from a hold to the ticket, as the page does. It tells how long the hold took.
func (b *bench) purchase(ctx context.Context, e show, client int, place string, held *result) (string, error) {
	token := b.tokens[client]
	var h struct{ ID uuid.UUID }
	began := time.Now()
	outcome, err := b.call(ctx, http.MethodPost, "/api/v1/events/"+e.id+"/holds", token, map[string]any{"units": []string{place}}, &h)
	if err != nil || outcome != "201" {
		return "hold: " + outcome, err
	}
	held.add(outcome, time.Since(began))
	var bk struct {
		ID      uuid.UUID
		Status  string
		Payment struct{ Intent, ClientSecret, PublishableKey string }
	}
	if outcome, err = b.call(ctx, http.MethodPost, "/api/v1/bookings", token, map[string]any{"hold": h.ID}, &bk, "Prefer", "wait=8"); err != nil || !strings.HasPrefix(outcome, "2") {
		return "booking: " + outcome, err
	}
	if bk.Status != "awaiting_payment" {
		return "booking: " + bk.Status, nil
	}
	form := url.Values{"key": {bk.Payment.PublishableKey}, "client_secret": {bk.Payment.ClientSecret}, "payment_method": {"pm_card_visa"}}
	if err := load.Confirm(ctx, b.stack, bk.Payment.Intent, form); err != nil {
		return "", err
	}
	return b.follow(ctx, token, bk.ID)
}

// follow reads a booking's stream until the booking is at rest, and tells in which status.
func (b *bench) follow(ctx context.Context, token string, id uuid.UUID) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+"/api/v1/bookings/"+id.String()+"/stream", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := b.streams.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "stream: " + res.Status, nil
	}
	var last struct{ Status string }
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(data), &last); err != nil {
				return "", err
			}
		}
	}
	return last.Status, ctx.Err()
}

// purchases sells for a while, at full speed and at half of it, and reads the seat map meanwhile.
func (b *bench) purchases(ctx context.Context, selling time.Duration) error {
	e, err := b.newEvent(ctx)
	if err != nil {
		return err
	}
	idle, idlePast := b.readMap(ctx, e)
	var next atomic.Int64
	var held result
	buy := func(ctx context.Context, client, _ int) (string, error) {
		return b.purchase(ctx, e, client, e.place(int(next.Add(1))), &held)
	}
	load.Run(ctx, load.Plan{Clients: len(b.tokens), Duration: selling / 2}, buy) // Kafka and Keycloak compile what is hot
	if err := b.signIn(ctx, len(b.tokens)); err != nil {                         // tokens live for five minutes
		return err
	}
	if e, err = b.newEvent(ctx); err != nil { // the interrupted purchases hold places in the old one
		return err
	}
	next.Store(0)
	held = result{}
	before := b.cpu()
	r := load.Run(ctx, load.Plan{Clients: len(b.tokens), Duration: selling}, buy)
	confirmed := r.Outcomes["confirmed"]
	who, spent := spenders(before, b.cpu(), confirmed)
	full := float64(confirmed) / r.Elapsed.Seconds()
	b.say("\n## From hold to ticket\n")
	b.say("%d buyers, each one purchase after the other, for %s; everything on this machine.\n", len(b.tokens), selling)
	b.say("| | figure | goal |\n|---|---:|---|")
	b.say("| confirmed bookings/s | %.0f | 120 |", full)
	b.say("| time of a purchase, p50 / p99 | %s / %s | |", r.Quantile(50).Round(time.Millisecond), r.Quantile(99).Round(time.Millisecond))
	b.say("| hold, p99, at full load | %s | |", held.quantile(.99))
	b.say("| CPU-seconds for a booking, all processes but the buyers | %.3f | |", spent.Seconds()/float64(max(1, confirmed)))
	b.say("| of these, milliseconds | %s | |", who)

	if e, err = b.newEvent(ctx); err != nil {
		return err
	}
	next.Store(0)
	half := load.Plan{Clients: len(b.tokens), Arrivals: full / 2}
	half.Duration = settle // what the rush left behind is settled and mailed meanwhile
	load.Run(ctx, half, buy)
	held = result{}
	var group sync.WaitGroup
	var read, readPast *result
	group.Go(func() { read, readPast = b.readMap(ctx, e) })
	half.Duration = calm
	load.Run(ctx, half, buy)
	group.Wait()
	b.say("| hold, p99, at half of that load (%.0f/s) | %s | 100 ms |", full/2, held.quantile(.99))
	b.say("| seat map of %d places, p99, idle / selling | %s / %s = %.1f | 2 |", capacity, idle.quantile(.99), read.quantile(.99), over(read, idle))
	b.say("| the same past the gateway's cache | %s / %s = %.1f | |", idlePast.quantile(.99), readPast.quantile(.99), over(readPast, idlePast))
	if r.Err != nil {
		b.say("\nFirst error: %v. Outcomes: %v.", r.Err, r.Outcomes)
	}
	return nil
}

// over is by how much the slowest of a took longer than those of b.
func over(a, b *result) float64 { return float64(a.quantile(.99)) / float64(max(1, b.quantile(.99))) }

// readMap asks for the seat map as the page does, forty times a second for a while: in turns as every
// visitor, and, with a token, past the gateway's cache.
func (b *bench) readMap(ctx context.Context, e show) (cached, past *result) {
	cached, past = new(result), new(result)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(ctx, calm)
	defer cancel()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return cached, past
		case <-tick.C:
		}
		times, token := cached, ""
		if n%2 == 1 {
			times, token = past, b.merchant
		}
		began := time.Now()
		if outcome, err := b.call(ctx, http.MethodGet, "/api/v1/events/"+e.id+"/seats?units=runs", token, nil, nil, "Accept-Encoding", "gzip, deflate, br, zstd"); err == nil {
			times.add(outcome, time.Since(began))
		}
	}
}
