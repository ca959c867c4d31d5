package postgres

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/booking"
)

// TestStoredRows: these bytes stand in the columns units and occasion. They are read, and written the same.
func TestStoredRows(t *testing.T) {
	const units = `[{"id":"A1","type":"t","typeName":"Stalls","label":"Stalls, A-1","zone":"Stalls","row":"A","number":"1","amount":4500,"currency":"EUR"},{"id":"g-1","type":"g","typeName":"Standing","label":"Standing","amount":0,"currency":"EUR","released":true}]`
	b := booking.Booking{Units: []booking.BookedUnit{
		{HeldUnit: booking.HeldUnit{ID: "A1", TicketType: "t", TypeName: "Stalls", Label: "Stalls, A-1", Place: seat.Place{Zone: "Stalls", Row: "A", Number: "1"}, Price: money.Money{Amount: 4500, Currency: "EUR"}}},
		{HeldUnit: booking.HeldUnit{ID: "g-1", TicketType: "g", TypeName: "Standing", Label: "Standing", Price: money.Money{Currency: "EUR"}}, Released: true},
	}}
	raw, err := json.Marshal(unitRows(b))
	require.NoError(t, err)
	assert.Equal(t, units, string(raw))
	var rows []unitRow
	require.NoError(t, json.Unmarshal([]byte(units), &rows))
	for i, row := range rows {
		assert.Equal(t, b.Units[i], booking.BookedUnit{HeldUnit: row.HeldUnit(), Released: row.Released})
	}

	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for stored, snapshot := range map[string]booking.EventSnapshot{
		`{"name":"Concert","merchant":"m","startsAt":"2026-11-24T12:00:00Z","endsAt":"2026-11-24T14:00:00Z","timeZone":"Europe/Berlin","venueName":"Hall","venueCity":"Berlin","venueCountry":"DE"}`: {
			Name: "Concert", Merchant: "m", StartsAt: noon, EndsAt: noon.Add(2 * time.Hour), TimeZone: "Europe/Berlin", VenueName: "Hall", VenueCity: "Berlin", VenueCountry: "DE",
		},
		`{"name":"Concert","merchant":"m","startsAt":"2026-11-24T12:00:00Z","endsAt":"2026-11-24T14:00:00Z","timeZone":"UTC","venueName":"","venueCity":"","venueCountry":"","refundableUntil":"2026-11-24T12:00:00Z","highDemand":true,"perAccount":8}`: {
			Name: "Concert", Merchant: "m", StartsAt: noon, EndsAt: noon.Add(2 * time.Hour), TimeZone: "UTC", RefundableUntil: &noon, HighDemand: true, PerAccount: 8,
		},
	} {
		raw, err := json.Marshal(occasionRow(snapshot))
		require.NoError(t, err)
		assert.Equal(t, stored, string(raw))
		var row occasionRow
		require.NoError(t, json.Unmarshal([]byte(stored), &row))
		assert.Equal(t, snapshot, booking.EventSnapshot(row))
	}
}
