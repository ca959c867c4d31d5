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

// Open connects, applies the migrations (files NNNN_name.sql at the root of migrations, goose
// format) and returns the pool. Replicas that start together take turns behind an advisory lock.
// Every statement gets a server-side limit so that a forgotten context cannot hold a connection.
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
	// A migration may take long, and waits for other replicas.
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

// SQLSTATE codes stores ask for (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	UniqueViolation      = "23505"
	ForeignKeyViolation  = "23503"
	CheckViolation       = "23514"
	SerializationFailure = "40001"
	NoDataFound          = "P0002"
)

// Violates says whether err carries the SQLSTATE code and, when constraint is not empty, names it.
func Violates(err error, code, constraint string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == code && (constraint == "" || pg.ConstraintName == constraint)
}

// InTx runs f in one transaction and commits when f returns nil.
// There is no remote call inside f: a slow peer must not hold a row.
func InTx(ctx context.Context, pool *pgxpool.Pool, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, pool, f)
}

// InBatches repeats a statement until it affects fewer than size rows. The statement affects at most as
// many as its last argument, which is size. Each batch is a transaction of its own: what was done stays
// done when there is no time for the rest, and whoever tries again has less to do.
func InBatches(ctx context.Context, pool *pgxpool.Pool, size int64, sql string, args ...any) error {
	args = append(args, size)
	for {
		tag, err := pool.Exec(ctx, sql, args...)
		if err != nil || tag.RowsAffected() < size {
			return err
		}
	}
}

// InTwo runs a transaction in two round trips. look queues what is read, each with the function
// that takes its rows; change then decides by it and queues what is written, which goes together
// with the commit. An error of any of them undoes it all. Nothing within it calls anybody.
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
		// A connection that cannot even do this is thrown away with its transaction.
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
