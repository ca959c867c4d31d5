package database_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// Not repeatable: run twice, a migration fails; run half, the second does.
var migrations = fstest.MapFS{
	"0001_things.sql": {Data: []byte("-- +goose Up\nCREATE TABLE things (id int PRIMARY KEY CHECK (id > 0));\nINSERT INTO things VALUES (1);\n")},
	"0002_more.sql":   {Data: []byte("-- +goose Up\nSELECT pg_sleep(0.2);\nINSERT INTO things VALUES (2);\n")},
}

func TestReplicasThatStartTogetherMigrateOnce(t *testing.T) {
	url := harness.Postgres(t)
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			pool, err := database.Open(t.Context(), url, migrations)
			if !assert.NoError(t, err) {
				return
			}
			defer pool.Close()
			var n int
			assert.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM things").Scan(&n))
			assert.Equal(t, 2, n, "nobody starts before the schema is there")
		})
	}
	group.Wait()
}

func TestABrokenMigrationStopsTheStart(t *testing.T) {
	broken := fstest.MapFS{"0001_x.sql": {Data: []byte("-- +goose Up\nCREATE TABEL x ();\n")}}
	_, err := database.Open(t.Context(), harness.Postgres(t), broken)
	assert.ErrorContains(t, err, "migrate")
}

func TestStatementsAreBoundedByTheServer(t *testing.T) {
	pool, err := database.Open(t.Context(), harness.Postgres(t)+"&statement_timeout=100", migrations)
	require.NoError(t, err)
	defer pool.Close()
	_, err = pool.Exec(context.WithoutCancel(t.Context()), "SELECT pg_sleep(30)")
	assert.ErrorContains(t, err, "statement timeout")
	var limit string
	for name, want := range map[string]string{"lock_timeout": "3s", "idle_in_transaction_session_timeout": "15s"} {
		require.NoError(t, pool.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&limit))
		assert.Equal(t, want, limit, name)
	}
}

func TestViolationsAreTold(t *testing.T) {
	pool, err := database.Open(t.Context(), harness.Postgres(t), migrations)
	require.NoError(t, err)
	defer pool.Close()
	_, err = pool.Exec(t.Context(), "INSERT INTO things VALUES (1)")
	assert.True(t, database.Violates(err, database.UniqueViolation, ""))
	assert.True(t, database.Violates(err, database.UniqueViolation, "things_pkey"))
	assert.False(t, database.Violates(err, database.UniqueViolation, "another"))
	assert.False(t, database.Violates(err, database.CheckViolation, ""))
	_, err = pool.Exec(t.Context(), "INSERT INTO things VALUES (0)")
	assert.True(t, database.Violates(err, database.CheckViolation, ""))
	assert.False(t, database.Violates(nil, database.UniqueViolation, ""))
}

func TestATransactionIsAllOrNothing(t *testing.T) {
	pool, err := database.Open(t.Context(), harness.Postgres(t), migrations)
	require.NoError(t, err)
	defer pool.Close()
	insert := func(id int, end error) error {
		return database.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "INSERT INTO things VALUES ($1)", id); err != nil {
				return err
			}
			return end
		})
	}
	refused := errors.New("refused")
	assert.ErrorIs(t, insert(10, refused), refused)
	assert.NoError(t, insert(10, nil), "the refused one left nothing")
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	assert.Error(t, database.InTx(ctx, pool, func(pgx.Tx) error { return nil }))
}
