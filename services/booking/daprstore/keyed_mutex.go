package daprstore

import (
	"context"
	"sync"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// keyedMutex is a mutex for each key. The zero value is unlocked.
type keyedMutex struct {
	mu    sync.Mutex
	locks map[string]*keyLock
}

type keyLock struct {
	free  chan struct{} // has one token while it is unlocked
	users int           // that hold it or wait for it
}

// lock locks a key, or fails when ctx ends first. unlock has to be called.
func (k *keyedMutex) lock(ctx context.Context, key string) (unlock func(), err error) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*keyLock{}
	}
	l := k.locks[key]
	if l == nil {
		l = &keyLock{free: make(chan struct{}, 1)}
		l.free <- struct{}{}
		k.locks[key] = l
	}
	l.users++
	k.mu.Unlock()
	release := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.locks, key)
		}
	}
	select {
	case <-l.free:
		return func() {
			l.free <- struct{}{}
			release()
		}, nil
	case <-ctx.Done():
		release()
		return nil, fault.Away("seats", ctx.Err())
	}
}
