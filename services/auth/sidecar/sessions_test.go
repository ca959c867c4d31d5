package sidecar_test

import (
	"testing"

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
