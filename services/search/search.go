// Package search finds events: what people ask, what they get, and how the index that answers
// them is kept equal to the catalog. One file a use case; no I/O.
package search

import (
	"context"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// Refusals.
var (
	ErrInvalidCursor = fault.New(fault.Invalid, "invalid_cursor", "The cursor is not valid, or belongs to another query.")
	ErrNearRequired  = fault.New(fault.Invalid, "near_required", "Sorting by distance and radius require near=lat,lon.")
	ErrCurrency      = fault.New(fault.Invalid, "currency_required", "A price range requires a currency.")
	ErrRange         = fault.New(fault.Invalid, "empty_range", "The end of a range is before its start.")
)

// Sort is the order of results.
type Sort string

// The orders. Relevance is the default; without a text it means popular, near and soon.
const (
	Relevance  Sort = "relevance"
	ByDate     Sort = "date"
	ByPrice    Sort = "price"
	ByDistance Sort = "distance"
)

// Point is a place on the WGS 84 ellipsoid, in degrees.
type Point struct {
	Lat float64
	Lon float64
}

// Query is one question. Zero values do not restrict.
type Query struct {
	Text       string
	Categories []string
	Cities     []string
	Topics     []string
	From, To   time.Time // start of the event
	FromDay    string    // first day of the start at the event's place, as 2027-05-01
	ToDay      string    // last such day
	Near       *Point
	Radius     float64 // kilometres
	MinPrice   *int64  // minor units of Currency
	MaxPrice   *int64
	Currency   string
	Available  bool
	Sort       Sort
	Limit      int
	Cursor     string
	Now        time.Time // events that have ended by then are left out
}

// MaxText bounds what is searched for, in bytes; the rest is cut off.
const MaxText = 200

// Check refuses a question that has no sense and fills in what was left out.
func (q Query) Check() (Query, error) {
	q.Text = clip(q.Text)
	q.Categories, q.Cities, q.Topics = clipAll(q.Categories), clipAll(q.Cities), clipAll(q.Topics)
	q.Currency = strings.ToUpper(q.Currency)
	if q.Sort == "" {
		q.Sort = Relevance
	}
	switch {
	case q.Near == nil && (q.Radius != 0 || q.Sort == ByDistance):
		return q, ErrNearRequired
	case (q.MinPrice != nil || q.MaxPrice != nil) && q.Currency == "":
		return q, ErrCurrency
	case q.MinPrice != nil && q.MaxPrice != nil && *q.MaxPrice < *q.MinPrice, !q.From.IsZero() && !q.To.IsZero() && q.To.Before(q.From),
		q.FromDay != "" && q.ToDay != "" && q.ToDay < q.FromDay:
		return q, ErrRange
	}
	return q, nil
}

// clip leaves single spaces between words, no control characters and only what is UTF-8, and cuts at
// a rune's border.
func clip(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	return strings.ToValidUTF8(s[:min(len(s), MaxText)], "")
}

func clipAll(list []string) []string {
	clipped := make([]string, 0, len(list))
	for _, s := range list {
		clipped = append(clipped, clip(s))
	}
	return clipped
}

// Distance between two places in kilometres, along the great circle.
func (p Point) Distance(to Point) float64 {
	const earth, degree = 6371, math.Pi / 180
	sin := func(x float64) float64 { return math.Sin(x * degree / 2) }
	a := sin(to.Lat-p.Lat)*sin(to.Lat-p.Lat) + math.Cos(p.Lat*degree)*math.Cos(to.Lat*degree)*sin(to.Lon-p.Lon)*sin(to.Lon-p.Lon)
	return 2 * earth * math.Asin(math.Sqrt(math.Min(a, 1)))
}

// PriceRange is from the cheapest ticket to the dearest, in minor units.
type PriceRange struct {
	From, To int64
	Currency string
}

// Hit is an event that was found.
type Hit struct {
	Event      Event // its description cut short
	Price      *PriceRange
	Highlights map[string][]string // field -> fragments in HTML, matches in <mark>
	Distance   *float64            // kilometres, when the question names a place
}

// Bucket is one option of a facet.
type Bucket struct {
	Value string
	Count int64
}

// PriceBucket is a range of the lowest price; To 0 is open.
type PriceBucket struct {
	From, To int64
	Count    int64
}

// Facets are the options left for each filter. Each is counted under all the other filters but
// its own, so that a chosen option does not hide its siblings.
type Facets struct {
	Categories []Bucket
	Cities     []Bucket
	Months     []Bucket
	Currency   string // that Prices is in
	Prices     []PriceBucket
}

// Page is an answer. Facets come with the first page only.
type Page struct {
	Hits     []Hit
	Total    int64
	Facets   *Facets
	Next     string
	Degraded bool // answered without the index
}

// SuggestionKind is what a suggestion names.
type SuggestionKind string

// The kinds of suggestions.
const (
	SuggestEvent SuggestionKind = "event"
	SuggestVenue SuggestionKind = "venue"
	SuggestCity  SuggestionKind = "city"
)

// Suggestion completes what somebody types.
type Suggestion struct {
	Kind     SuggestionKind
	Text     string
	Event    uuid.UUID // of an event
	StartsAt time.Time // of an event
	City     string    // of an event or venue
	Country  string
	Count    int64 // events in a city or venue
}

// MaxSuggestions is how many are given.
const MaxSuggestions = 8

// Engine answers questions.
type Engine interface {
	Search(ctx context.Context, q Query) (Page, error)
	Suggest(ctx context.Context, text string, now time.Time) ([]Suggestion, error)
}

// PriceSteps are the borders of price facets, in hundredths of the currency's main unit.
var PriceSteps = []int64{0, 1, 25_00, 50_00, 100_00, 250_00, 500_00}

// Assemble mixes suggestions: few cities and venues first, then events, and fills up.
func Assemble(cities, venues, events []Suggestion) []Suggestion {
	const places = 2
	var all []Suggestion
	rest := func(s []Suggestion, n int) []Suggestion { return s[min(len(s), n):] }
	all = append(all, cities[:min(len(cities), places)]...)
	all = append(all, venues[:min(len(venues), places)]...)
	all = append(all, events...)
	all = append(all, rest(cities, places)...)
	all = append(all, rest(venues, places)...)
	return all[:min(len(all), MaxSuggestions)]
}
