package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Line is a waiting room's line as its store has it, read past the service that wrote it.
type Line struct {
	Arrivals int64 `json:"taken"`
	Served   int64 `json:"served"`
	Expired  int64 `json:"lapsed"`

	Pages [][]string  // who arrived, a page after the other
	Log   []Admission // all admissions
}

// Admission is one entry of a line's log.
type Admission struct {
	From   int64     `json:"from"`
	To     int64     `json:"to"`
	People int       `json:"people"`
	Rate   float64   `json:"rate"`
	At     time.Time `json:"at"`
}

// CheckLines verifies I4 on every line of the platform: admissions follow the order of the line
// without a gap, nobody is admitted twice or before having come, and in no span of time more
// people than the rate and one second of it.
func (p *Platform) CheckLines(t testing.TB) {
	t.Helper()
	lines, err := p.lines(t.Context())
	if err != nil {
		t.Fatalf("harness: %v", err)
	}
	for event, line := range lines {
		if err := line.Check(); err != nil {
			t.Errorf("line of event %s: %v", event, err)
		}
	}
}

// Line reads one event's line.
func (p *Platform) Line(t testing.TB, event string) *Line {
	t.Helper()
	lines, err := p.lines(t.Context())
	if err != nil {
		t.Fatalf("harness: %v", err)
	}
	if lines[event] == nil {
		t.Fatalf("harness: event %s has no line", event)
	}
	return lines[event]
}

func (p *Platform) lines(ctx context.Context) (map[string]*Line, error) {
	db, err := pgx.Connect(ctx, p.Config.DatabaseURL("dapr"))
	if err != nil {
		return nil, err
	}
	defer db.Close(ctx)
	return ReadLines(ctx, db)
}

// ReadLines reads all lines from the database behind the component `line`.
func ReadLines(ctx context.Context, db *pgx.Conn) (map[string]*Line, error) {
	// Pages and log are numbered with leading zeros: the order of keys is theirs.
	rows, err := db.Query(ctx, `SELECT key, value FROM line_state WHERE key LIKE 'line||%' ORDER BY key COLLATE "C"`)
	if err != nil {
		return nil, err
	}
	lines := map[string]*Line{}
	var key string
	var value []byte
	_, err = pgx.ForEachRow(rows, []any{&key, &value}, func() error {
		kind, rest, _ := strings.Cut(strings.TrimPrefix(key, "line||"), ":")
		event, _, _ := strings.Cut(rest, ":")
		if lines[event] == nil {
			lines[event] = &Line{}
		}
		l := lines[event]
		var err error
		switch kind {
		case "line":
			err = json.Unmarshal(value, l)
		case "page":
			var page []string
			err = json.Unmarshal(value, &page)
			l.Pages = append(l.Pages, page)
		case "log":
			var log []Admission
			err = json.Unmarshal(value, &log)
			l.Log = append(l.Log, log...)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	return lines, err
}

// Check verifies I4 on one line.
func (l *Line) Check() error {
	var errs []error
	came := int64(0)
	for _, page := range l.Pages {
		for _, account := range page {
			came++
			if account == "" {
				errs = append(errs, fmt.Errorf("arrival %d is nobody's", came))
			}
		}
	}
	if came != l.Arrivals {
		errs = append(errs, fmt.Errorf("%d arrivals were given, %d people came", l.Arrivals, came))
	}
	next := int64(1)
	for i, a := range l.Log {
		if a.From != next || a.To < a.From {
			errs = append(errs, fmt.Errorf("admission %d is of %d to %d, after %d", i, a.From, a.To, next-1))
		}
		next = a.To + 1
		if int64(a.People) > a.To-a.From+1 {
			errs = append(errs, fmt.Errorf("admission %d let %d people in at %d places", i, a.People, a.To-a.From+1))
		}
		if i > 0 && a.At.Before(l.Log[i-1].At) {
			errs = append(errs, fmt.Errorf("admission %d was before the one ahead of it", i))
		}
	}
	if next-1 != l.Served || l.Served > l.Arrivals || l.Expired > l.Served {
		errs = append(errs, fmt.Errorf("log ends at %d; served %d, expired %d of %d", next-1, l.Served, l.Expired, l.Arrivals))
	}
	return errors.Join(append(errs, l.overRate())...)
}

// overRate looks at every span between two admissions.
func (l *Line) overRate() error {
	for i := range l.Log {
		people, rate := 0, 0.0
		for j := i; j < len(l.Log); j++ {
			people, rate = people+l.Log[j].People, max(rate, l.Log[j].Rate)
			span := l.Log[j].At.Sub(l.Log[i].At).Seconds()
			if allowed := rate*span + max(1, rate); float64(people) > allowed+1e-6 {
				return fmt.Errorf("admissions %d to %d let %d people in within %.1f s; the rate allows %.1f", i, j, people, span, allowed)
			}
		}
	}
	return nil
}
