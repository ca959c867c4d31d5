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
	"github.com/foyer-tickets/foyer/tests/harness"
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
              additionalProperties: false
              required: [name, quantity]
              properties:
                name: {type: string, format: line, minLength: 1, maxLength: 20}
                about: {type: string, format: text, maxLength: 20}
                at: {type: string, format: date-time}
                mail: {type: string, format: email, maxLength: 254}
                quantity: {type: integer, minimum: 1, maximum: 10}
      responses: {"201": {description: made}}
  /things/all:
    post:
      responses: {"200": {description: ok}}
  /secrets:
    post:
      x-repeatable: true
      parameters:
        - {name: Idempotency-Key, in: header, schema: {type: string}}
      requestBody: {required: true, content: {application/json: {schema: {type: object}}}}
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
  /admin:
    post:
      x-max-body: 100
      security: [{bearer: [merchant]}, {bearer: [admin]}]
      requestBody: {required: true, content: {application/json: {schema: {type: object, additionalProperties: false}}}}
      responses: {"200": {description: ok}}
  /open:
    get:
      parameters: [{name: q, in: query, schema: {type: string, maxLength: 100}}]
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
	return identity.Account{ID: raw, Roles: []identity.Role{identity.Role(raw)}}, nil
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
	r.HandleFunc("/things/all", handle).Methods(http.MethodPost)
	r.HandleFunc("/things/{id}", handle).Methods(http.MethodPost, http.MethodDelete)
	r.HandleFunc("/file", handle).Methods(http.MethodPost)
	r.HandleFunc("/shared", handle).Methods(http.MethodGet)
	r.HandleFunc("/open", handle).Methods(http.MethodGet)
	r.HandleFunc("/admin", handle).Methods(http.MethodPost)
	r.HandleFunc("/internal", handle).Methods(http.MethodPost)
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
		"other charset":   {thing, good, []string{"Authorization", "Bearer me", "Content-Type", "application/json; charset=utf-16"}, 415, "unsupported_media_type"},
		"charset":         {thing, good, []string{"Authorization", "Bearer me", "Content-Type", "application/json; charset=UTF-8"}, 201, ""},
		"compressed":      {thing, good, []string{"Authorization", "Bearer me", "Content-Encoding", "gzip"}, 415, "unsupported_media_type"},
		"quantity 0":      {thing, `{"name":"a","quantity":0}`, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"quantity 1.5":    {thing, `{"name":"a","quantity":1.5}`, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"quantity string": {thing, `{"name":"a","quantity":"1"}`, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"quantity 1e9":    {thing, `{"name":"a","quantity":1e9}`, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"missing field":   {thing, `{"name":"a"}`, []string{"Authorization", "Bearer me"}, 422, "invalid_request"},
		"deep":            {thing, strings.Repeat(`[`, 60_000), []string{"Authorization", "Bearer me"}, 400, "malformed_body"},
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

func TestTheHandlerReadsWhatWasValidated(t *testing.T) {
	type form struct {
		Name     string     `json:"name"`
		About    string     `json:"about"`
		At       *time.Time `json:"at"`
		Mail     string     `json:"mail"`
		Quantity int        `json:"quantity"`
	}
	h := router(t, func(w http.ResponseWriter, r *http.Request) {
		var f form
		if err := httpapi.Decode(r, &f); err != nil {
			httpapi.WriteProblem(w, r, err)
			return
		}
		_ = httpapi.WriteJSON(w, r, http.StatusCreated, f)
	})
	for name, c := range map[string]struct {
		body   string
		status int
		field  string
		rule   string
	}{
		"good":                    {`{"name":"a","quantity":1,"about":"two\nlines","at":"2027-02-28T10:00:00+01:00","mail":"a@b.example"}`, 201, "", ""},
		"another case":            {`{"name":"a","quantity":1,"NAME":"<script>"}`, 422, "NAME", "additionalProperties"},
		"another case, repeated":  {`{"name":"a","Quantity":99,"quantity":1}`, 422, "Quantity", "additionalProperties"},
		"unknown":                 {`{"name":"a","quantity":1,"price":1}`, 422, "price", "additionalProperties"},
		"twice":                   {`{"name":"a","quantity":1,"quantity":99}`, 422, "quantity", "uniqueItems"},
		"more behind":             {`{"name":"a","quantity":1} {"name":"b","quantity":99}`, 400, "", ""},
		"rubbish behind":          {`{"name":"a","quantity":1}]`, 400, "", ""},
		"only space":              {`  `, 400, "", ""},
		"not UTF-8":               {"{\"name\":\"\xff\",\"quantity\":1}", 400, "", ""},
		"half a surrogate":        {`{"name":"\ud800","quantity":1}`, 400, "", ""},
		"NUL":                     {`{"name":"a\u0000b","quantity":1}`, 422, "name", "control_character"},
		"line break":              {`{"name":"a\nb","quantity":1}`, 422, "name", "control_character"},
		"turned around":           {`{"name":"a\u202eb","quantity":1}`, 422, "name", "bidi_control"},
		"invisible":               {`{"name":"a","about":"a\u200bb","quantity":1}`, 422, "about", "invisible_character"},
		"no such day":             {`{"name":"a","quantity":1,"at":"2027-02-30T10:00:00Z"}`, 422, "at", "format"},
		"the year 10000 in UTC":   {`{"name":"a","quantity":1,"at":"9999-12-31T23:59:59-01:00"}`, 422, "at", "format"},
		"invisible in an address": {`{"name":"a","quantity":1,"mail":"a\u200b@b.example"}`, 422, "mail", "format"},
	} {
		t.Run(name, func(t *testing.T) {
			w := call(h, http.MethodPost, thing, c.body, "Authorization", "Bearer me")
			require.Equal(t, c.status, w.Code, w.Body.String())
			var p struct {
				Violations []struct{ Field, Rule string }
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
			if c.field != "" {
				require.NotEmpty(t, p.Violations, w.Body.String())
				assert.Equal(t, c.field, p.Violations[0].Field)
				assert.Equal(t, c.rule, p.Violations[0].Rule)
			}
		})
	}
	for _, body := range []string{`{"Quantity":99,"quantity":1}`, `{"quantity":1,"quantity":99}`, `{"quantity":1} 2`, `{"quantity":1,"name":"` + "\xff" + `"}`} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		var f form
		assert.Error(t, httpapi.Decode(r, &f), "without a contract too: %s", body)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"quantity":1,"Quantity":99,"newer":true}`))
	var f form
	require.NoError(t, httpapi.DecodeInternal(r, &f))
	assert.Equal(t, 1, f.Quantity)
}

func TestWhoMayCallComesFirst(t *testing.T) {
	h := router(t, func(http.ResponseWriter, *http.Request) {})
	large := `{"x":"` + strings.Repeat("x", 200) + `"}`
	for _, c := range []struct {
		role, body string
		status     int
	}{
		{"", large, 401},
		{"customer", large, 403},
		{"merchant", large, 413},
		{"merchant", `{"x":1}`, 422},
		{"admin", `{}`, 200},
	} {
		header := []string{}
		if c.role != "" {
			header = []string{"Authorization", "Bearer " + c.role}
		}
		body := &counted{Reader: strings.NewReader(c.body)}
		r := httptest.NewRequest(http.MethodPost, "/admin", body)
		r.ContentLength = int64(len(c.body))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, c.status, w.Code, c.role)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		if c.status < 422 && c.status > 200 {
			assert.Zero(t, body.read, "read for %q", c.role)
		}
	}
}

func TestControlCharactersInAnAddress(t *testing.T) {
	h := router(t, func(http.ResponseWriter, *http.Request) {})
	for query, status := range map[string]int{"q=a": 200, "q=%00": 422, "q=a%1b": 422, "q=%ff": 422, "q=%zz": 400, "unknown=%00": 200, "q=a%0Ab": 200} {
		assert.Equal(t, status, call(h, http.MethodGet, "/open?"+query, "").Code, query)
	}
}

func TestARouteOutsideTheContractHasItsOwnLimit(t *testing.T) {
	h := router(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Large") != "" {
			httpapi.LimitBody(w, r, 3<<20)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			httpapi.WriteProblem(w, r, err)
		}
	})
	body := strings.Repeat(" ", 2<<20)
	assert.Equal(t, 413, call(h, http.MethodPost, "/internal", body).Code)
	assert.Equal(t, 200, call(h, http.MethodPost, "/internal", body, "X-Large", "1").Code)
	assert.Equal(t, 413, call(h, http.MethodPost, "/internal", body+body, "X-Large", "1").Code)
}

func TestAnAddressOfItsOwnIsNoParameter(t *testing.T) {
	h := router(t, func(http.ResponseWriter, *http.Request) {})
	assert.Equal(t, 200, call(h, http.MethodPost, "/things/all", "").Code)
	for _, method := range []string{http.MethodDelete, http.MethodPut} {
		w := call(h, method, "/things/all", "")
		assert.Equal(t, 405, w.Code, method)
		assert.Equal(t, "POST", w.Header().Get("Allow"), method)
	}
}

func TestWhatIsNotFoundIsSeen(t *testing.T) {
	r, err := httpapi.NewRouter(httpapi.Options{Service: "not found"})
	require.NoError(t, err)
	nothing := func(http.ResponseWriter, *http.Request) {}
	r.HandleFunc("/both", nothing).Methods(http.MethodGet, http.MethodDelete)
	r.HandleFunc("/both", nothing).Methods(http.MethodPost)

	w := call(r, http.MethodPut, "/both", "")
	assert.Equal(t, 405, w.Code)
	assert.Equal(t, "GET, POST, DELETE", w.Header().Get("Allow"))
	assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	assert.Equal(t, "method_not_allowed", code(t, w))
	assert.NotEmpty(t, w.Header().Get(httpapi.RequestIDHeader))
	assert.Equal(t, 405, call(r, "WHATEVER", "/both", "").Code)
	w = call(r, http.MethodGet, "/nowhere", "")
	assert.Equal(t, 404, w.Code)
	assert.NotEmpty(t, w.Header().Get(httpapi.RequestIDHeader))

	const requests = "http_request_duration_seconds"
	assert.InDelta(t, 3, harness.Metric(t, requests, "service", "not found"), 0)
	for _, labels := range [][]string{{"method", "PUT", "status", "405"}, {"method", "other", "status", "405"}, {"method", "GET", "status", "404"}} {
		assert.InDelta(t, 1, harness.Metric(t, requests, append(labels, "service", "not found", "route", "unmatched")...), 0)
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
	assert.Equal(t, "private, no-cache", kept("/shared", "Authorization", "Bearer me"), "what is one's own is not everyone's")
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

// An answer with a secret in it is made again, and kept nowhere.
func TestARepeatableOperationKeepsNoAnswer(t *testing.T) {
	kept, calls := &memory{answers: map[string]httpapi.Answer{}}, 0
	h, err := httpapi.NewRouter(httpapi.Options{Service: "test", Spec: []byte(spec), Verifier: verifier{}, Idempotency: kept})
	require.NoError(t, err)
	h.HandleFunc("/secrets", func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Location", "/secrets/1")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"clientSecret":"pi_1_secret_2"}`))
	}).Methods(http.MethodPost)
	post := func(body string) *httptest.ResponseRecorder {
		return call(h, http.MethodPost, "/secrets", body, "Authorization", "Bearer me", "Idempotency-Key", "k")
	}
	first, again := post(`{"hold":"1"}`), post(`{"hold":"1"}`)
	assert.Equal(t, first.Body.String(), again.Body.String())
	assert.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
	assert.Equal(t, 2, calls)
	assert.Equal(t, "idempotency_key_reused", code(t, post(`{"hold":"2"}`)))
	require.Len(t, kept.answers, 1)
	for _, a := range kept.answers {
		assert.Equal(t, http.StatusCreated, a.Status)
		assert.Empty(t, a.Body)
		assert.Empty(t, a.Header)
	}
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

func TestHandleAnswersErrors(t *testing.T) {
	rec := httptest.NewRecorder()
	httpapi.Handle(func(http.ResponseWriter, *http.Request) error {
		return fault.New(fault.Conflict, "taken", "Taken.")
	})(rec, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	assert.Equal(t, http.StatusConflict, rec.Code)
	assert.Contains(t, rec.Body.String(), `"code":"taken"`)

	rec = httptest.NewRecorder()
	httpapi.Handle(func(w http.ResponseWriter, r *http.Request) error {
		return httpapi.WriteJSON(w, r, http.StatusOK, func() {}) // nothing is written of what is not JSON
	})(rec, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	assert.Equal(t, http.StatusInternalServerError, rec.Code)
}
