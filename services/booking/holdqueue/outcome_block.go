package holdqueue

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// blockSize is how many requests share a block. A block is read whole when one of its holds is looked up.
const blockSize = 8

// maxRecordIDs is how many requests of one record have ids: their number has twelve bits.
const maxRecordIDs = 1 << 12

// RequestID is the id of the nth request of a record, and of the hold that comes of it. It is a UUIDv7.
// Its random bits are those of the record, and n stands in the bits after the time, so that the id says
// in which block the outcome is.
func RequestID(record uuid.UUID, n int, now time.Time) uuid.UUID {
	id := record
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|0x7000|uint64(n)) //nolint:gosec // both are positive and small
	return id
}

// BlockKey is the key of the block with the outcome of a request.
func BlockKey(hold uuid.UUID) string {
	n := binary.BigEndian.Uint16(hold[6:8]) % maxRecordIDs
	return "page:" + hex.EncodeToString(hold[8:]) + ":" + strconv.Itoa(int(n)/blockSize)
}

// Block is the stored outcomes of up to blockSize consecutive requests of one record: who was refused, and
// what each hold was like when it was made. A hold that is changed later gets a key of its own, which
// takes precedence. That key is created, so that of two concurrent changes one is refused.
type Block struct {
	Until   int64        `json:"until,omitempty"` // of the last hold, in milliseconds of Unix time
	Entries []BlockEntry `json:"entries"`
}

// BlockEntry is one outcome: a hold or a refusal.
type BlockEntry struct {
	ID      uuid.UUID  `json:"id"`
	Hold    *wire.Hold `json:"hold,omitempty"`
	Refusal *Refusal   `json:"refusal,omitempty"`
}

// DecodeBlock reads a block. Nothing stored is an empty one.
func DecodeBlock(raw []byte) (*Block, error) {
	b := &Block{}
	if len(raw) == 0 {
		return b, nil
	}
	if err := json.Unmarshal(raw, b); err != nil {
		return nil, fmt.Errorf("outcome block: %w", err)
	}
	return b, nil
}

// Find gives the outcome of a request.
func (b *Block) Find(id uuid.UUID) (BlockEntry, bool) {
	for _, e := range b.Entries {
		if e.ID == id {
			return e, true
		}
	}
	return BlockEntry{}, false
}

// AddHold adds a request that was granted.
func (b *Block) AddHold(h booking.Hold) {
	b.Until = max(b.Until, h.Until.UnixMilli())
	v := wire.FromHold(h)
	b.Entries = append(b.Entries, BlockEntry{ID: h.ID, Hold: &v})
}

// AddRefusal adds a request that was refused.
func (b *Block) AddRefusal(h booking.Hold, err error) {
	v := refusalOf(h.Account, err)
	b.Entries = append(b.Entries, BlockEntry{ID: h.ID, Refusal: &v})
}

// TTL is how long a block is needed: as long as its holds would be under keys of their own, or its refusals.
func (b *Block) TTL(now time.Time) time.Duration {
	if b.Until == 0 {
		return refusalTTL
	}
	return wire.HoldTTL(time.UnixMilli(b.Until), now)
}
