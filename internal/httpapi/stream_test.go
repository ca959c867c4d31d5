package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
)

const streams = `
openapi: 3.1.0
info: {title: test, version: "1"}
paths:
  /mine:
    get:
      security: [{bearer: []}]
      responses: {"200": {description: ok, content: {text/event-stream: {schema: {type: string}}}}}
  /everyones:
    get:
      responses: {"200": {description: ok, content: {text/event-stream: {schema: {type: string}}}}}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
`

// ending lets everybody in and ends what they watch when told.
type ending struct {
	verifier
	over chan struct{}
}

func (e ending) Watch(ctx context.Context, _ identity.Account) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		<-e.over
		cancel()
	}()
	return ctx, cancel
}

// A stream of one's own ends with the session, without its handler's doing; a public one goes on.
func TestStreamsEndWithTheSession(t *testing.T) {
	v := ending{over: make(chan struct{})}
	router, err := httpapi.NewRouter(httpapi.Options{Service: "test", Spec: []byte(streams), Verifier: v})
	require.NoError(t, err)
	for _, path := range []string{"/mine", "/everyones"} {
		router.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			stream, err := httpapi.NewStream(w)
			if err == nil && stream.Send("hello", "", []byte("1")) == nil {
				<-r.Context().Done()
			}
		}).Methods(http.MethodGet)
	}
	server := httptest.NewServer(router)
	defer server.Close()
	defer server.CloseClientConnections()
	open := func(path string) <-chan error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer a")
		res, err := http.DefaultClient.Do(req) //nolint:bodyclose // closed where it is read
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode)
		ended := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, res.Body)
			res.Body.Close()
			ended <- err
		}()
		return ended
	}
	mine, everyones := open("/mine"), open("/everyones")
	close(v.over)
	select {
	case err := <-mine:
		assert.NoError(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("goes on after the session's end")
	}
	select {
	case err := <-everyones:
		t.Fatal("a public stream ended", err)
	default:
	}
}

// TestAnAccountHasSoManyStreams: whatever it streams, and gets another once one of them ended. Other accounts and
// callers without one are not counted with it, nor is what is no stream.
func TestAnAccountHasSoManyStreams(t *testing.T) {
	router, err := httpapi.NewRouter(httpapi.Options{Service: "test", Spec: []byte(streams), Verifier: verifier{}})
	require.NoError(t, err)
	for _, path := range []string{"/mine", "/everyones"} {
		router.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if stream, err := httpapi.NewStream(w); err == nil && stream.Comment() == nil {
				<-r.Context().Done()
			}
		}).Methods(http.MethodGet)
	}
	router.HandleFunc("/other", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "whole") })
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	open := func(path, account string) (status int, leave func()) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
		require.NoError(t, err)
		if account != "" {
			req.Header.Set("Authorization", "Bearer "+account)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		t.Cleanup(func() { res.Body.Close() })
		if res.StatusCode != http.StatusOK {
			var problem struct{ Code string }
			require.NoError(t, json.NewDecoder(res.Body).Decode(&problem))
			assert.Equal(t, "too_many_streams", problem.Code)
			assert.Equal(t, "10", res.Header.Get("Retry-After"))
		}
		return res.StatusCode, cancel
	}
	var leave func()
	for n := range 20 {
		var status int
		status, leave = open([]string{"/mine", "/everyones"}[n%2], "a")
		require.Equal(t, http.StatusOK, status, "stream %d", n+1)
	}
	for _, path := range []string{"/mine", "/everyones"} {
		status, _ := open(path, "a")
		assert.Equal(t, http.StatusTooManyRequests, status, path)
	}
	status, _ := open("/other", "a")
	assert.Equal(t, http.StatusOK, status, "no stream")
	status, _ = open("/mine", "b")
	assert.Equal(t, http.StatusOK, status, "another account")
	for range 25 { // they are counted by address, at the gateway
		status, _ = open("/everyones", "")
		require.Equal(t, http.StatusOK, status, "nobody")
	}
	leave()
	require.Eventually(t, func() bool {
		status, _ := open("/mine", "a")
		return status == http.StatusOK
	}, 20*time.Second, 10*time.Millisecond, "room for one")
	status, _ = open("/mine", "a")
	assert.Equal(t, http.StatusTooManyRequests, status, "and no more")
}

// Every stream ends when the process begins to stop, without its handler's doing, and says when to
// come back. What is no stream is finished.
func TestStreamsEndWithTheProcess(t *testing.T) {
	drain, stop := context.WithCancel(t.Context())
	router, err := httpapi.NewRouter(httpapi.Options{Service: "test", Spec: []byte(streams), Verifier: verifier{}})
	require.NoError(t, err)
	router.HandleFunc("/everyones", func(w http.ResponseWriter, r *http.Request) {
		if _, err := httpapi.NewStream(w); err == nil {
			stop()
			<-r.Context().Done()
		}
	})
	router.HandleFunc("/other", func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Err() == nil {
			fmt.Fprint(w, "whole")
		}
	})
	server := httptest.NewUnstartedServer(router)
	server.Config.BaseContext = func(net.Listener) context.Context { return httpapi.WithDrain(t.Context(), drain) }
	server.Start()
	defer server.Close()
	for path, want := range map[string]string{"/everyones": `^retry: 2000\n\nretry: \d+\n\n$`, "/other": "^whole$"} {
		res, err := http.Get(server.URL + path)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		res.Body.Close()
		assert.Regexp(t, want, string(body))
	}
}
