package holdqueue

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// recordValue is a record of the log hold.requests. Its key is the event. Requests are decided in the
// order of the log, and within a record in the order in which they stand.
type recordValue struct {
	Requests []json.RawMessage `json:"requests"` // of requestValue
}

type requestValue struct {
	ID       uuid.UUID `json:"id"`
	Hold     wire.Hold `json:"hold"`
	Limit    int       `json:"limit,omitempty"`
	Admitted int64     `json:"admitted"` // milliseconds of Unix time
}

func encodeRequest(r booking.QueuedHold, id uuid.UUID) json.RawMessage {
	return wire.MustEncode(requestValue{ID: id, Hold: wire.FromHold(r.Hold), Limit: r.Limit, Admitted: r.Admitted.UnixMilli()})
}

// decodeRecord reads the requests of a record.
func decodeRecord(d daprclient.Delivery) ([]booking.QueuedHold, error) {
	v, err := daprclient.Decode[struct {
		Requests []requestValue `json:"requests"`
	}](d)
	if err != nil {
		return nil, err
	}
	requests := make([]booking.QueuedHold, len(v.Requests))
	for i, r := range v.Requests {
		requests[i] = booking.QueuedHold{Hold: r.Hold.ToHold(r.ID), Limit: r.Limit, Admitted: time.UnixMilli(r.Admitted)}
	}
	return requests, nil
}

// outcomesValue is a message of the topic hold.outcomes: what became of the requests of a batch.
type outcomesValue struct {
	Outcomes []outcomeValue `json:"outcomes"`
}

type outcomeValue struct {
	ID      uuid.UUID `json:"id"`
	Refusal *Refusal  `json:"refusal,omitempty"` // without an account; nil: the units are held
}
