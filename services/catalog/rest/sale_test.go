package rest

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// Whatever may be published is small enough for booking to read.
func TestWhatIsPublishedCanBeSold(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	draft := func(types ...catalog.TicketType) catalog.Event {
		e := catalog.Event{ID: uuid.New(), Name: "x", Status: catalog.Draft, StartsAt: now.AddDate(0, 1, 0), EndsAt: now.AddDate(0, 1, 1), TicketTypes: types}
		for i := range e.TicketTypes {
			e.TicketTypes[i].ID, e.TicketTypes[i].Price = uuid.New(), money.Money{Amount: 100, Currency: "EUR"}
		}
		return e
	}
	size := func(e catalog.Event, plan *catalog.Plan) int {
		raw, err := json.Marshal(saleView(e, plan))
		require.NoError(t, err)
		return len(raw)
	}
	long := strings.Repeat("ß", 100)
	standing, err := publish(draft(catalog.TicketType{Name: long, Capacity: 100_000}, catalog.TicketType{Name: long + "2", Capacity: 100_000}), nil, now)
	require.NoError(t, err)
	assert.Less(t, size(standing, nil), daprclient.MaxAnswer)
	assert.Len(t, catalog.Units(nil, standing.TicketTypes), 200_000)

	stadium := func(note string) *catalog.Plan {
		p := &catalog.Plan{Zones: []catalog.Zone{{Name: "Lower ring east"}}}
		for r := range 1000 {
			row := catalog.Row{RowNumber: strconv.Itoa(r)}
			for s := range 100 {
				row.Seats = append(row.Seats, catalog.Seat{GUID: uuid.NewString(), Number: strconv.Itoa(s), Category: "A", Note: note})
			}
			p.Zones[0].Rows = append(p.Zones[0].Rows, row)
		}
		return p
	}
	seated := catalog.TicketType{Name: "Seat", Seated: true, Categories: []string{"A"}}
	plan := stadium("")
	published, err := publish(draft(seated), plan, now)
	require.NoError(t, err)
	assert.Less(t, size(published, plan), daprclient.MaxAnswer)
	large := stadium(long)
	_, err = publish(draft(seated), large, now)
	assert.Equal(t, "plan_too_large", fault.CodeOf(err))
	large.Name, large.Categories = "Stadium", []catalog.PlanCategory{{Name: "A"}}
	raw, err := json.Marshal(large)
	require.NoError(t, err)
	uploaded, err := catalog.ParsePlan(raw)
	require.NoError(t, err)
	err = checkPlanSize(uploaded)
	assert.Equal(t, "plan_too_large", fault.CodeOf(err), "told when it is uploaded")
}

// A sale is cached and read by booking in JSON: its bytes are those of earlier releases.
func TestTheSaleOnTheWire(t *testing.T) {
	at := time.Date(2027, 5, 1, 18, 0, 0, 0, time.UTC)
	until := at.AddDate(0, 0, -7)
	seat := uuid.MustParse("0192f0c4-0000-7000-8000-000000000003")
	e := catalog.Event{
		ID: uuid.MustParse("0192f0c4-0000-7000-8000-000000000001"), Merchant: "m", Name: "Fest", Status: catalog.Draft, Version: 1,
		Venue:    catalog.Venue{Name: "Haus", City: "Wien", Country: "AT"},
		StartsAt: at, EndsAt: at.Add(2 * time.Hour), TimeZone: "Europe/Vienna", SalesStart: at.AddDate(0, -1, 0), SalesEnd: at,
		MaxPerOrder: 8, MaxPerAccount: 9, HighDemand: true, RefundableUntil: &until,
		TicketTypes: []catalog.TicketType{{ID: seat, Name: "Seat", Price: money.Money{Amount: 1250, Currency: "EUR"}, Capacity: 10, Seated: true, Categories: []string{"A"}}},
	}
	plan := &catalog.Plan{Zones: []catalog.Zone{{Name: "Parkett", Rows: []catalog.Row{{RowNumber: "1", Seats: []catalog.Seat{
		{GUID: "1-1", Number: "1", Category: "A", Position: catalog.Position{X: 1, Y: 2.5}},
		{GUID: "1-2", Number: "2", Category: "A", Kind: "wheelchair", Note: "restricted view"},
	}}}}}}
	raw, err := json.Marshal(saleView(e, plan))
	require.NoError(t, err)
	require.Equal(t, `{"id":"0192f0c4-0000-7000-8000-000000000001","version":1,"name":"Fest","status":"draft","merchant":"m","startsAt":"2027-05-01T18:00:00Z","endsAt":"2027-05-01T20:00:00Z","timeZone":"Europe/Vienna","venue":{"name":"Haus","city":"Wien","country":"AT"},"salesStart":"2027-04-01T18:00:00Z","salesEnd":"2027-05-01T18:00:00Z","maxPerOrder":8,"maxPerAccount":9,"highDemand":true,"currency":"EUR","refundableUntil":"2027-04-24T18:00:00Z","planVersion":0,"ticketTypes":[{"id":"0192f0c4-0000-7000-8000-000000000003","name":"Seat","price":{"amount":1250,"currency":"EUR"},"capacity":10,"seated":true}],"units":[{"id":"1-1","ticketType":"0192f0c4-0000-7000-8000-000000000003","label":"Parkett, 1-1","zone":"Parkett","row":"1","number":"1","x":1,"y":2.5,"kind":"seat"},{"id":"1-2","ticketType":"0192f0c4-0000-7000-8000-000000000003","label":"Parkett, 1-2 (restricted view)","zone":"Parkett","row":"1","number":"2","note":"restricted view","kind":"wheelchair"}]}`, string(raw))
	raw, err = json.Marshal(saleView(catalog.Event{}, nil))
	require.NoError(t, err)
	require.Contains(t, string(raw), `"planVersion":0,"ticketTypes":[],"units":null}`)
}
