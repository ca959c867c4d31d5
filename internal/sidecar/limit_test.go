package sidecar_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/sidecar"
)

// TestABulkDeliveryMayHoldTheLargestMessages: a batch is as large as its messages may be together, not
// as large as one request of a browser.
func TestABulkDeliveryMayHoldTheLargestMessages(t *testing.T) {
	router, err := httpapi.NewRouter(httpapi.Options{Service: "test"})
	require.NoError(t, err)
	const most = 8
	handled := 0
	sidecar.Mount(router, "token",
		sidecar.Subscription{
			Component: event.PubSub, Topic: "bulk", Bulk: true, Max: most,
			HandleBulk: func(_ context.Context, batch []sidecar.Delivery) []error {
				handled += len(batch)
				return make([]error, len(batch))
			},
		},
		sidecar.Subscription{
			Component: event.PubSub, Topic: "single",
			Handle: func(context.Context, sidecar.Delivery) error { handled++; return nil },
		})
	record := strings.Repeat("x", 1<<20)
	deliver := func(topic, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/dapr/topics/"+event.PubSub+"/"+topic, strings.NewReader(body))
		r.Header.Set(sidecar.TokenHeader, "token")
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		return w
	}
	entries := make([]string, most)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"entryId":"%d","event":{"id":"%d","data":%q}}`, i, i, record)
	}
	w := deliver("bulk", `{"entries":[`+strings.Join(entries, ",")+`]}`)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	var answer struct{ Statuses []struct{ Status string } }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	assert.Len(t, answer.Statuses, most)
	assert.Equal(t, most, handled)
	assert.JSONEq(t, `{"status":"SUCCESS"}`, deliver("single", fmt.Sprintf(`{"id":"1","data":%q}`, record)).Body.String())
}

func TestMessagesAreReadToTheLetter(t *testing.T) {
	type message struct {
		Unit string `json:"unit"`
	}
	for body, good := range map[string]bool{
		`{"unit":"a"}`:            true,
		`{"unit":"a","newer":1}`:  true,
		`{"unit":"a","UNIT":"b"}`: true,
		`{"unit":"a","unit":"b"}`: false,
		`{"unit":1}`:              false,
		`{"unit":"a"} {}`:         false,
	} {
		v, err := sidecar.Decode[message](sidecar.Delivery{Data: json.RawMessage(body)})
		assert.Equal(t, good, err == nil, "%s: %v", body, err)
		if good {
			assert.Equal(t, "a", v.Unit, body)
		}
	}
}
