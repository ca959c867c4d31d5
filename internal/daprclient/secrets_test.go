package daprclient_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestSecretsFillAConfiguration(t *testing.T) {
	client, err := daprclient.New(harness.Sidecar(t, messages.Payment, nil))
	require.NoError(t, err)
	defer client.Close()
	var cfg struct {
		Provider struct {
			Key     string `secret:"stripe-secret-key"`
			Webhook string `secret:"stripe-webhook-secret"`
			Other   string
		}
		Database string `secret:"payment-database-url"`
		Timeout  time.Duration
	}
	require.NoError(t, client.LoadSecrets(t.Context(), &cfg))
	require.NotEmpty(t, cfg.Provider.Key)
	require.Regexp(t, "^whsec_", cfg.Provider.Webhook)
	require.Contains(t, cfg.Database, "/payment?")
	require.Empty(t, cfg.Provider.Other)

	var others struct {
		Database string `secret:"booking-database-url"`
	}
	began := time.Now()
	require.ErrorContains(t, client.LoadSecrets(t.Context(), &others), "booking-database-url")
	require.Less(t, time.Since(began), time.Minute, "what is forbidden is not waited for")
	var wrong struct {
		Limit int `secret:"stripe-secret-key"`
	}
	require.ErrorContains(t, client.LoadSecrets(t.Context(), &wrong), "not a string")
}

func TestSecretsAreWaitedForAndNotForEver(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()                                                                                                          // nobody answers there
	client, err := daprclient.New(daprclient.Config{Host: "127.0.0.1", GRPCPort: uint16(port), APIToken: "a", AppToken: "b"}) //nolint:gosec // a port
	require.NoError(t, err)
	defer client.Close()
	var cfg struct {
		Database string `secret:"payment-database-url"`
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorContains(t, client.LoadSecrets(ctx, &cfg), "payment-database-url")
	require.Error(t, ctx.Err(), "it was asked for again until the end")
}

// A token that is empty would let in everybody who sends none.
func TestAnEmptyTokenGuardsNothing(t *testing.T) {
	require.Panics(t, func() { daprclient.Guarded(mux.NewRouter(), "") })
	require.Panics(t, func() { daprclient.OwnApp(mux.NewRouter(), "") })
}
