package daprstore_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/waitingroom"
	"github.com/foyer-tickets/foyer/services/waitingroom/daprstore"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// A line that is older than the registers gets into one when it changes: an erasure has to find it.
func TestAnOlderLineIsRegisteredByItsNextCommit(t *testing.T) {
	var lines daprstore.LineStore
	harness.Sidecar(t, messages.WaitingRoom, func(cfg daprclient.Config) http.Handler {
		client, err := daprclient.New(cfg)
		require.NoError(t, err)
		t.Cleanup(client.Close)
		lines = daprstore.NewLineStore(client.Store(messages.Line))
		return http.NotFoundHandler()
	}, messages.Line)
	id := uuid.New()
	older, err := daprstore.EncodeLine(waitingroom.NewLine(id))
	require.NoError(t, err)
	require.NoError(t, lines.Store.Transact(t.Context(), []daprclient.Op{{Key: daprstore.LineKey(id), Value: older}}))
	events := func() []uuid.UUID {
		all, err := lines.Events(t.Context())
		require.NoError(t, err)
		return all
	}
	require.NotContains(t, events(), id)
	line, version, err := lines.Load(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, lines.Commit(t.Context(), id, waitingroom.Change{Line: line, Version: version}))
	require.Contains(t, events(), id)
}
