package daprclient_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/messages"
)

// deliver posts a body as a sidecar does, through the router that the services have.
func deliver(t *testing.T, s daprclient.Subscription, body string) (status int, answer map[string]any) {
	t.Helper()
	router, err := httpapi.NewRouter(httpapi.Options{Service: "test"})
	require.NoError(t, err)
	daprclient.Mount(router, "token", s)
	r := httptest.NewRequest(http.MethodPost, "/dapr/topics/"+s.Component+"/"+s.Topic, strings.NewReader(body))
	r.Header.Set(daprclient.TokenHeader, "token")
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, answer
}

func bulk(entries ...string) string {
	return `{"id":"1","metadata":{"entries":"x"},"entries":[` + strings.Join(entries, ",") + `],"pubsubname":"pubsub","topic":"t","type":"com.dapr.event.sent.bulk"}`
}

func entry(id, event string) string {
	return fmt.Sprintf(`{"entryId":"%s","event":%s,"metadata":{},"contentType":"application/cloudevents+json"}`, id, event)
}

func opaque(payload string) string {
	return `{"id":"m","data_base64":"` + base64.StdEncoding.EncodeToString([]byte(payload)) + `"}`
}

func verdicts(t *testing.T, answer map[string]any) map[string]string {
	t.Helper()
	all := map[string]string{}
	list, _ := answer["statuses"].([]any)
	for _, s := range list {
		one, _ := s.(map[string]any)
		all[fmt.Sprint(one["entryId"])] = fmt.Sprint(one["status"])
	}
	return all
}

// requests is a bulk subscription that refuses what says so.
func requests(seen *[]string) daprclient.Subscription {
	return daprclient.Subscription{
		Component: messages.PubSub, Topic: messages.HoldRequests, Bulk: true, Max: 8,
		HandleBulk: func(_ context.Context, batch []daprclient.Delivery) []error {
			errs := make([]error, len(batch))
			for i, d := range batch {
				payload := string(d.Bytes)
				*seen = append(*seen, payload[:min(len(payload), 4)])
				switch payload {
				case "bad":
					errs[i] = fault.New(fault.Malformed, "malformed", "no")
				case "late":
					errs[i] = errors.New("not now")
				case "panic":
					panic("of all")
				}
			}
			return errs
		},
	}
}

// TestEachEntryOfABulkDeliveryHasItsOwnAnswer: what is wrong with one is no reason to lose, or to
// repeat, the others.
func TestEachEntryOfABulkDeliveryHasItsOwnAnswer(t *testing.T) {
	huge := strings.Repeat("x", messages.MaxDelivered(messages.HoldRequests))
	for name, c := range map[string]struct {
		body string
		want map[string]string
	}{
		"all good":        {bulk(entry("0", opaque("a")), entry("1", opaque("b"))), map[string]string{"0": "SUCCESS", "1": "SUCCESS"}},
		"one refused":     {bulk(entry("0", opaque("a")), entry("1", opaque("bad")), entry("2", opaque("c"))), map[string]string{"0": "SUCCESS", "1": "DROP", "2": "SUCCESS"}},
		"one later":       {bulk(entry("0", opaque("late")), entry("1", opaque("b"))), map[string]string{"0": "RETRY", "1": "SUCCESS"}},
		"not base64":      {bulk(entry("0", opaque("a")), entry("1", `{"id":"m","data_base64":"%"}`), entry("2", opaque("c"))), map[string]string{"0": "SUCCESS", "1": "DROP", "2": "SUCCESS"}},
		"not an event":    {bulk(entry("0", `[]`), entry("1", opaque("b"))), map[string]string{"0": "DROP", "1": "SUCCESS"}},
		"another's types": {bulk(entry("0", `{"id":7,"data":{}}`), entry("1", opaque("b"))), map[string]string{"0": "DROP", "1": "SUCCESS"}},
		"one too large":   {bulk(entry("0", opaque("a")), entry("1", opaque(huge)), entry("2", opaque("c"))), map[string]string{"0": "SUCCESS", "1": "DROP", "2": "SUCCESS"}},
		// The sidecar would look entry 3 up by its number among the two that it sent.
		"a repetition": {bulk(entry("3", opaque("bad")), entry("5", opaque("b"))), map[string]string{"3": "RETRY", "5": "SUCCESS"}},
		"a panic":      {bulk(entry("0", opaque("panic")), entry("1", opaque("b"))), map[string]string{"0": "RETRY", "1": "RETRY"}},
	} {
		var seen []string
		code, answer := deliver(t, requests(&seen), c.body)
		assert.Equal(t, http.StatusOK, code, name)
		assert.Equal(t, c.want, verdicts(t, answer), name)
	}
}

// TestADeliveryMayBeAsLongAsItsMessages: the router's limit for bodies is not for deliveries.
func TestADeliveryMayBeAsLongAsItsMessages(t *testing.T) {
	payload := strings.Repeat("x", messages.MaxPayload(messages.HoldRequests, true))
	var entries []string
	want := map[string]string{}
	for i := range 8 {
		entries = append(entries, entry(fmt.Sprint(i), opaque(payload)))
		want[fmt.Sprint(i)] = "SUCCESS"
	}
	var seen []string
	code, answer := deliver(t, requests(&seen), bulk(entries...))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, want, verdicts(t, answer))

	// Somebody else's messages, all of them too long: those that could be read are answered.
	long := opaque(strings.Repeat("x", 2*messages.MaxDelivered(messages.HoldRequests)))
	entries = []string{entry("0", opaque("a"))}
	for i := 1; i < 8; i++ {
		entries = append(entries, entry(fmt.Sprint(i), long))
	}
	code, answer = deliver(t, requests(&seen), bulk(entries...))
	require.Equal(t, http.StatusOK, code)
	got := verdicts(t, answer)
	require.Equal(t, "SUCCESS", got["0"])
	require.Equal(t, "DROP", got["1"])
	require.Less(t, len(got), 8)
}

// TestASingleDeliveryMayBeAsLongAsItsMessage: one that is longer than a message may be goes to the
// dead letters and is not sent again and again.
func TestASingleDeliveryMayBeAsLongAsItsMessage(t *testing.T) {
	var got int
	s := daprclient.Subscription{Component: messages.Broadcast, Topic: messages.SeatChanges, Handle: func(_ context.Context, d daprclient.Delivery) error {
		got = len(d.Bytes)
		return nil
	}}
	payload := strings.Repeat("x", messages.MaxPayload(messages.SeatChanges, true))
	code, answer := deliver(t, s, opaque(payload))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "SUCCESS", answer["status"])
	require.Equal(t, len(payload), got)
	code, answer = deliver(t, s, opaque(strings.Repeat("x", 2*messages.MaxDelivered(messages.SeatChanges))))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "DROP", answer["status"])

	s.Handle = func(context.Context, daprclient.Delivery) error { panic("here") }
	code, answer = deliver(t, s, opaque("x"))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "RETRY", answer["status"])
}
