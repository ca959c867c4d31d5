package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// releaseTimeout is the timeout of statements that run before a connection returns to its pool.
const releaseTimeout = time.Second

// Leader runs work on one replica at a time: the one with a session that holds the advisory lock Key.
//
// The session is a connection of Pool that is kept for the lock alone, and checked every second. When it
// is lost, so is the lock: the context of the work ends, with ErrLockLost as its cause. Another replica
// may begin up to leaderCheck + leaderTimeout before that, so the work must bear two of it for so long.
// Every statement has a timeout. If the lock cannot be released in time, the connection is closed instead
// of returned to the pool, and Postgres releases the locks of its session.
type Leader struct {
	Pool *pgxpool.Pool
	Key  int64
}

var (
	// ErrLocked means that another session has the lock.
	ErrLocked = errors.New("another session has the lock")
	// ErrLockLost means that the session that had the lock does not answer.
	ErrLockLost = errors.New("the lock is lost")
)

const (
	leaderRetry   = time.Second     // between tries to become the leader
	leaderCheck   = time.Second     // between checks of the session
	leaderTimeout = 5 * time.Second // of one statement
)

// Run runs f whenever this process leads, until ctx ends. f runs again a second after it has returned; its
// error is logged.
func (l Leader) Run(ctx context.Context, f func(context.Context) error) error {
	return worker.Every(ctx, leaderRetry, func(ctx context.Context) {
		if err := l.Try(ctx, f); err != nil && !errors.Is(err, ErrLocked) && ctx.Err() == nil {
			slog.WarnContext(ctx, "leader interrupted", "lock", l.Key, "error", err)
		}
	})
}

// Try runs f if no other session has the lock, and returns ErrLocked otherwise.
func (l Leader) Try(ctx context.Context, f func(context.Context) error) error {
	conn, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	defer func() { Restore(ctx, conn, `SELECT pg_advisory_unlock($1)`, l.Key) }()

	work, cancel := context.WithCancelCause(ctx)
	var checks sync.WaitGroup
	checks.Go(func() { // not while the lock is released: a connection does one thing at a time
		_ = worker.Every(work, leaderCheck, func(ctx context.Context) {
			if err := check(ctx, conn); err != nil {
				cancel(fmt.Errorf("%w: %w", ErrLockLost, err))
			}
		})
	})
	defer checks.Wait()
	defer cancel(nil)
	err = f(work)
	if lost := context.Cause(work); errors.Is(lost, ErrLockLost) {
		return errors.Join(lost, err)
	}
	return err
}

// lock gives a connection whose session has the lock.
func (l Leader) lock(ctx context.Context) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, leaderTimeout)
	defer cancel()
	conn, err := l.Pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	var got bool
	if err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, l.Key).Scan(&got); err != nil {
		discard(ctx, conn) // it may have been granted all the same
		err = fmt.Errorf("lock: %w", err)
	} else if !got {
		err = ErrLocked
	}
	if err != nil {
		conn.Release()
		return nil, err
	}
	return conn, nil
}

// check asks the session for an answer. It is not broken off when ctx ends: that would close the connection.
func check(ctx context.Context, conn *pgxpool.Conn) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaderTimeout)
	defer cancel()
	_, err := conn.Exec(ctx, `SELECT 1`)
	return err
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
