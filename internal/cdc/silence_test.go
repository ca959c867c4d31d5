package cdc

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
)

// silent connects to a database that takes everything and answers nothing, as behind a network
// that drops packets.
func silent(t *testing.T) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig("postgres://foyer@127.0.0.1/notes?sslmode=disable")
	require.NoError(t, err)
	near, far := net.Pipe()
	dialed := false
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		if dialed {
			return nil, errors.New("no route to host")
		}
		dialed = true
		return near, nil
	}
	go func() {
		defer far.Close()
		backend := pgproto3.NewBackend(far, far)
		if _, err := backend.ReceiveStartupMessage(); err != nil {
			return
		}
		backend.Send(&pgproto3.AuthenticationOk{})
		backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if backend.Flush() == nil {
			_, _ = io.Copy(io.Discard, far)
		}
	}()
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		near.Close()
		<-conn.PgConn().CleanupDone()
	})
	return conn
}

func TestNoQueryOutlivesTheSilence(t *testing.T) {
	for name, query := range map[string]func(context.Context, *pgx.Conn) error{
		"is a transaction visible": func(ctx context.Context, db *pgx.Conn) error {
			return (&follower{db: db}).awaitVisible(ctx, 4711)
		},
		"a message is set aside": func(ctx context.Context, db *pgx.Conn) error {
			return (&Relay{db: db}).setAside(ctx, "notes", daprclient.Message{Key: "1"}, errors.New("too large"))
		},
		"a change is read": func(ctx context.Context, db *pgx.Conn) error {
			f := &follower{relations: map[uint32]*pglogrepl.RelationMessage{1: {}}, relay: &Relay{Map: func(ctx context.Context, _ Change) ([]Message, error) {
				_, err := db.Exec(ctx, `SELECT FROM events`)
				return nil, err
			}}}
			return f.add(ctx, Update, 1, &pglogrepl.TupleData{})
		},
		"lock": func(ctx context.Context, db *pgx.Conn) error {
			_, err := tryLock(ctx, db, "slot")
			return err
		},
		"unlock":      func(ctx context.Context, db *pgx.Conn) error { return unlock(ctx, db, "slot") },
		"publication": func(ctx context.Context, db *pgx.Conn) error { return (&Relay{Name: "notes"}).prepare(ctx, db) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // waits for ever, seen as a deadlock, without a deadline
				require.ErrorIs(t, query(t.Context(), silent(t)), context.DeadlineExceeded)
			})
		})
	}
}
