package app

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/process"
)

// TestTheWaitIsOnByDefault: whoever runs Foyer without a word about it has it.
func TestTheWaitIsOnByDefault(t *testing.T) {
	for _, name := range []string{"DAPR_HTTP_PORT", "DAPR_GRPC_PORT", "DAPR_API_TOKEN", "APP_API_TOKEN", "OIDC_ISSUER", "OIDC_JWKS_URL"} {
		t.Setenv(name, "1") // what has to be there
	}
	cfg, err := process.Load[Config]()
	require.NoError(t, err)
	assert.True(t, cfg.Cooldown)
	assert.False(t, cfg.seats(nil).Lenient)
	t.Setenv("FOYER_HOLD_COOLDOWN", "false")
	cfg, err = process.Load[Config]()
	require.NoError(t, err)
	assert.True(t, cfg.seats(nil).Lenient)
}
