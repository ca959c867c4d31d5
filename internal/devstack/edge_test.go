package devstack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestThePagesPolicyNamesStripeOnlyWhereItIsPaidThere runs the gateway alone, with the simulator
// and with keys of somebody's own.
func TestThePagesPolicyNamesStripeOnlyWhereItIsPaidThere(t *testing.T) {
	for name, tc := range map[string]struct {
		key     string
		present []string
		absent  []string
	}{
		"simulator": {"", []string{"frame-src http://localhost:12112;"}, []string{"stripe.com"}},
		"own keys": {
			"sk_test_somebodys", []string{
				"script-src 'self' https://js.stripe.com https://*.js.stripe.com;", "connect-src 'self' https://api.stripe.com;",
				"frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com;",
			}, []string{"localhost:12112", "unsafe-eval"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := Load()
			require.NoError(t, err)
			cfg.Data, cfg.StripeSecretKey, cfg.Ports.StripeForm = t.TempDir(), tc.key, 12112
			var held []net.Listener
			for _, port := range []*int{&cfg.Ports.Gateway, &cfg.Ports.Keycloak} {
				free, err := net.Listen("tcp", "127.0.0.1:0")
				require.NoError(t, err)
				held = append(held, free)
				*port = free.Addr().(*net.TCPAddr).Port
			}
			apps, err := LoadApps(cfg)
			require.NoError(t, err)
			gateway := (&Stack{Config: cfg, Apps: apps}).gateway()
			require.NoError(t, gateway.Prepare(t.Context(), func(Step) {}))
			nginx, err := gateway.Command()
			require.NoError(t, err)
			for _, free := range held {
				require.NoError(t, free.Close())
			}
			require.NoError(t, nginx.Start())
			t.Cleanup(func() {
				_ = nginx.Process.Signal(syscall.SIGTERM)
				_ = nginx.Wait()
			})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			for gateway.Ready(ctx) != nil && ctx.Err() == nil {
				time.Sleep(20 * time.Millisecond)
			}
			res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/healthz", cfg.Ports.Gateway))
			require.NoError(t, err)
			res.Body.Close()
			policy := res.Header.Get("Content-Security-Policy")
			for _, part := range tc.present {
				assert.Contains(t, policy, part)
			}
			for _, part := range tc.absent {
				assert.NotContains(t, policy, part)
			}
		})
	}
}
