package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/internal/worker"
)

func TestGrace(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	grace, end := worker.Grace(ctx, time.Hour)
	defer end()
	cancel()
	assert.NoError(t, grace.Err(), "goes on after its parent")
	end()
	assert.Error(t, grace.Err())

	grace, end = worker.Grace(ctx, time.Millisecond)
	defer end()
	<-grace.Done() // ends by itself
}

// What a task has in hand is done before the process gives up on the task.
func TestInHandFitsIntoTheStop(t *testing.T) {
	cfg, err := process.Load[process.Config]()
	require.NoError(t, err)
	assert.Less(t, worker.InHand, cfg.TaskTimeout)
}
