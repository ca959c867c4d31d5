package holdqueue

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// TestTheFormatOfRecordsAndOutcomes: these bytes stand in the log, in the state store and in messages on
// their way between replicas of two versions. They are read, and written the same.
func TestTheFormatOfRecordsAndOutcomes(t *testing.T) {
	id, event := uuid.MustParse("0192f0c4-0000-7000-8000-000000000001"), uuid.MustParse("0192f0c4-0000-7000-8000-00000000000e")
	until := time.UnixMilli(1_795_556_572_644)
	h := booking.Hold{
		ID: id, Event: event, Account: "buyer", Until: until, Status: booking.HoldOpen,
		Units: []booking.HeldUnit{{ID: "g-1", TicketType: "g", TypeName: "Standing", Label: "Standing", Price: money.Money{Amount: 4500, Currency: "EUR"}}},
	}
	const hold = `{"event":"0192f0c4-0000-7000-8000-00000000000e","account":"buyer","units":[{"id":"g-1","type":"g","typeName":"Standing","label":"Standing","amount":4500,"currency":"EUR"}],"until":1795556572644,"status":"open"}`

	const record = `{"requests":[{"id":"0192f0c4-0000-7000-8000-000000000001","hold":` + hold + `,"limit":8,"admitted":1795556570000}]}`
	request := booking.QueuedHold{Hold: h, Limit: 8, Admitted: time.UnixMilli(1_795_556_570_000)}
	assert.Equal(t, record, string(wire.MustEncode(recordValue{[]json.RawMessage{encodeRequest(request, id)}})))
	requests, err := decodeRecord(daprclient.Delivery{Bytes: []byte(record)})
	require.NoError(t, err)
	assert.Equal(t, []booking.QueuedHold{request}, requests)

	assert.Equal(t, "page:8000000000000001:0", BlockKey(id))
	assert.Equal(t, "verdict:0192f0c4-0000-7000-8000-000000000001", PendingKey(id))
	const block = `{"until":1795556572644,"entries":[{"id":"0192f0c4-0000-7000-8000-000000000001","hold":` + hold + `},` +
		`{"id":"0192f0c4-0000-7000-8000-00000000000e","refusal":{"account":"rival","kind":5,"code":"units_unavailable","message":"Taken.","fields":{"units":["g-1"]}}}]}`
	taken := fault.New(fault.Conflict, "units_unavailable", "Taken.").With("units", []string{"g-1"})
	b := &Block{}
	b.AddHold(h)
	b.AddRefusal(booking.Hold{ID: event, Account: "rival"}, taken)
	assert.Equal(t, block, string(wire.MustEncode(b)))
	b, err = DecodeBlock([]byte(block))
	require.NoError(t, err)
	granted, ok := b.Find(id)
	require.True(t, ok)
	assert.Equal(t, h, granted.Hold.ToHold(id))
	refused, ok := b.Find(event)
	require.True(t, ok)
	assert.Equal(t, error(taken), refused.Refusal.Err())

	assert.Equal(t, `{"account":"buyer"}`, string(wire.MustEncode(Refusal{Account: "buyer"})), "not decided yet")
	exists := fault.New(fault.Conflict, "hold_exists", "You have one.").With("hold", id).After(time.Second)
	refusal := refusalOf("", exists)
	const outcomes = `{"outcomes":[{"id":"0192f0c4-0000-7000-8000-000000000001"},` +
		`{"id":"0192f0c4-0000-7000-8000-00000000000e","refusal":{"account":"","kind":5,"code":"hold_exists","message":"You have one.","fields":{"hold":"0192f0c4-0000-7000-8000-000000000001"},"after":1000000000}}]}`
	assert.Equal(t, outcomes, string(wire.MustEncode(outcomesValue{[]outcomeValue{{ID: id}, {ID: event, Refusal: &refusal}}})))
	var v outcomesValue
	require.NoError(t, json.Unmarshal([]byte(outcomes), &v))
	assert.Nil(t, v.Outcomes[0].Refusal)
	assert.Equal(t, error(exists), v.Outcomes[1].Refusal.Err())
}
