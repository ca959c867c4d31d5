package postgres_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/services/auth"
	"github.com/foyer-tickets/foyer/services/auth/postgres"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func open(t *testing.T) postgres.Store {
	t.Helper()
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return postgres.Store{Pool: pool, Key: []byte("k")}
}

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func event(account string, all bool, at time.Time) auth.Event {
	return auth.Event{
		Entry:   auth.Entry{ID: uuid.Must(uuid.NewV7()), At: at, Kind: auth.AuditConsole, Account: account, Detail: json.RawMessage("{}")},
		EndsAll: all, EndsBefore: !all,
	}
}

func TestSessionsToEndAreQueuedWithTheirEvents(t *testing.T) {
	s, ctx := open(t), t.Context()
	first := event("anna", false, now)
	require.NoError(t, s.RecordEvents(ctx, now, first, event("anna", true, now.Add(time.Second)), event("ben", false, now)))
	last, err := s.LastEvent(ctx)
	require.NoError(t, err)
	assert.True(t, last.Equal(now.Add(time.Second)))

	taken, err := s.TakeEnds(ctx, now, time.Minute, 10)
	require.NoError(t, err)
	require.Len(t, taken, 2, "one for each account")
	ends := map[string]auth.SessionEnd{}
	for _, e := range taken {
		ends[e.Account] = e
	}
	assert.True(t, ends["anna"].Everything)
	assert.False(t, ends["ben"].Everything)
	assert.True(t, ends["ben"].Before.Equal(now))
	again, err := s.TakeEnds(ctx, now, time.Minute, 10)
	require.NoError(t, err)
	assert.Empty(t, again, "leased")

	require.NoError(t, s.PutOff(ctx, ends["ben"], now.Add(time.Hour)))
	require.NoError(t, s.RecordEvents(ctx, now, event("anna", true, now.Add(2*time.Second)))) // asked for again meanwhile
	require.NoError(t, s.EndDone(ctx, ends["anna"]))
	again, err = s.TakeEnds(ctx, now, time.Minute, 10)
	require.NoError(t, err)
	require.Len(t, again, 1)
	require.NoError(t, s.EndDone(ctx, again[0]))
	require.NoError(t, s.RecordEvents(ctx, now, first), "read by another replica too")
	again, err = s.TakeEnds(ctx, now, time.Minute, 10)
	require.NoError(t, err)
	assert.Empty(t, again)
	again, err = s.TakeEnds(ctx, now.Add(time.Hour), time.Minute, 10)
	require.NoError(t, err)
	require.Len(t, again, 1)
	assert.Equal(t, 1, again[0].Tries)
}

// What an event says comes from outside: one that the database refuses does not keep the others out.
func TestAnEventThatCannotBeStoredIsRecordedWithoutDetails(t *testing.T) {
	s, ctx := open(t), t.Context()
	bad := event("anna", true, now)
	bad.Detail, bad.Address = json.RawMessage(`{"client": "\u0000"}`), "\x00"
	good := event("ben", true, now)
	require.NoError(t, s.RecordEvents(ctx, now, bad, good))
	unknown, err := s.Unknown(ctx, []uuid.UUID{bad.ID, good.ID})
	require.NoError(t, err)
	assert.Empty(t, unknown)
	taken, err := s.TakeEnds(ctx, now, time.Minute, 10)
	require.NoError(t, err)
	assert.Len(t, taken, 2)
}
