package worker_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
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

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		var calls []time.Duration
		began := time.Now()
		err := worker.Every(ctx, time.Second, func(context.Context) { calls = append(calls, time.Since(began)) })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}, calls)
	})
}

func TestEveryDoesNotBeginAfterTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, worker.Every(ctx, time.Hour, func(context.Context) { t.Error("called") }), context.Canceled)
}

func TestEveryOrIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		wake, calls := make(chan struct{}, 1), 0
		_ = worker.EveryOr(ctx, time.Hour, wake, func(context.Context) {
			if calls++; calls < 3 {
				wake <- struct{}{}
			}
		})
		assert.Equal(t, 3, calls)
	})
}

func TestLogFailuresOnceInARow(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	results := []error{errors.New("one"), errors.New("two"), nil, errors.New("three")}
	step := worker.LogFailures("not done", func(context.Context) error {
		err := results[0]
		results = results[1:]
		return err
	})
	for range 4 {
		step(t.Context())
	}
	assert.Equal(t, 2, strings.Count(log.String(), "not done"))
	assert.Contains(t, log.String(), "error=one")
	assert.Contains(t, log.String(), "error=three")
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		require.NoError(t, worker.Sleep(t.Context(), time.Minute))
		assert.Equal(t, time.Minute, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, worker.Sleep(ctx, time.Hour), context.DeadlineExceeded)
		assert.Equal(t, time.Minute+time.Second, time.Since(began))
	})
}

func TestPausesDouble(t *testing.T) {
	for failed, want := range map[int]time.Duration{-1: time.Second, 0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second, 6: time.Minute, 1000: time.Minute} {
		assert.Equal(t, want, worker.Pause(time.Second, time.Minute, failed), failed)
	}
	assert.Equal(t, time.Second, worker.Pause(time.Minute, time.Second, 0), "never more than the most")
}

func TestBackoffJitters(t *testing.T) {
	waits := worker.Backoff(time.Second, 4*time.Second, 0.5)
	for _, mid := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second} {
		assert.InDelta(t, mid, waits.NextBackOff(), float64(mid)/2+1)
	}
}
