package waitingroom

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Entry is one account's place in one event's line, and the pass it was exchanged for.
type Entry struct {
	Arrival   int64
	PassUntil time.Time // zero: has not come in
	PassID    uuid.UUID
	Finished  bool   // the pass was used up
	Version   string // the store's; empty: not stored yet
}

// PassStore keeps the entries of those who came in: one for each account and event. Who waits is in
// the line's pages only. An entry whose arrival is no longer its account's counts for nothing.
type PassStore interface {
	// Find gives the entries of accounts; whoever has none is not in the answer.
	Find(ctx context.Context, event uuid.UUID, accounts []string) (map[string]Entry, error)
	// Write stores an entry over the version it carries. ErrStale when it changed meanwhile.
	Write(ctx context.Context, event uuid.UUID, account string, e Entry, keep time.Duration) error
}
