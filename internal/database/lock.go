package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// releaseTimeout bounds what is done on a connection before it goes back to its pool.
const releaseTimeout = time.Second

// ErrLocked says that another session has the lock.
var ErrLocked = errors.New("another session has the lock")

// WithLock runs f while a session of the pool has an advisory lock, which nobody else then has.
// alive, called within f, tells whether the session is still there: the lock goes with it.
//
// The lock is given up in bounded time also when the database does not answer: the connection is
// then closed instead of given back, and Postgres releases what its session had.
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

// Restore runs what a connection needs before it may go back to its pool, and closes it when that
// cannot be done soon. It works after ctx has ended.
func Restore(ctx context.Context, conn *pgxpool.Conn, sql string, args ...any) {
	soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout/2)
	defer cancel()
	if _, err := conn.Exec(soon, sql, args...); err != nil {
		discard(ctx, conn)
	}
}

// discard closes a connection, without waiting for long that the other side agrees.
func discard(ctx context.Context, conn *pgxpool.Conn) {
	soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout/2)
	defer cancel()
	_ = conn.Conn().Close(soon)
}
