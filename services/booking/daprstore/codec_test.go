package daprstore

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/booking"
)

// TestStoredSeatsAndCaps: these bytes stand in the state store. They are read, and written the same.
func TestStoredSeatsAndCaps(t *testing.T) {
	hold, until := uuid.MustParse("0192f0c4-0000-7000-8000-000000000001"), time.UnixMilli(1_795_556_572_644)
	for stored, seat := range map[string]booking.Seat{
		`{"hold":"0192f0c4-0000-7000-8000-000000000001","state":"h","until":1795556572644}`:       {State: booking.Held, Hold: hold, Until: until},
		`{"hold":"0192f0c4-0000-7000-8000-000000000001","state":"h","until":1795556572644,"v":2}`: {State: booking.Held, Hold: hold, Until: until, Version: 2},
		`{"hold":"0192f0c4-0000-7000-8000-000000000001","state":"b"}`:                             {State: booking.Booked, Hold: hold},
		`{"hold":"00000000-0000-0000-0000-000000000000","state":"a"}`:                             {State: booking.Available},
	} {
		got, err := DecodeSeat([]byte(stored))
		require.NoError(t, err)
		assert.Equal(t, seat, got)
		assert.Equal(t, stored, string(EncodeSeat(seat)))
	}
	for stored, c := range map[string]booking.Cap{
		`{}`: {},
		`{"booked":2,"holds":[{"hold":"0192f0c4-0000-7000-8000-000000000001","units":3,"until":1795556572644}]}`: {
			Booked: 2, Holds: []booking.CapHold{{Hold: hold, Units: 3, Until: until}},
		},
		`{"returns":1,"returned":1795556572644}`: {Returns: 1, Returned: until},
	} {
		got, err := DecodeCap([]byte(stored))
		require.NoError(t, err)
		assert.Equal(t, c, got)
		assert.Equal(t, stored, string(EncodeCap(c)))
	}
	event := uuid.MustParse("0192f0c4-0000-7000-8000-00000000000e")
	assert.Equal(t, "seat:0192f0c4-0000-7000-8000-00000000000e:A1", SeatKey(event, "A1"))
	assert.Equal(t, "cap:0192f0c4-0000-7000-8000-00000000000e:buyer", CapKey(event, "buyer"))
	assert.Equal(t, "hold:0192f0c4-0000-7000-8000-000000000001", HoldKey(hold))
}
