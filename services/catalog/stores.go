package catalog

import (
	"time"

	"github.com/google/uuid"
)

// Cursor is a position in a list of events that is sorted by a time and then by id. The zero value
// is the start of the list.
type Cursor struct {
	At time.Time
	ID uuid.UUID
}

// EventVersions is an event's id with the versions of everything that its search document is made of.
type EventVersions struct {
	ID           uuid.UUID
	Event        int64
	Venue        int64
	Availability int64 // 0 until booking has said what is left
}

// ImportOutcome says what an import did with one record.
type ImportOutcome string

// The outcomes.
const (
	ImportCreated   ImportOutcome = "created"
	ImportUpdated   ImportOutcome = "updated"
	ImportUnchanged ImportOutcome = "unchanged"
)
