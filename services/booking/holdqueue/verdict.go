package holdqueue

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// VerdictKey is where it says that a request is still in line, once its buyer stopped waiting.
func VerdictKey(hold uuid.UUID) string { return "verdict:" + hold.String() }

// verdictKept is how long a request's refusal can be asked for, and is repeated if the request is.
const verdictKept = 15 * time.Minute

type verdictValue struct {
	Account string         `json:"account"`
	Kind    fault.Kind     `json:"kind,omitempty"`
	Code    string         `json:"code,omitempty"`
	Message string         `json:"message,omitempty"`
	Fields  map[string]any `json:"fields,omitempty"`
	After   time.Duration  `json:"after,omitempty"` // when it makes sense to try again
}

func verdictOf(account string, refusal error) verdictValue {
	f, ok := errors.AsType[*fault.Error](refusal)
	if !ok {
		f = fault.New(fault.Internal, "internal", "Something went wrong on our side.")
	}
	return verdictValue{Account: account, Kind: f.Kind, Code: f.Code, Message: f.Message, Fields: f.Fields, After: f.RetryAfter}
}

// Refusal rebuilds the fault, with the field types that it had.
func (v verdictValue) Refusal() error {
	f := fault.New(v.Kind, v.Code, v.Message).After(v.After)
	for name, value := range v.Fields {
		switch name {
		case "units":
			f = f.With(name, texts(value))
		case "hold":
			if id, err := uuid.Parse(text(value)); err == nil {
				f = f.With(name, id)
			}
		default:
			f = f.With(name, value)
		}
	}
	return f
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		already, _ := v.([]string)
		return already
	}
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = text(item)
	}
	return out
}
