package postgres_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/payment"
	"github.com/foyer-tickets/foyer/services/payment/postgres"
)

func TestAReportIsNotKeptForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, err := pgxpool.ParseConfig("postgres://foyer@127.0.0.1/payment?sslmode=disable")
		require.NoError(t, err)
		cfg.ConnConfig.ConnectTimeout = 0
		cfg.ConnConfig.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done() // the database does not answer
			return nil, ctx.Err()
		}
		pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
		require.NoError(t, err)
		defer pool.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		require.ErrorIs(t, postgres.Store{Pool: pool}.SaveReport(ctx, payment.Reconciliation{}), context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, time.Since(began)) // of the bubble: pgx gives up by itself only later
	})
}
