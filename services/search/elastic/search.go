package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/foyer-tickets/foyer/services/search"
)

// view is how long a point in time is kept between two pages.
const view = "1m"

// answer is what Elasticsearch says to a search.
type answer struct {
	PIT  string `json:"pit_id"`
	Hits struct {
		Total struct {
			Value int64 `json:"value"`
		} `json:"total"`
		Hits []hit `json:"hits"`
	} `json:"hits"`
	Aggregations map[string]facet `json:"aggregations"`

	Status int             `json:"status"` // of one search among several
	Error  json.RawMessage `json:"error"`
}

// hit is an event as it was written; the index keeps its description apart.
type hit struct {
	Source struct {
		event
		Summary  string `json:"summary"`
		MinPrice *int64 `json:"minPrice"`
		MaxPrice *int64 `json:"maxPrice"`
		Currency string `json:"currency"`
	} `json:"_source"`
	Highlight struct {
		Name        []string `json:"name"`
		Performers  []string `json:"performers"`
		Venue       []string `json:"venue.name"`
		City        []string `json:"venue.city"`
		Description []string `json:"description"`
	} `json:"highlight"`
	Sort json.RawMessage `json:"sort"` // read of the last hit only
}

// facet is a count of terms, within a filter where there is one.
type facet struct {
	terms
	In *terms `json:"in"`
}

func (f facet) counted() terms {
	if f.In != nil {
		return *f.In
	}
	return f.terms
}

type terms struct {
	Buckets []struct {
		Key     string `json:"key"`
		Count   int64  `json:"doc_count"`
		City    *terms `json:"city"`
		Country *terms `json:"country"`
		Ranges  struct {
			Buckets []struct {
				From  float64 `json:"from"`
				To    float64 `json:"to"`
				Count int64   `json:"doc_count"`
			} `json:"buckets"`
		} `json:"ranges"`
	} `json:"buckets"`
}

func (t *terms) first() string {
	if t == nil || len(t.Buckets) == 0 {
		return ""
	}
	return t.Buckets[0].Key
}

// Search implements search.Engine.
func (x *Index) Search(ctx context.Context, q search.Query) (search.Page, error) {
	place, err := q.Place()
	if err != nil {
		return search.Page{}, err
	}
	a, err := x.page(ctx, q, &place)
	if err != nil && q.Cursor != "" && is(err, http.StatusBadRequest) {
		err = search.ErrInvalidCursor.Because(err) // not as we wrote it
	}
	if err != nil {
		return search.Page{}, ours(err)
	}
	const few = 3
	again := func() error {
		place.Match++
		a, err = x.page(ctx, q, &place)
		return err
	}
	if q.Text != "" && q.Cursor == "" && a.Hits.Total.Value < few {
		if err := again(); err != nil {
			return search.Page{}, ours(err)
		}
		if a.Hits.Total.Value == 0 && strings.Contains(q.Text, " ") {
			if err := again(); err != nil {
				return search.Page{}, ours(err)
			}
		}
	}
	page := search.Page{Total: a.Hits.Total.Value, Hits: make([]search.Hit, 0, len(a.Hits.Hits))}
	for i := range a.Hits.Hits {
		page.Hits = append(page.Hits, a.Hits.Hits[i].found(q))
	}
	if n := len(a.Hits.Hits); n > 0 {
		place.After = nil
		if err := json.Unmarshal(a.Hits.Hits[n-1].Sort, &place.After); err != nil {
			return search.Page{}, fmt.Errorf("elasticsearch: sort values: %w", err)
		}
	}
	if a.Aggregations != nil {
		page.Facets = readFacets(a.Aggregations, q.Currency)
	}
	page.Next, err = q.Next(place, len(page.Hits))
	return page, err
}

// ours tells a question that Elasticsearch cannot take from an Elasticsearch that is away.
func ours(err error) error {
	if is(err, http.StatusBadRequest) {
		return fmt.Errorf("%w: %w", search.ErrRefused, err)
	}
	return err
}

// page asks for one page. The first comes straight from the index, with its facets. Who turns the
// leaf gets a point in time, which stays as it is while others write; when it has run out, a new one.
func (x *Index) page(ctx context.Context, q search.Query, place *search.Cursor) (answer, error) {
	if q.Cursor == "" {
		return x.first(ctx, q, place.Match)
	}
	must, should := wanted(q.Text, place.Match)
	body := hits(q, place.Match, must, should)
	body["track_total_hits"] = true
	if place.After != nil {
		body["search_after"] = place.After
	} else {
		body["from"] = place.Seen
	}
	for fresh := false; ; fresh = true {
		if place.View == "" || fresh {
			var opened struct {
				ID string `json:"id"`
			}
			if err := x.do(ctx, esapi.OpenPointInTimeRequest{Index: []string{live}, KeepAlive: view}, &opened); err != nil {
				return answer{}, err
			}
			place.View = opened.ID
		}
		body["pit"] = m{"id": place.View, "keep_alive": view}
		a, err := x.ask(ctx, body)
		_, answered := errors.AsType[*refusal](err)
		switch {
		case err == nil:
			place.View = a.PIT
			return a, nil
		case answered && !fresh:
			continue // the view ran out, went with its index, or was never one
		default:
			return a, err
		}
	}
}

// first asks for hits and for counts at once, and puts the answers together.
func (x *Index) first(ctx context.Context, q search.Query, how search.Match) (answer, error) {
	body, err := Body(q, how)
	if err != nil {
		return answer{}, err
	}
	var both struct {
		Responses []answer `json:"responses"`
	}
	if err := x.do(ctx, esapi.MsearchRequest{Index: []string{live}, Body: bytes.NewReader(body)}, &both); err != nil {
		return answer{}, err
	}
	if len(both.Responses) == 0 {
		return answer{}, errors.New("elasticsearch: no answer to a search")
	}
	for _, r := range both.Responses {
		if r.Error != nil {
			return answer{}, refused(r.Status, r.Error)
		}
	}
	a, counted := both.Responses[0], both.Responses[len(both.Responses)-1]
	a.Hits.Total, a.Aggregations = counted.Hits.Total, counted.Aggregations
	return a, nil
}

func (x *Index) ask(ctx context.Context, body m, index ...string) (answer, error) {
	reader, err := encode(body)
	if err != nil {
		return answer{}, err
	}
	var a answer
	err = x.do(ctx, esapi.SearchRequest{Index: index, Body: reader}, &a)
	return a, err
}

func (h *hit) found(q search.Query) search.Hit {
	e := h.Source.read()
	e.Description = h.Source.Summary
	found := search.Hit{Event: e, Highlights: map[string][]string{}}
	if h.Source.MinPrice != nil && h.Source.MaxPrice != nil {
		found.Price = &search.PriceRange{From: *h.Source.MinPrice, To: *h.Source.MaxPrice, Currency: h.Source.Currency}
	}
	marked := func(name string, fragments []string) {
		if len(fragments) > 0 {
			found.Highlights[name] = fragments
		}
	}
	marked("name", h.Highlight.Name)
	marked("performers", h.Highlight.Performers)
	marked("venue", h.Highlight.Venue)
	marked("city", h.Highlight.City)
	marked("description", h.Highlight.Description)
	if q.Near != nil && e.Venue.Location != nil {
		km := q.Near.Distance(*e.Venue.Location)
		found.Distance = &km
	}
	return found
}

func readFacets(aggs map[string]facet, currency string) *search.Facets {
	var f search.Facets
	for name, list := range map[string]*[]search.Bucket{"category": &f.Categories, "city": &f.Cities, "month": &f.Months} {
		buckets := aggs[name].counted().Buckets
		*list = make([]search.Bucket, 0, len(buckets))
		for _, b := range buckets {
			if b.Key != "" {
				*list = append(*list, search.Bucket{Value: b.Key, Count: b.Count})
			}
		}
	}
	f.Currency = currency
	for _, b := range aggs["price"].counted().Buckets { // the most frequent currency first
		if f.Currency == "" {
			f.Currency = b.Key
		}
		if b.Key != f.Currency {
			continue
		}
		for _, r := range b.Ranges.Buckets {
			if r.Count > 0 {
				f.Prices = append(f.Prices, search.PriceBucket{From: int64(r.From), To: int64(r.To), Count: r.Count})
			}
		}
	}
	return &f
}

// Suggest implements search.Engine.
func (x *Index) Suggest(ctx context.Context, text string, now time.Time) ([]search.Suggestion, error) {
	if text == "" {
		return nil, nil
	}
	found, err := x.suggest(ctx, text, now, search.Strict)
	if err == nil && len(found) == 0 {
		found, err = x.suggest(ctx, text, now, search.Fuzzy)
	}
	return found, err
}

func (x *Index) suggest(ctx context.Context, text string, now time.Time, how search.Match) ([]search.Suggestion, error) {
	a, err := x.ask(ctx, suggestion(text, now, how), live)
	if err != nil {
		return nil, ours(err)
	}
	var events []search.Suggestion
	for _, h := range a.Hits.Hits {
		e := h.Source
		events = append(events, search.Suggestion{
			Kind: search.SuggestEvent, Text: e.Name, Event: e.ID, StartsAt: e.StartsAt, City: e.Venue.City, Country: e.Venue.Country, Count: 1,
		})
	}
	places := func(name string, kind search.SuggestionKind) []search.Suggestion {
		var all []search.Suggestion
		for _, b := range a.Aggregations[name].counted().Buckets {
			if b.Key != "" {
				all = append(all, search.Suggestion{Kind: kind, Text: b.Key, City: b.City.first(), Country: b.Country.first(), Count: b.Count})
			}
		}
		return all
	}
	return search.Assemble(places("cities", search.SuggestCity), places("venues", search.SuggestVenue), events), nil
}

func kilometres(km float64) string {
	return strconv.FormatFloat(math.Max(km, 0.001), 'f', 3, 64) + "km"
}
