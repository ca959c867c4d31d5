package worker

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Backoff returns pauses between tries: first, then twice as long each time, and at most most.
// jitter is the part of a pause by which it may be shorter or longer: 0.5 for tries that compete
// with each other, 0 for none.
func Backoff(first, most time.Duration, jitter float64) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: first, MaxInterval: most, Multiplier: 2, RandomizationFactor: jitter,
	}
}

// Pause is how long something waits before its next try when failed tries have failed since the
// first: the pause of a Backoff without jitter. For tries that are counted in a store.
func Pause(first, most time.Duration, failed int) time.Duration {
	waits := Backoff(first, most, 0)
	pause := waits.NextBackOff()
	for ; failed > 0 && pause < most; failed-- {
		pause = waits.NextBackOff()
	}
	return min(pause, most)
}
