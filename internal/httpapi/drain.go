package httpapi

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/foyer-tickets/foyer/internal/telemetry"
)

type drainKey struct{}

// WithDrain returns a context for the requests of a process that starts draining when drain ends.
func WithDrain(ctx, drain context.Context) context.Context {
	return context.WithValue(ctx, drainKey{}, drain)
}

// UntilDrain returns a context that ends with the request or when the process starts draining, whichever comes
// first. Streams use it, since they would otherwise keep the process from stopping. Other requests do not need
// it; they are finished.
func UntilDrain(ctx context.Context) (context.Context, context.CancelFunc) {
	drain, ok := ctx.Value(drainKey{}).(context.Context)
	ctx, cancel := context.WithCancel(ctx)
	if !ok {
		return ctx, cancel
	}
	stop := context.AfterFunc(drain, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

var streams = telemetry.NewUpDownCounter("foyer.http.streams", "{stream}", "Open streams of server-sent events, by route. waitingroom.streams has those of lines.", "http.route")

// drainStreams ends every stream when the process starts draining, independently of its handler, and tells the
// client when to reconnect. A stream is an operation whose contract responds with events.
func (c *contract) drainStreams(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, op := c.operation(r); !stream(op) {
			next.ServeHTTP(w, r)
			return
		}
		route := template(r)
		streams.Add(r.Context(), 1, route)
		defer streams.Add(r.Context(), -1, route)
		ctx, cancel := UntilDrain(r.Context())
		defer cancel()
		rec := &recorder{ResponseWriter: w}
		next.ServeHTTP(rec, r.WithContext(ctx))
		if drain, ok := r.Context().Value(drainKey{}).(context.Context); ok && drain.Err() != nil && rec.status == http.StatusOK {
			_, _ = w.Write(Farewell()) // a client that does not read it reconnects anyway
		}
	})
}

// The delay after which a client reconnects, in milliseconds.
const (
	comeBackAfter  = 100
	comeBackWithin = 1900
)

// Farewell returns the last bytes of a stream when its process stops: a randomised reconnection delay.
func Farewell() []byte {
	return fmt.Appendf(nil, "retry: %d\n\n", comeBackAfter+rand.IntN(comeBackWithin))
}
