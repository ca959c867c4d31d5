package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// releaseTimeout is the timeout of statements that run before a connection returns to its pool.
const releaseTimeout = time.Second

// ErrLocked means that another session has the lock.
var ErrLocked = errors.New("another session has the lock")

// WithLock runs f while a session of the pool holds an advisory lock exclusively. alive, called within f,
// checks that the session still exists; the lock is lost with it.
//
// The lock is released in bounded time even if the database does not answer: the connection is then closed
// instead of returned to the pool, and Postgres releases the session's locks.
func WithLock(ctx context.Context, pool *pgxpool.Pool, key int64, f func(ctx context.Context, alive func(context.Context) error) error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	defer conn.Release()
	var got bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, key).Scan(&got); err != nil {
		discard(ctx, conn) // it may have been granted all the same
		return fmt.Errorf("lock: %w", err)
	}
	if !got {
		return ErrLocked
	}
	defer func() { Restore(ctx, conn, `SELECT pg_advisory_unlock($1)`, key) }()
	return f(ctx, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, `SELECT 1`)
		return err
	})
}

// Restore runs what a connection needs before it may return to its pool, and closes the connection if that
// fails or takes too long. It works after ctx has ended.
func Restore(ctx context.Context, conn *pgxpool.Conn, sql string, args ...any) {
	soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout/2)
	defer cancel()
	if _, err := conn.Exec(soon, sql, args...); err != nil {
		discard(ctx, conn)
	}
}

// discard closes a connection with a short timeout.
func discard(ctx context.Context, conn *pgxpool.Conn) {
	soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout/2)
	defer cancel()
	_ = conn.Conn().Close(soon)
}
