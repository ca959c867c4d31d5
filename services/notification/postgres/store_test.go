package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/notification"
	"github.com/foyer-tickets/foyer/services/notification/postgres"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// Messages are exported a page at a time, and go with the mails that are due.
func TestMessagesAreExportedAndErased(t *testing.T) {
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	defer pool.Close()
	s, ctx := postgres.Store{Pool: pool}, t.Context()
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for i := range 501 {
		_, err := s.Add(ctx, notification.Message{ID: uuid.New(), Account: "anna", Kind: messages.NoticeBookingConfirmed, At: at.Add(time.Duration(i) * time.Second)}, true)
		require.NoError(t, err)
	}
	_, err = s.Add(ctx, notification.Message{ID: uuid.New(), Account: "ben", Kind: messages.NoticeYourTurn, At: at}, true)
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

// However many messages there are: what a call that broke off has deleted stays deleted, and the next one
// has less to do.
func TestManyMessagesAreErasedInBatches(t *testing.T) {
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	defer pool.Close()
	s, ctx := postgres.Store{Pool: pool}, t.Context()
	_, err = pool.Exec(ctx, `INSERT INTO messages (id, account, kind, at) SELECT gen_random_uuid(), 'anna', 'your_turn', now() FROM generate_series(1, 1200);
		CREATE SEQUENCE deleted;
		CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('deleted') > 1100 THEN RAISE EXCEPTION 'out of time'; END IF; RETURN OLD; END $$;
		CREATE TRIGGER stop BEFORE DELETE ON messages FOR EACH ROW EXECUTE FUNCTION stop()`)
	require.NoError(t, err)
	require.Error(t, s.Erase(ctx, "anna", "deleted-1"))
	left := func() (n int) {
		require.NoError(t, pool.QueryRow(ctx, `SELECT count(*) FROM messages`).Scan(&n))
		return n
	}
	require.Equal(t, 200, left())
	_, err = pool.Exec(ctx, `DROP TRIGGER stop ON messages`)
	require.NoError(t, err)
	require.NoError(t, s.Erase(ctx, "anna", "deleted-1"))
	require.Zero(t, left())
}

// postman fails as often as it is told to, and remembers whom it wrote to.
type postman struct {
	failures []error
	sent     []string
}

func (p *postman) Send(_ context.Context, m notification.Mail) error {
	if len(p.failures) > 0 {
		err := p.failures[0]
		p.failures = p.failures[1:]
		return err
	}
	p.sent = append(p.sent, m.To)
	return nil
}

// The last mail is queued once for an account, sent once however often it is asked for, and its address
// forgotten.
func TestTheLastMailIsSentOnce(t *testing.T) {
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	defer pool.Close()
	composer, err := notification.NewComposer("https://foyer.test")
	require.NoError(t, err)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	post := &postman{failures: []error{errors.New("busy"), notification.ErrUnanswered}}
	f := notification.DeletionMails{Store: postgres.Store{Pool: pool}, Composer: composer, Sender: post, Now: func() time.Time { return now }}
	step := func(want int) {
		t.Helper()
		n, err := f.Step(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	addresses := func() (n int) {
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM farewells WHERE recipient::text LIKE '%anna%'`).Scan(&n))
		return n
	}
	ask := func() {
		require.NoError(t, f.Send(t.Context(), "deleted-1", notification.Recipient{Email: "anna@foyer.test", Name: "Anna", Locale: "de"}))
	}
	ask()
	ask()
	step(1) // busy
	step(0)
	now = now.Add(time.Minute)
	step(1) // no answer: it may be on its way
	ask()
	now = now.Add(10 * time.Minute)
	step(0)
	now = now.Add(10 * time.Minute)
	require.Equal(t, 1, addresses())
	step(1)
	require.Equal(t, []string{"anna@foyer.test"}, post.sent)
	require.Zero(t, addresses())
	ask()
	now = now.Add(24 * time.Hour)
	step(0)

	post.failures = slices.Repeat([]error{errors.New("refused")}, 100)
	require.NoError(t, f.Send(t.Context(), "deleted-2", notification.Recipient{Email: "anna@foyer.test", Name: "Anna", Locale: "de"}))
	queued := now
	for tries := 0; addresses() > 0; tries++ {
		require.LessOrEqual(t, now.Sub(queued), time.Hour+20*time.Second) // the last step may be late
		require.Less(t, tries, 200)
		_, err := f.Step(t.Context())
		require.NoError(t, err)
		now = now.Add(20 * time.Second)
	}
	require.Greater(t, now.Sub(queued), 50*time.Minute, "a mail server may be away for a while")
	now = now.Add(24 * time.Hour)
	step(0)
}
