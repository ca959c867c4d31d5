package daprclient

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/messages"
)

// deadlines bounds every call to the sidecar, by target: an app-id or a component. It is the one
// place where clients' deadlines are. Each lasts a little longer than the target's policy in
// dapr/resiliency.yaml can take, so that the sidecar's answer comes before the client gives up,
// and nothing goes on for long behind a caller that went away. TestDeadlinesAgreeWithResiliency compares
// the two. A caller with less time passes a context with a deadline of its own.
var deadlines = map[string]time.Duration{
	messages.Auth:         13 * time.Second,
	messages.Catalog:      invokeDeadline,
	messages.Search:       invokeDeadline,
	messages.Booking:      invokeDeadline,
	messages.WaitingRoom:  invokeDeadline,
	messages.Notification: invokeDeadline,
	messages.Payment:      14 * time.Second,

	messages.Seats:     stateDeadline,
	messages.Line:      stateDeadline,
	messages.Cache:     stateDeadline,
	messages.PubSub:    publishDeadline,
	messages.Broadcast: publishDeadline,
	messages.Email:     65 * time.Second, // nobody waits for a mail, and one that is given up may be sent twice
}

const (
	invokeDeadline  = 10 * time.Second
	stateDeadline   = 6 * time.Second
	publishDeadline = 6 * time.Second
	localDeadline   = 5 * time.Second // of what the sidecar answers without a policy: secrets, health
)

// Deadline is how long a call to a target may take; that of calls without a policy for a target
// which has none.
func Deadline(target string) time.Duration {
	if d, ok := deadlines[target]; ok {
		return d
	}
	return localDeadline
}

func within(ctx context.Context, target string) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, Deadline(target))
}
