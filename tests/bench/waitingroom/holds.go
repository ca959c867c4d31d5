package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/foyer-tickets/foyer/internal/admission"
	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
)

const holdClients = 1000

// holds measures holds of one unit each, all of one event, by accounts of their own: the normal
// way, and through the log of an event in high demand.
func (b *bench) holds(ctx context.Context) error {
	count := min(len(b.issuer.tokens)-1, 10_000) // and one who comes before them
	normal, err := b.event(ctx, false, count+1)
	if err != nil {
		return err
	}
	rush, err := b.event(ctx, true, count+1)
	if err != nil {
		return err
	}
	passes, err := b.passes(rush.ID, count+1)
	if err != nil {
		return err
	}
	fmt.Fprintf(&b.report, "One unit each, %d accounts, %d at once.\n\n| | holds/s | p50 | p99 | µs of processor time each: service | consumer | sidecars | Postgres | Kafka | client | share of the machine |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n", count, holdClients)
	var rates []float64
	for _, way := range []struct {
		name   string
		event  concert
		passes []string
	}{{"one transaction each", normal, nil}, {"high demand: batches in log order", rush, passes}} {
		busy := [][]string{{"booking"}, {"highdemand-consumer"}, {"booking.daprd", "highdemand-consumer.daprd"}, {"postgres"}, {"kafka"}}
		before := make([]time.Duration, len(busy))
		for i, parts := range busy {
			before[i] = b.used(parts...)
		}
		own := selfUsed()
		r, err := b.hold(ctx, way.event, count, way.passes)
		if err != nil {
			return err
		}
		rates = append(rates, r.Rate())
		fmt.Fprintf(&b.report, "| %s | %.0f | %s | %s |", way.name, r.Rate(), r.Quantile(50).Round(time.Millisecond), r.Quantile(99).Round(time.Millisecond))
		own = selfUsed() - own
		all := own
		for i, parts := range busy {
			used := b.used(parts...) - before[i]
			all += used
			fmt.Fprintf(&b.report, " %.0f |", float64(used.Microseconds())/float64(count))
		}
		fmt.Fprintf(&b.report, " %.0f | %.0f %% |\n", float64(own.Microseconds())/float64(count), 100*share(all, r.Elapsed))
	}
	fmt.Fprintf(&b.report, "\nRatio %.2f (goal 3).\n", rates[1]/rates[0])
	return nil
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

func (b *bench) hold(ctx context.Context, e concert, count int, passes []string) (load.Result, error) {
	url := b.address("booking") + "/api/v1/events/" + e.ID
	h := load.NewHTTP(holdClients)
	var house struct{ Units []string }
	if _, err := h.Do(ctx, http.MethodGet, url+"/seats", "", nil, func(_ int, raw []byte) error { return json.Unmarshal(raw, &house) }); err != nil {
		return load.Result{}, err
	}
	if len(house.Units) <= count {
		return load.Result{}, fmt.Errorf("only %d units", len(house.Units))
	}
	if err := b.warmUp(ctx, e, house.Units[count], count, passes); err != nil {
		return load.Result{}, err
	}
	client := &fasthttp.Client{MaxConnsPerHost: holdClients, ReadTimeout: 30 * time.Second}
	var next atomic.Int64
	r := load.Run(ctx, load.Plan{Clients: holdClients, Requests: count}, func(context.Context, int, int) (string, error) {
		i := int(next.Add(1) - 1)
		req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(res)
		req.Header.SetMethod(http.MethodPost)
		req.SetRequestURI(url + "/holds")
		req.Header.Set("Authorization", "Bearer "+b.issuer.tokens[i])
		if passes != nil {
			req.Header.Set("Admission-Pass", passes[i])
		}
		req.Header.SetContentType("application/json")
		req.SetBody(fmt.Appendf(nil, `{"units":[%q]}`, house.Units[i]))
		if err := client.DoTimeout(req, res, 30*time.Second); err != nil {
			return "", err
		}
		if res.StatusCode() != http.StatusCreated {
			return "", fmt.Errorf("%d %s", res.StatusCode(), bytes.TrimSpace(res.Body()))
		}
		return "201", nil
	})
	return r, r.Only("201")
}
