package search

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// Finder asks the index, and the fallback while the index is away.
type Finder struct {
	Index, Fallback Engine

	away atomic.Int64 // until then, in Unix nanoseconds, the index is not asked
}

// ErrRefused says that the index is there and does not take this question.
var ErrRefused = errors.New("the index refuses the question")

const (
	indexPatience = 1500 * time.Millisecond // a slow answer is worth less than the other one
	indexPause    = time.Second             // between tries while it is away
	totalPatience = 5 * time.Second
)

// Search answers a question.
func (f *Finder) Search(ctx context.Context, q Query) (Page, error) {
	q, err := q.Check()
	if err != nil {
		return Page{}, err
	}
	var page Page
	degraded, err := f.ask(ctx, func(ctx context.Context, e Engine) (err error) {
		page, err = e.Search(ctx, q)
		return err
	})
	page.Degraded = degraded
	return page, err
}

// Suggest completes what somebody types.
func (f *Finder) Suggest(ctx context.Context, text string, now time.Time) (found []Suggestion, degraded bool, err error) {
	degraded, err = f.ask(ctx, func(ctx context.Context, e Engine) (err error) {
		found, err = e.Suggest(ctx, clip(text), now)
		return err
	})
	return found, degraded, err
}

func (f *Finder) ask(ctx context.Context, question func(context.Context, Engine) error) (degraded bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, totalPatience)
	defer cancel()
	now := time.Now().UnixNano()
	until := f.away.Load()
	// Of those who come when the pause is over, one tries and the others do not wait for it.
	if until == 0 || (now > until && f.away.CompareAndSwap(until, now+int64(indexPause))) {
		err := f.askIndex(ctx, question)
		if err == nil || fault.KindOf(err) == fault.Malformed || fault.KindOf(err) == fault.Invalid {
			if until != 0 {
				slog.InfoContext(ctx, "index answers again")
			}
			f.away.Store(0)
			return false, err
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return false, ctx.Err()
		}
		if errors.Is(err, ErrRefused) { // it is there for all other questions
			slog.WarnContext(ctx, "index refuses a question, the catalog answers", "error", err)
			f.away.Store(0)
			return true, question(ctx, f.Fallback)
		}
		f.away.Store(time.Now().Add(indexPause).UnixNano())
		if until == 0 {
			slog.WarnContext(ctx, "index away, the catalog answers", "error", err)
		}
	}
	return true, question(ctx, f.Fallback)
}

func (f *Finder) askIndex(ctx context.Context, question func(context.Context, Engine) error) error {
	ctx, cancel := context.WithTimeout(ctx, indexPatience)
	defer cancel()
	return question(ctx, f.Index)
}
