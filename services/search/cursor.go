package search

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
)

// Cursor is a position in the results of a query. Each engine can continue from the cursor of the other:
// both know how many results were seen, and the index also knows exactly which one was the last.
type Cursor struct {
	Seen     int               // results until here
	Question uint64            // hash of the query that the cursor belongs to
	After    []json.RawMessage // the index's sort values of the last hit
	View     string            // the index's point in time
	Match    Match
}

// cursorForm is a Cursor as clients carry it, in base64.
type cursorForm struct {
	Seen     int               `json:"n"`
	Question uint64            `json:"q,string"`
	After    []json.RawMessage `json:"s,omitempty"`
	View     string            `json:"p,omitempty"`
	Match    Match             `json:"m,omitempty"`
}

// Match is how closely a text has to be met. Who finds next to nothing is asked again, each time
// less strictly, so that good answers stay clean.
type Match int

// From the strictest on.
const (
	Strict Match = iota // the words, or others that mean the same
	Fuzzy               // or what is spelt alike
	Loose               // half of the words will do
)

// maxSeen bounds paging by number, for which everything before has to be sorted again.
const maxSeen = 5000

// question hashes what must stay the same from page to page.
func (q Query) question() uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, q.words()) // never fails
	return h.Sum64()
}

// words writes out all that is asked, but not when and how much of it.
func (q Query) words() string {
	var near Point
	if q.Near != nil {
		near = *q.Near
	}
	number := func(n *int64) string {
		if n == nil {
			return ""
		}
		return fmt.Sprint(*n)
	}
	return fmt.Sprintf("%q %q %q %q %d %d %q %q %v %v %q %q %q %t %q", q.Text, q.Categories, q.Cities, q.Topics, q.From.Unix(), q.To.Unix(),
		q.FromDay, q.ToDay, near, q.Radius, number(q.MinPrice), number(q.MaxPrice), q.Currency, q.Available, q.Sort)
}

// Place reads the question's cursor; the zero cursor is the start.
func (q Query) Place() (Cursor, error) {
	var c Cursor
	if q.Cursor == "" {
		return c, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil {
		return c, ErrInvalidCursor.Because(err)
	}
	var form cursorForm
	if err := json.Unmarshal(raw, &form); err != nil {
		return c, ErrInvalidCursor.Because(err)
	}
	c = Cursor(form)
	if c.Question != q.question() || c.Seen < 0 || (c.After == nil && c.Seen > maxSeen) {
		return c, ErrInvalidCursor
	}
	return c, nil
}

// Next writes the cursor after this page of hits; "" at the end.
func (q Query) Next(c Cursor, hits int) (string, error) {
	if c.Seen += hits; hits < q.Limit || (c.After == nil && c.Seen > maxSeen) {
		return "", nil
	}
	c.Question = q.question()
	raw, err := json.Marshal(cursorForm(c))
	return base64.RawURLEncoding.EncodeToString(raw), err
}
