package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

// Maps caches encoded seat maps. The names of the units, which are nearly all of a map, are encoded and
// compressed once for a plan. The states are encoded again when they changed: at once where the map was
// requested a moment ago, else with the next request.
type Maps struct {
	mu   sync.Mutex
	maps map[uuid.UUID]*seatMap
}

var _ seatmap.FrameEncoder = (*Maps)(nil)

// NewMaps returns an empty cache.
func NewMaps() *Maps { return &Maps{maps: map[uuid.UUID]*seatMap{}} }

// seatMap is an encoded map in two parts that are sent one after the other.
type seatMap struct {
	seats *seatmap.Map
	plan  int64
	heads map[Naming]func() (part, error)

	asked atomic.Int64 // time of the last request, in milliseconds
	stale atomic.Bool
	mu    sync.Mutex // one renders at a time
	tail  atomic.Pointer[tail]
}

// tail is the states of the units at a time.
type tail struct {
	part
	etag     string
	rendered time.Time
}

const (
	cachedMaps = 256
	// keepFreshFor is how long after a request a map is rendered at each change.
	keepFreshFor = 5 * time.Second
	// freshFor is how long a map is served after a change: the next rendering is under way, and readers of the
	// stream get the change no sooner.
	freshFor = 200 * time.Millisecond
)

func (m *Maps) of(event uuid.UUID, seats *seatmap.Map) *seatMap {
	m.mu.Lock()
	defer m.mu.Unlock()
	sm := m.maps[event]
	if plan := seats.Sale().PlanVersion; sm == nil || sm.seats != seats || sm.plan != plan {
		if len(m.maps) >= cachedMaps {
			clear(m.maps)
		}
		sm = &seatMap{seats: seats, plan: plan, heads: heads(plan, seats)}
		sm.stale.Store(true)
		m.maps[event] = sm
	}
	return sm
}

// heads encode what does not change with the states, at the first request.
func heads(plan int64, seats *seatmap.Map) map[Naming]func() (part, error) {
	names := func() []string {
		var all []string
		for _, u := range seats.Sale().Units {
			all = append(all, u.ID)
		}
		return all
	}
	head := func(field string, of func() any) func() (part, error) {
		return sync.OnceValues(func() (part, error) {
			list, err := json.Marshal(of())
			if err != nil {
				return part{}, err
			}
			return packHead(fmt.Appendf(nil, `{"plan":%d,"%s":%s,`, plan, field, list))
		})
	}
	return map[Naming]func() (part, error){
		Named: head("units", func() any { return names() }),
		Runs:  head("runs", func() any { return runs(names()) }),
		None:  sync.OnceValues(func() (part, error) { return packHead(fmt.Appendf(nil, `{"plan":%d,`, plan)) }),
	}
}

func (sm *seatMap) head(form Naming) (part, error) {
	if encode, ok := sm.heads[form]; ok {
		return encode()
	}
	return sm.heads[Named]()
}

// Changed implements seatmap.FrameEncoder. A map requested after a frame is at least as new.
func (m *Maps) Changed(event uuid.UUID) {
	m.mu.Lock()
	sm := m.maps[event]
	m.mu.Unlock()
	if sm == nil {
		return
	}
	sm.stale.Store(true)
	if time.Since(time.UnixMilli(sm.asked.Load())) < keepFreshFor {
		go func() { _, _ = sm.newest() }() // the next request gets the error
	}
}

// recent gives the states, at most freshFor old.
func (sm *seatMap) recent() (*tail, error) {
	sm.asked.Store(time.Now().UnixMilli())
	if t := sm.tail.Load(); t != nil && (!sm.stale.Load() || time.Since(t.rendered) < freshFor) {
		return t, nil
	}
	return sm.newest()
}

// newest gives the states with all changes before the call.
func (sm *seatMap) newest() (*tail, error) {
	sm.mu.Lock()
	defer sm.mu.Unlock()
	if t := sm.tail.Load(); t != nil && !sm.stale.Load() {
		return t, nil
	}
	sm.stale.Store(false) // before rendering: later changes make it stale again
	t, err := render(sm.plan, sm.seats)
	if err != nil {
		sm.stale.Store(true)
		return nil, err
	}
	sm.tail.Store(t)
	return t, nil
}

func render(plan int64, seats *seatmap.Map) (*tail, error) {
	version, states := seats.Snapshot()
	p, err := packTail(fmt.Appendf(nil, `"version":%d,"states":"%s"}`, version, states))
	if err != nil {
		return nil, err
	}
	sum := fnv.New64a() // of the states, so that replicas agree
	_, _ = sum.Write(states)
	return &tail{part: p, etag: fmt.Sprintf(`W/"%d-%x"`, plan, sum.Sum64()), rendered: time.Now()}, nil
}

// GetSeats implements GET /api/v1/events/{event}/seats.
func (s Server) GetSeats(w http.ResponseWriter, r *http.Request, event EventId, params GetSeatsParams) error {
	seats, err := s.Live.Public(r.Context(), event)
	if err != nil {
		return err
	}
	sm := s.Maps.of(event, seats)
	t, err := sm.recent()
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", httpapi.Shared)
	h.Set("Vary", "Accept-Encoding")
	if httpapi.NotModified(w, r, t.etag) {
		return nil
	}
	head, err := sm.head(deref(params.Units))
	if err != nil {
		return err
	}
	body := [][]byte{head.plain, t.plain}
	switch accepted := r.Header.Get("Accept-Encoding"); {
	case strings.Contains(accepted, "zstd"):
		h.Set("Content-Encoding", "zstd")
		body = [][]byte{head.zstd, t.zstd} // frames may follow each other (RFC 8878, 3)
	case strings.Contains(accepted, "gzip"):
		h.Set("Content-Encoding", "gzip")
		body = gzipped(head, t.part)
	}
	size := 0
	for _, b := range body {
		size += len(b)
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(size))
	for _, b := range body {
		_, _ = w.Write(b)
	}
	return nil
}

// Encode implements seatmap.FrameEncoder.
func (m *Maps) Encode(d seatmap.Delta) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"version":%d,"changes":[`, d.Version)
	for i, c := range d.Changes {
		if i > 0 {
			b.WriteByte(',')
		}
		unit, _ := json.Marshal(c.Unit) // a string: cannot fail
		fmt.Fprintf(&b, `[%s,"%c"]`, unit, c.State)
	}
	b.WriteString("]}")
	return b.Bytes()
}

// StreamSeats implements GET /api/v1/events/{event}/seats/stream.
func (s Server) StreamSeats(w http.ResponseWriter, r *http.Request, event EventId, params StreamSeatsParams) error {
	if _, err := s.Live.Public(r.Context(), event); err != nil {
		return err
	}
	feed, err := s.Live.Watch(r.Context(), event, deref(params.LastEventID))
	if err != nil {
		return err
	}
	defer feed.Close()
	stream, err := httpapi.NewStream(w)
	if err != nil {
		return err
	}
	if !feed.Resumed {
		// Taken after subscribing: a delta that it already contains says the same once more.
		sm := s.Maps.of(event, feed.Map)
		head, err := sm.head(deref(params.Units))
		if err != nil {
			return nil
		}
		tail, err := sm.newest()
		if err != nil || stream.Send("snapshot", feed.Current, slices.Concat(head.plain, tail.plain)) != nil {
			return nil
		}
	}
	for _, f := range feed.Missed {
		if stream.Send("delta", f.ID, f.Data) != nil {
			return nil
		}
	}
	beat := time.NewTicker(httpapi.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-beat.C:
			if stream.Comment() != nil {
				return nil
			}
		case f, ok := <-feed.Frames:
			if !ok || stream.Send("delta", f.ID, f.Data) != nil {
				return nil // too slow: it comes back with Last-Event-ID
			}
		}
	}
}
