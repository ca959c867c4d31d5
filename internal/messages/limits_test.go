package messages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/messages"
)

// TestLimitsOfMessagesFitIntoEachOther: whatever may be published, the broker takes and a sidecar
// passes on, alone and together with others.
func TestLimitsOfMessagesFitIntoEachOther(t *testing.T) {
	for _, topic := range append(messages.Topics(), messages.BroadcastTopics()...) {
		for _, batched := range []bool{true, false} {
			require.LessOrEqual(t, messages.MaxPayload(topic, batched), messages.PublishMost, topic)
		}
		require.Less(t, messages.MaxPayload(topic, true)*4/3, messages.MaxDelivered(topic), topic)
		require.Less(t, messages.MaxPayload(topic, false)*6, messages.MaxDelivered(topic), topic)
		require.LessOrEqual(t, messages.MaxDelivered(topic), messages.BrokerMax, topic)
	}
	require.Less(t, messages.PublishMost, messages.SidecarMax)
}
