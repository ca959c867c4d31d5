package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/text"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// Search is full-text search in the table event_texts, which triggers keep up to date. It has
// connections of its own, so that many searches at once take none from what the catalog writes.
type Search struct{ pool *pgxpool.Pool }

// Limits of searches.
const (
	searchConnections = 8
	// Less than a call of the catalog may take (`invoke` in dapr/resiliency.yaml): a query that takes
	// longer fails here, and is not repeated by the sidecar.
	searchTimeout = 2500 * time.Millisecond
)

// OpenSearch prepares connections that only read. None is made before the first query.
func OpenSearch(ctx context.Context, url string) (Search, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return Search{}, fmt.Errorf("postgres: %w", err)
	}
	cfg.ConnConfig.ConnectTimeout = searchTimeout
	cfg.MaxConns = searchConnections
	for name, value := range map[string]string{"default_transaction_read_only": "on", "statement_timeout": fmt.Sprint(searchTimeout.Milliseconds())} {
		cfg.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return Search{}, fmt.Errorf("postgres: %w", err)
	}
	return Search{pool}, nil
}

// Close ends the connections.
func (d Search) Close() { d.pool.Close() }

// Summary sums up the published events.
func (d Search) Summary(ctx context.Context) (catalog.PublishedSummary, error) {
	var s catalog.PublishedSummary
	// Read first: what is copied at this version yields to every change that comes later.
	if err := d.pool.QueryRow(ctx, `SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint`).Scan(&s.Position); err != nil {
		return s, fmt.Errorf("position: %w", err)
	}
	err := d.pool.QueryRow(ctx, `
		SELECT count(*), coalesce(sum(('x' || left(md5(concat_ws(':', e.id, e.version, v.version, coalesce(a.version, 0))), 8))::bit(32)::bigint), 0)::bigint
		FROM events e JOIN venues v ON v.id = e.venue LEFT JOIN availability a ON a.event = e.id
		WHERE e.status = 'published'`).Scan(&s.Count, &s.Checksum)
	if err != nil {
		return s, fmt.Errorf("summary: %w", err)
	}
	return s, nil
}

// words makes a tsquery of what somebody typed: every word, each as the beginning of one. Only
// letters and digits are left, so that nothing is syntax.
func words(typed string) string {
	var terms []string
	for term := range strings.FieldsFuncSeq(text.Fold(typed), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		terms = append(terms, term+":*")
	}
	return strings.Join(terms, " & ")
}

// like escapes a text for LIKE.
func like(typed string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text.Fold(typed))
}

// statement collects conditions with their arguments.
type statement struct {
	args []any
}

func (s *statement) arg(v any) string {
	s.args = append(s.args, v)
	return fmt.Sprintf("$%d", len(s.args))
}

// facetFilters are the conditions on `base` that have a facet, by its name.
func (s *statement) facetFilters(q catalog.SearchQuery) map[string]string {
	filters := map[string]string{}
	if len(q.Categories) > 0 {
		filters["category"] = "category = ANY(" + s.arg(q.Categories) + ")"
	}
	if len(q.Cities) > 0 {
		folded := make([]string, 0, len(q.Cities))
		for _, c := range q.Cities {
			folded = append(folded, text.Fold(c))
		}
		filters["city"] = "fold(city) = ANY(" + s.arg(folded) + ")"
	}
	var when []string
	if !q.From.IsZero() {
		when = append(when, "starts_at >= "+s.arg(q.From))
	}
	if !q.To.IsZero() {
		when = append(when, "starts_at <= "+s.arg(q.To))
	}
	if q.FromDay != "" {
		when = append(when, "day >= "+s.arg(q.FromDay))
	}
	if q.ToDay != "" {
		when = append(when, "day <= "+s.arg(q.ToDay))
	}
	if len(when) > 0 {
		filters["month"] = strings.Join(when, " AND ")
	}
	if q.MinPrice != nil || q.MaxPrice != nil {
		low, high := int64(0), int64(1)<<62
		if q.MinPrice != nil {
			low = *q.MinPrice
		}
		if q.MaxPrice != nil {
			high = *q.MaxPrice
		}
		filters["price"] = "EXISTS (SELECT FROM unnest(amounts) x WHERE x BETWEEN " + s.arg(low) + " AND " + s.arg(high) + ")"
	}
	return filters
}

func except(filters map[string]string, own string) string {
	all := []string{"true"}
	for name, f := range filters {
		if name != own {
			all = append(all, "("+f+")")
		}
	}
	return strings.Join(all, " AND ")
}

// base selects what a question means, with all that filters, facets and orders look at.
func (s *statement) base(q catalog.SearchQuery) string {
	where := []string{"e.status = 'published'", "e.ends_at >= " + s.arg(q.EndsAfter)}
	score := "0::real"
	switch {
	case q.Text == "":
	case q.Similar:
		score = "word_similarity(" + s.arg(text.Fold(q.Text)) + ", t.names)"
		where = append(where, score+" > 0.4")
	default:
		names := "t.names LIKE " + s.arg("%"+like(q.Text)+"%")
		if query := words(q.Text); query != "" {
			tsquery := "to_tsquery('simple', " + s.arg(query) + ")"
			score = "ts_rank(t.words, " + tsquery + ")"
			names = "(t.words @@ " + tsquery + " OR " + names + ")"
		}
		where = append(where, names)
	}
	if len(q.Topics) > 0 {
		where = append(where, "e.topics && "+s.arg(q.Topics))
	}
	if q.Currency != "" {
		where = append(where, "p.currency = "+s.arg(q.Currency))
	}
	if q.Available {
		where = append(where, "coalesce(a.available, p.capacity, 0) > 0")
	}
	distance := "NULL::float8"
	if q.Near != nil {
		lat, lon := s.arg(q.Near.Lat), s.arg(q.Near.Lon)
		distance = "12742 * asin(sqrt(least(1, power(sin(radians(v.lat - " + lat + "::float8) / 2), 2) + cos(radians(" + lat + ")) * cos(radians(v.lat)) * power(sin(radians(v.lon - " + lon + "::float8) / 2), 2))))"
		if q.Radius > 0 {
			where = append(where, distance+" <= "+s.arg(q.Radius))
		} else if q.Sort == catalog.SortByDistance {
			where = append(where, "v.lat IS NOT NULL")
		}
	}
	return `
	base AS MATERIALIZED (
		SELECT e.id, e.category, v.city, e.starts_at, to_char(e.starts_at AT TIME ZONE e.time_zone, 'YYYY-MM') AS month,
			to_char(e.starts_at AT TIME ZONE e.time_zone, 'YYYY-MM-DD') AS day,
			p.amounts, p.lowest, p.highest, p.currency, p.capacity, ` + score + ` AS score, ` + distance + ` AS distance
		FROM events e JOIN venues v ON v.id = e.venue JOIN event_texts t ON t.event = e.id LEFT JOIN availability a ON a.event = e.id
		LEFT JOIN LATERAL (SELECT array_agg(amount) AS amounts, min(amount) AS lowest, max(amount) AS highest, min(currency) AS currency, sum(capacity) AS capacity
			FROM ticket_types WHERE event = e.id) p ON true
		WHERE ` + strings.Join(where, " AND ") + `)`
}

var orders = map[catalog.SearchSort]string{
	catalog.SortByRelevance: "score DESC, starts_at, id",
	catalog.SortByStart:     "starts_at, id",
	catalog.SortByPrice:     "lowest NULLS LAST, starts_at, id",
	catalog.SortByDistance:  "distance, id",
}

// Search finds a page of the published events that the query selects, with facets.
func (d Search) Search(ctx context.Context, q catalog.SearchQuery) (catalog.SearchResult, error) {
	var s statement
	base := s.base(q)
	filters := s.facetFilters(q)
	facet := func(name, column, order string, size int) string {
		return fmt.Sprintf(`(SELECT coalesce(json_agg(f), '[]') FROM (SELECT %[1]s AS value, count(*) AS count FROM base WHERE %[1]s <> '' AND %[2]s GROUP BY 1 ORDER BY %[3]s LIMIT %[4]d) f)`,
			column, except(filters, name), order, size)
	}
	currency := "(SELECT currency FROM base WHERE " + except(filters, "price") + " AND currency IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)"
	steps := s.arg(q.PriceSteps)
	sql := "WITH" + base + `,
	found AS MATERIALIZED (SELECT * FROM base WHERE ` + except(filters, "") + `),
	best AS (SELECT * FROM found ORDER BY ` + orders[q.Sort] + ` LIMIT ` + s.arg(q.Limit) + ` OFFSET ` + s.arg(q.Offset) + `)
	SELECT (SELECT count(*) FROM found),
		` + facet("category", "category", "2 DESC, 1", 20) + `,
		` + facet("city", "city", "2 DESC, 1", 30) + `,
		` + facet("month", "month", "1", 36) + `,
		` + currency + `,
		(SELECT coalesce(json_agg(f), '[]') FROM (SELECT width_bucket(lowest, ` + steps + `::bigint[]) AS step, count(*) AS count
			FROM base WHERE lowest IS NOT NULL AND currency = ` + currency + ` AND ` + except(filters, "price") + ` GROUP BY 1 ORDER BY 1) f),
		(SELECT coalesce(json_agg(h ORDER BY h.place), '[]') FROM (
			SELECT row_number() OVER (ORDER BY ` + prefixed(orders[q.Sort]) + `) AS place, b.distance, b.lowest, b.highest, b.currency, b.capacity,
				e.id, e.slug, e.name, left(e.description, 300) AS description, e.category, e.performers, e.topics, e.image, e.url, e.online,
				e.starts_at AS "startsAt", e.ends_at AS "endsAt", e.time_zone AS "timeZone", e.high_demand AS "highDemand", e.status, e.version,
				json_build_object('id', v.id, 'name', v.name, 'city', v.city, 'country', v.country,
					'location', CASE WHEN v.lat IS NOT NULL THEN json_build_object('lat', v.lat, 'lon', v.lon) END) AS venue,
				json_build_object('available', coalesce(a.available, b.capacity, 0), 'held', coalesce(a.held, 0), 'booked', coalesce(a.booked, 0)) AS availability
			FROM best b JOIN events e ON e.id = b.id JOIN venues v ON v.id = e.venue LEFT JOIN availability a ON a.event = e.id) h)`
	var (
		found                                   catalog.SearchResult
		categories, cities, months, price, hits []byte
		code                                    *string
	)
	err := d.pool.QueryRow(ctx, sql, s.args...).Scan(&found.Total, &categories, &cities, &months, &code, &price, &hits)
	if err != nil {
		return found, fmt.Errorf("search: %w", err)
	}
	if found.Events, err = readHits(hits); err != nil {
		return found, err
	}
	if code != nil {
		found.Facets.Currency = *code
	}
	f := &found.Facets
	return found, errors.Join(json.Unmarshal(categories, &f.Categories), json.Unmarshal(cities, &f.Cities),
		json.Unmarshal(months, &f.Months), json.Unmarshal(price, &f.Prices))
}

func prefixed(order string) string {
	columns := strings.Split(order, ", ")
	for i, c := range columns {
		columns[i] = "b." + c
	}
	return strings.Join(columns, ", ")
}

// hitRow is a search result as the database writes it.
type hitRow struct {
	ID          uuid.UUID      `json:"id"`
	Slug        string         `json:"slug"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Category    string         `json:"category"`
	Performers  []string       `json:"performers"`
	Topics      []string       `json:"topics"`
	Image       string         `json:"image"`
	URL         string         `json:"url"`
	Online      bool           `json:"online"`
	StartsAt    time.Time      `json:"startsAt"`
	EndsAt      time.Time      `json:"endsAt"`
	TimeZone    string         `json:"timeZone"`
	HighDemand  bool           `json:"highDemand"`
	Status      catalog.Status `json:"status"`
	Version     int64          `json:"version"`
	Venue       struct {
		ID       uuid.UUID `json:"id"`
		Name     string    `json:"name"`
		City     string    `json:"city"`
		Country  string    `json:"country"`
		Location *struct {
			Lat float64 `json:"lat"`
			Lon float64 `json:"lon"`
		} `json:"location"`
	} `json:"venue"`
	Availability struct {
		Available int `json:"available"`
		Held      int `json:"held"`
		Booked    int `json:"booked"`
	} `json:"availability"`
	Distance *float64 `json:"distance"`
	Lowest   *int64   `json:"lowest"`
	Highest  *int64   `json:"highest"`
	Currency string   `json:"currency"`
}

func readHits(raw []byte) ([]catalog.FoundEvent, error) {
	var rows []hitRow
	if err := json.Unmarshal(raw, &rows); err != nil {
		return nil, err
	}
	found := make([]catalog.FoundEvent, 0, len(rows))
	for _, r := range rows {
		h := catalog.FoundEvent{Distance: r.Distance, Event: catalog.Event{
			ID: r.ID, Slug: r.Slug, Name: r.Name, Description: r.Description, Category: r.Category, Performers: r.Performers, Topics: r.Topics,
			Image: r.Image, URL: r.URL, Online: r.Online, StartsAt: r.StartsAt, EndsAt: r.EndsAt, TimeZone: r.TimeZone, HighDemand: r.HighDemand,
			Status: r.Status, Version: r.Version, Venue: catalog.Venue{ID: r.Venue.ID, Name: r.Venue.Name, City: r.Venue.City, Country: r.Venue.Country},
			Availability: catalog.Availability{Available: r.Availability.Available, Held: r.Availability.Held, Booked: r.Availability.Booked},
		}}
		if l := r.Venue.Location; l != nil {
			h.Event.Venue.Location = &catalog.Location{Lat: l.Lat, Lon: l.Lon}
		}
		if r.Lowest != nil && r.Highest != nil {
			h.Lowest = &money.Money{Amount: *r.Lowest, Currency: r.Currency}
			h.Highest = &money.Money{Amount: *r.Highest, Currency: r.Currency}
		}
		found = append(found, h)
	}
	return found, nil
}

// Suggest completes a text with cities, venues and events that have a word which begins with it.
func (d Search) Suggest(ctx context.Context, typed string, endsAfter time.Time) (catalog.Suggestions, error) {
	var found catalog.Suggestions
	start := like(typed)
	if start == "" {
		return found, nil
	}
	rows, err := d.pool.Query(ctx, `
		WITH begins AS (
			SELECT e.id, e.name, e.starts_at, v.name AS venue, v.city, v.country,
				fold(e.name) LIKE $1 || '%' OR fold(e.name) LIKE '% ' || $1 || '%' OR fold(array_to_string(e.performers, ' ')) LIKE '%' || $1 || '%' AS by_name,
				fold(v.name) LIKE $1 || '%' OR fold(v.name) LIKE '% ' || $1 || '%' AS by_venue,
				fold(v.city) LIKE $1 || '%' OR fold(v.city) LIKE '% ' || $1 || '%' AS by_city
			FROM events e JOIN venues v ON v.id = e.venue JOIN event_texts t ON t.event = e.id
			WHERE e.status = 'published' AND e.ends_at >= $2 AND t.names LIKE '%' || $1 || '%')
		(SELECT 'city', city, NULL::uuid, NULL::timestamptz, '', min(country), count(*) AS n FROM begins WHERE by_city GROUP BY city ORDER BY n DESC, city LIMIT 4)
		UNION ALL
		(SELECT 'venue', venue, NULL, NULL, min(city), min(country), count(*) AS n FROM begins WHERE by_venue GROUP BY venue ORDER BY n DESC, venue LIMIT 4)
		UNION ALL
		(SELECT 'event', name, id, starts_at, city, country, 1 FROM begins WHERE by_name ORDER BY starts_at, id LIMIT 8)`, start, endsAfter)
	if err != nil {
		return found, fmt.Errorf("suggest: %w", err)
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var (
			kind string
			s    catalog.Suggestion
			id   *uuid.UUID
			at   *time.Time
		)
		if err := row.Scan(&kind, &s.Text, &id, &at, &s.City, &s.Country, &s.Count); err != nil {
			return struct{}{}, err
		}
		switch kind {
		case "city":
			found.Cities = append(found.Cities, s)
		case "venue":
			found.Venues = append(found.Venues, s)
		default:
			s.Event, s.StartsAt = *id, *at
			found.Events = append(found.Events, s)
		}
		return struct{}{}, nil
	})
	if err != nil {
		return found, fmt.Errorf("suggest: %w", err)
	}
	return found, nil
}
