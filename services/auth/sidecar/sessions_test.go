package sidecar_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/services/auth/authtest"
	dapr "github.com/foyer-tickets/foyer/services/auth/sidecar"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestSessionsInTheCache(t *testing.T) {
	client, err := sidecar.New(harness.Sidecar(t, event.Auth, nil, event.Cache))
	require.NoError(t, err)
	defer client.Close()
	authtest.Run(t, dapr.Sessions{Store: client.Store(event.Cache)})
}

func TestMarksOfConfirmedAddressesInTheCache(t *testing.T) {
	client, err := sidecar.New(harness.Sidecar(t, event.Auth, nil, event.Cache))
	require.NoError(t, err)
	defer client.Close()
	marks, account, at := dapr.Confirmations{Store: client.Store(event.Cache)}, uuid.NewString(), time.Now().UTC()
	mark, err := marks.Marked(t.Context(), account)
	require.NoError(t, err)
	require.True(t, mark.IsZero())
	for range 2 { // the later one counts
		at = at.Add(time.Second)
		require.NoError(t, marks.Mark(t.Context(), account, at))
		mark, err = marks.Marked(t.Context(), account)
		require.NoError(t, err)
		require.True(t, at.Equal(mark), "%s and %s", at, mark)
	}
}
