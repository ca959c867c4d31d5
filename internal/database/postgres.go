// Package database opens a service's PostgreSQL database and applies its migrations.
package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Open connects, applies the migrations (files NNNN_name.sql at the root of migrations, in goose format) and
// returns the pool. Replicas that start together migrate one after another, serialised by an advisory lock.
// Every statement has a server-side timeout, so that a missing deadline cannot block a connection.
func Open(ctx context.Context, url string, migrations fs.FS) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	cfg.MaxConnIdleTime = 5 * time.Minute
	cfg.MaxConns = max(cfg.MaxConns, maxConns) // the library's default counts cores, not waiting requests
	setDefault(cfg.ConnConfig.RuntimeParams, "statement_timeout", "5000")
	setDefault(cfg.ConnConfig.RuntimeParams, "lock_timeout", "3000")
	setDefault(cfg.ConnConfig.RuntimeParams, "idle_in_transaction_session_timeout", "15000")

	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if err := migrate(ctx, cfg.ConnConfig, migrations); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

const maxConns = 16

func migrate(ctx context.Context, cfg *pgx.ConnConfig, migrations fs.FS) error {
	cfg = cfg.Copy()
	// A migration may take long, and may have to wait for other replicas.
	for _, limit := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		cfg.RuntimeParams[limit] = "0"
	}
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("postgres: migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("postgres: migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("postgres: migrate: %w", err)
	}
	return nil
}

func setDefault(params map[string]string, name, value string) {
	if _, ok := params[name]; !ok {
		params[name] = value
	}
}

// SQLSTATE codes that stores check (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	UniqueViolation      = "23505"
	ForeignKeyViolation  = "23503"
	CheckViolation       = "23514"
	SerializationFailure = "40001"
	NoDataFound          = "P0002"
)

// Violates reports whether err has the SQLSTATE code and, if constraint is not empty, names that constraint.
func Violates(err error, code, constraint string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == code && (constraint == "" || pg.ConstraintName == constraint)
}

// InTx runs f in a transaction and commits if f returns nil. f must not make remote calls, since a slow peer
// would then hold row locks.
func InTx(ctx context.Context, pool *pgxpool.Pool, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, pool, f)
}

// InBatches repeats a statement until it affects fewer than size rows. The statement must affect at most as
// many rows as its last argument, which is size. Each batch is its own transaction, so completed batches are
// kept if there is no time for the rest.
func InBatches(ctx context.Context, pool *pgxpool.Pool, size int64, sql string, args ...any) error {
	args = append(args, size)
	for {
		tag, err := pool.Exec(ctx, sql, args...)
		if err != nil || tag.RowsAffected() < size {
			return err
		}
	}
}

// InTwo runs a transaction in two round trips. look queues queries, each with the function that receives its
// rows; change then decides and queues the writes, which are sent together with the commit. Any error rolls
// back everything. look and change must not make remote calls.
func InTwo(ctx context.Context, pool *pgxpool.Pool, look func(*pgx.Batch), change func(*pgx.Batch) error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	look(batch)
	if err = conn.SendBatch(ctx, batch).Close(); err == nil {
		batch = &pgx.Batch{}
		if err = change(batch); err == nil {
			batch.Queue("COMMIT")
			err = conn.SendBatch(ctx, batch).Close()
		}
	}
	if err != nil && conn.Conn().PgConn().TxStatus() != idle {
		// A connection that cannot roll back is closed, which ends its transaction.
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
		defer cancel()
		if _, undone := conn.Exec(undo, "ROLLBACK"); undone != nil {
			err = errors.Join(err, undone)
		}
	}
	return err
}

const (
	idle        = 'I' // no transaction, in the protocol's words
	undoTimeout = 2 * time.Second
)
