package daprstore

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

var (
	goldenTime  = time.Date(2026, 6, 1, 12, 0, 0, 250_000_000, time.UTC)
	goldenEvent = uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")
)

// The bytes of stores that are in use. They only change together with a migration: a replica of the
// last version reads what this one writes, and this one reads what it wrote.
const (
	storedLine = `{"terms":{"merchant":"m1","highDemand":true,"published":true,"salesStart":"2026-06-01T12:00:00.25Z","salesEnd":"2026-06-01T13:00:00.25Z","maxPerOrder":4},` +
		`"settings":{"rate":2.5,"concurrency":30,"open":true,"paused":true,"order":"shuffle","opensAt":"2026-06-01T12:00:00.25Z","claimWindow":120000000000},` +
		`"stock":{"available":5,"held":2,"booked":3,"total":10,"at":"2026-06-01T12:00:00.25Z"},` +
		`"draw":{"commitment":"AQI=","committedAt":"2026-06-01T12:00:00.25Z","seed":"Aw==","count":7,"digest":"BAUG","heldAt":"2026-06-01T12:00:00.25Z"},` +
		`"taken":9,"served":6,"lapsed":2,"noticed":5,"marks":1,"waves":[{"from":3,"to":6,"at":"2026-06-01T12:00:00.25Z","people":3,"gone":1,"seen":"Ag=="}],` +
		`"passes":[{"until":"2026-06-01T12:01:00.25Z","count":2}],"list":true,"opened":"2026-06-01T12:00:00.25Z","ticked":"2026-06-01T12:00:00.25Z","tokens":1.5,"flow":0.25,` +
		`"habits":{"turns":10,"shown":9,"ended":8,"buys":7,"units":14},"logged":2,"turn":"01890a5d-ac96-774b-bcce-b302099a8057"}`
	storedNewLine = `{"terms":{"merchant":"","highDemand":false,"published":false,"salesStart":"0001-01-01T00:00:00Z","salesEnd":"0001-01-01T00:00:00Z","maxPerOrder":0},` +
		`"settings":{"rate":20,"concurrency":1000,"open":true,"order":"fifo","claimWindow":120000000000},` +
		`"stock":{"available":0,"held":0,"booked":0,"total":0,"at":"0001-01-01T00:00:00Z"},"taken":0,"served":0,"lapsed":0,"noticed":0,"tokens":0,"flow":0,` +
		`"habits":{"turns":0,"shown":0,"ended":0,"buys":0,"units":0},"logged":0,"turn":"00000000-0000-0000-0000-000000000000"}`
	storedLog     = `[{"from":1,"to":3,"people":2,"rate":2.5,"at":"2026-06-01T12:00:00.25Z"}]`
	storedPass    = `{"n":7,"u":1780315200250,"p":"01890a5d-ac96-774b-bcce-b302099a8057","f":true}`
	storedNoPass  = `{"n":7}`
	storedEvents  = `["01890a5d-ac96-774b-bcce-b302099a8057"]`
	storedLineKey = "line:01890a5d-ac96-774b-bcce-b302099a8057"
	storedPageKey = "page:01890a5d-ac96-774b-bcce-b302099a8057:000012"
	storedLogKey  = "log:01890a5d-ac96-774b-bcce-b302099a8057:000012"
	storedPassKey = "queue:01890a5d-ac96-774b-bcce-b302099a8057:anna"
)

func goldenLine() waitingroom.Line {
	return waitingroom.Line{
		Event: goldenEvent,
		Terms: waitingroom.SaleTerms{
			Event: goldenEvent, Merchant: "m1", HighDemand: true, Published: true, SalesStart: goldenTime, SalesEnd: goldenTime.Add(time.Hour), MaxPerOrder: 4,
		},
		Settings: waitingroom.Settings{
			Rate: 2.5, Concurrency: 30, Open: true, Paused: true, Order: waitingroom.Shuffle, OpensAt: goldenTime, ClaimWindow: 2 * time.Minute,
		},
		Inventory: waitingroom.Inventory{Available: 5, Held: 2, Booked: 3, Total: 10, At: goldenTime},
		Draw: waitingroom.Draw{
			Commitment: []byte{1, 2}, CommittedAt: goldenTime, Seed: []byte{3}, Count: 7, Digest: []byte{4, 5, 6}, HeldAt: goldenTime,
		},
		Arrivals: 9, Served: 6, Expired: 2, Notified: 5, Removals: 1,
		Batches: []waitingroom.AdmissionBatch{{From: 3, To: 6, At: goldenTime, People: 3, Settled: 1, SettledBits: []byte{2}}},
		Passes:  []waitingroom.PassCount{{Until: goldenTime.Add(time.Minute), Count: 2}}, WaitingList: true,
		Opened: goldenTime, Ticked: goldenTime, Tokens: 1.5, Flow: 0.25,
		Conversion: waitingroom.ConversionStats{Turns: 10, Shown: 9, Ended: 8, Buys: 7, Units: 14},
		Logged:     2, ChangeID: goldenEvent,
	}
}

func TestStoredLine(t *testing.T) {
	empty := waitingroom.NewLine(goldenEvent)
	empty.Terms.Event = goldenEvent // the key's
	for stored, line := range map[string]waitingroom.Line{storedLine: goldenLine(), storedNewLine: empty} {
		raw, err := EncodeLine(line)
		require.NoError(t, err)
		require.Equal(t, stored, string(raw))
		read, err := DecodeLine(goldenEvent, []byte(stored))
		require.NoError(t, err)
		require.Equal(t, line, read)
	}
}

func TestStoredLog(t *testing.T) {
	entries := []waitingroom.LogEntry{{From: 1, To: 3, People: 2, Rate: 2.5, At: goldenTime}}
	raw, err := encodeLog(entries)
	require.NoError(t, err)
	require.Equal(t, storedLog, string(raw))
	read, err := DecodeLog([]byte(storedLog))
	require.NoError(t, err)
	require.Equal(t, entries, read)
}

func TestStoredPass(t *testing.T) {
	for stored, entry := range map[string]waitingroom.Entry{
		storedPass:   {Arrival: 7, PassUntil: time.UnixMilli(goldenTime.UnixMilli()), PassID: goldenEvent, Finished: true, Version: "3"},
		storedNoPass: {Arrival: 7, Version: "3"},
	} {
		raw, err := encodeEntry(entry)
		require.NoError(t, err)
		require.Equal(t, stored, string(raw))
		read, err := decodeEntry(daprclient.Item{Value: []byte(stored), ETag: "3"})
		require.NoError(t, err)
		require.Equal(t, entry, read)
	}
}

func TestStoredRegisterAndKeys(t *testing.T) {
	events, err := decodeRegister([]byte(storedEvents))
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{goldenEvent}, events)
	raw, err := json.Marshal(events)
	require.NoError(t, err)
	require.Equal(t, storedEvents, string(raw))
	require.Equal(t, "lines:07", registerKey(7))
	require.Equal(t, storedLineKey, LineKey(goldenEvent))
	require.Equal(t, storedPageKey, PageKey(goldenEvent, 12))
	require.Equal(t, storedLogKey, LogKey(goldenEvent, 12))
	require.Equal(t, storedPassKey, entryKey(goldenEvent, "anna"))
}
