package harness_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
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
	cfg := harness.Sidecar(t, messages.Booking, nil, messages.Seats)
	client, err := daprclient.New(cfg)
	require.NoError(t, err)
	defer client.Close()
	key := uuid.NewString()
	require.NoError(t, client.Store(messages.Seats).PutIf(t.Context(), key, []byte(`"held"`), "", time.Minute))
	require.Error(t, client.Store(messages.Seats).PutIf(t.Context(), key, []byte(`"other"`), "", time.Minute))

	seed, err := client.Secret(t.Context(), messages.Secrets, "ticket-signing-key")
	require.NoError(t, err)
	require.NotEmpty(t, seed)
	for _, name := range []string{"dapr-database-url", "redis-password", "stripe-secret-key", "token-key"} {
		_, err = client.Secret(t.Context(), messages.Secrets, name)
		require.Error(t, err, "a service may read no secret but its own")
	}
}

func TestPublishAndReceive(t *testing.T) {
	for _, broker := range []string{"kafka", "redis", "jetstream"} {
		t.Run(broker, func(t *testing.T) {
			h := harness.With(t, broker)
			type message struct {
				Text string `json:"text"`
			}
			for _, component := range []string{messages.PubSub, messages.Broadcast} {
				topic := messages.Notices
				if component == messages.Broadcast {
					topic = messages.LineTicks
				}
				got := make(chan string, 100)
				cfg := h.Sidecar(t, messages.WaitingRoom, func(cfg daprclient.Config) http.Handler {
					router := mux.NewRouter()
					daprclient.Mount(router, cfg.AppToken, daprclient.On(component, topic, func(_ context.Context, m message) error {
						got <- m.Text
						return nil
					}))
					return router
				}, component)
				client, err := daprclient.New(cfg)
				require.NoError(t, err)
				defer client.Close()
				require.ErrorContains(t, client.Publish(t.Context(), component, messages.SeatChanges, "key", message{}), "not allowed", "another's topic")
				require.ErrorContains(t, client.Publish(t.Context(), component, messages.BookingEvents, "key", message{}), "not allowed", "another's topic")
				raw := func(text string) []byte {
					b, err := json.Marshal(message{text})
					require.NoError(t, err)
					return b
				}
				for way, publish := range map[string]func(text string) error{
					"the message": func(text string) error { return client.Publish(t.Context(), component, topic, "key", message{text}) },
					"an opaque one": func(text string) error {
						return client.Publish(t.Context(), component, topic, "key", daprclient.RawJSON(raw(text)))
					},
					"one of many": func(text string) error {
						_, err := client.PublishBulk(t.Context(), component, topic, []daprclient.Message{{Key: "key", Payload: raw("")}, {Key: "key", Payload: raw(text)}})
						return err
					},
					"an opaque one of many": func(text string) error {
						_, err := client.PublishBulk(t.Context(), component, topic, []daprclient.Message{{Key: "key", Payload: raw(text), Opaque: true}})
						return err
					},
				} {
					// A broadcast reads what is new: say it until it is heard.
					want := uuid.NewString()
					harness.Eventually(t, time.Minute, way+" arrives", func() error {
						if err := publish(want); err != nil {
							return err
						}
						for deadline := time.After(time.Second); ; {
							select {
							case text := <-got:
								if text == want {
									return nil
								}
							case <-deadline:
								return errors.New("not yet")
							}
						}
					})
				}
			}
		})
	}
}

// The sidecar wants its token, and serves what dapr/config.yaml allows and nothing else.
func TestSidecarServesOnlyWhatIsAllowed(t *testing.T) {
	cfg := harness.Sidecar(t, messages.Booking, nil, messages.Seats)
	ask := func(method, path, token string) int {
		req, err := http.NewRequest(method, fmt.Sprintf("http://127.0.0.1:%d%s", cfg.HTTPPort, path), strings.NewReader("{}"))
		require.NoError(t, err)
		if token != "" {
			req.Header.Set(daprclient.TokenHeader, token)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		res.Body.Close()
		return res.StatusCode
	}
	require.Equal(t, http.StatusOK, ask(http.MethodGet, "/v1.0/metadata", cfg.APIToken))
	require.Equal(t, http.StatusUnauthorized, ask(http.MethodGet, "/v1.0/metadata", ""))
	require.Equal(t, http.StatusUnauthorized, ask(http.MethodGet, "/v1.0/metadata", cfg.AppToken))
	for _, path := range []string{"/v1.0-alpha1/lock/seats", "/v1.0/workflows/dapr/x/start", "/v1.0-alpha1/state/seats/query", "/v1.0/shutdown", "/v1.0-alpha1/jobs/x"} {
		require.Contains(t, []int{http.StatusNotFound, http.StatusNotImplemented, http.StatusMethodNotAllowed}, ask(http.MethodPost, path, cfg.APIToken), path)
	}
}
