package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/identity"
)

// watcher is a Verifier that can signal when a token is no longer valid.
type watcher interface {
	Watch(ctx context.Context, a identity.Account) (context.Context, context.CancelFunc)
}

// boundStreams ends each stream of a signed-in caller when their token expires or is revoked, since a stream
// can outlast the check at its start by hours. The client reconnects with a fresh token, or is rejected.
func (c *contract) boundStreams(v Verifier) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			watch, ok := v.(watcher)
			account, signedIn := identity.From(r.Context())
			if !ok || !signedIn || !c.personalStream(r) {
				next.ServeHTTP(w, r)
				return
			}
			ctx, stop := watch.Watch(r.Context(), account)
			defer stop()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// personalStream reports whether the operation responds to signed-in callers with events.
func (c *contract) personalStream(r *http.Request) bool {
	_, _, op := c.operation(r)
	if !stream(op) {
		return false
	}
	_, secured := c.access(op)
	return secured
}

// stream reports whether an operation responds with events.
func stream(op *openapi3.Operation) bool {
	if op == nil || op.Responses == nil {
		return false
	}
	ok := op.Responses.Value("200")
	return ok != nil && ok.Value != nil && ok.Value.Content["text/event-stream"] != nil
}

// streamWriteTimeout is how long one write to a slow client may take before the stream is closed.
const streamWriteTimeout = 5 * time.Second

// Heartbeat is how often an idle stream should send a comment, so that proxies and sleeping
// clients notice a dead connection.
const Heartbeat = 15 * time.Second

// Stream writes server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). If the
// client does not keep up, a write fails; the handler should then return.
type Stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// NewStream responds 200 and opens the stream.
func NewStream(w http.ResponseWriter) (*Stream, error) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx: pass each event on at once
	s := &Stream{w: w, rc: http.NewResponseController(w)}
	// The server's read deadline would end a long stream.
	if err := s.rc.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("stream: %w", err)
	}
	w.WriteHeader(http.StatusOK)
	return s, s.Raw([]byte("retry: 2000\n\n"))
}

// Send writes one event. id may be empty; data must not contain a bare carriage return.
func (s *Stream) Send(event, id string, data []byte) error {
	return s.Raw(Event(event, id, data))
}

// Comment writes a comment, which clients ignore.
func (s *Stream) Comment() error { return s.Raw([]byte(":\n\n")) }

// Raw writes the result of Event, which may be shared by any number of streams.
func (s *Stream) Raw(frame []byte) error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(streamWriteTimeout)); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	if _, err := s.w.Write(frame); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	if err := s.rc.Flush(); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return nil
}

// Event encodes one event.
func Event(event, id string, data []byte) []byte {
	var b bytes.Buffer
	b.Grow(len(data) + len(event) + len(id) + 24)
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	if event != "" {
		fmt.Fprintf(&b, "event: %s\n", event)
	}
	for line := range bytes.Lines(data) {
		b.WriteString("data: ")
		b.Write(bytes.TrimSuffix(line, []byte("\n")))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	return b.Bytes()
}
