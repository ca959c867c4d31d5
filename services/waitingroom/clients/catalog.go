// Package clients calls other services for the waiting room: the catalog for an event's sale terms,
// booking for what is left to buy.
package clients

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// Catalog reads sale terms from the catalog and caches them: many requests are about one event.
type Catalog struct {
	Client *daprclient.Client

	mu     sync.Mutex
	known  map[uuid.UUID]cachedTerms
	flight singleflight.Group // of the requests for one event at one time, one calls
}

type cachedTerms struct {
	terms waitingroom.SaleTerms
	found bool
	at    time.Time
}

var _ waitingroom.Catalogue = (*Catalog)(nil)

const (
	termsFresh = 15 * time.Second
	termsStale = 10 * time.Minute // used while the catalog does not answer
	maxTerms   = 10_000
)

// Forget makes the next Terms call the catalog.
func (c *Catalog) Forget(event uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if have, ok := c.known[event]; ok {
		have.at = have.at.Add(-termsFresh)
		c.known[event] = have
	}
}

// Terms implements waitingroom.Catalogue.
func (c *Catalog) Terms(ctx context.Context, id uuid.UUID) (waitingroom.SaleTerms, error) {
	c.mu.Lock()
	have, ok := c.known[id]
	if ok && time.Since(have.at) >= termsFresh { // one request calls, the others use the old terms
		have.at = have.at.Add(time.Second)
		c.known[id] = have
	}
	fresh := ok && time.Since(have.at) < termsFresh
	c.mu.Unlock()
	if !fresh {
		answer, err, _ := c.flight.Do(id.String(), func() (any, error) {
			r, err := c.read(context.WithoutCancel(ctx), id)
			if err == nil {
				c.store(id, r)
			}
			return r, err
		})
		switch {
		case err == nil:
			have, _ = answer.(cachedTerms)
		case !ok || time.Since(have.at) > termsStale:
			return waitingroom.SaleTerms{}, err
		}
	}
	if !have.found {
		return waitingroom.SaleTerms{}, waitingroom.ErrEventNotFound
	}
	return have.terms, nil
}

func (c *Catalog) store(id uuid.UUID, r cachedTerms) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxTerms {
		c.known = map[uuid.UUID]cachedTerms{}
	}
	c.known[id] = r
}

func (c *Catalog) read(ctx context.Context, id uuid.UUID) (cachedTerms, error) {
	var e struct {
		ID          uuid.UUID `json:"id"`
		Merchant    string    `json:"merchant"`
		HighDemand  bool      `json:"highDemand"`
		Status      string    `json:"status"`
		SalesStart  time.Time `json:"salesStart"`
		SalesEnd    time.Time `json:"salesEnd"`
		MaxPerOrder int       `json:"maxPerOrder"`
	}
	err := c.Client.Invoke(ctx, messages.Catalog, http.MethodGet, fmt.Sprintf("/internal/events/%s/terms", id), nil, &e)
	if fault.KindOf(err) == fault.NotFound {
		return cachedTerms{at: time.Now()}, nil
	}
	if err != nil {
		return cachedTerms{}, err
	}
	return cachedTerms{found: true, at: time.Now(), terms: waitingroom.SaleTerms{
		Event: e.ID, Merchant: e.Merchant, HighDemand: e.HighDemand, Published: e.Status == "published",
		Draft:      e.Status != "published" && e.Status != "cancelled",
		SalesStart: e.SalesStart.UTC(), SalesEnd: e.SalesEnd.UTC(), MaxPerOrder: e.MaxPerOrder,
	}}, nil
}
