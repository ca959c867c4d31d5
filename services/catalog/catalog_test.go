package catalog_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/data"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/catalog"
	"github.com/foyer-tickets/foyer/services/catalog/seating"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func draft(t *testing.T, change func(*catalog.Event)) (catalog.Event, error) {
	t.Helper()
	e := catalog.Event{
		ID: uuid.New(), Merchant: "m", Name: "Concert", TimeZone: "Europe/Berlin", Status: catalog.Draft,
		StartsAt: now.AddDate(0, 1, 0), EndsAt: now.AddDate(0, 1, 0).Add(time.Hour),
		TicketTypes: []catalog.TicketType{{ID: uuid.New(), Name: "Standing", Price: money.Money{Amount: 100, Currency: "EUR"}, Capacity: 10}},
	}
	if change != nil {
		change(&e)
	}
	return e.Draftable(now)
}

func TestADraftIsCheckedAndFilledIn(t *testing.T) {
	e, err := draft(t, nil)
	require.NoError(t, err)
	assert.Equal(t, "concert", e.Slug)
	assert.Equal(t, e.StartsAt, e.SalesEnd)
	assert.Equal(t, 8, e.MaxPerOrder)

	for code, change := range map[string]func(*catalog.Event){
		"name_required":          func(e *catalog.Event) { e.Name = "  " },
		"ends_before_start":      func(e *catalog.Event) { e.EndsAt = e.StartsAt },
		"unknown_time_zone":      func(e *catalog.Event) { e.TimeZone = "Mars/Olympus" },
		"sales_end_before_start": func(e *catalog.Event) { e.SalesStart = e.StartsAt.AddDate(0, 0, 1) },
		"limits_conflict":        func(e *catalog.Event) { e.MaxPerOrder, e.MaxPerAccount = 5, 4 },
		"currency_mismatch": func(e *catalog.Event) {
			e.TicketTypes = append(e.TicketTypes, catalog.TicketType{Price: money.Money{Currency: "USD"}, Capacity: 1})
		},
		"capacity_required":   func(e *catalog.Event) { e.TicketTypes[0].Capacity = 0 },
		"categories_required": func(e *catalog.Event) { e.TicketTypes[0].Seated = true },
		"invalid_amount":      func(e *catalog.Event) { e.TicketTypes[0].Price.Amount = -1 },
		"category_twice": func(e *catalog.Event) {
			eur := money.Money{Currency: "EUR"}
			e.TicketTypes = []catalog.TicketType{{Seated: true, Categories: []string{"A"}, Price: eur}, {Seated: true, Categories: []string{"A"}, Price: eur}}
		},
	} {
		_, err := draft(t, change)
		assert.Equal(t, code, fault.CodeOf(err), code)
	}
}

func TestPublication(t *testing.T) {
	plan := seating.Theatre()
	e, err := draft(t, nil)
	require.NoError(t, err)

	_, err = e.Cancel()
	assert.Error(t, err, "a draft is not cancelled")
	published, err := e.Publish(nil, now)
	require.NoError(t, err)
	assert.Equal(t, catalog.Published, published.Status)
	again, err := published.Publish(nil, now)
	require.NoError(t, err)
	assert.Equal(t, published, again)
	cancelled, err := published.Cancel()
	require.NoError(t, err)
	_, err = cancelled.Publish(nil, now)
	assert.ErrorIs(t, err, catalog.ErrCancelled)
	_, err = cancelled.Edit(cancelled, now)
	assert.ErrorIs(t, err, catalog.ErrCancelled)

	e.TicketTypes[0] = catalog.TicketType{Seated: true, Categories: []string{"Stalls"}, Price: money.Money{Currency: "EUR"}}
	_, err = e.Publish(nil, now)
	assert.Equal(t, "not_publishable", fault.CodeOf(err), "seats without a plan")
	published, err = e.Publish(plan, now)
	require.NoError(t, err)
	assert.Equal(t, 600, published.TicketTypes[0].Capacity)
	_, err = e.Publish(plan, e.EndsAt)
	assert.Equal(t, "not_publishable", fault.CodeOf(err), "it is over")
}

func TestWhatIsOnSaleStaysAsItIs(t *testing.T) {
	e, err := draft(t, nil)
	require.NoError(t, err)
	e.Status = catalog.Published
	next := e
	next.TicketTypes = []catalog.TicketType{e.TicketTypes[0]}
	next.TicketTypes[0].Price.Amount = 200
	edited, err := e.Edit(next, now)
	require.NoError(t, err, "a new price is for later buyers")
	assert.EqualValues(t, 200, edited.TicketTypes[0].Price.Amount)

	next.TicketTypes[0].Capacity = 5
	_, err = e.Edit(next, now)
	assert.ErrorIs(t, err, catalog.ErrOnSale)
}

func TestOwnership(t *testing.T) {
	as := func(id string, roles ...identity.Role) context.Context {
		return identity.With(t.Context(), identity.Account{ID: id, Roles: roles})
	}
	assert.NoError(t, catalog.OwnedBy(as("m", identity.Merchant), "m"))
	assert.NoError(t, catalog.OwnedBy(as("a", identity.Admin), "m"))
	assert.ErrorIs(t, catalog.OwnedBy(as("n", identity.Merchant), "m"), catalog.ErrNotOwner)
	assert.ErrorIs(t, catalog.OwnedBy(as("m", identity.Customer), "m"), identity.ErrForbidden)
	assert.ErrorIs(t, catalog.OwnedBy(t.Context(), "m"), identity.ErrUnauthenticated)
}

func TestGeneratedHousesHaveTheirSizes(t *testing.T) {
	for name, c := range map[string]struct {
		plan  *catalog.Plan
		total int
		types []catalog.TicketType
	}{
		"club":    {seating.Club(), 200, []catalog.TicketType{{Seated: true, Categories: []string{"Balcony", "Gallery"}}, {Capacity: 120}}},
		"theatre": {seating.Theatre(), 1200, []catalog.TicketType{{Seated: true, Categories: []string{"Stalls", "Circle", "Balcony", "Restricted view"}}}},
		"arena":   {seating.Arena(), 20_000, []catalog.TicketType{{Seated: true, Categories: []string{"Lower ring", "Middle ring", "Upper ring"}}, {Capacity: 4520}}},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := json.Marshal(c.plan)
			require.NoError(t, err)
			parsed, err := catalog.ParsePlan(raw)
			require.NoError(t, err)
			for i := range c.types {
				c.types[i].ID = uuid.New()
			}
			units := catalog.Units(parsed, c.types)
			assert.Len(t, units, c.total)
			seen := map[string]bool{}
			for _, u := range units {
				require.False(t, seen[u.ID], u.ID)
				seen[u.ID] = true
			}
		})
	}
}

func TestPlansAreChecked(t *testing.T) {
	plan := func(seats string) string {
		return `{"name":"p","size":{"width":1,"height":1},"categories":[{"name":"A","color":"#fff"}],
			"zones":[{"name":"z","position":{"x":0,"y":0},"rows":[{"row_number":"1","position":{"x":0,"y":0},"seats":[` + seats + `]}]}]}`
	}
	seat := func(id, category string) string {
		return `{"seat_guid":"` + id + `","seat_number":"1","position":{"x":0,"y":0},"category":"` + category + `"}`
	}
	_, err := catalog.ParsePlan([]byte(plan(seat("a", "A"))))
	require.NoError(t, err)
	for name, raw := range map[string]string{
		"no id": plan(seat("", "A")), "twice": plan(seat("a", "A") + "," + seat("a", "A")), "unknown category": plan(seat("a", "B")),
		"key separator": plan(seat("a||b", "A")), "no size": `{"name":"p"}`, "long id": plan(seat(strings.Repeat("a", 41), "A")),
	} {
		_, err := catalog.ParsePlan([]byte(raw))
		assert.Equal(t, "invalid_plan", fault.CodeOf(err), name)
	}
	_, err = catalog.ParsePlan([]byte(`[`))
	assert.Equal(t, "malformed_plan", fault.CodeOf(err))
}

func TestLocateReadsNamesAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct{ city, country, code, zone string }{
		{"Berlin", "Germany", "DE", "Europe/Berlin"}, {"Wrocław", "Poland", "PL", "Europe/Warsaw"}, {"Wroclaw", "Poland", "PL", "Europe/Warsaw"},
		{"Portland, OR", "U.S.A.", "US", "America/Los_Angeles"}, {"Kansas City, KS", "USA", "US", "America/Chicago"},
		{"Bogotá", "Colombia", "CO", "America/Bogota"}, {"London", "U.K.", "GB", "Europe/London"}, {"Nowhere", "Japan", "JP", "Asia/Tokyo"},
	} {
		p, ok := catalog.Locate(c.city, c.country)
		require.True(t, ok, c.city)
		assert.Equal(t, c.code, p.Country, c.city)
		assert.Equal(t, c.zone, p.TimeZone, c.city)
	}
	_, ok := catalog.Locate("Atlantis", "Atlantis")
	assert.False(t, ok)
}

func read(t *testing.T, file string) (good []catalog.Imported, bad map[int]string, err error) {
	t.Helper()
	bad = map[int]string{}
	err = catalog.ReadImport(strings.NewReader(file), func(r catalog.Record) error {
		if r.Err != nil {
			bad[r.Line] = fault.CodeOf(r.Err)
		} else {
			good = append(good, r.Imported)
		}
		return nil
	})
	return good, bad, err
}

func TestImportKeepsGoodLinesAndNamesBadOnes(t *testing.T) {
	good, bad, err := read(t, strings.Join([]string{
		`{"name":"FooConf","url":"https://foo.test","startDate":"2027-03-01","endDate":"2027-03-02","city":"Zürich","country":"Switzerland","topics":["go"]}`,
		`{"name":"broken`,
		``,
		`{"name":"No date","url":"https://x.test"}`,
		`{"name":"Backwards","startDate":"2027-03-02","endDate":"2027-03-01"}`,
		`{"name":"Odd","startDate":"2027-13-45"}`,
		`{"name":7,"startDate":"2027-01-01"}`,
		`{"name":"Elsewhere","startDate":"2027-01-01","city":"X","country":"Atlantis"}`,
		`{"name":"Online only","url":"https://o.test","startDate":"2027-01-01","endDate":"2027-01-01","online":true}`,
		`{"name":"Script","url":"javascript:alert(1)","startDate":"2027-01-01"}`,
		`[1,2]`,
	}, "\n"))
	require.NoError(t, err)
	assert.Equal(t, map[int]string{
		2: "malformed_record", 4: "invalid_start", 5: "ends_before_start", 6: "invalid_start", 7: "invalid_record",
		8: "unknown_country", 10: "invalid_url", 11: "malformed_record",
	}, bad)
	require.Len(t, good, 2)
	assert.Equal(t, "CH", good[0].Event.Venue.Country)
	assert.Equal(t, "CHF", good[0].Event.TicketTypes[0].Price.Currency)
	assert.Equal(t, "2027-03-01T08:00:00Z", good[0].Event.StartsAt.Format(time.RFC3339), "nine in the morning there")
	assert.True(t, good[1].Event.Online)
}

func TestImportReadsEveryForm(t *testing.T) {
	ld := `{"@context":"https://schema.org","@type":"MusicEvent","name":"Gig","startDate":"2027-05-01T20:00:00+02:00","endDate":"2027-05-01T23:00:00+02:00",
		"performer":[{"@type":"MusicGroup","name":"Band"}],"location":{"@type":"Place","name":"Hall","address":{"addressLocality":"Paris","addressCountry":"FR"}}}`
	ical := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\nBEGIN:VEVENT\r\nUID:1@t\r\nDTSTAMP:20260101T000000Z\r\n" +
		"DTSTART:20270601T180000Z\r\nDTEND:20270601T200000Z\r\nSUMMARY:Talk\\, twice\r\nLOCATION:Hall\\, Berlin\\, Germany\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	for name, file := range map[string]string{"json-ld": strings.ReplaceAll(ld, "\n", ""), "array": "[" + ld + "]", "icalendar": ical, "bom": "\xef\xbb\xbf[" + ld + "]"} {
		t.Run(name, func(t *testing.T) {
			good, bad, err := read(t, file)
			require.NoError(t, err)
			require.Empty(t, bad)
			require.Len(t, good, 1)
			assert.NotEmpty(t, good[0].Event.Venue.Country)
			assert.NotEmpty(t, good[0].SourceID)
		})
	}
	for name, file := range map[string]string{"empty": "", "blank": "  \n ", "cut off": "[" + ld, "not an event": `{"@type":"Person","name":"x"}`} {
		good, bad, err := read(t, file)
		assert.True(t, err != nil || len(bad) > 0, name)
		assert.LessOrEqual(t, len(good), 1)
	}
}

func TestEveryShippedConferenceIsGood(t *testing.T) {
	good, bad, err := read(t, string(data.Conferences))
	require.NoError(t, err)
	assert.Empty(t, bad)
	assert.Len(t, good, 1106)
	ids, located := map[string]bool{}, 0
	for _, g := range good {
		ids[g.SourceID] = true
		if g.Event.Venue.Location != nil {
			located++
		}
	}
	assert.Greater(t, located, 935, "of 941 in a city")
	assert.Greater(t, len(ids), 1090)
}

func FuzzImport(f *testing.F) {
	f.Add(`{"name":"FooConf","startDate":"2027-03-01"}`)
	f.Add("BEGIN:VCALENDAR\nEND:VCALENDAR")
	f.Add(`[{"@type":"Event"}]`)
	f.Fuzz(func(_ *testing.T, file string) {
		_ = catalog.ReadImport(strings.NewReader(file), func(catalog.Record) error { return nil })
	})
}
