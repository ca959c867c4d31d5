package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/search"
)

// document is an event with what is derived from it.
type document struct {
	search.Event
	Summary    string   `json:"summary"`
	Day        string   `json:"day"`
	Month      string   `json:"month"`
	CityKey    string   `json:"cityKey,omitempty"`
	Prices     []int64  `json:"prices,omitempty"`
	MinPrice   *int64   `json:"minPrice,omitempty"`
	MaxPrice   *int64   `json:"maxPrice,omitempty"`
	Currency   string   `json:"currency,omitempty"`
	Open       bool     `json:"open"`
	Popularity float64  `json:"popularity"`
	Checksum   int64    `json:"checksum"`
	Words      []string `json:"words"`
	AllEN      string   `json:"all_en,omitempty"`
	AllDE      string   `json:"all_de,omitempty"`
	AllFR      string   `json:"all_fr,omitempty"`
	AllES      string   `json:"all_es,omitempty"`
	AllVI      string   `json:"all_vi,omitempty"`
	AllJA      string   `json:"all_ja,omitempty"`
}

const summaryLength = 300 // characters

func documentOf(e search.Event) document {
	d := document{
		Event: e, Summary: e.Description, Day: e.Day(), Month: e.Month(), CityKey: search.Fold(e.Venue.City),
		Open: e.Availability.Available > 0, Popularity: e.Popularity(), Words: e.Words(),
		Checksum: search.Checksum(e.ID, e.Versions),
	}
	if r := []rune(e.Description); len(r) > summaryLength {
		d.Summary = strings.TrimSpace(string(r[:summaryLength])) + "…"
	}
	if d.Prices, d.Currency = e.Prices(); len(d.Prices) > 0 {
		d.MinPrice, d.MaxPrice = &d.Prices[0], &d.Prices[len(d.Prices)-1]
	}
	d.TicketTypes = nil
	all := strings.Join([]string{e.Name, strings.Join(e.Performers, " "), e.Venue.Name, e.Venue.City, strings.Join(e.Topics, " "), e.Description}, "\n")
	switch search.Language(e.Name + " " + e.Description) {
	case "en":
		d.AllEN = all
	case "de":
		d.AllDE = all
	case "fr":
		d.AllFR = all
	case "es":
		d.AllES = all
	case "vi":
		d.AllVI = all
	case "ja":
		d.AllJA = all
	}
	return d
}

const bulkTimeout = 20 * time.Second

type operation struct {
	ID          string `json:"_id"`
	Version     uint64 `json:"version"`
	VersionType string `json:"version_type"`
}

// Write implements search.Writer. A version that is there already may be written again, so that
// a repeat of a message, or a repair, has its effect.
func (x *Index) Write(ctx context.Context, to search.Target, writes []search.Write) []error {
	errs := make([]error, len(writes))
	all := func(err error) []error {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	if len(writes) == 0 {
		return errs
	}
	ctx, cancel := context.WithTimeout(ctx, bulkTimeout)
	defer cancel()
	alias := live
	if to == search.Building {
		alias = building
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	for _, w := range writes {
		op := operation{ID: w.ID.String(), Version: w.Version, VersionType: "external_gte"}
		if w.Event == nil {
			if err := enc.Encode(map[string]operation{"delete": op}); err != nil {
				return all(err)
			}
			continue
		}
		if err := enc.Encode(map[string]operation{"index": op}); err != nil {
			return all(err)
		}
		if err := enc.Encode(documentOf(*w.Event)); err != nil {
			return all(err)
		}
	}
	aliased := true // never make an index by accident
	var answer struct {
		Items []map[string]struct {
			Status int `json:"status"`
			Error  *struct {
				Type   string `json:"type"`
				Reason string `json:"reason"`
			} `json:"error"`
		} `json:"items"`
	}
	err := x.do(ctx, esapi.BulkRequest{Index: alias, Body: &body, RequireAlias: &aliased}, &answer)
	if err != nil {
		return all(err)
	}
	if len(answer.Items) != len(writes) {
		return all(fmt.Errorf("elasticsearch: %d answers to %d writes", len(answer.Items), len(writes)))
	}
	missing := false
	for i, item := range answer.Items {
		for _, result := range item {
			switch {
			case result.Status < http.StatusMultipleChoices, result.Status == http.StatusConflict:
			case result.Error == nil && result.Status == http.StatusNotFound: // was not there anyway
			case result.Error != nil && result.Status == http.StatusNotFound && to == search.Building: // swapped meanwhile
			case result.Error != nil && result.Status == http.StatusBadRequest:
				errs[i] = fault.New(fault.Invalid, "not_indexable", "Elasticsearch rejected the event.").Because(fmt.Errorf("%s: %s", result.Error.Type, result.Error.Reason))
			default:
				missing = missing || result.Status == http.StatusNotFound
				r := &refusal{status: result.Status}
				if result.Error != nil {
					r.kind, r.reason = result.Error.Type, result.Error.Reason
				}
				errs[i] = r
			}
		}
	}
	if missing { // somebody threw the index away; the writes come again
		if _, err := x.Ensure(ctx); err != nil {
			return all(err)
		}
	}
	return errs
}
