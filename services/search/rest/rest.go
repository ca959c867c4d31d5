// Package rest serves the search.
package rest

import (
	"context"
	_ "embed"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/search"
)

//go:generate go tool oapi-codegen -config oapi-codegen.yaml openapi.yaml

// Spec is the OpenAPI document.
//
//go:embed openapi.yaml
var Spec []byte

// Finder answers.
type Finder interface {
	Search(ctx context.Context, q search.Query) (search.Page, error)
	Suggest(ctx context.Context, text string, now time.Time) ([]search.Suggestion, bool, error)
}

// Server implements the generated interface.
type Server struct {
	Finder Finder
	Now    func() time.Time
}

var _ Handlers = Server{}

const (
	defaultLimit   = 20
	degradedHeader = "Foyer-Search"
)

// SearchEvents implements GET /api/v1/search.
func (s Server) SearchEvents(w http.ResponseWriter, r *http.Request, params SearchEventsParams) error {
	began := time.Now()
	q, err := question(params, s.Now())
	if err != nil {
		return err
	}
	page, err := s.Finder.Search(r.Context(), q)
	if err != nil {
		return err
	}
	answer := SearchPage{Items: make([]FoundEvent, 0, len(page.Hits)), Total: page.Total, Facets: facets(page.Facets)}
	for _, h := range page.Hits {
		answer.Items = append(answer.Items, view(h))
	}
	if page.Next != "" {
		answer.Next = &page.Next
	}
	answer.Took = time.Since(began).Milliseconds()
	say(w, page.Degraded)
	return httpapi.WriteJSON(w, r, http.StatusOK, answer)
}

// Suggest implements GET /api/v1/search/suggest.
func (s Server) Suggest(w http.ResponseWriter, r *http.Request, params SuggestParams) error {
	found, degraded, err := s.Finder.Suggest(r.Context(), strings.TrimSpace(params.Q), s.Now())
	if err != nil {
		return err
	}
	answer := Suggestions{Items: make([]Suggestion, 0, len(found))}
	for _, f := range found {
		v := Suggestion{Type: SuggestionType(f.Kind), Text: f.Text, Count: f.Count, City: text(f.City), Country: text(f.Country)}
		if f.Event != uuid.Nil {
			start := f.StartsAt.UTC()
			v.Event, v.StartsAt = &f.Event, &start
		}
		answer.Items = append(answer.Items, v)
	}
	say(w, degraded)
	return httpapi.WriteJSON(w, r, http.StatusOK, answer)
}

func say(w http.ResponseWriter, degraded bool) {
	if degraded {
		w.Header().Set(degradedHeader, "degraded")
	}
}

func question(p SearchEventsParams, now time.Time) (search.Query, error) {
	q := search.Query{
		Text: value(p.Q), Categories: value(p.Category), Cities: value(p.City), Topics: value(p.Topic), Radius: value(p.Radius),
		MinPrice: p.MinPrice, MaxPrice: p.MaxPrice, Currency: value(p.Currency), Available: value(p.Available),
		Sort: search.Sort(value(p.Sort)), Limit: defaultLimit, Cursor: value(p.Cursor), Now: now,
	}
	if p.Limit != nil {
		q.Limit = *p.Limit
	}
	var err error
	if p.From != nil {
		if q.FromDay, q.From, err = dayOrTime(*p.From); err != nil {
			return q, err
		}
	}
	if p.To != nil {
		if q.ToDay, q.To, err = dayOrTime(*p.To); err != nil {
			return q, err
		}
	}
	if p.Near != nil {
		if q.Near, err = place(*p.Near); err != nil {
			return q, err
		}
	}
	return q, nil
}

var (
	errTime  = fault.New(fault.Invalid, "invalid_time", "from and to must be a date such as 2027-05-01 or a time such as 2027-05-01T18:00:00Z.")
	errPlace = fault.New(fault.Invalid, "invalid_place", "near must be lat,lon in degrees.")
)

// dayOrTime reads a date, which is a day at the event's place, or a time.
func dayOrTime(s string) (day string, at time.Time, err error) {
	if _, err := time.Parse(time.DateOnly, s); err == nil {
		return s, at, nil
	}
	// A plus sign that was not escaped in the query arrives as a space.
	if at, err = time.Parse(time.RFC3339, strings.Replace(strings.ToUpper(s), " ", "+", 1)); err != nil {
		return "", at, errTime.Because(err)
	}
	return "", at, nil
}

func place(s string) (*search.Point, error) {
	lat, lon, _ := strings.Cut(s, ",")
	var (
		p   search.Point
		err error
	)
	if p.Lat, err = strconv.ParseFloat(lat, 64); err != nil {
		return nil, errPlace
	}
	if p.Lon, err = strconv.ParseFloat(lon, 64); err != nil {
		return nil, errPlace
	}
	if p.Lat < -90 || p.Lat > 90 || p.Lon < -180 || p.Lon > 180 {
		return nil, errPlace
	}
	return &p, nil
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func view(h search.Hit) FoundEvent {
	e := h.Event
	v := FoundEvent{
		Id: e.ID, Slug: e.Slug, Name: e.Name, Description: e.Description, Category: e.Category, Performers: list(e.Performers), Topics: list(e.Topics),
		Url: text(e.URL), Image: text(e.Image), Online: e.Online, StartsAt: e.StartsAt.UTC(), EndsAt: e.EndsAt.UTC(), TimeZone: e.TimeZone,
		Venue:      FoundVenue{Id: e.Venue.ID, Name: e.Venue.Name, City: e.Venue.City, Country: e.Venue.Country},
		HighDemand: e.HighDemand, Status: FoundEventStatus(e.Status), Version: e.Event, Distance: h.Distance, Highlights: h.Highlights,
		Availability: FoundAvailability{
			Available: e.Availability.Available, Held: e.Availability.Held, Booked: e.Availability.Booked, Status: FoundAvailabilityStatus(e.Availability.Status),
		},
	}
	if v.Highlights == nil {
		v.Highlights = map[string][]string{}
	}
	if l := e.Venue.Location; l != nil {
		v.Venue.Location = &Location{Lat: l.Lat, Lon: l.Lon}
	}
	if p := h.Price; p != nil {
		v.Price = &FoundPrice{From: Money{Amount: p.From, Currency: p.Currency}, To: Money{Amount: p.To, Currency: p.Currency}}
	}
	return v
}

func facets(f *search.Facets) *Facets {
	if f == nil {
		return nil
	}
	buckets := func(list []search.Bucket) []Bucket {
		all := make([]Bucket, 0, len(list))
		for _, b := range list {
			all = append(all, Bucket{Value: b.Value, Count: b.Count})
		}
		return all
	}
	v := Facets{Category: buckets(f.Categories), City: buckets(f.Cities), Month: buckets(f.Months), Price: make([]PriceBucket, 0, len(f.Prices))}
	for _, p := range f.Prices {
		b := PriceBucket{From: p.From, Currency: f.Currency, Count: p.Count}
		if p.To > 0 {
			b.To = &p.To
		}
		v.Price = append(v.Price, b)
	}
	return &v
}
