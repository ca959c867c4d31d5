package process

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// taskGroup runs background tasks and knows the names of those that have not ended.
type taskGroup struct {
	ctx    context.Context //nolint:containedctx // ends when the tasks are to end, which is after the last request
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	running []string
	ended   chan struct{} // closed when none runs any more; nil before stop
	failure error         // of the first that failed
}

// Go runs a background task. Its context ends after the last request has been served. A task that fails stops
// the process, since a restart is better than a process that works only in part.
func (p *Process) Go(name string, task func(context.Context) error) { p.tasks.run(name, task) }

func (g *taskGroup) run(name string, task func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running = append(g.running, name)
	go func() {
		err := ignoreCanceled(task(g.ctx))
		g.mu.Lock()
		defer g.mu.Unlock()
		if err != nil && g.failure == nil {
			g.failure = fmt.Errorf("task %s: %w", name, err)
			g.cancel(g.failure)
		}
		i := slices.Index(g.running, name)
		g.running = slices.Delete(g.running, i, i+1)
		if len(g.running) == 0 && g.ended != nil {
			close(g.ended)
			g.ended = nil
		}
	}()
}

// stop cancels all tasks and waits for them for at most within. It returns the error of a failed task, or
// names the tasks that did not end.
func (g *taskGroup) stop(within time.Duration) error {
	g.cancel(context.Canceled)
	ended := make(chan struct{})
	g.mu.Lock()
	if len(g.running) == 0 {
		close(ended)
	} else {
		g.ended = ended
	}
	g.mu.Unlock()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.running) > 0 {
		return fmt.Errorf("tasks did not end within %s: %s", within, strings.Join(g.running, ", "))
	}
	return g.failure
}
