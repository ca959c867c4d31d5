package holdqueue

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// Consumer decides the requests of the log and publishes the outcomes.
type Consumer struct {
	Decider  Decider
	Client   *daprclient.Client
	Announce func(event uuid.UUID, changes []booking.Change) // of units that are held now
}

// Subscription receives records in batches, in the order of the log.
func (c Consumer) Subscription() daprclient.Subscription {
	return daprclient.Subscription{
		Component: messages.PubSub, Topic: messages.HoldRequests, Bulk: true, Max: maxDelivery, Wait: 5 * time.Millisecond, HandleBulk: c.handle,
	}
}

// handle decides the records of a delivery and gives an error for each. A record that cannot be decided
// does not keep the others from being decided.
func (c Consumer) handle(ctx context.Context, batch []daprclient.Delivery) []error {
	errs, records := make([]error, len(batch)), make([][]booking.QueuedHold, len(batch))
	var good []int
	for i, delivery := range batch {
		if records[i], errs[i] = decodeRecord(delivery); errs[i] == nil {
			good = append(good, i)
		}
	}
	for len(good) > 0 {
		n := fitting(good, batch)
		err := c.decide(ctx, records, good[:n])
		if err != nil && n > 1 && fault.KindOf(err) != fault.Unavailable {
			for _, i := range good[:n] { // to find the one that fails
				errs[i] = c.decide(ctx, records, []int{i})
			}
			err = nil
		}
		if err != nil {
			for _, i := range good { // all again, in the same order
				errs[i] = err
			}
			return errs
		}
		good = good[n:]
	}
	return errs
}

// maxDecide bounds the records decided at once, in bytes. What is read and written for them, outcome
// blocks and a seat for each unit, is at most three times as long and has to fit into one call to the
// sidecar.
const maxDecide = messages.SidecarMax / 4

// fitting tells how many of the next records are decided at once.
func fitting(next []int, batch []daprclient.Delivery) int {
	size := 0
	for n, i := range next {
		size += len(batch[i].Bytes) + len(batch[i].Data)
		if n > 0 && size > maxDecide {
			return n
		}
	}
	return len(next)
}

// decide decides some of the records, in their order.
func (c Consumer) decide(ctx context.Context, records [][]booking.QueuedHold, some []int) error {
	var requests []booking.QueuedHold
	for _, i := range some {
		requests = append(requests, records[i]...)
	}
	if len(requests) == 0 {
		return nil
	}
	verdicts, err := c.Decider.Decide(ctx, requests)
	if err != nil {
		return err
	}
	outcomes := make([]json.RawMessage, len(verdicts))
	held := map[uuid.UUID][]booking.Change{}
	for i, v := range verdicts {
		o := outcomeValue{ID: v.Hold}
		if v.Refusal != nil {
			refusal := refusalOf("", v.Refusal)
			o.Refusal = &refusal
		} else {
			h := requests[i].Hold
			held[h.Event] = append(held[h.Event], booking.HeldChanges(h)...)
		}
		outcomes[i] = wire.MustEncode(o)
	}
	for id, changes := range held {
		c.Announce(id, changes)
	}
	for _, part := range splitBySize(outcomes, messages.MaxPayload(messages.HoldOutcomes, true)-len(`{"outcomes":[]}`)) {
		// A replica that misses this reads the outcome block.
		payload := wire.MustEncode(map[string]any{"outcomes": part})
		if err := c.Client.Publish(ctx, messages.Broadcast, messages.HoldOutcomes, verdicts[0].Hold.String(), daprclient.RawJSON(payload)); err != nil {
			slog.WarnContext(ctx, "hold outcomes not published", "count", len(part), "error", err)
		}
	}
	return nil
}

// splitBySize cuts a list into parts whose encodings, with commas, have at most that many bytes.
func splitBySize(list []json.RawMessage, most int) (parts [][]json.RawMessage) {
	start, size := 0, 0
	for i, item := range list {
		if size += len(item) + len(","); size > most && i > start {
			parts, start, size = append(parts, list[start:i]), i, len(item)+len(",")
		}
	}
	if start < len(list) {
		parts = append(parts, list[start:])
	}
	return parts
}
