package waitingroom

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Entry is an account's place in an event's line, and the pass it was exchanged for.
type Entry struct {
	Arrival   int64
	PassUntil time.Time // zero: no pass yet
	PassID    uuid.UUID
	Finished  bool   // the pass ended before PassUntil
	Version   string // the store's; empty: not stored yet
}

// PassStore stores the entries that have a pass: one for each account and event. Accounts that wait are
// in the line's pages only. An entry whose arrival is no longer its account's is void.
type PassStore interface {
	// Find returns the entries of accounts. Accounts without one are not in the map.
	Find(ctx context.Context, event uuid.UUID, accounts []string) (map[string]Entry, error)
	// Write stores an entry for the time keep, if the stored one still has the entry's version;
	// ErrStale otherwise.
	Write(ctx context.Context, event uuid.UUID, account string, e Entry, keep time.Duration) error
}
