package clients

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/booking"
)

// General admission is only counted in the catalog's answer; its units follow the seats, by type and number.
func TestGeneralAdmissionFollowsTheSeats(t *testing.T) {
	read := func(text string) []booking.Unit {
		var a saleAnswer
		require.NoError(t, json.Unmarshal([]byte(text), &a))
		return a.sale().Units
	}
	const types = `"ticketTypes": [{"id": "b", "name": "Balcony", "capacity": 1, "seated": true}, {"id": "s", "name": "Standing", "capacity": 2}, {"id": "f", "name": "Front", "capacity": 1}]`
	want := []booking.Unit{
		{ID: "g1", TicketType: "b", Label: "Balcony, 1-1", Kind: booking.Seating},
		{ID: "s-1", TicketType: "s", Label: "Standing", Number: "1", Kind: booking.Standing},
		{ID: "s-2", TicketType: "s", Label: "Standing", Number: "2", Kind: booking.Standing},
		{ID: "f-1", TicketType: "f", Label: "Front", Number: "1", Kind: booking.Standing},
	}
	require.Equal(t, want, read(`{`+types+`, "units": [{"id": "g1", "ticketType": "b", "label": "Balcony, 1-1", "kind": "seat"}]}`))
	require.Equal(t, want, read(`{`+types+`, "units": [
		{"id": "g1", "ticketType": "b", "label": "Balcony, 1-1", "kind": "seat"},
		{"id": "s-1", "ticketType": "s", "label": "Standing", "number": "1", "kind": "standing"},
		{"id": "s-2", "ticketType": "s", "label": "Standing", "number": "2", "kind": "standing"},
		{"id": "f-1", "ticketType": "f", "label": "Front", "number": "1", "kind": "standing"}]}`), "a catalog that lists all of them")
	require.Empty(t, read(`{"ticketTypes": [{"id": "b", "name": "Balcony", "capacity": 0, "seated": true}]}`))
}
