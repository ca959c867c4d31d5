package integration

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/tests/harness"
)

// askTooOften has the gateway refuse requests, and asks until it does.
func askTooOften(t *testing.T, paths ...string) {
	t.Helper()
	p := harness.Everything(t)
	for _, path := range paths {
		client := from("127.0.0.78")
		var refused atomic.Bool
		var group errgroup.Group
		for range 16 {
			group.Go(func() error {
				for range 200 {
					if refused.Load() {
						return nil
					}
					res, err := client.Get(p.URL() + path)
					if err != nil {
						return err
					}
					res.Body.Close()
					if res.StatusCode == http.StatusTooManyRequests {
						refused.Store(true)
					}
				}
				return nil
			})
		}
		require.NoError(t, group.Wait())
		require.True(t, refused.Load(), "%s is never refused", path)
	}
}

// breakRules has the database refuse what somebody wrote.
func breakRules(t *testing.T, p *harness.Platform, email string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), p.Config.DatabaseURL("notification"))
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	_, err = conn.Exec(t.Context(), `CREATE TEMP TABLE people (email text PRIMARY KEY, CHECK (length(email) < 100))`)
	require.NoError(t, err)
	for range 2 {
		_, err = conn.Exec(t.Context(), `INSERT INTO people VALUES ($1)`, email)
	}
	require.Error(t, err)
	for _, wrong := range []string{`INSERT INTO people VALUES ('` + email + strings.Repeat("x", 100) + `')`, `SELECT '` + email + `' FROM nowhere`} {
		_, err = conn.Exec(t.Context(), wrong)
		require.Error(t, err)
	}
}
