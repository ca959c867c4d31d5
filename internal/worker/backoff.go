package worker

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Backoff returns an exponential backoff: first, then doubling, up to most. jitter is the fraction by which a
// pause varies randomly: 0.5 for competing clients, 0 for none.
func Backoff(first, most time.Duration, jitter float64) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: first, MaxInterval: most, Multiplier: 2, RandomizationFactor: jitter,
	}
}

// Pause returns the pause after the given number of failed tries of a Backoff without jitter, for tries that
// are counted in a store.
func Pause(first, most time.Duration, failed int) time.Duration {
	waits := Backoff(first, most, 0)
	pause := waits.NextBackOff()
	for ; failed > 0 && pause < most; failed-- {
		pause = waits.NextBackOff()
	}
	return min(pause, most)
}
