package search_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/search"
)

// counting is an engine that numbers its answers.
type counting struct {
	search.Engine
	mu    sync.Mutex
	asked int64
	err   error
	took  time.Duration
}

func (c *counting) Search(ctx context.Context, _ search.Query) (search.Page, error) {
	c.mu.Lock()
	c.asked++
	page, err := search.Page{Total: c.asked}, c.err
	c.mu.Unlock()
	select {
	case <-time.After(c.took):
	case <-ctx.Done():
		return search.Page{}, ctx.Err()
	}
	return page, err
}

func TestACrowdAsksOnce(t *testing.T) {
	total := func(t *testing.T, s *search.CoalescingEngine, q search.Query) int64 {
		t.Helper()
		page, err := s.Search(t.Context(), q)
		require.NoError(t, err)
		return page.Total
	}
	jazz := search.Query{Text: "jazz", Limit: 20}
	t.Run("one answer for those who ask at nearly the same time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &counting{took: 100 * time.Millisecond}
			s := &search.CoalescingEngine{Engine: c}
			var group sync.WaitGroup
			for range 50 {
				group.Go(func() { assert.EqualValues(t, 1, total(t, s, jazz)) })
			}
			group.Wait()
			time.Sleep(49 * time.Millisecond)
			require.EqualValues(t, 1, total(t, s, jazz))
			time.Sleep(2 * time.Millisecond)
			require.EqualValues(t, 2, total(t, s, jazz), "no answer is older")
			time.Sleep(time.Second)
		})
	})
	t.Run("another question has another answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &search.CoalescingEngine{Engine: &counting{}}
			more, origin, page, free := jazz, jazz, jazz, jazz
			more.Limit, origin.Near, page.Cursor, free.Available = 50, &search.Point{}, "x", true
			for n, q := range []search.Query{jazz, more, origin, free, page, page} {
				require.EqualValues(t, n+1, total(t, s, q))
			}
			time.Sleep(time.Second)
		})
	})
	t.Run("who asked first may leave", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &search.CoalescingEngine{Engine: &counting{took: 100 * time.Millisecond}}
			first, leave := context.WithCancel(t.Context())
			go func() { _, _ = s.Search(first, jazz) }()
			synctest.Wait()
			leave()
			require.EqualValues(t, 1, total(t, s, jazz))
			time.Sleep(time.Second)
		})
	})
	t.Run("an error is not kept", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &counting{err: errors.New("away")}
			s := &search.CoalescingEngine{Engine: c}
			_, err := s.Search(t.Context(), jazz)
			require.ErrorContains(t, err, "away")
			c.err = nil
			require.EqualValues(t, 2, total(t, s, jazz))
			time.Sleep(time.Second)
		})
	})
	t.Run("the number of answers is bounded", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &search.CoalescingEngine{Engine: &counting{}}
			for n := range 1000 {
				total(t, s, search.Query{Text: "jazz", Limit: n})
			}
			require.EqualValues(t, 1001, total(t, s, search.Query{Text: "jazz", Limit: 999}), "asked again")
			require.EqualValues(t, 1, total(t, s, search.Query{Text: "jazz", Limit: 0}), "kept")
			time.Sleep(time.Second)
		})
	})
}
