package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"strconv"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// status maps each kind of fault to an HTTP status.
var status = map[fault.Kind]int{
	fault.Internal:             http.StatusInternalServerError,
	fault.Malformed:            http.StatusBadRequest,
	fault.Unauthenticated:      http.StatusUnauthorized,
	fault.Forbidden:            http.StatusForbidden,
	fault.NotFound:             http.StatusNotFound,
	fault.NotAllowed:           http.StatusMethodNotAllowed,
	fault.Conflict:             http.StatusConflict,
	fault.Gone:                 http.StatusGone,
	fault.PreconditionFailed:   http.StatusPreconditionFailed,
	fault.TooLarge:             http.StatusRequestEntityTooLarge,
	fault.Unsupported:          http.StatusUnsupportedMediaType,
	fault.Invalid:              http.StatusUnprocessableEntity,
	fault.TooEarly:             http.StatusTooEarly,
	fault.PreconditionRequired: http.StatusPreconditionRequired,
	fault.TooMany:              http.StatusTooManyRequests,
	fault.Unavailable:          http.StatusServiceUnavailable,
}

// WriteProblem responds with problem details (RFC 9457). An error that is not a fault is logged and becomes an
// opaque 500, or a 503 if it is a timeout.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	f := toFault(err)
	code := status[f.Kind]
	if code >= http.StatusInternalServerError && r.Context().Err() == nil {
		slog.ErrorContext(r.Context(), "request failed", "code", f.Code, "error", err)
	}
	body := map[string]any{}
	maps.Copy(body, f.Fields)
	maps.Copy(body, map[string]any{
		"type":   "about:blank",
		"title":  http.StatusText(code),
		"status": code,
		"code":   f.Code,
		"detail": f.Message,
	})
	if id := RequestID(r.Context()); id != "" {
		body["requestId"] = id
	}
	h := w.Header()
	h.Del("ETag")
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	if f.Kind == fault.Unauthenticated {
		h.Set("WWW-Authenticate", `Bearer realm="foyer"`)
	}
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.DebugContext(r.Context(), "problem response not written", "error", err)
	}
}

func toFault(err error) *fault.Error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fault.New(fault.TooLarge, "body_too_large", "The request body is larger than this endpoint allows.").Because(err)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fault.New(fault.Unavailable, "timeout", "The request took too long. Please try again.").Because(err)
	}
	return fault.New(fault.Internal, "internal", "Something went wrong on our side.").Because(err)
}

// BadRequest responds to requests that the generated code could not parse: an invalid parameter or body. It
// has the signature of ErrorHandlerFunc and RequestErrorHandlerFunc of the generated servers.
func BadRequest(w http.ResponseWriter, r *http.Request, err error) {
	WriteProblem(w, r, Unreadable(err))
}

// Unreadable converts an error of reading a request into a fault, unless it is one.
func Unreadable(err error) error {
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	if tooLarge || fault.KindOf(err) != fault.Internal {
		return err
	}
	return fault.New(fault.Malformed, "malformed_request", "The request could not be read.").Because(err)
}

// Handle returns a handler that calls f and responds with a problem if f returns an error; f must not have
// written anything then. The generated servers do the same with the operations of the contract
// (handlers.tmpl).
func Handle(f func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r); err != nil {
			WriteProblem(w, r, err)
		}
	}
}

// WriteJSON responds with status and v as JSON. It returns an error only if v cannot be encoded, and has
// written nothing then; a failed write to the client is not an error.
func WriteJSON(w http.ResponseWriter, r *http.Request, status int, v any) error {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(v); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := body.WriteTo(w); err != nil {
		slog.DebugContext(r.Context(), "response not written", "error", err)
	}
	return nil
}

// WriteRaw responds 200 with a value that is already JSON.
func WriteRaw(w http.ResponseWriter, r *http.Request, raw []byte) error {
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(raw); err != nil {
		slog.DebugContext(r.Context(), "response not written", "error", err)
	}
	return nil
}

// NoContent responds 204.
func NoContent(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
