package saga_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/booking/saga"
)

// What works off a queue has more time for an item than the item's calls may take.
func TestTimeoutsCoverTheirCalls(t *testing.T) {
	require.Greater(t, saga.DriveTimeout, daprclient.Deadline(messages.Payment)+daprclient.Deadline(messages.Seats))
	require.Greater(t, saga.NotifyTimeout, daprclient.Deadline(messages.Seats)+daprclient.Deadline(messages.PubSub))
}
