package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/foyer-tickets/foyer/internal/admission"
	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
)

const (
	holdClients = 1000
	holdMost    = 16_000 // requests of each way
	rivals      = 4      // buyers for each place, in a crowd
)

// way is one way of holding units of one event.
type way struct {
	name       string
	highDemand bool
	rivals     int // buyers for each place
}

var ways = []way{
	{"one transaction each", false, 1},
	{"high demand: batches in log order", true, 1},
	{"one transaction each", false, rivals},
	{"high demand: batches in log order", true, rivals},
}

// parts whose processor time is told.
var holdParts = [][]string{{"booking"}, {"highdemand-consumer"}, {"booking.daprd", "highdemand-consumer.daprd"}, {"postgres"}, {"kafka"}}

// holds measures holds of one unit each, all of one event, by accounts of their own: the normal
// way, and through the log of an event in high demand; each when everyone wants a place of their
// own, and when the same places are wanted by several.
func (b *bench) holds(ctx context.Context) error {
	count := min(len(b.issuer.tokens)*10/11, holdMost)
	warm := count / 10
	if err := b.knock(ctx, count+warm); err != nil {
		return err
	}
	fmt.Fprintf(&b.report, "One unit each, %d accounts, %d at once, after %d to warm up. µs of processor time for each request:\n\n"+
		"| buyers for a place | | requests/s | holds/s | p50 | p99 | service | consumer | sidecars | Postgres | Kafka | client | all | share of the machine |\n"+
		"|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n", count, holdClients, warm)
	rates, costs := map[bool]map[int]float64{false: {}, true: {}}, map[bool]map[int]float64{false: {}, true: {}}
	for _, w := range ways {
		e, err := b.event(ctx, w.highDemand, count/w.rivals+warm)
		if err != nil {
			return err
		}
		var passes []string
		if w.highDemand {
			if passes, err = b.passes(e.ID, count+warm); err != nil {
				return err
			}
		}
		units, err := b.units(ctx, e)
		if err != nil {
			return err
		}
		if len(units) < count/w.rivals+warm {
			return fmt.Errorf("only %d units", len(units))
		}
		if err := b.warmUp(ctx, e, units[len(units)-1], count+warm-1, passes); err != nil {
			return err
		}
		places := units[:count/w.rivals]
		wishes := make([]string, count)
		for i := range wishes {
			wishes[i] = places[i%len(places)]
		}
		rand.Shuffle(count, func(i, j int) { wishes[i], wishes[j] = wishes[j], wishes[i] })
		if r := b.hold(ctx, e, count, units[len(places):len(places)+warm-1], passes); r.Only("201") != nil {
			return fmt.Errorf("warming up: %w", r.Only("201"))
		}
		before := make([]time.Duration, len(holdParts))
		for i, parts := range holdParts {
			before[i] = b.used(parts...)
		}
		own := selfUsed()
		r := b.hold(ctx, e, 0, wishes, passes)
		own = selfUsed() - own
		if r.Err != nil {
			return r.Err
		}
		if held := r.Outcomes["201"]; held != len(places) || held+r.Outcomes["409"] != count {
			return fmt.Errorf("%d places, but %v", len(places), r.Outcomes)
		}
		held := float64(r.Outcomes["201"]) / r.Elapsed.Seconds()
		fmt.Fprintf(&b.report, "| %d | %s | %.0f | %.0f | %s | %s |", w.rivals, w.name, r.Rate(), held, r.Quantile(50).Round(time.Millisecond), r.Quantile(99).Round(time.Millisecond))
		all := own
		for i, parts := range holdParts {
			used := b.used(parts...) - before[i]
			all += used
			fmt.Fprintf(&b.report, " %.0f |", float64(used.Microseconds())/float64(count))
		}
		fmt.Fprintf(&b.report, " %.0f | %.0f | %.0f %% |\n", float64(own.Microseconds())/float64(count), float64(all.Microseconds())/float64(count), 100*share(all, r.Elapsed))
		rates[w.highDemand][w.rivals], costs[w.highDemand][w.rivals] = held, float64(all)
	}
	ratio := func(of map[bool]map[int]float64, n int, up bool) float64 {
		if up {
			return of[true][n] / of[false][n]
		}
		return of[false][n] / of[true][n]
	}
	fmt.Fprintf(&b.report, "\nA crowd wants the same places: nobody tells buyers beforehand which one is theirs. With %d for each, high demand makes %.2f times the holds/s (goal 3), "+
		"for %.2f times less processor time. If nobody wanted what another wants, which is what the first two lines measure, it would be %.2f and %.2f. "+
		"Whoever comes too late is told so in the same call either way. Every token was shown once before, as by people who look at the seat map first.\n",
		rivals, ratio(rates, rivals, true), ratio(costs, rivals, false), ratio(rates, 1, true), ratio(costs, 1, false))
	return nil
}

// knock shows the tokens of everyone, as buyers do who look at the seat map before they ask for a place.
func (b *bench) knock(ctx context.Context, n int) error {
	h, url := load.NewHTTP(64), b.address("booking")+"/api/v1/tickets/key"
	var next atomic.Int64
	return load.Run(ctx, load.Plan{Clients: 64, Requests: n}, func(ctx context.Context, _, _ int) (string, error) {
		return h.Do(ctx, http.MethodGet, url, b.issuer.tokens[next.Add(1)-1], nil, nil)
	}).Only("200")
}

// units are an event's.
func (b *bench) units(ctx context.Context, e concert) ([]string, error) {
	var house struct{ Units []string }
	url := b.address("booking") + "/api/v1/events/" + e.ID + "/seats"
	_, err := load.NewHTTP(1).Do(ctx, http.MethodGet, url, "", nil, func(_ int, raw []byte) error { return json.Unmarshal(raw, &house) })
	return house.Units, err
}

func (b *bench) passes(event string, n int) ([]string, error) {
	key, err := admission.Key(b.stack.Secrets.AdmissionSigningKey)
	if err != nil {
		return nil, err
	}
	signer, err := admission.NewSigner(key)
	if err != nil {
		return nil, err
	}
	id, err := uuid.Parse(event)
	if err != nil {
		return nil, err
	}
	passes := make([]string, n)
	for i := range passes {
		now := time.Now()
		if passes[i], err = signer.Sign(admission.Pass{ID: uuid.New(), Account: account(i), Event: id, From: now, Until: now.Add(10 * time.Minute)}); err != nil {
			return nil, err
		}
	}
	return passes, nil
}

// warmUp has one account hold one unit: the first message of a topic waits until it is made.
func (b *bench) warmUp(ctx context.Context, e concert, unit string, a int, passes []string) error {
	address, token := b.address("booking")+"/api/v1/", b.issuer.tokens[a]
	header := http.Header{}
	if passes != nil {
		header.Set("Admission-Pass", passes[a])
	}
	var hold struct {
		ID    string
		Units []struct{ Unit string }
	}
	err := b.send(ctx, http.MethodPost, address+"events/"+e.ID+"/holds", token, map[string]any{"units": []string{unit}}, header, &hold)
	for deadline := time.Now().Add(time.Minute); err == nil && len(hold.Units) == 0 && time.Now().Before(deadline); {
		time.Sleep(200 * time.Millisecond)
		err = b.send(ctx, http.MethodGet, address+"holds/"+hold.ID, token, nil, nil, &hold)
	}
	return err
}

// hold has accounts, from the first one on, each ask for a unit.
func (b *bench) hold(ctx context.Context, e concert, first int, units, passes []string) load.Result {
	client := &fasthttp.Client{MaxConnsPerHost: holdClients, ReadTimeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	url := b.address("booking") + "/api/v1/events/" + e.ID + "/holds"
	var next atomic.Int64
	return load.Run(ctx, load.Plan{Clients: min(holdClients, len(units)), Requests: len(units)}, func(context.Context, int, int) (string, error) {
		i := int(next.Add(1) - 1)
		req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(res)
		req.Header.SetMethod(http.MethodPost)
		req.SetRequestURI(url)
		req.Header.Set("Authorization", "Bearer "+b.issuer.tokens[first+i])
		if passes != nil {
			req.Header.Set("Admission-Pass", passes[first+i])
		}
		req.Header.SetContentType("application/json")
		req.SetBody(fmt.Appendf(nil, `{"units":[%q]}`, units[i]))
		if err := client.DoTimeout(req, res, 30*time.Second); err != nil {
			return "", err
		}
		if status := res.StatusCode(); status == http.StatusCreated || (status == http.StatusConflict && bytes.Contains(res.Body(), []byte("units_unavailable"))) {
			return strconv.Itoa(status), nil
		}
		return "", fmt.Errorf("%d %s", res.StatusCode(), bytes.TrimSpace(res.Body()))
	})
}
