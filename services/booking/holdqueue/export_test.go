package holdqueue

import "time"

// What the tests that need a store too look at.
const (
	PageMost   = pageMost
	DecideMost = decideMost
	RecordFull = recordFull
)

var (
	EncodeRequest = encodeRequest
	Longest       = longest
)

type PageEntry = pageEntry

func (l *HoldQueue) SetWait(d time.Duration) { l.wait = d }

func (l *HoldQueue) Queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queued
}
