package search

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// CoalescingEngine is an engine that answers who asks the same at nearly the same time with one answer: a
// crowd that looks for one event costs as much as one of them. No answer is older than sharedFor
// and what the engine itself is behind.
type CoalescingEngine struct {
	Engine

	mu      sync.Mutex
	answers map[string]*shared
}

const (
	sharedFor = 150 * time.Millisecond // from the question on: less than an edit takes to get into the index
	maxShared = 500                    // questions; the rest ask for themselves
)

// shared is an answer, there when done is closed.
type shared struct {
	done chan struct{}
	page Page
	err  error
}

// Search implements Engine. A page after the first has a point in time of its own, and is not shared.
func (s *CoalescingEngine) Search(ctx context.Context, q Query) (Page, error) {
	if q.Cursor != "" {
		return s.Engine.Search(ctx, q)
	}
	// Near nothing and near 0,0 read alike.
	key := fmt.Sprintf("%d %t %s", q.Limit, q.Near != nil, q.words())
	answer, first := s.find(key)
	switch {
	case answer == nil:
		return s.Engine.Search(ctx, q)
	case first:
		s.ask(ctx, q, answer, key)
		return answer.page, answer.err
	}
	select {
	case <-answer.done:
		return answer.page, answer.err
	case <-ctx.Done():
		return Page{}, ctx.Err()
	}
}

// find gives the answer that is there or on its way. first is who has to ask for it; there is none
// when too many are.
func (s *CoalescingEngine) find(key string) (answer *shared, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.answers[key]; a != nil {
		return a, false
	}
	if len(s.answers) >= maxShared {
		return nil, false
	}
	if s.answers == nil {
		s.answers = map[string]*shared{}
	}
	a := &shared{done: make(chan struct{}), err: errNotAnswered}
	s.answers[key] = a
	time.AfterFunc(sharedFor, func() { s.forget(key, a) })
	return a, true
}

var errNotAnswered = errors.New("the question broke off")

// ask goes on when who asked leaves, since others wait.
func (s *CoalescingEngine) ask(ctx context.Context, q Query, a *shared, key string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), indexPatience)
	defer cancel()
	defer close(a.done)
	if a.page, a.err = s.Engine.Search(ctx, q); a.err != nil {
		s.forget(key, a) // an error is for those who wait
	}
}

func (s *CoalescingEngine) forget(key string, a *shared) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answers[key] == a {
		delete(s.answers, key)
	}
}
