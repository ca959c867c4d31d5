package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/catalog"
	"github.com/foyer-tickets/foyer/services/catalog/seating"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// concert is what these tests look at of an event.
type concert struct {
	ID, Slug, Name, Description, Category, TimeZone, Status, Source string
	StartsAt, EndsAt, SalesStart, SalesEnd                          time.Time
	Version                                                         int
	MaxPerOrder, MaxPerAccount                                      int
	HighDemand                                                      bool
	Venue                                                           struct {
		ID, Name, City, Country string
		Location                *struct{ Lat, Lon float64 }
	}
	TicketTypes []struct {
		ID, Name string
		Price    struct {
			Amount   int64
			Currency string
		}
		Capacity int
		Seated   bool
	}
	Availability struct {
		Available, Held, Booked int
		Status                  string
	}
}

type concerts struct {
	Items []concert
	Next  string
}

func newVenue(c caller) (id string) {
	c.t.Helper()
	var v struct{ ID string }
	c.call(http.MethodPost, "/api/v1/venues", map[string]any{"name": "Testhaus", "city": "Wien", "country": "AT", "timeZone": "Europe/Vienna"}).as(201, &v)
	return v.ID
}

func standingEvent(venue, name string) map[string]any {
	starts := time.Now().AddDate(0, 2, 0).UTC().Truncate(time.Hour)
	return map[string]any{
		"name": name, "venue": venue, "category": "music", "startsAt": starts, "endsAt": starts.Add(3 * time.Hour),
		"ticketTypes": []any{map[string]any{"name": "Standing", "price": map[string]any{"amount": 2500, "currency": "EUR"}, "capacity": 50}},
	}
}

func newEvent(c caller, name string) (e concert) {
	c.t.Helper()
	c.call(http.MethodPost, "/api/v1/events", standingEvent(newVenue(c), name)).as(201, &e)
	return e
}

func TestCatalogListGivesEverythingPublishedInPagesThatStay(t *testing.T) {
	seeded(t)
	all := map[string]concert{}
	var last time.Time
	pages := 0
	for cursor := ""; ; pages++ {
		var page concerts
		as(t, nobody).call(http.MethodGet, "/api/v1/events?limit=100&cursor="+cursor, nil).as(200, &page)
		for _, e := range page.Items {
			require.NotContains(t, all, e.ID, "no event twice")
			require.False(t, e.StartsAt.Before(last), "by start")
			require.Equal(t, "published", e.Status)
			last, all[e.ID] = e.StartsAt, e
		}
		if pages == 2 { // an event in the past of the cursor and one in its future
			early := newEvent(as(t, merchant), "Inserted while listing")
			as(t, merchant).call(http.MethodPost, "/api/v1/events/"+early.ID+"/publish", nil).as(200, nil)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	bySource, byVenue := 0, map[string]int{}
	for _, e := range all {
		if e.Source == "confs.tech" {
			bySource++
			require.NotEmpty(t, e.TicketTypes, e.Name)
			require.True(t, e.StartsAt.After(time.Now()), "shifted into the future: %s", e.Name)
			require.Positive(t, e.TicketTypes[0].Price.Amount)
			require.Equal(t, e.TicketTypes[0].Capacity > 0, true)
		}
		switch e.Venue.Name {
		case "Kellerbühne", "Théâtre des Brotteaux", "Nordlicht Arena":
			byVenue[e.Venue.Name] += e.Availability.Available + e.Availability.Held + e.Availability.Booked
			if e.HighDemand {
				byVenue["high demand"]++
			}
		}
	}
	assert.GreaterOrEqual(t, bySource, 1106)
	assert.Equal(t, map[string]int{"Kellerbühne": 2 * 200, "Théâtre des Brotteaux": 2 * 1200, "Nordlicht Arena": 2 * 20_000, "high demand": 1}, byVenue)
	as(t, nobody).call(http.MethodGet, "/api/v1/events?cursor=nonsense", nil).refused(422, "invalid_cursor")
	as(t, nobody).call(http.MethodGet, "/api/v1/events?limit=1000", nil).refused(422, "invalid_request")
	as(t, nobody).call(http.MethodGet, "/api/v1/events/"+uuid.NewString(), nil).refused(404, "event_not_found")
}

func TestCatalogMerchantDraftsPublishesAndChanges(t *testing.T) {
	m, key := as(t, merchant), uuid.NewString()
	form := standingEvent(newVenue(m), "Draft and publish")
	var e, again concert
	made := m.call(http.MethodPost, "/api/v1/events", form, "Idempotency-Key", key).as(201, &e)
	m.call(http.MethodPost, "/api/v1/events", form, "Idempotency-Key", key).as(201, &again)
	assert.Equal(t, e.ID, again.ID, "the same key and body make one event")
	form["name"] = "Something else"
	m.call(http.MethodPost, "/api/v1/events", form, "Idempotency-Key", key).refused(422, "idempotency_key_reused")

	path := "/api/v1/events/" + e.ID
	assert.Equal(t, path, made.Header.Get("Location"))
	assert.Equal(t, "draft", e.Status)
	as(t, nobody).call(http.MethodGet, path, nil).refused(404, "event_not_found")
	as(t, customer).call(http.MethodGet, path, nil).refused(404, "event_not_found")
	etag := m.call(http.MethodGet, path, nil).as(200, nil).Header.Get("ETag")
	require.NotEmpty(t, etag)

	m.call(http.MethodPatch, path, map[string]any{"name": "Renamed"}).refused(428, "if_match_required")
	patched := m.call(http.MethodPatch, path, map[string]any{"name": "Renamed"}, "If-Match", etag).as(200, &e)
	assert.Equal(t, "Renamed", e.Name)
	m.call(http.MethodPatch, path, map[string]any{"name": "Lost update"}, "If-Match", etag).refused(412, "version_stale")
	assert.NotEqual(t, etag, patched.Header.Get("ETag"))
	harness.Eventually(t, 20*time.Second, "an unchanged event is not sent again", func() error { // what is left is counted elsewhere, and part of it
		tag := m.call(http.MethodGet, path, nil).as(200, nil).Header.Get("ETag")
		if status := m.call(http.MethodGet, path, nil, "If-None-Match", tag).Status; status != 304 {
			return fmt.Errorf("%d", status)
		}
		return nil
	})

	m.call(http.MethodPost, path+"/publish", nil).as(200, &e)
	assert.Equal(t, "published", e.Status)
	version := e.Version
	m.call(http.MethodPost, path+"/publish", nil).as(200, &e)
	assert.Equal(t, version, e.Version, "publishing twice changes nothing")

	// Whoever is not signed in reads through the gateway's cache, and sees a change at once where
	// none has read for a while, and within its bound where everyone reads.
	harness.Eventually(t, 30*time.Second, "published", func() error {
		return status(as(t, nobody).call(http.MethodGet, path, nil), 200)
	})
	etag = m.call(http.MethodGet, path, nil).Header.Get("ETag")
	m.call(http.MethodPatch, path, map[string]any{"name": "Renamed again"}, "If-Match", etag).as(200, nil)
	m.call(http.MethodGet, path, nil).as(200, &e)
	assert.Equal(t, "Renamed again", e.Name, "a change is seen at once")
	harness.Eventually(t, 30*time.Second, "the public sees it too", func() error {
		var public concert
		as(t, nobody).call(http.MethodGet, path, nil).as(200, &public)
		if public.Name != "Renamed again" {
			return fmt.Errorf("still %q", public.Name)
		}
		return nil
	})

	m.call(http.MethodPost, path+"/cancel", nil).as(200, &e)
	assert.Equal(t, "cancelled", e.Status)
	m.call(http.MethodPost, path+"/publish", nil).refused(409, "event_cancelled")
}

func status(a answer, want int) error {
	if a.Status != want {
		return fmt.Errorf("answered %d", a.Status)
	}
	return nil
}

func TestCatalogIsTheMerchantsOwn(t *testing.T) {
	// Another merchant: the admin's own event is nobody's but the admin's.
	foreign := newEvent(as(t, admin), "The admin's")
	own := newEvent(as(t, merchant), "The merchant's")
	path := "/api/v1/events/" + foreign.ID
	m := as(t, merchant)
	m.call(http.MethodGet, path, nil).refused(404, "event_not_found")
	m.call(http.MethodPost, path+"/publish", nil).refused(404, "event_not_found")
	as(t, admin).call(http.MethodPost, path+"/publish", nil).as(200, nil)
	etag := m.call(http.MethodGet, path, nil).as(200, nil).Header.Get("ETag")
	for _, c := range []struct {
		who    caller
		method string
		path   string
		body   any
		status int
		code   string
	}{
		{m, http.MethodPatch, path, map[string]any{"name": "Mine now"}, 403, "not_owner"},
		{m, http.MethodPost, path + "/cancel", nil, 403, "not_owner"},
		{m, http.MethodPut, "/api/v1/venues/" + foreign.Venue.ID + "/seating-plan", seating.Club(), 403, "not_owner"},
		{m, http.MethodPost, "/api/v1/events", standingEvent(foreign.Venue.ID, "In their house"), 403, "not_owner"},
		{as(t, customer), http.MethodPost, "/api/v1/events", standingEvent(own.Venue.ID, "A customer's"), 403, "forbidden"},
		{as(t, customer), http.MethodPatch, path, map[string]any{"name": "Mine now"}, 403, "forbidden"},
		{as(t, customer), http.MethodPost, path + "/publish", nil, 403, "forbidden"},
		{as(t, customer), http.MethodPost, "/api/v1/venues", map[string]any{"name": "x", "timeZone": "UTC"}, 403, "forbidden"},
		{as(t, customer), http.MethodPost, "/api/v1/events/import", []byte(`{}`), 403, "forbidden"},
		{as(t, customer), http.MethodGet, "/api/v1/merchant/events", nil, 403, "forbidden"},
		{as(t, nobody), http.MethodPost, "/api/v1/events", standingEvent(own.Venue.ID, "Nobody's"), 401, "unauthenticated"},
		{as(t, nobody), http.MethodPost, "/api/v1/events/import", []byte(`{}`), 401, "unauthenticated"},
		{as(t, nobody), http.MethodPost, path + "/cancel", nil, 401, "unauthenticated"},
	} {
		t.Run(c.who.email+" "+c.method+" "+c.code, func(t *testing.T) {
			c.who.t = t
			c.who.call(c.method, c.path, c.body, "If-Match", etag).refused(c.status, c.code)
		})
	}
}

func TestCatalogRefusesWhatIsWrongAndSaysWhat(t *testing.T) {
	m := as(t, merchant)
	venue := newVenue(m)
	for name, c := range map[string]struct {
		change func(form map[string]any)
		status int
		code   string
	}{
		"no name":           {func(f map[string]any) { delete(f, "name") }, 422, "invalid_request"},
		"blank name":        {func(f map[string]any) { f["name"] = "  " }, 422, "name_required"},
		"NUL":               {func(f map[string]any) { f["name"] = "a\x00b" }, 422, "invalid_request"},
		"no such venue":     {func(f map[string]any) { f["venue"] = uuid.NewString() }, 404, "venue_not_found"},
		"venue no id":       {func(f map[string]any) { f["venue"] = "1 OR 1=1" }, 422, "invalid_request"},
		"no such day":       {func(f map[string]any) { f["startsAt"] = "2027-02-30T10:00:00Z" }, 422, "invalid_request"},
		"no date":           {func(f map[string]any) { f["startsAt"] = "tomorrow" }, 422, "invalid_request"},
		"ends first":        {func(f map[string]any) { f["endsAt"] = f["startsAt"] }, 422, "ends_before_start"},
		"zone":              {func(f map[string]any) { f["timeZone"] = "Mars/Olympus" }, 422, "unknown_time_zone"},
		"script in url":     {func(f map[string]any) { f["url"] = "javascript:alert(1)" }, 422, "invalid_request"},
		"status is ours":    {func(f map[string]any) { f["startsAt"] = 5 }, 422, "invalid_request"},
		"negative price":    {func(f map[string]any) { f["ticketTypes"] = tickets(-1, "EUR", 5) }, 422, "invalid_request"},
		"price with dot":    {func(f map[string]any) { f["ticketTypes"] = tickets(10.5, "EUR", 5) }, 422, "invalid_request"},
		"unknown currency":  {func(f map[string]any) { f["ticketTypes"] = tickets(100, "XQX", 5) }, 422, "invalid_currency"},
		"capacity 0":        {func(f map[string]any) { f["ticketTypes"] = tickets(100, "EUR", 0) }, 422, "invalid_request"},
		"capacity 1e9":      {func(f map[string]any) { f["ticketTypes"] = tickets(100, "EUR", 1e9) }, 422, "invalid_request"},
		"orders over limit": {func(f map[string]any) { f["maxPerOrder"], f["maxPerAccount"] = 9, 2 }, 422, "limits_conflict"},
	} {
		t.Run(name, func(t *testing.T) {
			m.t = t
			form := standingEvent(venue, "Wrong")
			c.change(form)
			m.call(http.MethodPost, "/api/v1/events", form).refused(c.status, c.code)
		})
	}
	m.t = t
	m.call(http.MethodPost, "/api/v1/events", []byte(`{"name":`)).refused(400, "malformed_body")
	m.call(http.MethodPost, "/api/v1/events", []byte(`{}`), "Content-Type", "text/plain").refused(415, "unsupported_media_type")
	m.call(http.MethodPost, "/api/v1/events", []byte(`{"name":"`+strings.Repeat("a", 2<<20)+`"}`)).refused(413, "body_too_large")
}

func tickets(amount any, currency string, capacity any) []any {
	return []any{map[string]any{"name": "T", "price": map[string]any{"amount": amount, "currency": currency}, "capacity": capacity}}
}

func TestCatalogImportKeepsGoodLinesAndNamesBadOnes(t *testing.T) {
	run := uuid.NewString()[:8]
	conf := func(name, rest string) string {
		return fmt.Sprintf(`{"name":"%s %s","url":"https://x.test/%s","startDate":"2027-03-01","endDate":"2027-03-02"%s}`, name, run, run, rest)
	}
	file := strings.Join([]string{
		conf("Zürich Conf", `,"city":"Zürich","country":"Switzerland","topics":["golang"]`),
		`{"name":"broken`,
		conf("No such land", `,"city":"X","country":"Atlantis"`),
		`{"name":"No date","url":"https://x.test"}`,
		conf("Online", `,"online":true`),
	}, "\n")
	type report struct {
		Created, Updated, Unchanged, Rejected int
		Results                               []struct {
			Line               int
			Status, ID, Code   string
			Name, Detail, Fine string
		}
	}
	var first, second report
	m := as(t, merchant)
	m.call(http.MethodPost, "/api/v1/events/import", []byte(file), "Content-Type", "application/x-ndjson").as(200, &first)
	assert.Equal(t, []int{2, 0, 0, 3}, []int{first.Created, first.Updated, first.Unchanged, first.Rejected})
	require.Len(t, first.Results, 5)
	codes := map[int]string{}
	for _, r := range first.Results {
		codes[r.Line] = r.Code
		if r.Status == "rejected" {
			assert.NotEmpty(t, r.Detail)
		}
	}
	assert.Equal(t, map[int]string{1: "", 2: "malformed_record", 3: "unknown_country", 4: "invalid_start", 5: ""}, codes)
	m.call(http.MethodPost, "/api/v1/events/import", []byte(file), "Content-Type", "application/x-ndjson").as(200, &second)
	assert.Equal(t, []int{0, 0, 2, 3}, []int{second.Created, second.Updated, second.Unchanged, second.Rejected}, "again changes nothing")

	var e concert
	as(t, nobody).call(http.MethodGet, "/api/v1/events/"+first.Results[0].ID, nil).as(200, &e)
	assert.Equal(t, "published", e.Status)
	assert.Equal(t, "Europe/Zurich", e.TimeZone)
	assert.Equal(t, "CH", e.Venue.Country)
	require.NotNil(t, e.Venue.Location)
	assert.InDelta(t, 47.4, e.Venue.Location.Lat, .2)
	assert.Equal(t, "CHF", e.TicketTypes[0].Price.Currency)
}

func TestCatalogSeatingPlanComesBackAsItWent(t *testing.T) {
	m := as(t, merchant)
	venue := newVenue(m)
	path := "/api/v1/venues/" + venue + "/seating-plan"
	m.call(http.MethodGet, path, nil).refused(404, "no_plan")
	plan, err := json.Marshal(seating.Theatre())
	require.NoError(t, err)
	m.call(http.MethodPut, path, plan).as(200, nil)
	assert.JSONEq(t, string(plan), string(m.call(http.MethodGet, path, nil).as(200, nil).Body))

	form := standingEvent(venue, "Seated")
	form["ticketTypes"] = []any{map[string]any{"name": "Stalls", "seated": true, "categories": []string{"Stalls"}, "capacity": 7, "price": map[string]any{"amount": 100, "currency": "EUR"}}}
	var e concert
	m.call(http.MethodPost, "/api/v1/events", form).as(201, &e)
	m.call(http.MethodPost, "/api/v1/events/"+e.ID+"/publish", nil).as(200, &e)
	assert.Equal(t, 600, e.TicketTypes[0].Capacity, "seats are counted, not stated")
	m.call(http.MethodPut, path, plan).as(200, nil)
	m.call(http.MethodPut, path, seating.Club()).refused(409, "plan_in_use")
	var shown struct {
		Units struct{ Row []string }
	}
	as(t, nobody).call(http.MethodGet, "/api/v1/events/"+e.ID+"/plan", nil).as(200, &shown)
	assert.Len(t, shown.Units.Row, 600)
}

// The largest plan that the contract allows passes from catalog to booking through both sidecars, and
// a seat of it can be held.
func TestCatalogTheLargestPlanIsSold(t *testing.T) {
	m := as(t, merchant)
	venue := newVenue(m)
	var zone catalog.Zone
	zone.Name = "Lower ring east"
	for r := range 1000 {
		row := catalog.Row{RowNumber: strconv.Itoa(r + 1), Position: catalog.Position{Y: float64(r)}}
		for s := range 100 {
			row.Seats = append(row.Seats, catalog.Seat{GUID: uuid.NewString(), Number: strconv.Itoa(s + 1), Category: "A", Position: catalog.Position{X: float64(s)}})
		}
		zone.Rows = append(zone.Rows, row)
	}
	plan := catalog.Plan{Name: "Stadium", Categories: []catalog.PlanCategory{{Name: "A", Color: "#336699"}}, Zones: []catalog.Zone{zone}}
	raw, err := json.Marshal(plan)
	require.NoError(t, err)
	m.call(http.MethodPut, "/api/v1/venues/"+venue+"/seating-plan", raw).as(200, nil)
	form := standingEvent(venue, "The largest")
	form["ticketTypes"] = []any{map[string]any{"name": "Seat", "seated": true, "categories": []string{"A"}, "capacity": 1, "price": map[string]any{"amount": 100, "currency": "EUR"}}}
	var e concert
	m.call(http.MethodPost, "/api/v1/events", form).as(201, &e)
	m.call(http.MethodPost, "/api/v1/events/"+e.ID+"/publish", nil).as(200, &e)
	assert.Equal(t, 100_000, e.TicketTypes[0].Capacity)
	last := zone.Rows[999].Seats[99].GUID
	var hold struct{ ID uuid.UUID }
	c := as(t, customer)
	harness.Eventually(t, time.Minute, "its seats can be held", func() error {
		a := c.call(http.MethodPost, "/api/v1/events/"+e.ID+"/holds", map[string]any{"units": []string{last}})
		if a.Status != http.StatusCreated {
			return fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return json.Unmarshal(a.Body, &hold)
	})
	c.call(http.MethodDelete, "/api/v1/holds/"+hold.ID.String(), nil).as(204, nil)
}

// Whatever catalog has answered 2xx to is there after kill -9.
func TestCatalogKilledLosesNoAcknowledgedWrite(t *testing.T) {
	p, m := harness.Everything(t), as(t, merchant)
	draft := newEvent(m, "Versions under fire")
	path, pid := "/api/v1/events/"+draft.ID, p.PID(t, "catalog")
	m.call(http.MethodPost, path+"/publish", nil).as(200, nil)
	as(t, nobody).call(http.MethodGet, path, nil).as(200, nil)

	venue := draft.Venue.ID
	var (
		mu           sync.Mutex
		acknowledged = map[string]string{}
		group        sync.WaitGroup
		stop         = make(chan struct{})
	)
	token := "Bearer " + p.Token(t, merchant)
	for writer := range 4 {
		group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				name := "Written " + strconv.Itoa(writer) + "-" + strconv.Itoa(n)
				a, err := as(t, nobody).try(http.MethodPost, "/api/v1/events", standingEvent(venue, name), "Authorization", token)
				var e concert
				if err != nil || a.Status != http.StatusCreated || json.Unmarshal(a.Body, &e) != nil {
					continue // not acknowledged
				}
				mu.Lock()
				acknowledged[e.ID] = name
				mu.Unlock()
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged)
	}
	harness.Eventually(t, time.Minute, "writes are under way", func() error { return atLeast(count(), 20) })
	p.Kill(t, "catalog")
	before := count()
	as(t, nobody).call(http.MethodGet, path, nil).as(200, nil) // what was read before stays readable
	p.WaitHealthy(t, "catalog", time.Minute, pid)
	harness.Eventually(t, time.Minute, "writes go on", func() error { return atLeast(count(), before+10) })
	close(stop)
	group.Wait()
	for id, name := range acknowledged {
		var e concert
		m.call(http.MethodGet, "/api/v1/events/"+id, nil).as(200, &e)
		require.Equal(t, name, e.Name)
	}
}

func atLeast(have, want int) error {
	if have < want {
		return fmt.Errorf("%d of %d", have, want)
	}
	return nil
}

func TestCatalogPagesSpeakToReadersWithoutScript(t *testing.T) {
	m, anyone := as(t, merchant), as(t, nobody)
	e := newEvent(m, "Shared & liked")
	m.call(http.MethodPost, "/api/v1/events/"+e.ID+"/publish", nil).as(200, nil)
	page := anyone.call(http.MethodGet, "/events/"+e.ID, nil).as(200, nil)
	assert.Contains(t, page.Header.Get("Content-Type"), "text/html")
	assert.Contains(t, page.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	for _, part := range []string{
		"<title>Shared &amp; liked · Foyer</title>", `<meta property="og:title" content="Shared &amp; liked · Foyer">`,
		`"@type":"Event"`, `<link rel="canonical" href="` + m.p.Config.PublicURL + "/events/" + e.ID + `">`,
	} {
		assert.Contains(t, string(page.Body), part)
	}
	assert.Contains(t, string(anyone.call(http.MethodGet, "/sitemap.xml", nil).as(200, nil).Body), "/events/"+e.ID)
	assert.Contains(t, string(anyone.call(http.MethodGet, "/robots.txt", nil).as(200, nil).Body), "/sitemap.xml")
	anyone.call(http.MethodGet, "/events/"+uuid.NewString(), nil).as(404, nil)
}

func TestCatalogAwayLeavesWhatWasReadReadable(t *testing.T) {
	p, m, anyone := harness.Everything(t), as(t, merchant), as(t, nobody)
	known, unknown := newEvent(m, "Read before"), newEvent(m, "Never read")
	for _, e := range []concert{known, unknown} {
		m.call(http.MethodPost, "/api/v1/events/"+e.ID+"/publish", nil).as(200, nil)
	}
	anyone.call(http.MethodGet, "/api/v1/events/"+known.ID, nil).as(200, nil)
	anyone.call(http.MethodGet, "/events/"+known.ID, nil).as(200, nil)
	p.Halt(t, "catalog")
	var e concert
	anyone.call(http.MethodGet, "/api/v1/events/"+known.ID, nil).as(200, &e)
	assert.Equal(t, "Read before", e.Name)
	assert.Contains(t, string(anyone.call(http.MethodGet, "/events/"+known.ID, nil).as(200, nil).Body), "<title>Read before")
	a := anyone.call(http.MethodGet, "/api/v1/events/"+unknown.ID, nil)
	a.refused(503, "service_unavailable")
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	p.Resume(t, "catalog")
	harness.Eventually(t, time.Minute, "catalog answers again", func() error {
		return status(anyone.call(http.MethodGet, "/api/v1/events/"+unknown.ID, nil), 200)
	})
}
