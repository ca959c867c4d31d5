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

// What became of hold requests is written down by the page: those that came in one record of the
// log, up to blockSize of them, share a key. A page tells who was refused and what the granted holds
// were like when they were made. Whoever changes a hold gives it a key of its own, which counts from
// then on; that key is created, so that of two who change it at once one is refused.

// blockSize bounds a page: it is read whole whenever one of its holds is looked for.
const blockSize = 8

// RequestID makes the id of the nth request of a record. It is a UUIDv7 whose random part, shared by
// the whole record, and count tell the page.
func RequestID(record uuid.UUID, n int, now time.Time) uuid.UUID {
	id := record
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|0x7000|uint64(n)) //nolint:gosec // both are positive and small
	return id
}

// maxRecordID is how many requests a record may have: the count in their ids has twelve bits.
const maxRecordID = 1 << 12

// BlockKey is where the outcome of a hold request is stored.
func BlockKey(hold uuid.UUID) string {
	n := binary.BigEndian.Uint16(hold[6:8]) % maxRecordID
	return "page:" + hex.EncodeToString(hold[8:]) + ":" + strconv.Itoa(int(n)/blockSize)
}

type Block struct {
	Until   int64        `json:"until,omitempty"` // of the last hold, in milliseconds of Unix time
	Entries []blockEntry `json:"entries"`
}

// blockEntry is one outcome: a hold or a refusal.
type blockEntry struct {
	ID      uuid.UUID     `json:"id"`
	Hold    *wire.Hold    `json:"hold,omitempty"`
	Refusal *refusalValue `json:"refusal,omitempty"`
}

func DecodeBlock(raw []byte) (*Block, error) {
	p := &Block{}
	if len(raw) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, fmt.Errorf("page value: %w", err)
	}
	return p, nil
}

func (p *Block) Find(id uuid.UUID) (blockEntry, bool) {
	for _, e := range p.Entries {
		if e.ID == id {
			return e, true
		}
	}
	return blockEntry{}, false
}

func (p *Block) Grant(h booking.Hold) {
	p.Until = max(p.Until, h.Until.UnixMilli())
	v := wire.FromHold(h)
	p.Entries = append(p.Entries, blockEntry{ID: h.ID, Hold: &v})
}

func (p *Block) Refuse(h booking.Hold, refusal error) {
	v := refusalOf(h.Account, refusal)
	p.Entries = append(p.Entries, blockEntry{ID: h.ID, Refusal: &v})
}

// Kept is how long a page is needed: as long as its holds' own keys would be, or its refusals.
func (p *Block) Kept(now time.Time) time.Duration {
	if p.Until == 0 {
		return verdictKept
	}
	return wire.HoldTTL(time.UnixMilli(p.Until), now)
}
