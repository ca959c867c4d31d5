package dapr

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/search"
	"github.com/foyer-tickets/foyer/services/search/dapr/catalogapi"
)

// Catalog asks the catalog service: for what the index is made of and compared by, and, as an engine,
// for events and suggestions from its database while the index is away.
type Catalog struct{ Client *daprclient.Client }

var (
	_ search.Catalog = Catalog{}
	_ search.Engine  = Catalog{}
)

// Documents implements search.Catalog.
func (c Catalog) Documents(ctx context.Context, ids []uuid.UUID) ([]search.Event, error) {
	var out catalogapi.Documents
	err := c.Client.Invoke(ctx, messages.Catalog, http.MethodPost, "/internal/events/documents", catalogapi.EventIds{Ids: ids}, &out)
	if err != nil {
		return nil, err
	}
	events := make([]search.Event, 0, len(out.Items))
	for _, d := range out.Items {
		events = append(events, event(d))
	}
	return events, nil
}

func event(d catalogapi.Document) search.Event {
	e := search.Event{
		ID: d.Id, Slug: d.Slug, Name: d.Name, Description: d.Description, Category: d.Category, Performers: d.Performers, Topics: d.Topics,
		Image: d.Image, URL: d.Url, Online: d.Online, StartsAt: d.StartsAt, EndsAt: d.EndsAt, TimeZone: d.TimeZone,
		Venue:      search.Venue{ID: d.Venue.Id, Name: d.Venue.Name, City: d.Venue.City, Country: d.Venue.Country},
		HighDemand: d.HighDemand, Status: string(d.Status),
		Availability: search.Availability{
			Available: d.Availability.Available, Held: d.Availability.Held, Booked: d.Availability.Booked, Status: string(d.Availability.Status),
		},
		Versions: search.Versions{Event: d.Version, Venue: d.VenueVersion, Availability: d.AvailabilityVersion},
	}
	if l := d.Venue.Location; l != nil {
		e.Venue.Location = &search.Point{Lat: l.Lat, Lon: l.Lon}
	}
	for _, t := range d.TicketTypes {
		e.TicketTypes = append(e.TicketTypes, search.TicketType{Price: search.Money{Amount: t.Price.Amount, Currency: t.Price.Currency}})
	}
	return e
}

// Published implements search.Catalog.
func (c Catalog) Published(ctx context.Context, before uuid.UUID) ([]search.EventVersions, error) {
	var out catalogapi.VersionList
	err := c.Client.Invoke(ctx, messages.Catalog, http.MethodGet, "/internal/events/ids?before="+before.String(), nil, &out)
	return versions(out), err
}

// Versions implements search.Catalog.
func (c Catalog) Versions(ctx context.Context, ids []uuid.UUID) ([]search.EventVersions, error) {
	var out catalogapi.VersionList
	err := c.Client.Invoke(ctx, messages.Catalog, http.MethodPost, "/internal/events/versions", catalogapi.EventIds{Ids: ids}, &out)
	return versions(out), err
}

func versions(page catalogapi.VersionList) []search.EventVersions {
	all := make([]search.EventVersions, 0, len(page.Items))
	for _, i := range page.Items {
		all = append(all, search.EventVersions{ID: i.Id, Versions: search.Versions{Event: i.Version, Venue: i.Venue, Availability: i.Availability}})
	}
	return all
}

// Summary implements search.Catalog.
func (c Catalog) Summary(ctx context.Context) (search.CatalogSummary, error) {
	var out catalogapi.Summary
	err := c.Client.Invoke(ctx, messages.Catalog, http.MethodGet, "/internal/events/summary", nil, &out)
	//nolint:gosec // a position in the log is not negative
	return search.CatalogSummary{Summary: search.Summary{Count: out.Count, Checksum: out.Checksum}, Position: uint64(out.Position)}, err
}

// Search implements search.Engine. A text whose words are nowhere is looked for once more among names
// that are spelt alike.
func (c Catalog) Search(ctx context.Context, q search.Query) (search.Page, error) {
	cursor, err := q.Place()
	if err != nil {
		return search.Page{}, err
	}
	page, err := c.page(ctx, q, cursor)
	if err == nil && page.Total == 0 && q.Text != "" && q.Cursor == "" {
		cursor.Match = search.Fuzzy
		page, err = c.page(ctx, q, cursor)
	}
	if err != nil {
		return page, err
	}
	// Only how much was seen: whichever engine answers next finds the position by that.
	page.Next, err = q.Next(search.Cursor{Seen: cursor.Seen, Match: cursor.Match}, len(page.Hits))
	return page, err
}

func (c Catalog) page(ctx context.Context, q search.Query, cursor search.Cursor) (search.Page, error) {
	var out catalogapi.SearchResult
	if err := c.Client.Invoke(ctx, messages.Catalog, http.MethodPost, "/internal/events/search", searchQuery(q, cursor), &out); err != nil {
		return search.Page{}, err
	}
	page := search.Page{Total: out.Total, Hits: make([]search.Hit, 0, len(out.Items))}
	for _, i := range out.Items {
		h := search.Hit{Event: event(i.Event), Distance: i.Distance}
		if i.LowestPrice != nil && i.HighestPrice != nil {
			h.Price = &search.PriceRange{From: i.LowestPrice.Amount, To: i.HighestPrice.Amount, Currency: i.LowestPrice.Currency}
		}
		page.Hits = append(page.Hits, h)
	}
	if q.Cursor == "" {
		page.Facets = facets(out.Facets)
	}
	return page, nil
}

func searchQuery(q search.Query, cursor search.Cursor) catalogapi.SearchQuery {
	in := catalogapi.SearchQuery{
		Text: q.Text, Similar: cursor.Match > search.Strict, Categories: q.Categories, Cities: q.Cities, Topics: q.Topics, FromDay: q.FromDay, ToDay: q.ToDay,
		Radius: q.Radius, MinPrice: q.MinPrice, MaxPrice: q.MaxPrice, Currency: q.Currency, Available: q.Available, EndsAfter: q.Now,
		Sort: catalogapi.SearchQuerySort(q.Sort), Limit: q.Limit, Offset: cursor.Seen, PriceSteps: search.PriceSteps,
	}
	if !q.From.IsZero() {
		in.From = &q.From
	}
	if !q.To.IsZero() {
		in.To = &q.To
	}
	if q.Near != nil {
		in.Near = &catalogapi.Point{Lat: q.Near.Lat, Lon: q.Near.Lon}
	}
	return in
}

func facets(in catalogapi.SearchFacets) *search.Facets {
	buckets := func(values []catalogapi.FacetValue) []search.Bucket {
		all := make([]search.Bucket, 0, len(values))
		for _, v := range values {
			all = append(all, search.Bucket{Value: v.Value, Count: v.Count})
		}
		return all
	}
	f := search.Facets{Categories: buckets(in.Categories), Cities: buckets(in.Cities), Months: buckets(in.Months), Currency: in.Currency}
	for _, p := range in.Prices {
		step := min(max(p.Step-1, 0), len(search.PriceSteps)-1)
		b := search.PriceBucket{From: search.PriceSteps[step], Count: p.Count}
		if p.Step < len(search.PriceSteps) {
			b.To = search.PriceSteps[step+1]
		}
		f.Prices = append(f.Prices, b)
	}
	return &f
}

// Suggest implements search.Engine.
func (c Catalog) Suggest(ctx context.Context, text string, now time.Time) ([]search.Suggestion, error) {
	if text == "" {
		return nil, nil
	}
	var out catalogapi.SuggestionResult
	in := catalogapi.SuggestionQuery{Text: text, EndsAfter: now}
	if err := c.Client.Invoke(ctx, messages.Catalog, http.MethodPost, "/internal/events/suggestions", in, &out); err != nil {
		return nil, err
	}
	return search.Assemble(suggestions(search.SuggestCity, out.Cities), suggestions(search.SuggestVenue, out.Venues), suggestions(search.SuggestEvent, out.Events)), nil
}

func suggestions(kind search.SuggestionKind, in []catalogapi.Suggestion) []search.Suggestion {
	all := make([]search.Suggestion, 0, len(in))
	for _, i := range in {
		s := search.Suggestion{Kind: kind, Text: i.Text, City: i.City, Country: i.Country, Count: i.Count}
		if i.Event != nil && i.StartsAt != nil {
			s.Event, s.StartsAt = *i.Event, *i.StartsAt
		}
		all = append(all, s)
	}
	return all
}
