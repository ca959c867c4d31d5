package seatmap

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// TestSeatChangesFitIntoAMessage: and so does what a booking's outcome says.
func TestSeatChangesFitIntoAMessage(t *testing.T) {
	longID := uuid.Max.String() + "-100000"
	one := messages.SeatChange{Unit: longID, State: "h", Until: 1 << 42, Hold: uuid.Max, Version: 1 << 41}
	require.LessOrEqual(t, len(wire.MustEncode(one))+1, changeSize)
	require.LessOrEqual(t, maxChanges*changeSize+200, messages.MaxPayload(messages.SeatChanges, true))
	all := make([]string, 50)
	for i := range all {
		all[i] = longID
	}
	require.LessOrEqual(t, len(wire.MustEncode(messages.BookingChanged{Account: uuid.Max.String(), Units: all, Reason: strings.Repeat("x", 100)})), messages.MaxPayload(messages.BookingEvents, false))
}
