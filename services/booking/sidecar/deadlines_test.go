package sidecar_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/services/booking"
)

// What works off a queue has more time for an item than the item's calls may take.
func TestTimeoutsCoverTheirCalls(t *testing.T) {
	require.Greater(t, booking.DriveTimeout, sidecar.Deadline(event.Payment)+sidecar.Deadline(event.Seats))
	require.Greater(t, booking.TellTimeout, sidecar.Deadline(event.Seats)+sidecar.Deadline(event.PubSub))
}
