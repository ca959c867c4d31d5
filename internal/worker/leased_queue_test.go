package worker_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// rows is a queue that leases as a table does: who is due is taken until the lease ends.
type rows struct {
	mu   sync.Mutex
	due  map[int]time.Time
	done map[int]int
}

func newRows(n int) *rows {
	r := &rows{due: map[int]time.Time{}, done: map[int]int{}}
	for i := range n {
		r.due[i] = time.Now()
	}
	return r
}

func (r *rows) take(_ context.Context, lease time.Duration, limit int) (ids []int, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, at := range r.due {
		if len(ids) < limit && !time.Now().Before(at) {
			r.due[id] = time.Now().Add(lease)
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (r *rows) finish(id int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done[id]++
	delete(r.due, id)
}

// However slow each item is, two replicas do none of them twice.
func TestSlowItemsAreDoneOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRows(60)
		q := worker.LeasedQueue[int]{
			Name: "slow", Workers: 4, Every: time.Second, Timeout: 20 * time.Second, Take: r.take,
			Do: func(ctx context.Context, id int) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(19 * time.Second):
					r.finish(id)
					return nil
				}
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		var replicas sync.WaitGroup
		for range 2 {
			replicas.Go(func() { assert.ErrorIs(t, q.Run(ctx), context.Canceled) })
		}
		time.Sleep(5 * time.Minute)
		cancel()
		replicas.Wait()
		assert.Len(t, r.done, 60)
		for id, n := range r.done {
			assert.Equal(t, 1, n, "item %d", id)
		}
	})
}

// An item that fails, panics or never ends holds up no other.
func TestABadItemIsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRows(50)
		q := worker.LeasedQueue[int]{
			Name: "bad", Workers: 4, Every: time.Second, Timeout: 5 * time.Second, Take: r.take,
			Do: func(ctx context.Context, id int) error {
				switch id {
				case 0:
					return errors.New("bad")
				case 1:
					panic("worse")
				case 2:
					<-ctx.Done()
					return ctx.Err()
				}
				r.finish(id)
				return nil
			},
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		require.ErrorIs(t, q.Run(ctx), context.DeadlineExceeded)
		assert.Len(t, r.done, 47)
	})
}

// What is in hand when the process leaves is finished, and what does not finish is let go of.
func TestLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRows(2)
		ctx, cancel := context.WithCancel(t.Context())
		q := worker.LeasedQueue[int]{
			Name: "leaving", Workers: 2, Every: time.Second, Timeout: time.Minute, Take: r.take,
			Do: func(ctx context.Context, id int) error {
				cancel()
				if id == 0 {
					time.Sleep(500 * time.Millisecond)
					r.finish(id)
					return ctx.Err()
				}
				<-ctx.Done()
				return ctx.Err()
			},
		}
		began := time.Now()
		require.ErrorIs(t, q.Run(ctx), context.Canceled)
		assert.Equal(t, 1, r.done[0])
		assert.Less(t, time.Since(began), 5*time.Second)
	})
}
