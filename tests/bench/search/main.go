// Command search measures the search with 100,000 events: the time to build the index, the time from the
// commit of an edit until it is searchable, and the latency of the API compared with the same queries
// sent directly to Elasticsearch.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/services/catalog/postgres"
	"github.com/foyer-tickets/foyer/services/search"
	"github.com/foyer-tickets/foyer/services/search/elastic"
	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// Sizes and goals.
const (
	events  = 100_000
	edits   = 1_000
	clients = 8
	rounds  = 3
	compile = 20 * time.Second // what Elasticsearch is given to compile its busy code in, once
	warmUp  = 3 * time.Second
	measure = 8 * time.Second
	asked   = 200    // questions, each of them again and again
	fresh   = 10_000 // questions that are each asked once at most

	refresh      = 500 * time.Millisecond // of the index
	goalSnapshot = 60 * time.Second
	goalEdit     = refresh + 250*time.Millisecond
	goalAPI      = 50 * time.Millisecond
	goalRatio    = 1.3
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench-search:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	machine := load.Machine()
	fmt.Println(machine)
	s, stop, err := load.Start(ctx, "elasticsearch", "catalog", "catalog.daprd", "search", "search.daprd")
	if err != nil {
		return err
	}
	defer stop()
	b := &bench{stack: s, platform: harness.On(s), es: fmt.Sprintf("http://127.0.0.1:%d", s.Config.Ports.Elasticsearch)}
	for _, app := range s.Apps {
		if app.ID == "search" {
			b.api = fmt.Sprintf("http://127.0.0.1:%d", app.Port)
		}
	}
	if b.db, err = pgx.Connect(ctx, s.Config.DatabaseURL("catalog")); err != nil {
		return err
	}
	defer b.db.Close(ctx)
	if b.catalog, err = postgres.OpenSearch(ctx, s.Config.DatabaseURL("catalog")); err != nil {
		return err
	}
	defer b.catalog.Close()
	if b.index, err = elastic.New(b.es); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{b.fromNothing, b.findable, b.questions} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	fmt.Print("\n" + b.report.String())
	if err := load.Write(s.Config.Root, "search", "Search", machine, b.report.String()); err != nil {
		return err
	}
	return errors.Join(b.missed...)
}

type bench struct {
	stack    *devstack.Stack
	platform *harness.Platform
	db       *pgx.Conn
	catalog  postgres.Search
	index    *elastic.Index
	es, api  string
	report   strings.Builder
	missed   []error
}

func (b *bench) row(what string, got, goal time.Duration) {
	b.judge(what, got <= goal, got.Round(100*time.Microsecond).String(), "≤ "+goal.String())
}

func (b *bench) judge(what string, good bool, got, goal string) {
	fmt.Printf("%-60s %s (%s)\n", what, got, goal)
	fmt.Fprintf(&b.report, "| %s | %s | %s |\n", what, got, goal)
	if !good {
		b.missed = append(b.missed, fmt.Errorf("%s: %s, goal %s", what, got, goal))
	}
}

// fromNothing fills the database while nobody looks and times how long a first start takes to have
// it all in the index: the snapshot through Kafka and the maintainer's copy, together.
func (b *bench) fromNothing(ctx context.Context) error {
	for _, part := range []string{"search", "catalog"} {
		if err := b.stack.StopPart(part); err != nil {
			return err
		}
	}
	if err := b.fill(ctx); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	if _, err := b.db.Exec(ctx, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = 'catalog'`); err != nil {
		return err
	}
	if err := b.platform.Elasticsearch(ctx, http.MethodDelete, "/events-*", nil, nil); err != nil {
		return err
	}
	began := time.Now()
	if err := b.stack.Start("catalog", "search"); err != nil {
		return err
	}
	want, err := b.catalog.Summary(ctx)
	if err != nil {
		return err
	}
	for {
		have, err := b.index.Summary(ctx)
		if err == nil && have == (search.Summary{Count: want.Count, Checksum: want.Checksum}) {
			break
		}
		if time.Since(began) > 5*time.Minute {
			return fmt.Errorf("not all indexed: %+v of %+v: %w", have, want, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	took := time.Since(began)
	fmt.Fprintf(&b.report, "%d published events in %d cities. Index, broker, database, services and clients share the machine. "+
		"The API is asked %d different questions over and over, unless the row says otherwise.\n\n", events, len(cities), asked)
	b.report.WriteString("| what | measured | goal |\n|---|---:|---|\n")
	b.row(fmt.Sprintf("start of catalog and search to all %d events searchable", events), took, goalSnapshot)
	return b.settle(ctx)
}

// settle waits until what is on its way has arrived and merges are done.
func (b *bench) settle(ctx context.Context) error {
	quiet := 0
	var last int64
	for quiet < 5 {
		var stats struct {
			All struct {
				Total struct {
					Indexing struct {
						Total int64 `json:"index_total"`
					} `json:"indexing"`
				} `json:"total"`
			} `json:"_all"`
		}
		if err := b.platform.Elasticsearch(ctx, http.MethodGet, "/events/_stats/indexing", nil, &stats); err != nil {
			return err
		}
		quiet++
		if n := stats.All.Total.Indexing.Total; n != last {
			last, quiet = n, 0
		}
		time.Sleep(time.Second)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return b.platform.Elasticsearch(ctx, http.MethodPost, "/events/_forcemerge?max_num_segments=5", nil, nil)
}

// findable commits edits one after the other and watches the index for each.
func (b *bench) findable(ctx context.Context) error {
	watch, err := pgx.Connect(ctx, b.stack.Config.DatabaseURL("catalog"))
	if err != nil {
		return err
	}
	defer watch.Close(ctx)
	rows, err := b.db.Query(ctx, `SELECT id FROM events ORDER BY md5(id::text) LIMIT $1`, edits)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	type commit struct {
		id uuid.UUID
		at time.Time
	}
	committed := make(chan commit, edits)
	failed := make(chan error, 1)
	go func() {
		defer close(committed)
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for i, id := range ids {
			<-tick.C
			if _, err := b.db.Exec(ctx, `UPDATE events SET name = name || ' edited', version = version + 1 WHERE id = $1`, id); err != nil {
				failed <- fmt.Errorf("edit %d: %w", i, err)
				return
			}
			committed <- commit{id, time.Now()}
		}
	}()
	waiting := map[uuid.UUID]time.Time{}
	var took []time.Duration
	open := true
	for open || len(waiting) > 0 {
		for more := open; more; {
			select {
			case c, ok := <-committed:
				if !ok {
					open, more = false, false
					break
				}
				waiting[c.id] = c.at
			default:
				more = false
			}
		}
		if len(waiting) == 0 {
			time.Sleep(time.Millisecond)
			continue
		}
		found, err := b.edited(ctx, waiting)
		if err != nil {
			return err
		}
		for _, id := range found {
			took = append(took, time.Since(waiting[id]))
			delete(waiting, id)
		}
		time.Sleep(5 * time.Millisecond)
	}
	select {
	case err := <-failed:
		return err
	default:
	}
	slices.Sort(took)
	b.row(fmt.Sprintf("commit to searchable, %d edits, median (refresh interval %s)", len(took), refresh), took[len(took)/2], goalEdit)
	b.row("commit to searchable, p99", took[len(took)*99/100], goalEdit)
	return nil
}

// edited lists those of the waiting that a search finds by their new name.
func (b *bench) edited(ctx context.Context, waiting map[uuid.UUID]time.Time) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, 0, len(waiting))
	for id := range waiting {
		ids = append(ids, id)
	}
	var answer struct {
		Hits struct {
			Hits []struct {
				ID uuid.UUID `json:"_id"`
			} `json:"hits"`
		} `json:"hits"`
	}
	err := b.platform.Elasticsearch(ctx, http.MethodPost, "/events/_search", map[string]any{
		"size": len(ids), "_source": false, "track_total_hits": false,
		"query": map[string]any{"bool": map[string]any{"filter": []any{
			map[string]any{"terms": map[string]any{"id": ids}}, map[string]any{"match": map[string]any{"name": "edited"}},
		}}},
	}, &answer)
	found := make([]uuid.UUID, 0, len(answer.Hits.Hits))
	for _, h := range answer.Hits.Hits {
		found = append(found, h.ID)
	}
	return found, err
}

// question is one search, as the API and as Elasticsearch are asked it.
type question struct {
	query  url.Values
	bodies [][]byte
}

// ask makes what people ask: mostly words, some with filters, some misspelt, some browsing.
func (b *bench) ask(count int) ([]question, error) {
	now := time.Now()
	var all []question
	for i := range count {
		q, v := search.Query{Sort: search.Relevance, Limit: 20, Now: now}, url.Values{}
		text := func(s string) { q.Text = s; v.Set("q", s) }
		city := cities[rand.N(len(cities))]
		fuzzy := false
		switch i % 10 {
		case 0, 1, 2:
			text(pick(nouns) + " " + city.name)
		case 3:
			text(pick(adjectives) + " " + pick(nouns))
		case 4:
			text(pick(people))
		case 5:
			noun := pick(nouns)
			text(noun[:2] + noun[3:] + " " + pick(people)) // a letter is missing
			fuzzy = true
		case 6:
			text(pick(nouns))
			q.Categories = []string{pick(categories)}
			v.Set("category", q.Categories[0])
		case 7:
			q.Cities, q.From, q.To = []string{city.name}, now.AddDate(0, 1, 0), now.AddDate(0, 3, 0)
			v.Set("city", city.name)
			v.Set("from", q.From.UTC().Format(time.RFC3339))
			v.Set("to", q.To.UTC().Format(time.RFC3339))
		case 8:
			text(pick(nouns))
			q.Near, q.Radius = &search.Point{Lat: city.lat, Lon: city.lon}, 100
			v.Set("near", fmt.Sprintf("%f,%f", city.lat, city.lon))
			v.Set("radius", "100")
		case 9:
			q.Categories, q.Sort = []string{pick(categories)}, search.ByDate
			v.Set("category", q.Categories[0])
			v.Set("sort", "date")
		}
		strict, err := elastic.Body(q, search.Strict)
		if err != nil {
			return nil, err
		}
		asked := question{query: v, bodies: [][]byte{strict}}
		if fuzzy {
			loose, err := elastic.Body(q, search.Fuzzy)
			if err != nil {
				return nil, err
			}
			asked.bodies = append(asked.bodies, loose)
		}
		all = append(all, asked)
	}
	return all, nil
}

func (b *bench) questions(ctx context.Context) error {
	all, err := b.ask(asked)
	if err != nil {
		return err
	}
	h := load.NewHTTP(clients)
	direct := func(ctx context.Context, client, n int) (outcome string, err error) {
		for _, body := range all[(client*37+n)%len(all)].bodies {
			if outcome, err = h.Do(ctx, http.MethodPost, b.es+"/events/_msearch", "", body, nil); err != nil {
				return outcome, err
			}
		}
		return outcome, nil
	}
	api := func(ctx context.Context, client, n int) (string, error) {
		return h.Do(ctx, http.MethodGet, b.api+"/api/v1/search?"+all[(client*37+n)%len(all)].query.Encode(), "", nil, nil)
	}
	for _, call := range []load.Call{direct, api} {
		load.Run(ctx, load.Plan{Clients: clients, Duration: compile}, call)
	}
	var straight, ours []load.Result
	for range rounds {
		for _, what := range []struct {
			name string
			call load.Call
			to   *[]load.Result
		}{{"straight to Elasticsearch", direct, &straight}, {"search API", api, &ours}} {
			load.Run(ctx, load.Plan{Clients: clients, Duration: warmUp}, what.call)
			r := load.Run(ctx, load.Plan{Clients: clients, Duration: measure}, what.call)
			if err := r.Only("200"); err != nil {
				return fmt.Errorf("%s: %w", what.name, err)
			}
			fmt.Printf("%-30s %s\n", what.name, r)
			*what.to = append(*what.to, r)
		}
	}
	byRate := func(a, b load.Result) int { return int(a.Rate() - b.Rate()) }
	slices.SortFunc(straight, byRate)
	slices.SortFunc(ours, byRate)
	es, us := straight[rounds/2], ours[rounds/2]
	b.row(fmt.Sprintf("API, %d clients, p50 (%.0f/s)", clients, us.Rate()), us.Quantile(50), goalAPI)
	b.row("API, p99", us.Quantile(99), goalAPI)
	ratio := es.Rate() / us.Rate()
	b.judge(fmt.Sprintf("the same bodies straight to Elasticsearch (%.0f/s, p50 %s, p99 %s), ratio", es.Rate(),
		es.Quantile(50).Round(100*time.Microsecond), es.Quantile(99).Round(100*time.Microsecond)), ratio <= goalRatio, fmt.Sprintf("%.2f", ratio), fmt.Sprintf("≤ %.1f", goalRatio))

	// So many ask the same at no time of the day: what the API takes when next to nobody does.
	if all, err = b.ask(fresh); err != nil {
		return err
	}
	once := func(ctx context.Context, client, n int) (string, error) {
		return h.Do(ctx, http.MethodGet, b.api+"/api/v1/search?"+all[(client*fresh/clients+n)%fresh].query.Encode(), "", nil, nil)
	}
	r := load.Run(ctx, load.Plan{Clients: clients, Duration: measure}, once)
	if err := r.Only("200"); err != nil {
		return fmt.Errorf("fresh questions: %w", err)
	}
	fmt.Printf("%-30s %s\n", "fresh questions", r)
	fmt.Fprintf(&b.report, "| API, %d clients, no question of %d asked twice (%.0f/s), p50 | %s | |\n| the same, p99 | %s | |\n", clients, fresh, r.Rate(),
		r.Quantile(50).Round(100*time.Microsecond), r.Quantile(99).Round(100*time.Microsecond))
	return nil
}
