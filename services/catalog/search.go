package catalog

import (
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/money"
)

// SearchSort is the order of search results.
type SearchSort string

// The orders. Each goes on by start and id, by distance by id alone.
const (
	SortByRelevance SearchSort = "relevance"
	SortByStart     SearchSort = "date"
	SortByPrice     SearchSort = "price" // of the cheapest ticket
	SortByDistance  SearchSort = "distance"
)

// SearchQuery selects published events. Zero values do not restrict.
type SearchQuery struct {
	Text       string
	Similar    bool // match names that are spelt alike, instead of the words
	Categories []string
	Cities     []string // accents and case do not matter
	Topics     []string
	From, To   time.Time // bounds of the start
	FromDay    string    // first day of the start at the event's place, as 2027-05-01
	ToDay      string    // last such day
	Near       *Location
	Radius     float64 // kilometres around Near
	MinPrice   *int64  // minor units of Currency
	MaxPrice   *int64
	Currency   string
	Available  bool
	EndsAfter  time.Time // events that end before are left out
	Sort       SearchSort
	Limit      int
	Offset     int
	PriceSteps []int64 // lower bounds of the price facet's buckets, ascending, in minor units
}

// FoundEvent is a search result. The event has no ticket types, and its description is cut short.
type FoundEvent struct {
	Event    Event
	Lowest   *money.Money // price of the cheapest ticket; nil without ticket types
	Highest  *money.Money
	Distance *float64 // kilometres from the query's Near
}

// FacetValue is one option of a facet.
type FacetValue struct {
	Value string
	Count int64
}

// PriceStepCount counts the events whose cheapest ticket costs at least the step of that number,
// from 1, and less than the next.
type PriceStepCount struct {
	Step  int
	Count int64
}

// SearchFacets are the options left for each filter, counted under all filters but its own.
type SearchFacets struct {
	Categories []FacetValue
	Cities     []FacetValue
	Months     []FacetValue // as 2027-05, at the event's place
	Currency   string       // of Prices: the most frequent one
	Prices     []PriceStepCount
}

// SearchResult is a page of events.
type SearchResult struct {
	Total  int64
	Events []FoundEvent
	Facets SearchFacets
}

// Suggestion completes a text.
type Suggestion struct {
	Text     string
	Event    uuid.UUID // of an event
	StartsAt time.Time // of an event
	City     string
	Country  string
	Count    int64 // events in the city or at the venue
}

// Suggestions are what a text may be the beginning of.
type Suggestions struct{ Cities, Venues, Events []Suggestion }

// PublishedSummary tells two copies of the published events apart.
type PublishedSummary struct {
	Count    int64
	Checksum int64 // sum of the first 32 bits of the MD5 of each event's id and versions
	Position int64 // end of the database's log (LSN), read before the events
}
