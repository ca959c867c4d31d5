package holdqueue

import (
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// PendingKey is the key that says that a request is not decided yet, after its buyer stopped waiting.
func PendingKey(hold uuid.UUID) string { return "verdict:" + hold.String() }

// refusalTTL is how long a refusal can be asked for, and how long a repeated request is refused again.
const refusalTTL = 15 * time.Minute

// Refusal is the refusal of an account's request. Without a fault it says that the request is not decided yet.
type Refusal struct {
	Account string `json:"account"`
	fault.Wire
}

func refusalOf(account string, err error) Refusal { return Refusal{account, fault.ToWire(err)} }

// Err gives the refusal as the error it was, with the types of its fields.
func (r Refusal) Err() error {
	f := r.Fault()
	if text, ok := f.Fields["hold"].(string); ok {
		if id, err := uuid.Parse(text); err == nil {
			f = f.With("hold", id)
		}
	}
	return f
}
