package harness_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestPostgresIsReal(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), harness.Postgres(t))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var level string
	require.NoError(t, conn.QueryRow(t.Context(), "SHOW wal_level").Scan(&level))
	require.Equal(t, "logical", level)
}

func TestSidecarKeepsStateAndSecrets(t *testing.T) {
	cfg := harness.Sidecar(t, event.Booking, nil, event.Seats)
	client, err := sidecar.New(cfg)
	require.NoError(t, err)
	defer client.Close()
	key := uuid.NewString()
	require.NoError(t, client.Store(event.Seats).PutIf(t.Context(), key, []byte(`"held"`), "", time.Minute))
	require.Error(t, client.Store(event.Seats).PutIf(t.Context(), key, []byte(`"other"`), "", time.Minute))

	seed, err := client.Secret(t.Context(), event.Secrets, "ticket-signing-key")
	require.NoError(t, err)
	require.NotEmpty(t, seed)
	_, err = client.Secret(t.Context(), event.Secrets, "dapr-database-url")
	require.Error(t, err, "a service may read no secret but the signing keys")
}

func TestPublishAndReceive(t *testing.T) {
	for _, broker := range []string{"kafka", "redis", "jetstream"} {
		t.Run(broker, func(t *testing.T) {
			h := harness.With(t, broker)
			type message struct {
				Text string `json:"text"`
			}
			for _, component := range []string{event.PubSub, event.Broadcast} {
				topic := event.BookingEvents
				if component == event.Broadcast {
					topic = event.SeatChanges
				}
				got := make(chan string, 100)
				cfg := h.Sidecar(t, event.Booking, func(cfg sidecar.Config) http.Handler {
					router := mux.NewRouter()
					sidecar.Mount(router, cfg.AppToken, sidecar.On(component, topic, func(_ context.Context, m message) error {
						got <- m.Text
						return nil
					}))
					return router
				}, component)
				client, err := sidecar.New(cfg)
				require.NoError(t, err)
				defer client.Close()
				// A broadcast reads what is new: say it until it is heard.
				want := uuid.NewString()
				harness.Eventually(t, time.Minute, "the message arrives", func() error {
					if err := client.Publish(t.Context(), component, topic, "key", message{want}); err != nil {
						return err
					}
					select {
					case text := <-got:
						if text == want {
							return nil
						}
					case <-time.After(time.Second):
					}
					return errors.New("not yet")
				})
			}
		})
	}
}
