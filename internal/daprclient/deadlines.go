package daprclient

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/messages"
)

// deadlines has the deadline of every call to the sidecar, by target: an app id or a component. Each is
// slightly longer than the target's policy in dapr/resiliency.yaml can take, so the sidecar answers before the
// client gives up and no call continues unobserved. TestDeadlinesAgreeWithResiliency compares the two. A
// caller with less time passes a context with its own deadline.
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
	messages.Email:     65 * time.Second, // nobody waits for an email, and one that is abandoned may be sent twice
}

const (
	invokeDeadline  = 10 * time.Second
	stateDeadline   = 6 * time.Second
	publishDeadline = 6 * time.Second
	localDeadline   = 5 * time.Second // of what the sidecar answers without a policy: secrets, health
)

// Deadline returns how long a call to a target may take; for a target without a policy, the deadline of local
// calls.
func Deadline(target string) time.Duration {
	if d, ok := deadlines[target]; ok {
		return d
	}
	return localDeadline
}

func within(ctx context.Context, target string) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, Deadline(target))
}
