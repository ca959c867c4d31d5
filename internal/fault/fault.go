// Package fault defines the error type that crosses package boundaries in Foyer.
//
// A domain returns a fault when it refuses a request. Adapters translate errors of stores and other
// services into faults. Package httpapi turns faults into problem details (RFC 9457); any other error is
// a defect or an outage, and clients see an opaque 500.
package fault

import (
	"errors"
	"maps"
	"time"
)

// Kind says what a caller can do about an error. Each maps to one HTTP status in httpapi.
type Kind int

// The kinds. Their numbers stand in stores and messages (see Wire): a kind keeps its number for ever,
// and a new kind gets the next one.
const (
	Internal             Kind = 0  // 500: a defect; the text never reaches a client
	Malformed            Kind = 1  // 400: not understood at all
	Unauthenticated      Kind = 2  // 401: who are you?
	Forbidden            Kind = 3  // 403: known, and not allowed
	NotFound             Kind = 4  // 404: absent, or not yours to know about
	Conflict             Kind = 5  // 409: the state of things forbids it now
	Gone                 Kind = 6  // 410: was there, will not come back
	PreconditionFailed   Kind = 7  // 412: somebody else changed it first
	TooLarge             Kind = 8  // 413: more than we take
	Unsupported          Kind = 9  // 415: not a media type we read
	Invalid              Kind = 10 // 422: understood, and wrong
	TooEarly             Kind = 11 // 425: come back when it is your turn
	PreconditionRequired Kind = 12 // 428: say which version you changed
	TooMany              Kind = 13 // 429: slow down
	Unavailable          Kind = 14 // 503: a dependency is away; retry later
	NotAllowed           Kind = 15 // 405: not with that method
)

// Error is a refusal: a kind, a stable machine-readable code, and a sentence for people.
// Message and the values of Fields are shown to clients: no personal data, no internals.
type Error struct {
	Kind       Kind
	Code       string         // stable, snake_case, part of the public contract
	Message    string         // one sentence for the person who reads it
	Fields     map[string]any // extension members of the problem document
	RetryAfter time.Duration  // when it makes sense to try again; 0: not said
	cause      error
}

// New returns a refusal.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Error gives the code and message, and the cause when there is one; for logs.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Code + ": " + e.Message + ": " + e.cause.Error()
	}
	return e.Code + ": " + e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is makes two faults with the same kind and code equal for errors.Is, so that a package
// can export a fault as a sentinel and still return copies of it with fields.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Code == e.Code
}

// With returns a copy that carries one more extension member.
func (e *Error) With(name string, value any) *Error {
	c := *e
	c.Fields = maps.Clone(e.Fields)
	if c.Fields == nil {
		c.Fields = make(map[string]any, 1)
	}
	c.Fields[name] = value
	return &c
}

// Because returns a copy with a cause, which is logged and never shown.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// After returns a copy that tells the client when to try again.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Away is the refusal for a dependency that did not answer in time. It is always worth a retry.
func Away(dependency string, cause error) *Error {
	return New(Unavailable, "dependency_unavailable", "A dependency ("+dependency+") is not responding. Please try again.").
		With("dependency", dependency).After(2 * time.Second).Because(cause)
}

// KindOf gives the kind of the first fault in the chain, Internal when there is none.
func KindOf(err error) Kind {
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Kind
	}
	return Internal
}

// CodeOf gives the code of the first fault in the chain, "" when there is none.
func CodeOf(err error) string {
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Code
	}
	return ""
}
