package seatmap

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// FrameEncoder encodes what changes for the clients that watch a seat map.
type FrameEncoder interface {
	// Encode gives the bytes of a delta. They are the same for all readers.
	Encode(d Delta) []byte
	// Changed is called for an event before its readers get the frame.
	Changed(event uuid.UUID)
}

// Frame is one encoded delta. Any number of readers get the same bytes.
type Frame struct {
	ID   string
	Data []byte
}

// frame gives the id of the newest frame.
func (e *entry) frame() string { return fmt.Sprintf("%s-%d", e.name, e.seq) }

// publish sends a frame to all readers. A reader whose channel is full is dropped.
func (e *entry) publish(data []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	f := Frame{ID: e.frame(), Data: data}
	e.frames = append(e.frames, f)
	if len(e.frames) > frames {
		e.frames = append(e.frames[:0:0], e.frames[len(e.frames)-frames:]...)
	}
	for r := range e.readers {
		select {
		case r <- f:
		default:
			close(r)
			delete(e.readers, r)
		}
	}
}

// Feed is a subscription to the frames of a seat map.
type Feed struct {
	Map     *Map
	Frames  <-chan Frame // closed when the reader is too slow or the seat map is dropped
	Missed  []Frame      // after lastID and before the first of Frames
	Resumed bool         // false: start from a snapshot
	Current string       // the frame that such a snapshot belongs to

	loaded *entry
	reader chan Frame
}

// Watch subscribes to the frames of an event from lastID on. Close has to be called.
func (c *Cache) Watch(ctx context.Context, event uuid.UUID, lastID string) (*Feed, error) {
	for {
		e, err := c.entry(ctx, event)
		if err != nil {
			return nil, err
		}
		if f := e.watch(lastID); f != nil {
			return f, nil
		} // it was dropped in between and gets no more frames
	}
}

// watch subscribes to a seat map, unless it was dropped.
func (e *entry) watch(lastID string) *Feed {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dropped {
		return nil
	}
	r := make(chan Frame, backlog)
	e.readers[r] = struct{}{}
	f := &Feed{Map: e.Map, Frames: r, Current: e.frame(), loaded: e, reader: r}
	if seq, ok := strings.CutPrefix(lastID, e.name+"-"); ok {
		if n, err := strconv.ParseInt(seq, 10, 64); err == nil && n <= e.seq && e.seq-n <= int64(len(e.frames)) {
			f.Missed, f.Resumed = e.frames[len(e.frames)-int(e.seq-n):], true
		}
	}
	return f
}

// Close ends the subscription.
func (f *Feed) Close() {
	f.loaded.mu.Lock()
	defer f.loaded.mu.Unlock()
	delete(f.loaded.readers, f.reader)
}
