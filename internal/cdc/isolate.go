package cdc

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
)

// A message that the broker never accepts would block the relay for ever. It is set aside: stored in
// cdc_rejected for a while (internal/retention), logged as an error, and skipped. If the cause could be an
// unavailable broker, the relay waits instead.
const (
	// tooLarge is a message size that every broker rejects.
	tooLarge = 900 << 10
	// strangers is how many messages in a row have to fail before the broker is considered unavailable.
	strangers = 5
)

// isolate publishes each message of a wave separately, and sets aside those that fail while others succeed.
// taken is the number of messages of the wave that the broker has accepted so far. It returns an error if the
// broker is unavailable; the remaining messages stay in the wave.
//
// A wave has no two messages with the same key, so their order does not matter, and a bad message does not
// block the ones behind it.
func (r *Relay) isolate(ctx context.Context, w *batch, taken int) error {
	// No two of one key are in a wave: any order will do. So poison cannot hide what is behind it.
	rand.Shuffle(len(w.messages), func(i, j int) { w.messages[i], w.messages[j] = w.messages[j], w.messages[i] })
	var bad []daprclient.Message
	var reasons []error
	for i, m := range w.messages {
		_, err := r.Publisher.PublishBulk(ctx, messages.PubSub, w.topic, []daprclient.Message{m})
		switch {
		case err == nil:
			taken++
		case ctx.Err() != nil:
			w.messages = append(bad, w.messages[i:]...)
			return ctx.Err()
		default:
			bad, reasons = append(bad, m), append(reasons, err)
			if taken == 0 && len(bad) >= strangers {
				w.messages = append(bad, w.messages[i+1:]...)
				return err
			}
		}
	}
	w.messages = nil
	for i, m := range bad {
		if taken == 0 && !refused(reasons[i]) && len(m.Payload) < tooLarge {
			w.messages = append(w.messages, m) // perhaps the broker is away
			continue
		}
		if err := r.setAside(ctx, w.topic, m, reasons[i]); err != nil {
			w.messages = append(w.messages, bad[i:]...)
			return err
		}
	}
	if len(w.messages) > 0 {
		return reasons[0]
	}
	return nil
}

// refused reports whether an error is a permanent rejection by the sidecar, rather than a temporary failure.
func refused(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.NotFound, codes.ResourceExhausted:
		return true
	}
	return false
}

func (r *Relay) setAside(ctx context.Context, topic string, m daprclient.Message, reason error) error {
	slog.ErrorContext(ctx, "message rejected by the broker, set aside", "slot", r.Name, "topic", topic, "key", m.Key, "bytes", len(m.Payload), "error", reason)
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	_, err := r.db.Exec(ctx, `INSERT INTO cdc_rejected (topic, key, payload, reason) VALUES ($1, $2, $3, $4)`, topic, m.Key, string(m.Payload), reason.Error())
	if err != nil {
		return fmt.Errorf("relay: set aside: %w", err)
	}
	rejected.Add(ctx, 1, r.Name)
	return nil
}
