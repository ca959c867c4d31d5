// Package postgres finds events in the catalog's own database while the index is away, and sums
// them up so that the index can be compared. It only reads; the catalog owns the tables.
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

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/services/search"
)

// Database is the catalog's.
type Database struct{ pool *pgxpool.Pool }

var (
	_ search.Engine         = Database{}
	_ search.CatalogSummary = Database{}
)

// Open prepares connections; none is made before the first question, and none is needed to start.
func Open(ctx context.Context, url string) (Database, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return Database{}, fmt.Errorf("postgres: %w", err)
	}
	cfg.ConnConfig.ConnectTimeout = 3 * time.Second
	cfg.MaxConns = 8
	for name, value := range map[string]string{"default_transaction_read_only": "on", "statement_timeout": "4000"} {
		cfg.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return Database{}, fmt.Errorf("postgres: %w", err)
	}
	return Database{pool}, nil
}

// Close ends the connections.
func (d Database) Close() { d.pool.Close() }

// Summary implements search.CatalogSummary. The sum is that of search.Checksum.
func (d Database) Summary(ctx context.Context) (search.Summary, error) {
	var s search.Summary
	err := d.pool.QueryRow(ctx, `
		SELECT count(*), coalesce(sum(('x' || left(md5(concat_ws(':', e.id, e.version, v.version, coalesce(a.version, 0))), 8))::bit(32)::bigint), 0)::bigint
		FROM events e JOIN venues v ON v.id = e.venue LEFT JOIN availability a ON a.event = e.id
		WHERE e.status = 'published'`).Scan(&s.Count, &s.Checksum)
	if err != nil {
		return s, fmt.Errorf("summary: %w", err)
	}
	return s, nil
}

// Position implements search.CatalogSummary.
func (d Database) Position(ctx context.Context) (uint64, error) {
	var position int64
	if err := d.pool.QueryRow(ctx, `SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint`).Scan(&position); err != nil {
		return 0, fmt.Errorf("position: %w", err)
	}
	return uint64(position), nil //nolint:gosec // a place in the log is not negative
}

// keeping is the advisory lock of whoever keeps the index.
const keeping = 0x666f796572

// Alone implements search.CatalogSummary.
func (d Database) Alone(ctx context.Context, f func(context.Context) error) error {
	err := database.WithLock(ctx, d.pool, keeping, func(ctx context.Context, _ func(context.Context) error) error { return f(ctx) })
	if errors.Is(err, database.ErrLocked) {
		return search.ErrBusy
	}
	return err
}

// words makes a tsquery of what somebody typed: every word, each as the beginning of one. Only
// letters and digits are left, so that nothing is syntax.
func words(text string) string {
	var terms []string
	for term := range strings.FieldsFuncSeq(search.Fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		terms = append(terms, term+":*")
	}
	return strings.Join(terms, " & ")
}

// like escapes a text for LIKE.
func like(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(search.Fold(text))
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
func (s *statement) facetFilters(q search.Query) map[string]string {
	filters := map[string]string{}
	if len(q.Categories) > 0 {
		filters["category"] = "category = ANY(" + s.arg(q.Categories) + ")"
	}
	if len(q.Cities) > 0 {
		keys := make([]string, 0, len(q.Cities))
		for _, c := range q.Cities {
			keys = append(keys, search.Fold(c))
		}
		filters["city"] = "fold(city) = ANY(" + s.arg(keys) + ")"
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
func (s *statement) base(q search.Query, how search.Match) string {
	where := []string{"e.status = 'published'", "e.ends_at >= " + s.arg(q.Now)}
	score := "0::real"
	switch {
	case q.Text == "":
	case how > search.Strict:
		text := s.arg(search.Fold(q.Text))
		score = "word_similarity(" + text + ", t.names)"
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
		} else if q.Sort == search.ByDistance {
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

var orders = map[search.Sort]string{
	search.Relevance:  "score DESC, starts_at, id",
	search.ByDate:     "starts_at, id",
	search.ByPrice:    "lowest NULLS LAST, starts_at, id",
	search.ByDistance: "distance, id",
}

// Search implements search.Engine.
func (d Database) Search(ctx context.Context, q search.Query) (search.Page, error) {
	place, err := q.Place()
	if err != nil {
		return search.Page{}, err
	}
	page, err := d.page(ctx, q, place)
	if err == nil && page.Total == 0 && q.Text != "" && q.Cursor == "" {
		place.Match = search.Fuzzy
		page, err = d.page(ctx, q, place)
	}
	if err != nil {
		return page, err
	}
	// Only how much was seen: whoever answers next finds the place by that.
	page.Next, err = q.Next(search.Cursor{Seen: place.Seen, Match: place.Match}, len(page.Hits))
	return page, err
}

func (d Database) page(ctx context.Context, q search.Query, place search.Cursor) (search.Page, error) {
	var s statement
	base := s.base(q, place.Match)
	filters := s.facetFilters(q)
	facet := func(name, column, order string, size int) string {
		return fmt.Sprintf(`(SELECT coalesce(json_agg(f), '[]') FROM (SELECT %[1]s AS value, count(*) AS count FROM base WHERE %[1]s <> '' AND %[2]s GROUP BY 1 ORDER BY %[3]s LIMIT %[4]d) f)`,
			column, except(filters, name), order, size)
	}
	currency := "(SELECT currency FROM base WHERE " + except(filters, "price") + " AND currency IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)"
	steps := s.arg(search.PriceSteps)
	sql := "WITH" + base + `,
	found AS MATERIALIZED (SELECT * FROM base WHERE ` + except(filters, "") + `),
	best AS (SELECT * FROM found ORDER BY ` + orders[q.Sort] + ` LIMIT ` + s.arg(q.Limit) + ` OFFSET ` + s.arg(place.Seen) + `)
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
		page                              search.Page
		categories, cities, months, price []byte
		hits                              []byte
		code                              *string
	)
	err := d.pool.QueryRow(ctx, sql, s.args...).Scan(&page.Total, &categories, &cities, &months, &code, &price, &hits)
	if err != nil {
		return page, fmt.Errorf("search: %w", err)
	}
	if page.Hits, err = readHits(hits); err != nil {
		return page, err
	}
	if q.Cursor != "" {
		return page, nil
	}
	page.Facets, err = readFacets(categories, cities, months, price)
	if err == nil && code != nil {
		page.Facets.Currency = *code
	}
	return page, err
}

func prefixed(order string) string {
	columns := strings.Split(order, ", ")
	for i, c := range columns {
		columns[i] = "b." + c
	}
	return strings.Join(columns, ", ")
}

func readHits(raw []byte) ([]search.Hit, error) {
	var rows []struct {
		search.Event
		Distance *float64 `json:"distance"`
		Lowest   *int64   `json:"lowest"`
		Highest  *int64   `json:"highest"`
		Currency string   `json:"currency"`
	}
	if err := json.Unmarshal(raw, &rows); err != nil {
		return nil, err
	}
	hits := make([]search.Hit, 0, len(rows))
	for _, r := range rows {
		r.Availability.Status = r.Availability.Word()
		h := search.Hit{Event: r.Event, Distance: r.Distance}
		if r.Lowest != nil && r.Highest != nil {
			h.Price = &search.PriceRange{From: *r.Lowest, To: *r.Highest, Currency: r.Currency}
		}
		hits = append(hits, h)
	}
	return hits, nil
}

func readFacets(categories, cities, months, prices []byte) (*search.Facets, error) {
	var (
		f    search.Facets
		errs []error
	)
	for raw, list := range map[*[]byte]*[]search.Bucket{&categories: &f.Categories, &cities: &f.Cities, &months: &f.Months} {
		errs = append(errs, json.Unmarshal(*raw, list))
	}
	var steps []struct {
		Step  int
		Count int64
	}
	errs = append(errs, json.Unmarshal(prices, &steps))
	for _, s := range steps {
		b := search.PriceBucket{From: search.PriceSteps[max(s.Step-1, 0)], Count: s.Count}
		if s.Step < len(search.PriceSteps) {
			b.To = search.PriceSteps[s.Step]
		}
		f.Prices = append(f.Prices, b)
	}
	return &f, errors.Join(errs...)
}

// Suggest implements search.Engine.
func (d Database) Suggest(ctx context.Context, text string, now time.Time) ([]search.Suggestion, error) {
	start := like(text)
	if start == "" {
		return nil, nil
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
		(SELECT 'event', name, id, starts_at, city, country, 1 FROM begins WHERE by_name ORDER BY starts_at, id LIMIT 8)`, start, now)
	if err != nil {
		return nil, fmt.Errorf("suggest: %w", err)
	}
	var cities, venues, events []search.Suggestion
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var (
			s  search.Suggestion
			id *uuid.UUID
			at *time.Time
		)
		if err := row.Scan(&s.Kind, &s.Text, &id, &at, &s.City, &s.Country, &s.Count); err != nil {
			return struct{}{}, err
		}
		switch s.Kind {
		case search.SuggestCity:
			cities = append(cities, s)
		case search.SuggestVenue:
			venues = append(venues, s)
		default:
			s.Event, s.StartsAt = *id, *at
			events = append(events, s)
		}
		return struct{}{}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("suggest: %w", err)
	}
	return search.Assemble(cities, venues, events), nil
}
