package daprclient_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
)

// TestPatienceOutlastsTheServer: a handler that waits is neither cut off by the server's deadlines
// nor left to wait for ever.
func TestPatienceOutlastsTheServer(t *testing.T) {
	router := mux.NewRouter()
	subscription := func(topic string, handle func(context.Context) error) daprclient.Subscription {
		return daprclient.Subscription{
			Component: messages.PubSub, Topic: topic, Patience: 500 * time.Millisecond,
			Handle: func(ctx context.Context, _ daprclient.Delivery) error { return handle(ctx) },
		}
	}
	daprclient.Mount(router, "token",
		subscription("patient", func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(200 * time.Millisecond):
				return nil
			}
		}),
		subscription("endless", func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}),
	)
	server := httptest.NewUnstartedServer(router)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	server.Start()
	defer server.Close()
	for topic, want := range map[string]string{"patient": "SUCCESS", "endless": "RETRY"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/dapr/topics/"+messages.PubSub+"/"+topic, strings.NewReader(`{"data": {}}`))
		require.NoError(t, err)
		req.Header.Set(daprclient.TokenHeader, "token")
		res, err := server.Client().Do(req)
		require.NoError(t, err, topic)
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		require.NoError(t, err)
		require.Contains(t, string(body), want, topic)
	}
}
