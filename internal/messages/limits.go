package messages

// Limits of messages, in bytes, in one place: what a publisher may send, what the broker and the
// sidecars carry, and what a subscriber has to read follow from each other. limits_test.go
// computes the worst cases.
const (
	// maxBatch limits the payload of messages that combine the requests or results of many accounts.
	maxBatch = 384 << 10
	// maxNote limits the payload of all other messages: ids and numbers.
	maxNote = 16 << 10

	// envelope is an upper bound of the size of a CloudEvent's attributes and the broker's metadata.
	envelope = 4 << 10
	// escaped is the factor by which JSON can grow when a sidecar encodes it again: "<" becomes "\u003c".
	escaped = 6

	// BrokerMax is the largest message that the broker accepts: maxMessageBytes of the Kafka components, and
	// the brokers' default.
	BrokerMax = 1 << 20

	// SidecarMax is the largest request that a sidecar accepts and the largest response that it returns: the
	// default of daprd's --max-body-size.
	SidecarMax = 4 << 20

	// PublishMost limits the total payload of one bulk publish.
	PublishMost = SidecarMax / 2
)

// MaxPayload returns the maximum size of a message's payload. batched: it is published as bytes.
func MaxPayload(topic string, batched bool) int {
	if batched && carriesMany(topic) {
		return maxBatch
	}
	return maxNote
}

func carriesMany(topic string) bool {
	return topic == HoldRequests || topic == HoldOutcomes || topic == SeatChanges
}

// MaxDelivered returns the maximum size of one message of a topic when a sidecar delivers it.
func MaxDelivered(topic string) int {
	n := escaped * maxNote
	if carriesMany(topic) {
		n = max(n, (maxBatch+2)/3*4) // base64
	}
	return envelope + n
}
