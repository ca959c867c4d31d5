package database_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// network is the way to a database, which can stop to carry anything without anybody being told.
type network struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	lost  bool
	conns []net.Conn
}

func (n *network) serve() {
	for {
		near, err := n.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", n.target)
		if err != nil {
			near.Close()
			continue
		}
		n.mu.Lock()
		n.conns = append(n.conns, near, far)
		n.mu.Unlock()
		go n.carry(far, near)
		go n.carry(near, far)
	}
}

func (n *network) carry(to, from net.Conn) {
	buffer := make([]byte, 4096)
	for {
		size, err := from.Read(buffer)
		n.mu.Lock()
		lost := n.lost
		n.mu.Unlock()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed):
			to.Close()
			return
		case err != nil:
			return
		case !lost:
			_, _ = to.Write(buffer[:size])
		}
	}
}

func (n *network) lose() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lost = true
}

// A lock is given up in bounded time when the database does not answer any more, by ending its
// session, and is somebody else's then.
func TestALockIsGivenUpAlsoWhereNobodyAnswers(t *testing.T) {
	const key = 4711
	address := harness.Postgres(t)
	u, err := url.Parse(address)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	way := &network{listener: listener, target: u.Host}
	go way.serve()
	u.Host = listener.Addr().String()
	pool, err := pgxpool.New(t.Context(), u.String())
	require.NoError(t, err)
	other, err := pgxpool.New(t.Context(), address)
	require.NoError(t, err)
	defer other.Close()

	ours, theirs := database.Leader{Pool: pool, Key: key}, database.Leader{Pool: other, Key: key}
	mine := func(context.Context) error { return nil }
	entered := false
	require.NoError(t, ours.Try(t.Context(), func(ctx context.Context) error {
		entered = true
		require.ErrorIs(t, theirs.Try(ctx, mine), database.ErrLocked)
		return nil
	}))
	require.True(t, entered)
	require.NoError(t, theirs.Try(t.Context(), mine), "given up in the ordinary way")

	done := make(chan error, 1)
	go func() {
		done <- ours.Try(t.Context(), func(ctx context.Context) error {
			way.lose()
			<-ctx.Done() // the session is found lost
			return context.Cause(ctx)
		})
	}()
	select {
	case err := <-done:
		assert.ErrorIs(t, err, database.ErrLockLost)
	case <-time.After(30 * time.Second):
		t.Fatal("the lock is not given up while the database does not answer")
	}
	closed := make(chan struct{})
	go func() { pool.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(30 * time.Second):
		t.Fatal("the pool waits for a connection that it lost")
	}
	harness.Eventually(t, 30*time.Second, "another session has the lock", func() error {
		return theirs.Try(t.Context(), mine)
	})
}
