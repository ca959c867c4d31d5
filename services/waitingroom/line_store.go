package waitingroom

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// LogEntry is a permanent record of one admission batch. Order and rate can be checked by it.
type LogEntry struct {
	From, To int64
	People   int
	Rate     float64 // the setting in force
	At       time.Time
}

// LogPage is a run of the admission log.
type LogPage struct {
	Number  int64
	Entries []LogEntry
}

// Change is one update of a room, stored as a whole or not at all.
type Change struct {
	Line    Line
	Version string // of the line it was made from; empty for a line that is not there yet
	Pages   []Page
	Log     *LogPage
}

// LineStore stores lines with optimistic locking: of two commits that started from the same version of
// a line only one succeeds, pages and log included. So two activations of a room never give the same
// place twice.
type LineStore interface {
	// Load returns the line and its version; a new line and "" when there is none.
	Load(ctx context.Context, event uuid.UUID) (Line, string, error)
	// Pages returns pages by number. Missing ones are empty.
	Pages(ctx context.Context, event uuid.UUID, numbers []int64) ([]Page, error)
	// Log returns a page of the admission log, empty when it is missing.
	Log(ctx context.Context, event uuid.UUID, number int64) (LogPage, error)
	// Commit stores a change. After an error the change may be stored nevertheless.
	Commit(ctx context.Context, event uuid.UUID, c Change) error
}
