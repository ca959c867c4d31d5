package elastic

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRefreshesAreShared(t *testing.T) {
	for name, took := range map[string]time.Duration{"quick": 10 * time.Millisecond, "slower than the pace": 700 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var starts []time.Time
				running := 0
				r := refresher{refresh: func(ctx context.Context) error {
					assert.NoError(t, ctx.Err(), "the write's context does not end it")
					starts = append(starts, time.Now())
					running++
					assert.Equal(t, 1, running, "one at a time")
					time.Sleep(took)
					running--
					return nil
				}}
				began := time.Now()
				var last time.Time
				for range 200 {
					ctx, cancel := context.WithCancel(t.Context())
					r.soon(ctx)
					cancel()
					last = time.Now()
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(5 * time.Second)
				synctest.Wait()
				assert.Equal(t, began, starts[0], "a lone write does not wait")
				assert.False(t, starts[len(starts)-1].Before(last), "the last write is seen too")
				for i := range starts[1:] {
					assert.GreaterOrEqual(t, starts[i+1].Sub(starts[i]), refreshPace)
					assert.LessOrEqual(t, starts[i+1].Sub(starts[i]), max(refreshPace, took)+10*time.Millisecond)
				}
			})
		})
	}
}
