package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/tests/harness"
)

// found is what these tests look at of an answer.
type found struct {
	Items []struct {
		ID, Name, Status string
		Version          int64
		Availability     struct{ Available, Held, Booked int }
		Highlights       map[string][]string
	}
	Total  int
	Facets *struct {
		Category, City, Month []struct {
			Value string
			Count int
		}
	}
	Next string
}

func (f found) names() []string {
	all := []string{}
	for _, i := range f.Items {
		all = append(all, i.Name)
	}
	return all
}

// find searches past the gateway's cache.
func find(c caller, query string, values ...string) (f found, degraded bool) {
	c.t.Helper()
	f, degraded, err := tryFind(c, query, values...)
	require.NoError(c.t, err)
	return f, degraded
}

func tryFind(c caller, query string, values ...string) (f found, degraded bool, err error) {
	v := url.Values{"q": {query}}
	for i := 0; i+1 < len(values); i += 2 {
		v.Add(values[i], values[i+1])
	}
	a, err := c.try(http.MethodGet, "/api/v1/search?"+v.Encode(), nil, "Authorization", "Bearer "+c.p.Token(c.t, customer)) // who is signed in gets no cached answer
	if err != nil {
		return f, false, err
	}
	if a.Status != http.StatusOK {
		return f, false, fmt.Errorf("search answered %d: %s", a.Status, a.Body)
	}
	return f, a.Header.Get("Foyer-Search") == "degraded", json.Unmarshal(a.Body, &f)
}

// eventuallyFound polls until the first hit is the event of that name.
func eventuallyFound(c caller, name, query string, values ...string) {
	c.t.Helper()
	harness.Eventually(c.t, time.Minute, query+" finds "+name, func() error {
		f, _, err := tryFind(c, query, values...)
		if err != nil {
			return err
		}
		if len(f.Items) == 0 || f.Items[0].Name != name {
			return fmt.Errorf("found %q", f.names())
		}
		return nil
	})
}

// word is one that no other event has.
func word() string {
	letters := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return 'g' + r - '0'
		}
		return r
	}, strings.ReplaceAll(uuid.NewString(), "-", ""))
	return letters[:10]
}

func TestSearchFollowsAnEvent(t *testing.T) {
	m, anyone, first, second := as(t, merchant), as(t, nobody), word(), word()
	e := newEvent(m, "Recital "+first)
	path := "/api/v1/events/" + e.ID
	m.call(http.MethodPost, path+"/publish", nil).as(200, nil)
	eventuallyFound(anyone, "Recital "+first, first)
	f, degraded := find(anyone, "recital "+first, "city", "wien")
	require.False(t, degraded)
	require.Equal(t, 1, f.Total)
	assert.Equal(t, "published", f.Items[0].Status)
	assert.Equal(t, 50, f.Items[0].Availability.Available)
	assert.Contains(t, strings.Join(f.Items[0].Highlights["name"], ""), "<mark>"+first+"</mark>")

	etag := m.call(http.MethodGet, path, nil).as(200, nil).Header.Get("ETag")
	m.call(http.MethodPatch, path, map[string]any{"name": "Recital " + second}, "If-Match", etag).as(200, nil)
	eventuallyFound(anyone, "Recital "+second, second)
	f, _ = find(anyone, first)
	assert.NotContains(t, f.names(), "Recital "+first)

	m.call(http.MethodPost, path+"/cancel", nil).as(200, nil)
	harness.Eventually(t, time.Minute, "a cancelled event is found no more", func() error {
		f, _, err := tryFind(anyone, second)
		if err == nil && f.Total > 0 {
			err = fmt.Errorf("found %q", f.names())
		}
		return err
	})
	draft := newEvent(m, "Draft "+word())
	f, _ = find(anyone, draft.Name)
	assert.NotContains(t, f.names(), draft.Name, "nobody finds a draft")
}

func TestSearchRefusesNonsense(t *testing.T) {
	c := as(t, nobody)
	for query, code := range map[string]string{
		"sort=distance": "near_required", "minPrice=100": "currency_required", "near=95,0": "invalid_place", "from=2027-13-41": "invalid_time",
		"sort=best": "invalid_request", "limit=0": "invalid_request", "radius=5": "near_required", "minPrice=5&maxPrice=1&currency=EUR": "empty_range",
	} {
		c.call(http.MethodGet, "/api/v1/search?"+query, nil).refused(http.StatusUnprocessableEntity, code)
	}
	c.call(http.MethodGet, "/api/v1/search?q=%00", nil).refused(http.StatusUnprocessableEntity, "invalid_request")
	c.call(http.MethodGet, "/api/v1/search?cursor=nonsense", nil).refused(http.StatusUnprocessableEntity, "invalid_cursor")
	for _, q := range []string{`"`, `*:*`, `{"query":{"match_all":{}}}`, `' OR 1=1 --`, `\`, `(((`, strings.Repeat("a ", 400)} {
		c.call(http.MethodGet, "/api/v1/search?q="+url.QueryEscape(q), nil).as(200, nil)
		c.call(http.MethodGet, "/api/v1/search/suggest?q="+url.QueryEscape(q), nil).as(200, nil)
	}
}

func TestSearchFindsWhatIsImported(t *testing.T) {
	mark := word()
	start := time.Date(time.Now().Year()+1, 5, 12, 0, 0, 0, 0, time.UTC)
	var file bytes.Buffer
	enc := json.NewEncoder(&file)
	for _, c := range []map[string]any{
		{"name": "Zwölf Türme Übertage " + mark, "city": "Nürnberg", "country": "Germany", "topics": []string{"quantumcraft" + mark}, "startDate": start.Format(time.DateOnly)},
		{"name": "Congrès Élégant " + mark, "city": "Lyon", "country": "France", "topics": []string{"css"}, "startDate": start.AddDate(0, 1, 0).Format(time.DateOnly)},
		{"name": "Hội thảo Đổi mới " + mark, "city": "Hanoi", "country": "Vietnam", "topics": []string{"data"}, "startDate": start.AddDate(0, 2, 0).Format(time.DateOnly)},
		{"name": "Łódzka Konferencja " + mark, "city": "Łódź", "country": "Poland", "topics": []string{"java"}, "startDate": start.AddDate(0, 3, 0).Format(time.DateOnly)},
	} {
		c["url"], c["endDate"] = "https://"+mark+".example.org/"+c["startDate"].(string), c["startDate"]
		require.NoError(t, enc.Encode(c))
	}
	as(t, merchant).call(http.MethodPost, "/api/v1/events/import", file.Bytes(), "Content-Type", "application/x-ndjson").as(200, nil)
	c := as(t, nobody)
	may := start.Format("2006-01")
	for _, q := range []struct {
		name, query string
		values      []string
	}{
		{"Zwölf Türme Übertage ", "Zwölf Türme Übertage " + mark, nil},
		{"Zwölf Türme Übertage ", "zwolf turme ubertage " + mark, nil},
		{"Zwölf Türme Übertage ", "zwölf turme ubertge " + mark, nil},
		{"Zwölf Türme Übertage ", mark + " Nürnberg", nil},
		{"Zwölf Türme Übertage ", mark + " nuremberg", nil},
		{"Zwölf Türme Übertage ", mark, []string{"city", "nurnberg"}},
		{"Zwölf Türme Übertage ", mark, []string{"from", may + "-01", "to", may + "-31"}},
		{"Zwölf Türme Übertage ", mark + " Mai", nil},
		{"Zwölf Türme Übertage ", "quantumcraft" + mark, nil},
		{"Zwölf Türme Übertage ", mark, []string{"topic", "quantumcraft" + mark}},
		{"Congrès Élégant ", "congres elegant " + mark, nil},
		{"Congrès Élégant ", mark + " lyon june", nil},
		{"Hội thảo Đổi mới ", "hoi thao doi moi " + mark, nil},
		{"Hội thảo Đổi mới ", mark + " Hà Nội", nil},
		{"Hội thảo Đổi mới ", mark + " vietnam", nil},
		{"Łódzka Konferencja ", "lodzka konferncja " + mark, nil},
		{"Łódzka Konferencja ", mark, []string{"city", "lodz"}},
	} {
		eventuallyFound(c, q.name+mark, q.query, q.values...)
	}
	f, _ := find(c, mark, "city", "Lyon")
	require.Equal(t, 1, f.Total)
	assert.Len(t, f.Facets.City, 4, "a chosen city leaves the others to choose")
	assert.Len(t, f.Facets.Month, 1, "and narrows the other facets")

	var suggestions struct{ Items []struct{ Type, Text string } }
	c.call(http.MethodGet, "/api/v1/search/suggest?q="+url.QueryEscape("congres eleg"), nil).as(200, &suggestions)
	require.NotEmpty(t, suggestions.Items)
	assert.LessOrEqual(t, len(suggestions.Items), 8)
	assert.Contains(t, suggestions.Items[0].Text, "Congrès Élégant")

	// Page by page, each once.
	seen := map[string]bool{}
	for cursor := ""; ; {
		values := []string{"limit", "1", "sort", "date"}
		if cursor != "" {
			values = append(values, "cursor", cursor)
		}
		page, _ := find(c, mark, values...)
		for _, i := range page.Items {
			require.False(t, seen[i.ID])
			seen[i.ID] = true
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	assert.Len(t, seen, 4)
}

func TestSearchKnowsWhatIsLeft(t *testing.T) {
	m, mark := as(t, merchant), word()
	e := newEvent(m, "Scarce "+mark)
	m.call(http.MethodPost, "/api/v1/events/"+e.ID+"/publish", nil).as(200, nil)
	eventuallyFound(as(t, nobody), "Scarce "+mark, mark)
	buyer := as(t, "load-0499@foyer.test")
	var hold struct{ ID string }
	harness.Eventually(t, 30*time.Second, "tickets are on sale", func() error {
		a, err := buyer.try(http.MethodPost, "/api/v1/events/"+e.ID+"/holds", map[string]any{"items": []any{map[string]any{"ticketType": e.TicketTypes[0].ID, "quantity": 2}}})
		if err != nil {
			return err
		}
		if a.Status != http.StatusCreated {
			return fmt.Errorf("answered %d: %s", a.Status, a.Body)
		}
		return json.Unmarshal(a.Body, &hold)
	})
	defer buyer.call(http.MethodDelete, "/api/v1/holds/"+hold.ID, nil)
	began := time.Now()
	harness.Eventually(t, 30*time.Second, "the search knows that two are held", func() error {
		f, _, err := tryFind(as(t, nobody), mark)
		if err != nil {
			return err
		}
		if len(f.Items) == 0 || f.Items[0].Availability.Held != 2 || f.Items[0].Availability.Available != 48 {
			return fmt.Errorf("%+v", f.Items)
		}
		return nil
	})
	t.Logf("hold to search: %s", time.Since(began).Round(10*time.Millisecond))
}

func TestSearchWithoutElasticsearch(t *testing.T) {
	c, mark := as(t, nobody), word()
	m := as(t, merchant)
	e := newEvent(m, "Fallback "+mark)
	m.call(http.MethodPost, "/api/v1/events/"+e.ID+"/publish", nil).as(200, nil)
	eventuallyFound(c, "Fallback "+mark, mark)
	before, _ := find(c, mark)

	c.p.Halt(t, "elasticsearch")
	var during found
	harness.Eventually(t, 10*time.Second, "the database answers, and says so", func() (err error) {
		var degraded bool
		if during, degraded, err = tryFind(c, mark); err == nil && !degraded {
			err = errors.New("not degraded") // an answer of just before is shared for a moment
		}
		return err
	})
	assert.Equal(t, before.names(), during.names())
	assert.Equal(t, before.Facets, during.Facets, "within the same contract")
	// What is published meanwhile is found too, and by the index when that is back.
	late := newEvent(m, "Meanwhile "+mark)
	m.call(http.MethodPost, "/api/v1/events/"+late.ID+"/publish", nil).as(200, nil)
	f, degraded := find(c, "meanwhile "+mark)
	require.True(t, degraded)
	require.Equal(t, []string{"Meanwhile " + mark}, f.names())
	var suggestions struct{ Items []struct{ Text string } }
	a := c.call(http.MethodGet, "/api/v1/search/suggest?q=meanwhile+"+mark, nil).as(200, &suggestions)
	assert.Equal(t, "degraded", a.Header.Get("Foyer-Search"))
	require.NotEmpty(t, suggestions.Items)

	c.p.Resume(t, "elasticsearch")
	harness.Eventually(t, time.Minute, "the index answers again and has caught up", func() error {
		f, degraded, err := tryFind(c, mark)
		switch {
		case err != nil:
			return err
		case degraded:
			return errors.New("still degraded")
		case f.Total != 2:
			return fmt.Errorf("found %q", f.names())
		}
		return nil
	})
}
