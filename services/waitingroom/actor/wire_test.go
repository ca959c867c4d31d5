package actor

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// What version 1 of the actor's format sends, in both directions. During a rolling deployment a
// replica of the last version reads these bytes and writes them.
func TestWireFormat(t *testing.T) {
	at := time.Date(2026, 6, 1, 12, 0, 0, 250_000_000, time.UTC)
	event := uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")
	terms := waitingroom.SaleTerms{
		Event: event, Merchant: "m1", HighDemand: true, Published: true, SalesStart: at, SalesEnd: at.Add(time.Hour), MaxPerOrder: 4,
	}
	rules := waitingroom.Settings{
		Rate: 2.5, Concurrency: 30, Open: true, Paused: true, Order: waitingroom.Shuffle, OpensAt: at, ClaimWindow: 2 * time.Minute,
	}
	const (
		wireTerms    = `{"merchant":"m1","highDemand":true,"published":true,"salesStart":"2026-06-01T12:00:00.25Z","salesEnd":"2026-06-01T13:00:00.25Z","maxPerOrder":4}`
		wireSettings = `{"rate":2.5,"concurrency":30,"open":true,"paused":true,"order":"shuffle","opensAt":"2026-06-01T12:00:00.25Z","claimWindow":120000000000}`
	)

	closed := fault.New(fault.Conflict, "queue_closed", "Closed.")
	requests := []waitingroom.JoinRequest{{Account: "a", After: 3}, {Account: "b"}}
	take := sent(t, takeRequest{each(requests, joinRequestOf), termsOf(terms)},
		`{"asks":[{"Account":"a","After":3},{"Account":"b","After":0}],"terms":`+wireTerms+`}`)
	require.Equal(t, requests, each(take.Asks, joinRequest.request))
	require.Equal(t, terms, take.Terms.terms(event))

	results := []waitingroom.JoinResult{{Arrival: 4, Fresh: true}, {}}
	taken := sent(t, takeReply{each(results, joinResultOf), refusalOf(closed)},
		`{"places":[{"Arrival":4,"Fresh":true},{"Arrival":0,"Fresh":false}],"refusal":{"kind":5,"code":"queue_closed","message":"Closed."}}`)
	require.Equal(t, results, each(taken.Places, joinResult.result))
	require.ErrorIs(t, taken.Refusal.Fault(), closed)
	sent(t, takeReply{each(results[:1], joinResultOf), refusalOf(nil)}, `{"places":[{"Arrival":4,"Fresh":true}]}`)

	sent(t, accountsRequest{[]string{"a", "b"}}, `{"accounts":["a","b"]}`)
	sent(t, seekReply{[]int64{1, 0}}, `{"arrivals":[1,0]}`)

	answers := []waitingroom.ClaimResult{{Arrival: 1, Outcome: waitingroom.Granted, Until: at}, {Arrival: 2, Outcome: waitingroom.Missed}, {Arrival: 3, Outcome: waitingroom.NotYet}}
	claims := sent(t, claimReply{each(answers, claimedOf)}, `{"answers":[{"Arrival":1,"Answer":1,"Until":"2026-06-01T12:00:00.25Z"},`+
		`{"Arrival":2,"Answer":2,"Until":"0001-01-01T00:00:00Z"},{"Arrival":3,"Answer":0,"Until":"0001-01-01T00:00:00Z"}]}`)
	require.Equal(t, answers, each(claims.Answers, claimed.claimed))

	sent(t, eraseRequest{"a", "deleted-1", []int64{0, 2}}, `{"account":"a","tombstone":"deleted-1","pages":[0,2]}`)

	passes := []waitingroom.FinishedPass{{Until: at, Units: 2}}
	ended := sent(t, finishRequest{each(passes, finishedOf)}, `{"passes":[{"Until":"2026-06-01T12:00:00.25Z","Units":2}]}`)
	require.Equal(t, passes, each(ended.Passes, finished.finished))
	sent(t, finishRequest{each(nil, finishedOf)}, `{"passes":null}`)

	left := waitingroom.Inventory{Available: 5, Held: 2, Booked: 3, Total: 10, At: at}
	count := sent(t, inventoryOf(left), `{"available":5,"held":2,"booked":3,"total":10,"at":"2026-06-01T12:00:00.25Z"}`)
	require.Equal(t, left, count.inventory())

	configure := sent(t, configureRequest{settingsOf(rules), termsOf(terms)}, `{"settings":`+wireSettings+`,"terms":`+wireTerms+`}`)
	require.Equal(t, rules, configure.Settings.settings())
	sent(t, configureReply{json.RawMessage(`{"taken":1}`)}, `{"line":{"taken":1}}`)
}

func TestReplyFormat(t *testing.T) {
	for wire, method := range map[string]struct {
		value any
		err   error
	}{
		`{"value":{"arrivals":[1]}}`: {value: seekReply{[]int64{1}}},
		`{"value":null}`:             {},
		`{"refusal":{"kind":14,"code":"queue_full","message":"Full.","after":60000000000}}`:            {err: fault.New(fault.Unavailable, waitingroom.ErrFull.Code, "Full.").After(time.Minute)},
		`{"refusal":{"kind":5,"code":"order_decided","message":"Decided.","fields":{"field":"rate"}}}`: {err: fault.New(fault.Conflict, "order_decided", "Decided.").With("field", "rate")},
	} {
		r, err := replyOf(method.value, method.err)
		require.NoError(t, err)
		read := sent(t, r, wire)
		if method.err != nil {
			require.ErrorIs(t, read.open(nil), method.err)
		} else {
			require.NoError(t, read.open(nil))
		}
	}
	_, err := replyOf(nil, waitingroom.ErrBusy)
	require.Error(t, err, "the caller updates the room itself")
}

// sent checks the bytes of a message and gives what their receiver reads.
func sent[T any](t *testing.T, message T, wire string) (read T) {
	t.Helper()
	raw, err := json.Marshal(message)
	require.NoError(t, err)
	require.Equal(t, wire, string(raw))
	require.NoError(t, json.Unmarshal([]byte(wire), &read))
	return read
}
