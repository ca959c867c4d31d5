package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/text"
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
		"invalid_text":           func(e *catalog.Event) { e.Topics = []string{"a\x00b"} },
		"ends_before_start":      func(e *catalog.Event) { e.EndsAt = e.StartsAt },
		"unknown_time_zone":      func(e *catalog.Event) { e.TimeZone = "Mars/Olympus" },
		"sales_end_before_start": func(e *catalog.Event) { e.SalesStart = e.StartsAt.AddDate(0, 0, 1) },
		"limits_conflict":        func(e *catalog.Event) { e.MaxPerOrder, e.MaxPerAccount = 5, 4 },
		"currency_mismatch": func(e *catalog.Event) {
			e.TicketTypes = append(e.TicketTypes, catalog.TicketType{Name: "Dollars", Price: money.Money{Currency: "USD"}, Capacity: 1})
		},
		"capacity_required":   func(e *catalog.Event) { e.TicketTypes[0].Capacity = 0 },
		"categories_required": func(e *catalog.Event) { e.TicketTypes[0].Seated = true },
		"invalid_amount":      func(e *catalog.Event) { e.TicketTypes[0].Price.Amount = -1 },
		"amount_too_small": func(e *catalog.Event) {
			e.TicketTypes[0].Price = money.Money{Amount: 50, Currency: "ZAR"}
		},
		"amount_too_large": func(e *catalog.Event) {
			e.TicketTypes[0].Price = money.Money{Amount: 1_000_000, Currency: "ISK"}
		},
		"currency_not_chargeable": func(e *catalog.Event) {
			e.TicketTypes[0].Price = money.Money{Amount: 1_000_000, Currency: "IQD"}
		},
		"category_twice": func(e *catalog.Event) {
			eur := money.Money{Currency: "EUR"}
			e.TicketTypes = []catalog.TicketType{{Name: "x", Seated: true, Categories: []string{"A"}, Price: eur}, {Name: "y", Seated: true, Categories: []string{"A"}, Price: eur}}
		},
	} {
		_, err := draft(t, change)
		assert.Equal(t, code, fault.CodeOf(err), code)
	}
}

// TestLimitsHoldWhicheverWayAnEventComes: the OpenAPI document has them too, but an import and a later
// caller do not pass it.
func TestLimitsHoldWhicheverWayAnEventComes(t *testing.T) {
	standing := func(capacity int) catalog.TicketType {
		return catalog.TicketType{ID: uuid.New(), Name: "Standing", Price: money.Money{Amount: 100, Currency: "EUR"}, Capacity: capacity}
	}
	for name, c := range map[string]struct {
		change func(*catalog.Event)
		field  string
	}{
		"script as address":   {func(e *catalog.Event) { e.URL = "javascript:alert(1)" }, "url"},
		"another scheme":      {func(e *catalog.Event) { e.URL = "ftp://a.example/" }, "url"},
		"image elsewhere":     {func(e *catalog.Event) { e.Image = "//a.example/x.png" }, "image"},
		"long description":    {func(e *catalog.Event) { e.Description = strings.Repeat("a", 300_000) }, "description"},
		"long name":           {func(e *catalog.Event) { e.Name = strings.Repeat("a", 201) }, "name"},
		"line break":          {func(e *catalog.Event) { e.Name = "a\nb" }, "name"},
		"turned around":       {func(e *catalog.Event) { e.TicketTypes[0].Name = "a\u202eb" }, "ticketTypes.0.name"},
		"invisible":           {func(e *catalog.Event) { e.Performers = []string{"a", "a\u200bb"} }, "performers.1"},
		"empty topic":         {func(e *catalog.Event) { e.Topics = []string{" "} }, "topics.0"},
		"too many topics":     {func(e *catalog.Event) { e.Topics = make([]string, 51) }, "topics"},
		"many ticket types":   {func(e *catalog.Event) { e.TicketTypes = make([]catalog.TicketType, 500) }, "ticketTypes"},
		"minus one an order":  {func(e *catalog.Event) { e.MaxPerOrder = -1 }, "maxPerOrder"},
		"51 an order":         {func(e *catalog.Event) { e.MaxPerOrder = 51 }, "maxPerOrder"},
		"201 an account":      {func(e *catalog.Event) { e.MaxPerAccount = 201 }, "maxPerAccount"},
		"two billion tickets": {func(e *catalog.Event) { e.TicketTypes[0].Capacity = 2_000_000_000 }, "ticketTypes.0.capacity"},
		"50 × 100,000": {func(e *catalog.Event) {
			e.TicketTypes = nil
			for range 50 {
				e.TicketTypes = append(e.TicketTypes, standing(100_000))
			}
		}, ""},
		"the year 10000": {func(e *catalog.Event) { e.EndsAt = e.EndsAt.AddDate(8000, 0, 0) }, "endsAt"},
		"this machine's": {func(e *catalog.Event) { e.TimeZone = "Local" }, ""},
	} {
		_, err := draft(t, c.change)
		require.Equal(t, fault.Invalid, fault.KindOf(err), name)
		if c.field != "" {
			refusal, ok := errors.AsType[*fault.Error](err)
			require.True(t, ok)
			found, _ := refusal.Fields["violations"].([]text.Violation)
			require.Len(t, found, 1, name)
			assert.Equal(t, c.field, found[0].Field, name)
		}
	}
	e, err := draft(t, func(e *catalog.Event) {
		e.Name, e.Category = " Cafe\u0301 ", ""
		e.TicketTypes = []catalog.TicketType{standing(100_000), standing(100_000)}
	})
	require.NoError(t, err)
	assert.Equal(t, "Caf\u00e9", e.Name)
	assert.Equal(t, "other", e.Category)

	e, err = draft(t, func(e *catalog.Event) {
		e.TicketTypes = append(e.TicketTypes, standing(100_000), standing(99_990))
		e.TicketTypes = append(e.TicketTypes, catalog.TicketType{
			ID: uuid.New(), Name: "Seats", Price: money.Money{Amount: 4500, Currency: "EUR"}, Seated: true, Categories: []string{"Balcony"},
		})
	})
	require.NoError(t, err)
	_, err = e.Publish(seating.Club(), now)
	assert.Equal(t, "capacity_too_large", fault.CodeOf(err), "seats count when they are known")
}

// Every step on every status: what comes of it, or why not. A refusal changes nothing.
func TestStepsByStatus(t *testing.T) {
	publish := func(e catalog.Event) (catalog.Event, error) { return e.Publish(nil, now) }
	cancel := func(e catalog.Event) (catalog.Event, error) { return e.Cancel() }
	rename := func(e catalog.Event) (catalog.Event, error) {
		next := e
		next.Name, next.Status, next.Merchant, next.Version = "Renamed", catalog.Draft, "another", 99
		return e.Edit(next, now)
	}
	for _, c := range []struct {
		from catalog.Status
		step string
		do   func(catalog.Event) (catalog.Event, error)
		to   catalog.Status
		code string
	}{
		{catalog.Draft, "publish", publish, catalog.Published, ""},
		{catalog.Draft, "cancel", cancel, catalog.Draft, "event_not_published"},
		{catalog.Draft, "edit", rename, catalog.Draft, ""},
		{catalog.Published, "publish", publish, catalog.Published, ""},
		{catalog.Published, "cancel", cancel, catalog.Cancelled, ""},
		{catalog.Published, "edit", rename, catalog.Published, ""},
		{catalog.Cancelled, "publish", publish, catalog.Cancelled, "event_cancelled"},
		{catalog.Cancelled, "cancel", cancel, catalog.Cancelled, ""},
		{catalog.Cancelled, "edit", rename, catalog.Cancelled, "event_cancelled"},
	} {
		t.Run(string(c.from)+" "+c.step, func(t *testing.T) {
			e, err := draft(t, nil)
			require.NoError(t, err)
			e.Status, e.Version = c.from, 7
			after, err := c.do(e)
			assert.Equal(t, c.code, fault.CodeOf(err))
			assert.Equal(t, c.to, after.Status)
			assert.Equal(t, "m", after.Merchant, "nobody is given an event by a form")
			assert.EqualValues(t, 7, after.Version)
			if c.code != "" {
				assert.Equal(t, e, after)
			}
		})
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

	for name, change := range map[string]func(*catalog.Event){
		"capacity":         func(e *catalog.Event) { e.TicketTypes[0].Capacity = 5 },
		"currency":         func(e *catalog.Event) { e.TicketTypes[0].Price.Currency = "USD" },
		"seated":           func(e *catalog.Event) { e.TicketTypes[0].Seated, e.TicketTypes[0].Categories = true, []string{"A"} },
		"another type":     func(e *catalog.Event) { e.TicketTypes[0].ID = uuid.New() },
		"no type":          func(e *catalog.Event) { e.TicketTypes = nil },
		"one more":         func(e *catalog.Event) { e.TicketTypes = append(e.TicketTypes, e.TicketTypes[0]) },
		"the waiting room": func(e *catalog.Event) { e.HighDemand = true; e.SalesStart = now },
	} {
		next := e
		next.TicketTypes = slices.Clone(e.TicketTypes)
		change(&next)
		_, err = e.Edit(next, now.Add(time.Hour))
		assert.ErrorIs(t, err, catalog.ErrOnSale, name)
	}

	moved := e
	moved.Venue.ID = uuid.New()
	_, err = e.Edit(moved, now)
	assert.NoError(t, err, "standing room moves with the event")
	e.TicketTypes = []catalog.TicketType{{Name: "S", Seated: true, Categories: []string{"A"}, Capacity: 3, Price: money.Money{Currency: "EUR"}}}
	moved.TicketTypes = e.TicketTypes
	_, err = e.Edit(moved, now)
	assert.ErrorIs(t, err, catalog.ErrOnSale, "seats do not")
}

func TestAvailabilityInWords(t *testing.T) {
	for _, c := range []struct {
		available, held, booked int
		word                    string
	}{{100, 0, 0, "available"}, {10, 45, 45, "available"}, {9, 46, 45, "few"}, {1, 0, 99, "few"}, {0, 1, 99, "sold_out"}, {0, 0, 0, "sold_out"}} {
		assert.Equal(t, c.word, catalog.Availability{Available: c.available, Held: c.held, Booked: c.booked}.Status())
	}
}

func TestVenuesAreChecked(t *testing.T) {
	for code, v := range map[string]catalog.Venue{
		"": {Name: " Haus ", TimeZone: "Europe/Vienna"}, "name_required": {Name: " ", TimeZone: "UTC"},
		"unknown_time_zone": {Name: "x"}, "invalid_text": {Name: "x", City: "a\x00b", TimeZone: "UTC"}, "unknown_country": {Name: "x", Country: "<s", TimeZone: "UTC"},
		"invalid_request": {Name: "x", Location: &catalog.Location{Lat: 999}, TimeZone: "UTC"},
	} {
		_, err := v.Check()
		assert.Equal(t, code, fault.CodeOf(err))
	}
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
			for _, z := range parsed.Zones { // pretix's form has whole numbers
				require.Equal(t, math.Trunc(z.Position.X), z.Position.X)
				require.Equal(t, math.Trunc(z.Position.Y), z.Position.Y)
			}
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
	for name, raw := range map[string]string{
		"another case":    strings.Replace(plan(seat("a", "A")), `"name":"z"`, `"name":"z","Rows":[]`, 1),
		"unknown members": strings.Replace(plan(seat("a", "A")), `"name":"z"`, `"name":"z","uuid":"x"`, 1),
	} {
		p, err := catalog.ParsePlan([]byte(raw))
		require.NoError(t, err, name)
		assert.Equal(t, 1, p.CountCategories([]string{"A"}), name)
	}
	for name, raw := range map[string]string{
		"line break in a row":   strings.Replace(plan(seat("a", "A")), `"row_number":"1"`, `"row_number":"1\n2"`, 1),
		"turned around":         strings.Replace(plan(seat("a", "A")), `"name":"z"`, `"name":"\u202ez"`, 1),
		"line break in a seat":  strings.Replace(plan(seat("a", "A")), `"seat_number":"1"`, `"seat_number":"1\n"`+`,"note":"a\nb"`, 1),
		"sum without end":       strings.ReplaceAll(plan(seat("a", "A")), `"x":0`, `"x":1e308`),
		"far away":              strings.Replace(plan(seat("a", "A")), `"y":0`, `"y":-1000001`, 1),
		"a long zone id":        strings.Replace(plan(seat("a", "A")), `"name":"z"`, `"name":"z","zone_id":"`+strings.Repeat("0", 101)+`"`, 1),
		"a long color":          strings.Replace(plan(seat("a", "A")), `"#fff"`, `"`+strings.Repeat("0", 51)+`"`, 1),
		"too many zones":        strings.Replace(plan(seat("a", "A")), `"zones":[`, `"zones":[`+strings.Repeat(`{},`, 1000), 1),
		"too many areas":        strings.Replace(plan(seat("a", "A")), `"name":"z"`, `"name":"z","areas":[`+strings.Repeat(`{},`, 10_000)+`{}]`, 1),
		"areas of another kind": strings.Replace(plan(seat("a", "A")), `"name":"z"`, `"name":"z","areas":[[null]]`, 1),
		"areas without a list":  strings.Replace(plan(seat("a", "A")), `"name":"z"`, `"name":"z","areas":{}`, 1),
		"size without end":      strings.Replace(plan(seat("a", "A")), `"width":1`, `"width":1e308`, 1),
		"NUL in what is passed": strings.Replace(plan(seat("a", "A")), `"name":"z"`, `"name":"z","uuid":"\u0000"`, 1),
	} {
		_, err := catalog.ParsePlan([]byte(raw))
		assert.Equal(t, fault.Invalid, fault.KindOf(err), "%s: %v", name, err)
	}
	for name, raw := range map[string]string{
		"no number":     strings.Replace(plan(seat("a", "A")), `"x":0`, `"x":1e400`, 1),
		"members twice": strings.Replace(plan(seat("a", "A")), `"name":"z"`, `"name":"z","name":"y"`, 1),
	} {
		_, err := catalog.ParsePlan([]byte(raw))
		assert.Equal(t, "malformed_plan", fault.CodeOf(err), name)
	}
	_, err = catalog.ParsePlan([]byte(strings.Replace(plan(seat("a", "A")), `"name":"z"`, `"name":"C:\\\\u0000"`, 1)))
	require.NoError(t, err, "a backslash and then letters is no NUL")
	kept, err := catalog.ReadPlan([]byte(strings.ReplaceAll(plan(seat("a", "A")), `"x":0`, `"x":1e308`)))
	require.NoError(t, err, "one that was kept before is still sold")
	units := catalog.Units(kept, []catalog.TicketType{{ID: uuid.New(), Seated: true, Categories: []string{"A"}}})
	require.Len(t, units, 1)
	assert.Zero(t, units[0].X, "and drawn")
	accents, err := catalog.ReadPlan([]byte(plan(seat("a", "Cafe\u0301"))))
	require.NoError(t, err)
	assert.Equal(t, 1, accents.CountCategories([]string{"Caf\u00e9"}), "however its accents are written")

	sizeless, err := catalog.ParsePlan([]byte(strings.Replace(plan(seat("a", "A")), `"size":{"width":1,"height":1},`, "", 1)))
	require.NoError(t, err, "pretix asks for no size")
	assert.Equal(t, catalog.Size{Width: 40, Height: 40}, sizeless.Size)
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

func FuzzPlan(f *testing.F) {
	for _, p := range []*catalog.Plan{seating.Club(), {Name: "p"}} {
		raw, err := json.Marshal(p)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := catalog.ParsePlan(raw)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, u := range catalog.Units(p, []catalog.TicketType{{Seated: true, Categories: []string{p.Name}}}) {
			if seen[u.ID] {
				t.Errorf("unit %s twice", u.ID)
			}
			seen[u.ID] = true
		}
	})
}
