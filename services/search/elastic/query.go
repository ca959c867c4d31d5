package elastic

import (
	"bytes"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/foyer-tickets/foyer/internal/text"
	"github.com/foyer-tickets/foyer/services/search"
)

// m is a piece of a query.
type m = map[string]any

// most of the words must be there: all of up to three, all but one of five, three quarters of more.
const most = "3<-1 5<75%"

// languages that texts are stemmed in.
var languages = []string{"all_en", "all_de", "all_fr", "all_es", "all_vi", "all_ja"}

func match(field, text string, more m) m {
	body := m{"query": text}
	for k, v := range more {
		body[k] = v
	}
	return m{"match": m{field: body}}
}

// near lets a word differ by a letter or two, but not in its first.
var near = m{"fuzziness": "AUTO:4,8", "prefix_length": 1, "max_expansions": 30}

func with(a m, b m) m {
	c := m{}
	for k, v := range a {
		c[k] = v
	}
	for k, v := range b {
		c[k] = v
	}
	return c
}

// wanted says which events a text means, and which it means most.
func wanted(text string, how search.Match) (must m, should []any) {
	if text == "" {
		return nil, nil
	}
	enough := m{"minimum_should_match": most}
	if how == search.Loose {
		enough["minimum_should_match"] = "50%"
	}
	ways := []any{match("all", text, enough), match("name", text, m{"operator": "and"})}
	for _, field := range languages {
		ways = append(ways, match(field, text, enough))
	}
	if how > search.Strict {
		ways = append(ways,
			match("all", text, with(enough, with(near, m{"boost": 0.5}))),
			match("name.prefix", text, m{"operator": "and", "boost": 0.5}),
		)
	}
	should = []any{
		match("name", text, m{"boost": 3}),
		m{"match_phrase": m{"name": m{"query": text, "slop": 1, "boost": 3}}},
		match("name.exact", text, m{"boost": 1.5}),
		match("performers", text, m{"boost": 3}),
		match("topics", text, m{"boost": 2}),
		match("venue.name", text, m{"boost": 2}),
		match("venue.city", text, m{"boost": 2}),
	}
	if how > search.Strict {
		should = append(should, match("name", text, with(near, m{"boost": 2})), match("performers", text, near))
	}
	return m{"dis_max": m{"queries": ways, "tie_breaker": 0.1}}, should
}

// filters of a question that have a facet, by the facet's name; each facet is counted without its own.
func facetFilters(q search.Query) map[string][]m {
	filters := map[string][]m{}
	if len(q.Categories) > 0 {
		filters["category"] = []m{{"terms": m{"category": q.Categories}}}
	}
	if len(q.Cities) > 0 {
		keys := make([]string, 0, len(q.Cities))
		for _, city := range q.Cities {
			keys = append(keys, text.Fold(city))
		}
		filters["city"] = []m{{"terms": m{"cityKey": keys}}}
	}
	when, days := m{}, m{}
	if !q.From.IsZero() {
		when["gte"] = q.From.UTC().Format(time.RFC3339)
	}
	if !q.To.IsZero() {
		when["lte"] = q.To.UTC().Format(time.RFC3339)
	}
	if q.FromDay != "" {
		days["gte"] = q.FromDay
	}
	if q.ToDay != "" {
		days["lte"] = q.ToDay
	}
	if len(when) > 0 {
		filters["month"] = append(filters["month"], m{"range": m{"startsAt": when}})
	}
	if len(days) > 0 {
		filters["month"] = append(filters["month"], m{"range": m{"day": days}})
	}
	price := m{}
	if q.MinPrice != nil {
		price["gte"] = *q.MinPrice
	}
	if q.MaxPrice != nil {
		price["lte"] = *q.MaxPrice
	}
	if len(price) > 0 {
		filters["price"] = []m{{"range": m{"prices": price}}}
	}
	return filters
}

// basic filters hold for results and facets alike.
func basic(q search.Query) []any {
	filters := []any{m{"range": m{"endsAt": m{"gte": q.Now.UTC().Truncate(time.Minute).Format(time.RFC3339)}}}}
	if q.Available {
		filters = append(filters, m{"term": m{"open": true}})
	}
	if len(q.Topics) > 0 {
		filters = append(filters, m{"terms": m{"topics.key": q.Topics}})
	}
	if q.Currency != "" {
		filters = append(filters, m{"term": m{"currency": q.Currency}})
	}
	switch {
	case q.Radius > 0:
		filters = append(filters, m{"geo_distance": m{"distance": kilometres(q.Radius), "venue.location": geoPoint(q.Near)}})
	case q.Sort == search.ByDistance:
		filters = append(filters, m{"exists": m{"field": "venue.location"}})
	}
	return filters
}

// Body is what is sent for a question's first page, to be put to /events/_msearch; how is Strict unless
// that found next to nothing. For measuring what we add to it.
//
// Its answers, too, are asked for from Elasticsearch's cache, which forgets them when the index changes:
// what many ask at once is scored once, and never late.
func Body(q search.Query, how search.Match) ([]byte, error) {
	var body bytes.Buffer
	for _, one := range searches(q, how) {
		for _, line := range []m{{"request_cache": true}, one} {
			// What is the same question has to be the same bytes, for Elasticsearch to know it again.
			if err := json.MarshalWrite(&body, line, json.Deterministic(true)); err != nil {
				return nil, err
			}
			body.WriteByte('\n')
		}
	}
	return body.Bytes(), nil
}

// searches are one for the hits and one for the counts. Where these are of the same events, and a text
// has narrowed them down, it is one for both.
func searches(q search.Query, how search.Match) []m {
	must, should := wanted(q.Text, how)
	page, counted := hits(q, how, must, should), facets(q, must)
	if must == nil || counted["post_filter"] != nil {
		return []m{page, counted}
	}
	page["aggs"], page["track_total_hits"] = counted["aggs"], true
	return []m{page}
}

// hits asks for a page of events: every filter is in the query, so that nothing else is scored, and
// nothing is counted.
func hits(q search.Query, how search.Match, must m, should []any) m {
	query := m{"filter": append(basic(q), except(facetFilters(q), "")...)}
	if must != nil {
		query["must"] = must
	}
	if q.Sort == search.Relevance {
		should = append(should,
			m{"rank_feature": m{"field": "popularity", "saturation": m{"pivot": 100}, "boost": 2}},
			m{"distance_feature": m{"field": "startsAt", "origin": q.Now.UTC().Truncate(time.Minute).Format(time.RFC3339), "pivot": "60d", "boost": 1}},
		)
		if q.Near != nil {
			should = append(should, m{"distance_feature": m{"field": "venue.location", "origin": geoPoint(q.Near), "pivot": "50km", "boost": 4}})
		}
		query["should"] = should
	}
	body := m{"size": q.Limit, "track_total_hits": false, "sort": order(q), "query": m{"bool": query}}
	if q.Text != "" {
		body["highlight"] = highlight(q.Text, how)
	}
	return body
}

// facets asks how many there are, and of which kinds: the total under all filters, each facet under
// all but its own. Nothing is scored and no event is read, so Elasticsearch keeps the answer until the
// index changes.
func facets(q search.Query, must m) m {
	wants := basic(q)
	if must != nil {
		wants = append(wants, must)
	}
	filters := facetFilters(q)
	body := m{"size": 0, "track_total_hits": true, "query": m{"bool": m{"filter": wants}}, "aggs": counts(filters)}
	if all := except(filters, ""); len(all) > 0 {
		body["post_filter"] = m{"bool": m{"filter": all}}
	}
	return body
}

func order(q search.Query) []any {
	byDate, byID := m{"startsAt": "asc"}, m{"id": "asc"}
	switch q.Sort {
	case search.ByDate:
		return []any{byDate, byID}
	case search.ByPrice:
		return []any{m{"minPrice": m{"order": "asc", "missing": "_last"}}, byDate, byID}
	case search.ByDistance:
		return []any{m{"_geo_distance": m{"venue.location": geoPoint(q.Near), "order": "asc", "unit": "km"}}, byID}
	}
	return []any{m{"_score": "desc"}, byDate, byID}
}

func except(filters map[string][]m, own string) []any {
	all := []any{}
	for _, name := range []string{"category", "city", "month", "price"} {
		if name == own {
			continue
		}
		for _, f := range filters[name] {
			all = append(all, f)
		}
	}
	return all
}

// Sizes of facets.
const (
	maxCategories = 20
	maxCities     = 30
	maxMonths     = 36
	maxCurrencies = 5
)

func counts(filters map[string][]m) m {
	ranges := make([]m, 0, len(search.PriceSteps))
	for i, from := range search.PriceSteps {
		r := m{"from": from}
		if i+1 < len(search.PriceSteps) {
			r["to"] = search.PriceSteps[i+1]
		}
		ranges = append(ranges, r)
	}
	aggs := m{}
	for name, agg := range map[string]m{
		"category": {"terms": m{"field": "category", "size": maxCategories}},
		"city":     {"terms": m{"field": "venue.city.key", "size": maxCities}},
		"month":    {"terms": m{"field": "month", "size": maxMonths, "order": m{"_key": "asc"}}},
		"price":    {"terms": m{"field": "currency", "size": maxCurrencies}, "aggs": m{"ranges": m{"range": m{"field": "minPrice", "ranges": ranges}}}},
	} {
		others := except(filters, name)
		if len(others) == 0 {
			aggs[name] = agg
			continue
		}
		aggs[name] = m{"filter": m{"bool": m{"filter": others}}, "aggs": m{"in": agg}}
	}
	return aggs
}

// highlight marks words in what people see. The text is escaped, the marks are ours.
func highlight(text string, how search.Match) m {
	more := m{}
	if how > search.Strict {
		more = near
	}
	field := func(name string, fragments int) m {
		return m{"number_of_fragments": fragments, "highlight_query": match(name, text, more)}
	}
	return m{
		"encoder": "html", "pre_tags": []string{"<mark>"}, "post_tags": []string{"</mark>"}, "fragment_size": 150,
		"fields": m{
			"name": field("name", 0), "performers": field("performers", 0), "venue.name": field("venue.name", 0),
			"venue.city": field("venue.city", 0), "description": field("description", 2),
		},
	}
}

// suggestion is the body of a search for what begins like text.
func suggestion(text string, now time.Time, how search.Match) m {
	more := m{"operator": "and"}
	if how > search.Strict {
		more = with(more, near)
	}
	begins := func(field string, boost float64) m {
		return match(field+".prefix", text, with(more, m{"boost": boost}))
	}
	events := m{"bool": m{"should": []any{begins("name", 3), begins("performers", 2)}}}
	return m{
		"size": search.MaxSuggestions, "_source": []string{"id", "name", "startsAt", "venue"}, "track_total_hits": false,
		"query": m{"bool": m{
			"filter":               []any{m{"range": m{"endsAt": m{"gte": now.UTC().Truncate(time.Minute).Format(time.RFC3339)}}}},
			"minimum_should_match": 1,
			"should":               []any{begins("name", 3), begins("performers", 2), begins("venue.name", 1), begins("venue.city", 1)},
			"must": []any{m{"bool": m{"must": m{"match_all": m{}}, "should": []any{
				m{"rank_feature": m{"field": "popularity", "saturation": m{"pivot": 100}, "boost": 2}},
				match("name.exact", text, m{"boost": 1}),
			}}}},
		}},
		"post_filter": events,
		"aggs": m{
			"cities": m{"filter": begins("venue.city", 1), "aggs": m{"in": m{"terms": m{"field": "venue.city.key", "size": 4}, "aggs": m{
				"country": m{"terms": m{"field": "venue.country", "size": 1}}}}}},
			"venues": m{"filter": begins("venue.name", 1), "aggs": m{"in": m{"terms": m{"field": "venue.name.key", "size": 4}, "aggs": m{
				"city": m{"terms": m{"field": "venue.city.key", "size": 1}}, "country": m{"terms": m{"field": "venue.country", "size": 1}}}}}},
		},
	}
}
