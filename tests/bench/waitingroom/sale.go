package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A sale of so many buyers for each place, of whom some abandon on the way.
const (
	buyersMost     = 5000
	buyersPerPlace = 10
	abandon        = 0.3
	saleLimit      = 15 * time.Minute
)

// sold is what came of a sale.
type sold struct {
	mu    sync.Mutex
	units map[string]int // by which account
	twice []string
}

func (s *sold) note(unit string, account int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, before := s.units[unit]; before {
		s.twice = append(s.twice, unit)
	}
	s.units[unit] = account
	return len(s.units)
}

// sale runs a whole sale from the line to the confirmed booking.
func (b *bench) sale(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, saleLimit)
	defer cancel()
	buyers := min(len(b.issuer.tokens), buyersMost)
	places := max(1, buyers/buyersPerPlace)
	e, err := b.event(ctx, true, places)
	if err != nil {
		return err
	}
	queue := b.queue(e)
	if err := b.send(ctx, http.MethodPatch, queue+"/settings", b.issuer.merchant, map[string]any{"rate": 50, "claimWindowSeconds": 15}, nil, nil); err != nil {
		return err
	}
	numbers := make([]int64, buyers)
	for a := range numbers {
		var place struct{ Number int64 }
		if err := b.send(ctx, http.MethodPost, queue, b.issuer.tokens[a], nil, nil, &place); err != nil {
			return err
		}
		if numbers[a] = place.Number; place.Number != int64(a+1) {
			return fmt.Errorf("account %d joined as number %d", a+1, place.Number)
		}
	}
	began, done := time.Now(), make(chan struct{})
	var served atomic.Int64
	var end sync.Once
	result := &sold{units: map[string]int{}}
	var group sync.WaitGroup
	for a := range numbers {
		group.Go(func() {
			for served.Load() < numbers[a] {
				select {
				case <-ctx.Done():
					return
				case <-done:
					return
				case <-time.After(200 * time.Millisecond):
				}
			}
			unit, err := b.buy(ctx, e, queue, a)
			if err == nil && unit != "" && result.note(unit, a) == places {
				end.Do(func() { close(done) })
			}
		})
	}
	go func() {
		for ctx.Err() == nil {
			if line, err := b.line(ctx, e.ID); err == nil {
				served.Store(line.Served)
			}
			time.Sleep(500 * time.Millisecond)
		}
	}()
	group.Wait()
	line, err := b.line(ctx, e.ID)
	if err != nil {
		return err
	}
	if err := line.Check(); err != nil {
		return err
	}
	if len(result.units) != places || len(result.twice) > 0 {
		return fmt.Errorf("%d of %d sold, %d twice", len(result.units), places, len(result.twice))
	}
	fmt.Fprintf(&b.report, "%d buyers for %d places, %.0f %% of those let in abandon: everything sold exactly once in %s, %d of the line let in, I4 holds.\n\n",
		buyers, places, 100*abandon, time.Since(began).Round(time.Second), line.Served)
	return nil
}

// buy takes one buyer from the turn to the confirmed booking; "" for one who abandons or gets nothing.
func (b *bench) buy(ctx context.Context, e concert, queue string, a int) (unit string, err error) {
	token := b.issuer.tokens[a]
	var pass struct{ Pass string }
	if err := b.send(ctx, http.MethodPost, queue+"/admission", token, nil, nil, &pass); err != nil {
		return "", err
	}
	if rand.Float64() < abandon/2 {
		return "", nil // looks around and leaves
	}
	booking := b.address("booking")
	var hold struct {
		ID    string
		Units []struct{ Unit string }
	}
	wish := map[string]any{"items": []any{map[string]any{"ticketType": e.TicketTypes[0].ID, "quantity": 1}}}
	if err := b.send(ctx, http.MethodPost, booking+"/api/v1/events/"+e.ID+"/holds", token, wish, http.Header{"Admission-Pass": {pass.Pass}}, &hold); err != nil {
		return "", err
	}
	if rand.Float64() < abandon/2 {
		return "", b.send(ctx, http.MethodDelete, booking+"/api/v1/holds/"+hold.ID, token, nil, nil, nil)
	}
	var order struct {
		ID, Status string
		Payment    *struct{ Intent, ClientSecret, PublishableKey string }
	}
	if err := b.send(ctx, http.MethodPost, booking+"/api/v1/bookings", token, map[string]any{"hold": hold.ID}, http.Header{"Prefer": {"wait=10"}}, &order); err != nil {
		return "", err
	}
	paid := false
	for order.Status != "confirmed" {
		if order.Payment != nil && !paid {
			form := url.Values{"key": {order.Payment.PublishableKey}, "client_secret": {order.Payment.ClientSecret}, "payment_method": {"pm_card_visa"}}
			address := fmt.Sprintf("http://127.0.0.1:%d/v1/payment_intents/%s/confirm", b.stack.Config.Ports.StripeAPI, order.Payment.Intent)
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
			if err != nil {
				return "", err
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return "", err
			}
			res.Body.Close()
			paid = res.StatusCode < 300
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
		if err := b.send(ctx, http.MethodGet, booking+"/api/v1/bookings/"+order.ID, token, nil, nil, &order); err != nil {
			return "", err
		}
		if order.Status == "expired" || order.Status == "failed" || order.Status == "cancelled" {
			return "", fmt.Errorf("booking %s", order.Status)
		}
	}
	return hold.Units[0].Unit, nil
}

// send makes one call with JSON both ways.
func (b *bench) send(ctx context.Context, method, address, token string, in any, header http.Header, out any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(string(raw)))
	if err != nil {
		return err
	}
	if header != nil {
		req.Header = header
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	if in == nil {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s answered %d", method, req.URL.Path, res.StatusCode)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}
