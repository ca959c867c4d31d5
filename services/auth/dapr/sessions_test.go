package dapr_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/auth/authtest"
	"github.com/foyer-tickets/foyer/services/auth/dapr"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestSessionsInTheCache(t *testing.T) {
	client, err := daprclient.New(harness.Sidecar(t, messages.Auth, nil, messages.Cache))
	require.NoError(t, err)
	defer client.Close()
	authtest.Run(t, dapr.Sessions{Store: client.Store(messages.Cache)})
}

// A lease that ran out is another's: who had it before does not end it.
func TestALeaseIsReleasedByItsOwnerOnly(t *testing.T) {
	client, err := daprclient.New(harness.Sidecar(t, messages.Auth, nil, messages.Cache))
	require.NoError(t, err)
	defer client.Close()
	lease, name := dapr.Lease{Store: client.Store(messages.Cache)}, uuid.NewString()
	owner, err := lease.Acquire(t.Context(), name, time.Minute)
	require.NoError(t, err)
	require.NotEmpty(t, owner)
	for range 2 {
		require.NoError(t, lease.Release(t.Context(), name, "who had it before"))
		other, err := lease.Acquire(t.Context(), name, time.Minute)
		require.NoError(t, err)
		require.Empty(t, other)
	}
	require.NoError(t, lease.Release(t.Context(), name, owner))
	owner, err = lease.Acquire(t.Context(), name, time.Minute)
	require.NoError(t, err)
	require.NotEmpty(t, owner)
}

func TestMarksOfConfirmedAddressesInTheCache(t *testing.T) {
	client, err := daprclient.New(harness.Sidecar(t, messages.Auth, nil, messages.Cache))
	require.NoError(t, err)
	defer client.Close()
	marks, account, at := dapr.Confirmations{Store: client.Store(messages.Cache)}, uuid.NewString(), time.Now().UTC()
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
