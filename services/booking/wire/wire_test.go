package wire_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// TestStoredHolds: these bytes stand in stores and in the log. They are read, and written the same.
func TestStoredHolds(t *testing.T) {
	id, event := uuid.MustParse("0192f0c4-0000-7000-8000-000000000001"), uuid.MustParse("0192f0c4-0000-7000-8000-00000000000e")
	until := time.UnixMilli(1_795_556_572_644)
	for stored, hold := range map[string]booking.Hold{
		`{"event":"0192f0c4-0000-7000-8000-00000000000e","account":"buyer","units":[{"id":"g-1","type":"g","typeName":"Standing","label":"Standing","amount":4500,"currency":"EUR"}],"until":1795556572644,"status":"open"}`: {
			ID: id, Event: event, Account: "buyer", Until: until, Status: booking.HoldOpen,
			Units: []booking.HeldUnit{{ID: "g-1", TicketType: "g", TypeName: "Standing", Label: "Standing", Price: money.Money{Amount: 4500, Currency: "EUR"}}},
		},
		`{"event":"0192f0c4-0000-7000-8000-00000000000e","account":"buyer","units":[{"id":"A1","type":"t","typeName":"Stalls","label":"Stalls, A-1","zone":"Stalls","row":"A","number":"1","note":"aisle","amount":1,"currency":"JPY"}],"until":1795556572644,"status":"checkout","booking":"0192f0c4-0000-7000-8000-00000000000e","v":3}`: {
			ID: id, Event: event, Account: "buyer", Until: until, Status: booking.HoldCheckout, Booking: event, Version: 3,
			Units: []booking.HeldUnit{{
				ID: "A1", TicketType: "t", TypeName: "Stalls", Label: "Stalls, A-1", Place: seat.Place{Zone: "Stalls", Row: "A", Number: "1", Note: "aisle"},
				Price: money.Money{Amount: 1, Currency: "JPY"},
			}},
		},
	} {
		var v wire.Hold
		require.NoError(t, json.Unmarshal([]byte(stored), &v))
		assert.Equal(t, hold, v.ToHold(id))
		assert.Equal(t, stored, string(wire.MustEncode(wire.FromHold(hold))))
	}
}
