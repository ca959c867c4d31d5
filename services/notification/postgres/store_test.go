package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/event"
	base "github.com/foyer-tickets/foyer/internal/postgres"
	"github.com/foyer-tickets/foyer/services/notification"
	"github.com/foyer-tickets/foyer/services/notification/postgres"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// Messages are exported a page at a time, and go with the mails that are due.
func TestMessagesAreExportedAndErased(t *testing.T) {
	pool, err := base.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	defer pool.Close()
	s, ctx := postgres.Store{Pool: pool}, t.Context()
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for i := range 501 {
		_, err := s.Add(ctx, notification.Message{ID: uuid.New(), Account: "anna", Kind: event.NoticeBookingConfirmed, At: at.Add(time.Duration(i) * time.Second)}, true)
		require.NoError(t, err)
	}
	_, err = s.Add(ctx, notification.Message{ID: uuid.New(), Account: "ben", Kind: event.NoticeYourTurn, At: at}, true)
	require.NoError(t, err)
	page, err := s.Export(ctx, "anna", "")
	require.NoError(t, err)
	require.Len(t, page.Sections["messages"], 500)
	page, err = s.Export(ctx, "anna", page.Next)
	require.NoError(t, err)
	require.Len(t, page.Sections["messages"], 1)
	require.Empty(t, page.Next)
	require.NoError(t, s.Erase(ctx, "anna", "deleted-1"))
	var messages, mails int
	require.NoError(t, pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM mails)`).Scan(&messages, &mails))
	require.Equal(t, 1, messages, "ben's")
	require.Equal(t, 1, mails)
}
