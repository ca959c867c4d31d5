package event_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/event"
)

// TestLimitsOfMessagesFitIntoEachOther: whatever may be published, the broker takes and a sidecar
// passes on, alone and together with others.
func TestLimitsOfMessagesFitIntoEachOther(t *testing.T) {
	for _, topic := range append(event.Topics(), event.BroadcastTopics()...) {
		for _, batched := range []bool{true, false} {
			require.LessOrEqual(t, event.MaxPayload(topic, batched), event.PublishMost, topic)
		}
		require.Less(t, event.MaxPayload(topic, true)*4/3, event.MaxDelivered(topic), topic)
		require.Less(t, event.MaxPayload(topic, false)*6, event.MaxDelivered(topic), topic)
		require.LessOrEqual(t, event.MaxDelivered(topic), event.BrokerMax, topic)
	}
	require.Less(t, event.PublishMost, event.SidecarMax)
}
