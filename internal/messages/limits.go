package messages

// Limits of messages, in bytes, in one place: what a publisher may send, what the broker and the
// sidecars carry, and what a subscriber has to read follow from each other. limits_test.go
// computes the worst cases.
const (
	// maxBatch is the payload of a message that carries what many people did.
	maxBatch = 384 << 10
	// maxNote is the payload of every other message: ids and numbers.
	maxNote = 16 << 10

	// envelope is more than a CloudEvent's attributes and the broker's metadata take.
	envelope = 4 << 10
	// escaped is how much longer JSON can get where a sidecar writes it again: "<" becomes "\u003c".
	escaped = 6

	// BrokerMax is the largest message that the broker takes: maxMessageBytes of the Kafka
	// components, and the default of the brokers themselves.
	BrokerMax = 1 << 20

	// SidecarMax is the largest request that a sidecar takes and the largest answer that it gives:
	// the default of daprd's --max-body-size.
	SidecarMax = 4 << 20

	// PublishMost bounds the payloads of one bulk publish.
	PublishMost = SidecarMax / 2
)

// MaxPayload is how long a message's payload may be. batched: it travels as bytes.
func MaxPayload(topic string, batched bool) int {
	if batched && carriesMany(topic) {
		return maxBatch
	}
	return maxNote
}

func carriesMany(topic string) bool {
	return topic == HoldRequests || topic == HoldOutcomes || topic == SeatChanges
}

// MaxDelivered is how long a message of a topic can be when a sidecar delivers it.
func MaxDelivered(topic string) int {
	n := escaped * maxNote
	if carriesMany(topic) {
		n = max(n, (maxBatch+2)/3*4) // base64
	}
	return envelope + n
}
