package waitingroom

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// LogEntry is one admission for good: what the order and the rate can be checked by.
type LogEntry struct {
	From, To int64
	People   int
	Rate     float64 // the setting in force
	At       time.Time
}

// LogPage is a run of the log of admissions.
type LogPage struct {
	Number  int64
	Entries []LogEntry
}

// Change is what one turn of a room makes of it, all or nothing.
type Change struct {
	Line    Line
	Version string // of the line it was made from; empty for a line that is not there yet
	Pages   []Page
	Log     *LogPage
}

// LineStore keeps lines. Its commits are fenced by the line's version: of two that started from
// the same one only one succeeds, pages and log included. So two activations of a room can never
// give the same place twice.
type LineStore interface {
	// Load gives the line and its version; a new line and "" when there is none.
	Load(ctx context.Context, event uuid.UUID) (Line, string, error)
	// Pages gives pages by number. Those that are not there are empty.
	Pages(ctx context.Context, event uuid.UUID, numbers []int64) ([]Page, error)
	Log(ctx context.Context, event uuid.UUID, number int64) (LogPage, error)
	// Commit stores a change. After an error it may be stored all the same.
	Commit(ctx context.Context, event uuid.UUID, c Change) error
}
