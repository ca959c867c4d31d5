package fault

import (
	"errors"
	"time"
)

// Wire is a fault as JSON, in stored values, in messages and in calls between processes. Processes of
// two versions read each other's during a rolling deployment: a field is only ever added.
type Wire struct {
	Kind    Kind           `json:"kind,omitempty"`
	Code    string         `json:"code,omitempty"`
	Message string         `json:"message,omitempty"`
	Fields  map[string]any `json:"fields,omitempty"`
	After   time.Duration  `json:"after,omitempty"` // RetryAfter, in nanoseconds
}

// ToWire gives the first fault in the chain of err, without its cause. An error that is no fault becomes
// an Internal one that says nothing about it.
func ToWire(err error) Wire {
	f, ok := errors.AsType[*Error](err)
	if !ok {
		f = New(Internal, "internal", "Something went wrong on our side.")
	}
	return Wire{Kind: f.Kind, Code: f.Code, Message: f.Message, Fields: f.Fields, After: f.RetryAfter}
}

// Fault gives the fault that was written. JSON does not say which type a field had: lists of strings are
// []string again, everything else is as encoding/json decodes it.
func (w Wire) Fault() *Error {
	f := New(w.Kind, w.Code, w.Message).After(w.After)
	for name, value := range w.Fields {
		if list, ok := value.([]any); ok {
			value = texts(list)
		}
		f = f.With(name, value)
	}
	return f
}

// texts makes a list of strings []string, and leaves other lists as they are.
func texts(list []any) any {
	all := make([]string, len(list))
	for i, item := range list {
		s, ok := item.(string)
		if !ok {
			return list
		}
		all[i] = s
	}
	return all
}
