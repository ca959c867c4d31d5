package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
)

// IdempotencyHeader is the request header of draft-ietf-httpapi-idempotency-key-header.
const IdempotencyHeader = "Idempotency-Key"

// How long a response is stored, and how long a request may run before its key is free again.
const (
	idempotencyKept  = 24 * time.Hour
	idempotencyClaim = time.Minute
)

// repeatable marks an operation that finds the result of an earlier request by itself. A repeated request is
// processed again instead of answered from the store, so that a response with a secret is never stored.
const repeatable = "x-repeatable"

// Answer is a stored response. Status 0 means that the first request is still being processed.
type Answer struct {
	Fingerprint string      `json:"fingerprint"` // of method, path and body
	Status      int         `json:"status,omitempty"`
	Header      http.Header `json:"header,omitempty"`
	Body        []byte      `json:"body,omitempty"`
}

// IdempotencyStore stores responses by key.
type IdempotencyStore interface {
	// Claim stores a if the key is free; otherwise it returns what is there.
	Claim(ctx context.Context, key string, a Answer, ttl time.Duration) (present *Answer, err error)
	// Complete replaces the claim by the answer.
	Complete(ctx context.Context, key string, a Answer, ttl time.Duration) error
	// Release frees the key, so that the request can be made again.
	Release(ctx context.Context, key string) error
}

var (
	errKeyReused = fault.New(fault.Invalid, "idempotency_key_reused", "This Idempotency-Key was already used for a different request.")
	errKeyInUse  = fault.New(fault.Conflict, "idempotency_key_in_use", "A request with this Idempotency-Key is still being processed.").After(time.Second)
	errKeyShape  = fault.New(fault.Malformed, "invalid_idempotency_key", "The Idempotency-Key must have 1 to 255 characters.")
)

// idempotent answers a repeated POST with the response to the first. It applies to operations whose OpenAPI
// entry declares the header, for signed-in callers; keys are separate for each account.
func (c *contract) idempotent(store IdempotencyStore) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			key := r.Header.Get(IdempotencyHeader)
			account, signedIn := identity.From(r.Context())
			_, _, op := c.operation(r)
			if key == "" || !signedIn || op == nil || op.Parameters.GetByInAndName("header", IdempotencyHeader) == nil {
				next.ServeHTTP(w, r)
				return
			}
			if len(key) > 255 {
				WriteProblem(w, r, errKeyShape)
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				WriteProblem(w, r, err)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			key = hash(account.ID, key)
			claim := Answer{Fingerprint: hash(r.Method, r.URL.Path, string(body))}

			present, err := store.Claim(r.Context(), key, claim, idempotencyClaim)
			switch {
			case err != nil:
				WriteProblem(w, r, fault.Away("cache", err))
			case present == nil:
				answerOnce(w, r, next, store, key, claim, op.Extensions[repeatable] == true)
			case present.Fingerprint != claim.Fingerprint:
				WriteProblem(w, r, errKeyReused)
			case present.Status == 0:
				WriteProblem(w, r, errKeyInUse)
			case op.Extensions[repeatable] == true:
				w.Header().Set("Idempotency-Replayed", "true")
				next.ServeHTTP(w, r)
			default:
				replay(w, *present)
			}
		})
	}
}

func answerOnce(w http.ResponseWriter, r *http.Request, next http.Handler, store IdempotencyStore, key string, a Answer, again bool) {
	// The response is stored even if the client has disconnected, since it will repeat the request.
	ctx := context.WithoutCancel(r.Context())
	tape := &tape{ResponseWriter: w}
	kept := false
	defer func() {
		if kept {
			return
		}
		if err := store.Release(ctx, key); err != nil {
			slog.WarnContext(ctx, "idempotency key not released", "error", err)
		}
	}()
	next.ServeHTTP(tape, r)
	if !worthKeeping(tape.code()) {
		return
	}
	a.Status = tape.code()
	if !again {
		a.Body, a.Header = tape.body.Bytes(), http.Header{}
		for _, name := range []string{"Content-Type", "Location", "ETag"} {
			if v := w.Header().Get(name); v != "" {
				a.Header.Set(name, v)
			}
		}
	}
	if err := store.Complete(ctx, key, a, idempotencyKept); err != nil {
		slog.WarnContext(ctx, "response not stored for its idempotency key", "error", err)
		return
	}
	kept = true
}

// worthKeeping reports whether a response is final: an error that a retry could change is not stored.
func worthKeeping(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusTooEarly:
		return false
	}
	return status < http.StatusInternalServerError
}

func replay(w http.ResponseWriter, a Answer) {
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Idempotency-Replayed", "true")
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}

// tape records the response body that it forwards.
type tape struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (t *tape) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (t *tape) Write(p []byte) (int, error) {
	t.body.Write(p)
	return t.ResponseWriter.Write(p)
}

func (t *tape) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *tape) code() int {
	if t.status == 0 {
		return http.StatusOK
	}
	return t.status
}

func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}
