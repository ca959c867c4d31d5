package holdqueue

import "time"

// What the tests that need a store too look at.
const (
	BlockSize = blockSize
	MaxDecide = maxDecide
	MaxRecord = maxRecord
)

var (
	EncodeRequest = encodeRequest
	Longest       = longest
)

func (l *Queue) SetWait(d time.Duration) { l.wait = d }

func (l *Queue) Queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queued
}
