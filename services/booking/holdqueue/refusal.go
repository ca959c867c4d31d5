package holdqueue

import (
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// VerdictKey is where it says that a request is still in line, once its buyer stopped waiting.
func VerdictKey(hold uuid.UUID) string { return "verdict:" + hold.String() }

// verdictKept is how long a request's refusal can be asked for, and is repeated if the request is.
const verdictKept = 15 * time.Minute

// refusalValue is the refusal of an account's request. Without a fault it says that the request is not decided yet.
type refusalValue struct {
	Account string `json:"account"`
	fault.Wire
}

func refusalOf(account string, err error) refusalValue {
	return refusalValue{account, fault.ToWire(err)}
}

// Fault gives the refusal, with the field types that it had.
func (v refusalValue) Fault() error {
	f := v.Wire.Fault()
	if text, ok := f.Fields["hold"].(string); ok {
		if id, err := uuid.Parse(text); err == nil {
			f = f.With("hold", id)
		}
	}
	return f
}
