package search_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/search"
)

func names(p search.Page) []string {
	all := []string{}
	for _, h := range p.Hits {
		all = append(all, h.Event.Name)
	}
	return all
}

func ask(t testing.TB, e search.Engine, q search.Query) search.Page {
	t.Helper()
	q.Now = now
	if q.Limit == 0 {
		q.Limit = 20
	}
	q, err := q.Check()
	require.NoError(t, err)
	page, err := e.Search(t.Context(), q)
	require.NoError(t, err)
	return page
}

func values(buckets []search.Bucket) map[string]int64 {
	all := map[string]int64{}
	for _, b := range buckets {
		all[b.Value] = b.Count
	}
	return all
}

// TestDaysAreOfThePlace: a day in a filter is a day where the event is, so that tonight in Los Angeles is
// under today there, and a month's number is what its filter finds.
func TestDaysAreOfThePlace(t *testing.T) {
	env := newEnvironment(t)
	at := func(zone, local string) time.Time {
		z, err := time.LoadLocation(zone)
		require.NoError(t, err)
		start, err := time.ParseInLocation("2006-01-02 15:04", local, z)
		require.NoError(t, err)
		return start
	}
	for name, e := range map[string]struct{ zone, local string }{
		"Los Angeles": {"America/Los_Angeles", "2027-04-30 20:00"}, // 1 May in UTC
		"Honolulu":    {"Pacific/Honolulu", "2027-05-01 21:00"},    // 2 May in UTC
		"Berlin":      {"Europe/Berlin", "2027-05-01 00:00"},       // 30 April in UTC
		"Auckland":    {"Pacific/Auckland", "2027-05-01 09:00"},    // 30 April in UTC
		"Kiritimati":  {"Pacific/Kiritimati", "2027-05-31 23:59"},  // ten in the morning in UTC
		"Pago Pago":   {"Pacific/Pago_Pago", "2027-05-31 23:59"},   // 1 June in UTC
	} {
		env.add(t, event{name: name, zone: e.zone, at: at(e.zone, e.local)})
	}
	env.check(t)
	for engine, e := range map[string]search.Engine{"index": env.index, "fallback": env.catalog} {
		for days, want := range map[[2]string][]string{
			{"2027-04-30", "2027-04-30"}: {"Los Angeles"},
			{"2027-05-01", "2027-05-01"}: {"Honolulu", "Berlin", "Auckland"},
			{"2027-05-01", "2027-05-31"}: {"Honolulu", "Berlin", "Auckland", "Kiritimati", "Pago Pago"},
			{"2027-05-31", ""}:           {"Kiritimati", "Pago Pago"},
			{"", "2027-04-30"}:           {"Los Angeles"},
		} {
			t.Run(fmt.Sprintf("%s/%v", engine, days), func(t *testing.T) {
				require.ElementsMatch(t, want, names(ask(t, e, search.Query{FromDay: days[0], ToDay: days[1]})))
			})
		}
		t.Run(engine+"/months", func(t *testing.T) {
			for month, count := range values(ask(t, e, search.Query{}).Facets.Months) {
				first, err := time.Parse("2006-01", month)
				require.NoError(t, err)
				page := ask(t, e, search.Query{FromDay: first.Format(time.DateOnly), ToDay: first.AddDate(0, 1, -1).Format(time.DateOnly)})
				require.Equal(t, count, page.Total, month)
			}
		})
	}
}

// TestEngines holds index and database to the same contract.
func TestEngines(t *testing.T) {
	env := newEnvironment(t)
	may, june := time.Date(2027, 5, 10, 18, 0, 0, 0, time.UTC), time.Date(2027, 6, 10, 18, 0, 0, 0, time.UTC)
	env.add(t, event{name: "Nguyễn Trãi Symphony", category: "music", venue: "Nhà hát Lớn", city: "Hà Nội", country: "VN", lat: 21.02, lon: 105.85, at: may, prices: []int64{30_00, 90_00}})
	env.add(t, event{name: "Zauberflöte", description: "Mozarts letzte Oper mit der Staatskapelle.", category: "theatre", venue: "Staatsoper", city: "München", country: "DE", lat: 48.14, lon: 11.58, at: may, prices: []int64{60_00}, performers: []string{"Noémie Faure"}})
	env.add(t, event{name: "React Summit", description: "All about components & <b>hooks</b>.", category: "conference", topics: []string{"javascript"}, venue: "Arena", city: "Berlin", country: "DE", lat: 52.52, lon: 13.40, at: june, prices: []int64{299_00}})
	soldOut := env.add(t, event{name: "Jazz Night", category: "music", venue: "Keller", city: "Berlin", country: "DE", lat: 52.50, lon: 13.42, at: june, prices: []int64{15_00}})
	env.add(t, event{name: "Online Talk", category: "conference", venue: "Online", at: june, prices: []int64{0}, currency: "USD"})
	env.add(t, event{name: "Long Gone", category: "music", venue: "Keller", city: "Berlin", country: "DE", at: now.AddDate(0, 0, -3)})
	_, err := env.pool.Exec(t.Context(), `INSERT INTO availability (event, available, held, booked, version) VALUES ($1, 0, 1, 99, 7)`, soldOut)
	require.NoError(t, err)
	env.check(t)
	env.equal(t)
	near := &search.Point{Lat: 52.503, Lon: 13.418}
	price := func(n int64) *int64 { return &n }

	for engine, e := range map[string]search.Engine{"index": env.index, "fallback": env.catalog} {
		for name, c := range map[string]struct {
			q    search.Query
			want []string
		}{
			"everything by date":   {search.Query{Sort: search.ByDate}, []string{"Nguyễn Trãi Symphony", "Zauberflöte", "React Summit", "Jazz Night", "Online Talk"}},
			"without accents":      {search.Query{Text: "nguyen trai"}, []string{"Nguyễn Trãi Symphony"}},
			"with accents":         {search.Query{Text: "Hà Nội"}, []string{"Nguyễn Trãi Symphony"}},
			"performer":            {search.Query{Text: "noemie faure"}, []string{"Zauberflöte"}},
			"across fields":        {search.Query{Text: "react berlin"}, []string{"React Summit"}},
			"typo":                 {search.Query{Text: "zauberflote"}, []string{"Zauberflöte"}},
			"typo in the middle":   {search.Query{Text: "Zaubrflöte"}, []string{"Zauberflöte"}},
			"description":          {search.Query{Text: "Staatskapelle"}, []string{"Zauberflöte"}},
			"nothing like it":      {search.Query{Text: "qqqqxxyy"}, []string{}},
			"category":             {search.Query{Categories: []string{"music"}, Sort: search.ByDate}, []string{"Nguyễn Trãi Symphony", "Jazz Night"}},
			"city, folded":         {search.Query{Cities: []string{"munchen"}}, []string{"Zauberflöte"}},
			"topic":                {search.Query{Topics: []string{"javascript"}}, []string{"React Summit"}},
			"dates":                {search.Query{From: may.AddDate(0, 0, -1), To: may.AddDate(0, 0, 1), Sort: search.ByDate}, []string{"Nguyễn Trãi Symphony", "Zauberflöte"}},
			"radius, by distance":  {search.Query{Near: near, Radius: 50, Sort: search.ByDistance}, []string{"Jazz Night", "React Summit"}},
			"by distance":          {search.Query{Near: near, Sort: search.ByDistance}, []string{"Jazz Night", "React Summit", "Zauberflöte", "Nguyễn Trãi Symphony"}},
			"by price":             {search.Query{Currency: "eur", Sort: search.ByPrice}, []string{"Jazz Night", "Nguyễn Trãi Symphony", "Zauberflöte", "React Summit"}},
			"a ticket in a range":  {search.Query{MinPrice: price(80_00), MaxPrice: price(100_00), Currency: "EUR"}, []string{"Nguyễn Trãi Symphony"}},
			"between the prices":   {search.Query{MinPrice: price(40_00), MaxPrice: price(50_00), Currency: "EUR"}, []string{}},
			"available":            {search.Query{Available: true, Cities: []string{"Berlin"}}, []string{"React Summit"}},
			"syntax means nothing": {search.Query{Text: `name:* OR (react) AND NOT "`}, nil},
			"wildcards neither":    {search.Query{Text: `%`}, []string{}},
			"nor this":             {search.Query{Text: `{"match_all": {}} ' & ! | :* \`}, nil},
		} {
			t.Run(engine+"/"+name, func(t *testing.T) {
				page := ask(t, e, c.q)
				if c.want == nil {
					require.LessOrEqual(t, page.Total, int64(1))
					return
				}
				require.ElementsMatch(t, c.want, names(page))
				require.EqualValues(t, len(c.want), page.Total)
				if c.q.Sort == search.ByDistance || c.q.Sort == search.ByPrice {
					require.Equal(t, c.want, names(page))
				}
			})
		}
		t.Run(engine+"/facets keep their own options", func(t *testing.T) {
			f := ask(t, e, search.Query{Categories: []string{"music"}}).Facets
			require.Equal(t, map[string]int64{"music": 2, "theatre": 1, "conference": 2}, values(f.Categories))
			require.Equal(t, map[string]int64{"Hà Nội": 1, "Berlin": 1}, values(f.Cities))
			require.Equal(t, map[string]int64{"2027-05": 1, "2027-06": 1}, values(f.Months))
			require.Equal(t, "EUR", f.Currency)
			require.Equal(t, []search.PriceBucket{{From: 1, To: 25_00, Count: 1}, {From: 25_00, To: 50_00, Count: 1}}, f.Prices)
			f = ask(t, e, search.Query{Cities: []string{"Berlin"}, From: june.AddDate(0, 0, -1)}).Facets
			require.Equal(t, map[string]int64{"München": 0, "Berlin": 2, "Hà Nội": 0}, map[string]int64{"München": values(f.Cities)["München"], "Berlin": values(f.Cities)["Berlin"], "Hà Nội": values(f.Cities)["Hà Nội"]})
		})
		t.Run(engine+"/a hit tells", func(t *testing.T) {
			h := ask(t, e, search.Query{Text: "jazz", Near: near}).Hits[0]
			require.Equal(t, soldOut, h.Event.ID)
			require.Equal(t, search.Availability{Held: 1, Booked: 99, Status: "sold_out"}, h.Event.Availability)
			require.Equal(t, &search.PriceRange{From: 15_00, To: 15_00, Currency: "EUR"}, h.Price)
			require.InDelta(t, 0.36, *h.Distance, 0.05)
			require.Equal(t, "published", h.Event.Status)
		})
		t.Run(engine+"/suggestions", func(t *testing.T) {
			kinds := func(text string) map[string]search.SuggestionKind {
				found, err := e.Suggest(t.Context(), text, now)
				require.NoError(t, err)
				all := map[string]search.SuggestionKind{}
				for _, s := range found {
					all[s.Text] = s.Kind
				}
				return all
			}
			require.Equal(t, map[string]search.SuggestionKind{"Berlin": search.SuggestCity}, kinds("ber"))
			require.Equal(t, map[string]search.SuggestionKind{"Nguyễn Trãi Symphony": search.SuggestEvent, "Nhà hát Lớn": search.SuggestVenue, "Hà Nội": search.SuggestCity, "Jazz Night": search.SuggestEvent, "Zauberflöte": search.SuggestEvent}, kinds("n"), "names, and words within")
			require.Equal(t, map[string]search.SuggestionKind{"Zauberflöte": search.SuggestEvent}, kinds("noem"))
			require.Equal(t, map[string]search.SuggestionKind{"Hà Nội": search.SuggestCity}, kinds("ha no"))
			require.Empty(t, kinds("%"))
		})
	}

	for engine, e := range map[string]search.Engine{"index": env.index, "fallback": env.catalog} {
		for name, text := range map[string]string{
			"many words":        strings.Join(strings.Fields(strings.Repeat("zymurgical ", 3)+"brouhaha cattywampus discombobulate flibbertigibbet gobbledygook kerfuffle lollygag mollycoddle nincompoop persnickety"), " "),
			"one endless word":  strings.Repeat("ab", 400),
			"short words":       strings.Repeat("a b c d e ", 40),
			"not UTF-8":         "jazz \xff\xfe",
			"control":           "jazz\x00\x1b",
			"marks on marks":    "z̴̡̧̛̗͕̱̊a̶l̷g̸o̵",
			"right to left":     "حفلة\u202e \u200f",
			"emoji, invisibles": "🎷\u200b\u200d \ufeff",
			"regex":             "/.*/ ~2 jazz^9 \\\\ [a TO z]",
		} {
			t.Run(engine+"/"+name, func(t *testing.T) {
				ask(t, e, search.Query{Text: text, Cities: []string{text}, Topics: []string{text}, Categories: []string{text}})
				ask(t, e, search.Query{Text: text})
				checked, err := search.Query{Text: text}.Check()
				require.NoError(t, err)
				_, err = e.Suggest(t.Context(), checked.Text, now)
				require.NoError(t, err)
			})
		}
	}

	t.Run("highlights are escaped", func(t *testing.T) {
		h := ask(t, env.index, search.Query{Text: "hooks"}).Hits[0]
		require.Contains(t, strings.Join(h.Highlights["description"], " "), "&lt;b&gt;<mark>hooks</mark>")
	})
}

func TestPages(t *testing.T) {
	env := newEnvironment(t)
	for i := range 57 {
		env.add(t, event{name: fmt.Sprint("Concert ", i), venue: "Hall", city: "Berlin", country: "DE", at: now.AddDate(0, 0, 1+i/3), lat: 52, lon: 13})
	}
	env.check(t)
	all := func(t *testing.T, q search.Query, engine func(page int) search.Engine, between func(page int)) []uuid.UUID {
		var ids []uuid.UUID
		for n := 0; ; n++ {
			page := ask(t, engine(n), q)
			for _, h := range page.Hits {
				ids = append(ids, h.Event.ID)
			}
			require.EqualValues(t, 57, page.Total)
			require.Equal(t, n == 0, page.Facets != nil, "facets come first")
			if page.Next == "" {
				return ids
			}
			q.Cursor = page.Next
			if between != nil {
				between(n)
			}
		}
	}
	distinct := func(t *testing.T, ids []uuid.UUID) {
		seen := map[uuid.UUID]bool{}
		for _, id := range ids {
			require.False(t, seen[id], "twice")
			seen[id] = true
		}
		require.Len(t, seen, 57)
	}
	one := func(e search.Engine) func(int) search.Engine { return func(int) search.Engine { return e } }
	for _, sort := range []search.Sort{search.Relevance, search.ByDate, search.ByPrice, search.ByDistance} {
		for name, e := range map[string]search.Engine{"index": env.index, "fallback": env.catalog} {
			t.Run(name+"/"+string(sort), func(t *testing.T) {
				q := search.Query{Text: "concert", Sort: sort, Limit: 10, Near: &search.Point{Lat: 52, Lon: 13}}
				distinct(t, all(t, q, one(e), nil))
			})
		}
	}
	t.Run("the index goes away between pages and comes back", func(t *testing.T) {
		q := search.Query{Text: "concert", Sort: search.ByDate, Limit: 10}
		distinct(t, all(t, q, func(n int) search.Engine {
			if n == 1 || n == 2 || n == 4 {
				return env.catalog
			}
			return env.index
		}, nil))
	})
	t.Run("a view that ran out is opened again", func(t *testing.T) {
		q := search.Query{Text: "concert", Sort: search.ByDate, Limit: 10}
		distinct(t, all(t, q, one(env.index), func(int) {
			require.NoError(t, env.maintainer.Rebuild(t.Context())) // takes the views along
		}))
	})
	t.Run("a cursor belongs to its question", func(t *testing.T) {
		q := search.Query{Text: "concert", Limit: 10, Now: now, Sort: search.Relevance}
		page := ask(t, env.index, q)
		q.Text, q.Cursor = "other", page.Next
		for _, e := range []search.Engine{env.index, env.catalog} {
			_, err := e.Search(t.Context(), q)
			require.ErrorIs(t, err, search.ErrInvalidCursor)
			q.Cursor = "garbage"
			_, err = e.Search(t.Context(), q)
			require.ErrorIs(t, err, search.ErrInvalidCursor)
		}
	})
	t.Run("a cursor is as we wrote it", func(t *testing.T) {
		q := search.Query{Text: "concert", Limit: 10, Now: now, Sort: search.Relevance}
		place, err := search.Query{Text: q.Text, Sort: q.Sort, Cursor: ask(t, env.index, q).Next}.Place()
		require.NoError(t, err)
		for name, forge := range map[string]func(c *search.Cursor){
			"too few values":   func(c *search.Cursor) { c.After = c.After[:1] },
			"another type":     func(c *search.Cursor) { c.After[0] = json.RawMessage(`{"script": "x"}`) },
			"a view of others": func(c *search.Cursor) { c.View, c.After = "bm90IGEgdmlldw==", c.After[:1] },
		} {
			t.Run(name, func(t *testing.T) {
				forged := place
				forged.After = slices.Clone(place.After)
				forge(&forged)
				unlimited := q
				unlimited.Limit = 0
				q.Cursor, err = unlimited.Next(forged, 0)
				require.NoError(t, err)
				_, err = env.index.Search(t.Context(), q)
				require.ErrorIs(t, err, search.ErrInvalidCursor, "and not as if the index were away")
			})
		}
	})
}
