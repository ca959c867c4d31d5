package httpapi

import "context"

type drainKey struct{}

// WithDrain returns a context for the requests of a process that begins to stop when drain ends.
func WithDrain(ctx, drain context.Context) context.Context {
	return context.WithValue(ctx, drainKey{}, drain)
}

// UntilDrain returns a context that ends with the request or when the process begins to stop,
// whichever comes first. A stream lives by it: it would keep the process from stopping otherwise.
// Requests that end by themselves do not need it; they are finished.
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
