package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
)

const spec = `
openapi: 3.1.0
info: {title: test, version: "1"}
paths:
  /things/{id}:
    post:
      security: [{bearer: []}]
      parameters:
        - {name: id, in: path, required: true, schema: {type: string, format: uuid}}
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}
        - {name: Idempotency-Key, in: header, schema: {type: string}}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [name, quantity]
              properties:
                name: {type: string, minLength: 1, maxLength: 20}
                quantity: {type: integer, minimum: 1, maximum: 10}
      responses: {"201": {description: made}}
  /file:
    post:
      x-stream-body: true
      x-max-body: 4194304
      security: [{bearer: []}]
      requestBody: {required: true, content: {application/json: {}}}
      responses: {"200": {description: read}}
  /shared:
    get:
      x-shared: true
      responses: {"200": {description: ok}}
  /open:
    get:
      responses: {"200": {description: ok}}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
`

const thing = "/things/018f3f5e-0000-7000-8000-000000000001"

type verifier struct{}

func (verifier) Verify(_ context.Context, raw string) (identity.Account, error) {
	if raw == "bad" {
		return identity.Account{}, identity.ErrInvalidToken
	}
	return identity.Account{ID: raw}, nil
}

// memory is an idempotency store for the tests of the middleware; the real one is tested
// against a sidecar.
type memory struct {
	mu      sync.Mutex
	answers map[string]httpapi.Answer
}

func (m *memory) Claim(_ context.Context, key string, a httpapi.Answer, _ time.Duration) (*httpapi.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if present, ok := m.answers[key]; ok {
		return &present, nil
	}
	m.answers[key] = a
	return nil, nil
}

func (m *memory) Complete(_ context.Context, key string, a httpapi.Answer, _ time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[key] = a
	return nil
}

func (m *memory) Release(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.answers, key)
	return nil
}

func router(t testing.TB, handle http.HandlerFunc) http.Handler {
	t.Helper()
	r, err := httpapi.NewRouter(httpapi.Options{
		Service: "test", Spec: []byte(spec), Verifier: verifier{},
		Idempotency: &memory{answers: map[string]httpapi.Answer{}},
	})
	require.NoError(t, err)
	r.HandleFunc("/things/{id}", handle).Methods(http.MethodPost)
	r.HandleFunc("/file", handle).Methods(http.MethodPost)
	r.HandleFunc("/shared", handle).Methods(http.MethodGet)
	r.HandleFunc("/open", handle).Methods(http.MethodGet)
	return r
}

func call(h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func code(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var p struct{ Code string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p), w.Body.String())
	return p.Code
}

func TestRequestsAreValidatedAgainstTheContract(t *testing.T) {
	h := router(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	const good = `{"name":"a","quantity":1}`
	for name, c := range map[string]struct {
		path, body string
		header     []string
		status     int
		code       string
	}{
		"good":            {thing, good, []string{"Authorization", "Bearer me"}, 201, ""},
		"not signed in":   {thing, good, nil, 401, "unauthenticated"},
		"bad token":       {thing, good, []string{"Authorization", "Bearer bad"}, 401, "invalid_token"},
		"basic scheme":    {thing, good, []string{"Authorization", "Basic bWU6"}, 401, "invalid_token"},
		"id not a uuid":   {"/things/1%27--", good, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"id almost":       {thing[:len(thing)-1] + "g", good, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"limit too high":  {thing + "?limit=1000", good, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"limit not a num": {thing + "?limit=ten", good, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"no body":         {thing, "", []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"not json":        {thing, `{"name":`, []string{"Authorization", "Bearer me"}, 400, "malformed_body"},
		"wrong type":      {thing, good, []string{"Authorization", "Bearer me", "Content-Type", "text/plain"}, 415, "unsupported_media_type"},
		"quantity 0":      {thing, `{"name":"a","quantity":0}`, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"quantity 1.5":    {thing, `{"name":"a","quantity":1.5}`, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"quantity string": {thing, `{"name":"a","quantity":"1"}`, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"quantity 1e9":    {thing, `{"name":"a","quantity":1e9}`, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"missing field":   {thing, `{"name":"a"}`, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"deep":            {thing, strings.Repeat(`[`, 100_000), []string{"Authorization", "Bearer me"}, 400, "malformed_body"},
		"too large":       {thing, `{"name":"` + strings.Repeat("a", 2<<20) + `"}`, []string{"Authorization", "Bearer me"}, 413, "body_too_large"},
		"nowhere":         {"/nowhere", "", nil, 404, "not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			w := call(h, http.MethodPost, c.path, c.body, c.header...)
			assert.Equal(t, c.status, w.Code, w.Body.String())
			if c.code != "" {
				assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
				assert.Equal(t, c.code, code(t, w))
			}
		})
	}
}

func TestAStreamedBodyIsTheHandlersToRead(t *testing.T) {
	h := router(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			httpapi.WriteProblem(w, r, err)
			return
		}
		fmt.Fprint(w, n)
	})
	body := &counted{Reader: strings.NewReader(strings.Repeat(" ", 3<<20))}
	r := httptest.NewRequest(http.MethodPost, "/file", body)
	r.Header.Set("Authorization", "Bearer bad")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Zero(t, body.read, "nothing is read of what a stranger sends")
	r = httptest.NewRequest(http.MethodPost, thing, body)
	r.Header.Set("Content-Type", "application/json")
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, "unauthenticated", code(t, w))
	assert.Zero(t, body.read)

	assert.Equal(t, "3145728", call(h, http.MethodPost, "/file", strings.Repeat(" ", 3<<20), "Authorization", "Bearer me").Body.String())
	assert.Equal(t, "body_too_large", code(t, call(h, http.MethodPost, "/file", strings.Repeat(" ", 5<<20), "Authorization", "Bearer me")))
	assert.Equal(t, "unauthenticated", code(t, call(h, http.MethodPost, "/file", " ")))
}

type counted struct {
	io.Reader
	read int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

func TestWhatEveryoneGetsMayBeKept(t *testing.T) {
	h := router(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			httpapi.WriteProblem(w, r, fault.New(fault.NotFound, "x", "x"))
		}
	})
	kept := func(path string, header ...string) string {
		return call(h, http.MethodGet, path, "", header...).Header().Get("Cache-Control")
	}
	assert.Equal(t, httpapi.Shared, kept("/shared"))
	assert.Empty(t, kept("/shared", "Authorization", "Bearer me"), "what is one's own is not everyone's")
	assert.Equal(t, "no-store", kept("/shared?x"), "a refusal is not kept")
	assert.Empty(t, kept("/open"))
}

func TestVersionsInEntityTags(t *testing.T) {
	assert.Equal(t, `"7"`, httpapi.ETag(7))
	assert.Equal(t, `"7.3.1"`, httpapi.ETag(7, 3, 1))
	for header, want := range map[string]int64{`"7"`: 7, `"7.3"`: 7, `W/"7.3"`: 7, `7`: 7} {
		got, err := httpapi.IfMatch(header)
		require.NoError(t, err)
		assert.Equal(t, want, got, header)
	}
	_, err := httpapi.IfMatch("")
	assert.ErrorIs(t, err, httpapi.ErrVersionRequired)
	for _, header := range []string{`"x"`, `"0"`, `"-1"`, `*`, `"7", "8"`, `"99999999999999999999"`} {
		_, err := httpapi.IfMatch(header)
		assert.ErrorIs(t, err, httpapi.ErrVersionStale, header)
	}
}

func TestProblemsDoNotEchoWhatWasSent(t *testing.T) {
	h := router(t, func(http.ResponseWriter, *http.Request) {})
	const secret = "hunter2-hunter2-hunter2-hunter2"
	w := call(h, http.MethodPost, thing, `{"name":"`+secret+`","quantity":"`+secret+`"}`, "Authorization", "Bearer me")
	assert.Equal(t, 422, w.Code)
	assert.NotContains(t, w.Body.String(), secret)
	assert.Contains(t, w.Body.String(), "quantity")
}

func TestAPanicAndAnUnknownErrorAreOpaque(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"panic": func(http.ResponseWriter, *http.Request) { panic("secret") },
		"error": func(w http.ResponseWriter, r *http.Request) { httpapi.WriteProblem(w, r, errors.New("secret")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := call(router(t, handle), http.MethodGet, "/open", "")
			assert.Equal(t, 500, w.Code)
			assert.NotContains(t, w.Body.String(), "secret")
		})
	}
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	h := router(t, func(w http.ResponseWriter, r *http.Request) {
		httpapi.WriteProblem(w, r, fault.New(fault.Unavailable, "x", "x").After(1500*time.Millisecond))
	})
	assert.Equal(t, "2", call(h, http.MethodGet, "/open", "").Header().Get("Retry-After"))
}

func TestIdempotencyKey(t *testing.T) {
	calls, status := 0, http.StatusCreated
	h := router(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Location", "/things/1")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"made":1}`))
	})
	post := func(account, key, body string) *httptest.ResponseRecorder {
		return call(h, http.MethodPost, thing, body, "Authorization", "Bearer "+account, "Idempotency-Key", key)
	}
	const body = `{"name":"a","quantity":1}`

	first, again := post("me", "k", body), post("me", "k", body)
	assert.Equal(t, 1, calls, "the second request must not reach the handler")
	assert.Equal(t, first.Code, again.Code)
	assert.Equal(t, first.Body.String(), again.Body.String())
	assert.Equal(t, "/things/1", again.Header().Get("Location"))
	assert.Equal(t, "idempotency_key_reused", code(t, post("me", "k", `{"name":"b","quantity":1}`)))

	post("you", "k", body)
	assert.Equal(t, 2, calls, "another account's key is another key")

	status = http.StatusServiceUnavailable
	post("me", "outage", body)
	status = http.StatusCreated
	assert.Equal(t, 201, post("me", "outage", body).Code, "an outage is not an answer to keep")
}

func TestCursorRefusesWhatIsNotOurs(t *testing.T) {
	cursor, err := httpapi.EncodeCursor([]string{"a", "b"})
	require.NoError(t, err)
	var key []string
	require.NoError(t, httpapi.DecodeCursor(cursor, &key))
	assert.Equal(t, []string{"a", "b"}, key)
	for _, bad := range []string{"%%%", "bm90IGpzb24", "e30"} {
		assert.ErrorIs(t, httpapi.DecodeCursor(bad, &key), httpapi.ErrInvalidCursor, bad)
	}
}

func TestEventFramesEachLine(t *testing.T) {
	assert.Equal(t, "id: 7\nevent: delta\ndata: a\ndata: b\n\n", string(httpapi.Event("delta", "7", []byte("a\nb"))))
}
