package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/foyer-tickets/foyer/internal/messages"
)

func TestDeadLettersAreListedAndReplayed(t *testing.T) {
	l := newLauncher(t)
	out, err := l.run("up", "kafka")
	require.NoError(t, err, out)
	out, err = l.run("dlq", "list")
	require.NoError(t, err, out)
	require.Contains(t, out, "0 dead letters", "where no topic is yet")

	about := uuid.NewString()
	value, err := json.Marshal(map[string]any{"id": "letter-1", "data": map[string]any{"event": about}})
	require.NoError(t, err)
	broker, err := kgo.NewClient(kgo.SeedBrokers(fmt.Sprintf("127.0.0.1:%d", l.cfg.Ports.Kafka)), kgo.AllowAutoTopicCreation(),
		kgo.ConsumeTopics(messages.CatalogChanges), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(100*time.Millisecond))
	require.NoError(t, err)
	defer broker.Close()
	for _, r := range []*kgo.Record{{Topic: messages.CatalogChanges + messages.Dead, Value: value}, {Topic: messages.InventorySummary + messages.Dead, Value: []byte("no JSON")}} {
		require.NoError(t, broker.ProduceSync(t.Context(), r).FirstErr())
	}

	out, err = l.run("dlq", "list")
	require.NoError(t, err, out)
	require.Regexp(t, messages.CatalogChanges+` +`+about+` +letter-1`, out)
	require.Contains(t, out, "2 dead letters")
	out, err = l.run("dlq", "list", messages.CatalogChanges)
	require.NoError(t, err, out)
	require.Contains(t, out, "1 dead letters")

	out, err = l.run("dlq", "replay", messages.CatalogChanges)
	require.NoError(t, err, out)
	require.Contains(t, out, "1 replayed")
	again := broker.PollFetches(t.Context()).Records()
	require.Len(t, again, 1)
	require.JSONEq(t, string(value), string(again[0].Value), "as it was")

	out, err = l.run("dlq", "list")
	require.NoError(t, err, out)
	require.Contains(t, out, "1 dead letters", "what was replayed is not listed again, the rest is")
	out, err = l.run("dlq", "replay", messages.CatalogChanges)
	require.NoError(t, err, out)
	require.Contains(t, out, "0 replayed")

	for _, wrong := range [][]string{{"dlq"}, {"dlq", "burn"}, {"dlq", "replay"}, {"dlq", "list", "no.such.topic"}} {
		out, err = l.run(wrong...)
		require.Error(t, err, out)
	}
}
