package holdqueue

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestNamesOfTheLine: each request has an id of its own, a UUIDv7 of its time, and those of one page
// stand together whenever they came.
func TestNamesOfTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		record, now := uuid.New(), time.UnixMilli(rapid.Int64Range(0, 1<<47).Draw(t, "now"))
		n := rapid.IntRange(0, maxRecordIDs-1).Draw(t, "n")
		id := RequestID(record, n, now)
		require.Equal(t, uuid.Version(7), id.Version())
		require.Equal(t, uuid.RFC4122, id.Variant())
		seconds, nanos := id.Time().UnixTime()
		require.Equal(t, now, time.Unix(seconds, nanos))

		other := rapid.IntRange(0, maxRecordIDs-1).Draw(t, "other")
		later := RequestID(record, other, now.Add(time.Second))
		require.NotEqual(t, id, later)
		require.Equal(t, n/blockSize == other/blockSize, BlockKey(id) == BlockKey(later))
		require.NotEqual(t, BlockKey(id), BlockKey(RequestID(uuid.New(), n, now)))
	})
}

func TestARecordIsNamedToItsEnd(t *testing.T) { require.LessOrEqual(t, maxRecord, maxRecordIDs) }
