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

// A message that the broker never takes would hold up the relay for ever. Such a one is set aside:
// kept in cdc_rejected for a while (internal/retention), told with an alarm, and passed by. What cannot be told from a broker that is
// away waits.
const (
	// tooLarge is what brokers surely do not take in one message.
	tooLarge = 900 << 10
	// strangers is how many messages in a row have to fail for the broker to count as away.
	strangers = 5
)

// isolate sends each message of a wave by itself, and sets those aside that fail while others do
// not. taken is how many of the wave the broker has taken so far. It gives an error when the broker is
// away; the messages left stay in the wave.
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

// refused tells a sidecar's refusal, which stays, from trouble that passes.
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
	if r.rejected != nil {
		r.rejected.Inc()
	}
	return nil
}
