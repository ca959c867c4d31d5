package daprstore

import (
	"context"
	"sync"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// keyedMutex lets the users of one key in one after the other. The zero value is ready.
type keyedMutex struct {
	mu    sync.Mutex
	lines map[string]*line
}

type line struct {
	turn    chan struct{} // holds one token while nobody is in
	waiting int
}

// enter waits for the key's turn, as long as ctx allows. leave has to be called.
func (t *keyedMutex) enter(ctx context.Context, key string) (leave func(), err error) {
	t.mu.Lock()
	if t.lines == nil {
		t.lines = map[string]*line{}
	}
	l := t.lines[key]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		l.turn <- struct{}{}
		t.lines[key] = l
	}
	l.waiting++
	t.mu.Unlock()
	gone := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if l.waiting--; l.waiting == 0 {
			delete(t.lines, key)
		}
	}
	select {
	case <-l.turn:
		return func() {
			l.turn <- struct{}{}
			gone()
		}, nil
	case <-ctx.Done():
		gone()
		return nil, fault.Away("seats", ctx.Err())
	}
}
