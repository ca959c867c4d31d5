package catalog_test

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
		raw, err := json.Marshal(e.ForSale(plan))
		require.NoError(t, err)
		return len(raw)
	}
	long := strings.Repeat("ß", 100)
	standing, err := draft(catalog.TicketType{Name: long, Capacity: 100_000}, catalog.TicketType{Name: long + "2", Capacity: 100_000}).Publish(nil, now)
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
	published, err := draft(seated).Publish(plan, now)
	require.NoError(t, err)
	assert.Less(t, size(published, plan), daprclient.MaxAnswer)
	large := stadium(long)
	_, err = draft(seated).Publish(large, now)
	assert.Equal(t, "plan_too_large", fault.CodeOf(err))
	large.Name, large.Categories = "Stadium", []catalog.PlanCategory{{Name: "A"}}
	raw, err := json.Marshal(large)
	require.NoError(t, err)
	_, err = catalog.ParsePlan(raw)
	assert.Equal(t, "plan_too_large", fault.CodeOf(err), "told when it is uploaded")
}
