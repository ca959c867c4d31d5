package dapr_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/notification"
	"github.com/foyer-tickets/foyer/services/notification/dapr"
	"github.com/foyer-tickets/foyer/services/notification/postgres"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// people knows everybody.
type people struct{}

func (people) Link(context.Context, string, string) (string, error) { return "", nil }

func (people) Recipient(_ context.Context, account string) (notification.Recipient, error) {
	return notification.Recipient{Email: account + "@foyer.test", Name: "Ada", Locale: "en"}, nil
}

func (people) Order(context.Context, uuid.UUID) (notification.Order, error) {
	return notification.Order{}, nil
}

// However slow the mail server is, each mail is sent once: neither our deadline, nor the sidecar's,
// nor the end of a lease has one sent again that is on its way.
func TestASlowMailServerGetsEachMailOnce(t *testing.T) {
	const mails = 20
	api, _ := harness.Mailpit(t)
	cfg := harness.Sidecar(t, messages.Notification, nil, messages.Email)
	client, err := daprclient.New(cfg)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	stored := postgres.Store{Pool: pool}
	for i := range mails {
		_, err := stored.Add(t.Context(), notification.Message{ID: uuid.New(), Account: fmt.Sprintf("a%d", i), Kind: messages.NoticeYourTurn, At: time.Now()}, true)
		require.NoError(t, err)
	}
	composer, err := notification.NewComposer("https://foyer.test")
	require.NoError(t, err)
	adapter := dapr.NewAdapter(client, "Foyer <tickets@foyer.test>")
	thaw := harness.Freeze(t, "mailpit")
	time.AfterFunc(12*time.Second, thaw)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = notification.Mailer{Outbox: stored, Directory: people{}, Orders: people{}, Composer: composer, Sender: adapter, Now: time.Now}.Run(ctx)
	}()
	defer func() { cancel(); <-gone }()
	harness.Eventually(t, time.Minute, "all mails are sent", func() error {
		var left int
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM mails WHERE sent_at IS NULL`).Scan(&left); err != nil {
			return err
		}
		if left > 0 {
			return fmt.Errorf("%d are left", left)
		}
		return nil
	})
	res, err := http.Get(api + "/api/v1/messages?limit=200")
	require.NoError(t, err)
	defer res.Body.Close()
	var got struct {
		Messages []struct{ To []struct{ Address string } }
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&got))
	times := map[string]int{}
	for _, m := range got.Messages {
		times[m.To[0].Address]++
	}
	require.Len(t, times, mails)
	for to, n := range times {
		require.Equal(t, 1, n, to)
	}
}

// However many mails are sent at once, each goes to its own recipient under its own subject.
func TestMailsAtOnceAreNotMixedUp(t *testing.T) {
	const mails, atOnce = 400, 16
	api, _ := harness.Mailpit(t)
	cfg := harness.Sidecar(t, messages.Notification, nil, messages.Email)
	client, err := daprclient.New(cfg)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	adapter := dapr.NewAdapter(client, "Foyer <tickets@foyer.test>")
	run := uuid.NewString()[:8]
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range mails {
		group.Go(func() error {
			name := fmt.Sprintf("%s-%d", run, i)
			return adapter.Send(t.Context(), notification.Mail{To: name + "@foyer.test", Subject: name, HTML: "<p>" + name + "</p>"})
		})
	}
	require.NoError(t, group.Wait())
	res, err := http.Get(api + "/api/v1/search?limit=1000&query=" + run)
	require.NoError(t, err)
	defer res.Body.Close()
	var got struct {
		Messages []struct {
			To      []struct{ Address string }
			Subject string
			Snippet string
		}
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&got))
	require.Len(t, got.Messages, mails)
	seen := map[string]bool{}
	for _, m := range got.Messages {
		require.Equal(t, m.Subject+"@foyer.test", m.To[0].Address)
		require.Equal(t, m.Subject, m.Snippet)
		require.False(t, seen[m.Subject], "%s twice", m.Subject)
		seen[m.Subject] = true
	}
}

// A mail's time is longer than all that it waits for, a mail of the other queue in the binding included.
func TestMailTimeoutCoversItsCalls(t *testing.T) {
	require.Greater(t, notification.MailTimeout, daprclient.Deadline(messages.Auth)+daprclient.Deadline(messages.Booking)+2*daprclient.Deadline(messages.Email))
}
