package rest

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Maps keeps the encoded seat maps. The list of units, which is nearly all of a map, is encoded
// and compressed once for a plan; only the letters are done again when something changes.
type Maps struct {
	mu   sync.Mutex
	maps map[uuid.UUID]*seatMap
}

// NewMaps returns an empty cache.
func NewMaps() *Maps { return &Maps{maps: map[uuid.UUID]*seatMap{}} }

type seatMap struct {
	house *booking.House
	plan  int64

	mu       sync.Mutex
	head     []byte // {"plan":1,"units":[...],
	gzipped  []byte // head, deflated up to a byte border
	headCRC  uint32
	zstd     []byte // head, as a frame of its own
	rendered time.Time
	version  int64
	now      mapBytes
}

// mapBytes is a map as it goes out, in each encoding.
type mapBytes struct {
	etag              string
	plain, gzip, zstd []byte
}

const cachedMaps = 256

func (m *Maps) of(event uuid.UUID, house *booking.House) *seatMap {
	m.mu.Lock()
	defer m.mu.Unlock()
	sm := m.maps[event]
	if sm == nil || sm.house != house || sm.plan != house.Sale().PlanVersion {
		if len(m.maps) >= cachedMaps {
			clear(m.maps)
		}
		sm = &seatMap{house: house, plan: house.Sale().PlanVersion, version: -1}
		m.maps[event] = sm
	}
	return sm
}

// freshFor is how long a map is good although something changed since: readers of the stream
// hear of it no sooner.
const freshFor = 100 * time.Millisecond

// render returns the encoded map, brought up to date unless it is quite fresh. newest insists.
func (sm *seatMap) render(newest bool) (mapBytes, error) {
	sm.mu.Lock()
	defer sm.mu.Unlock()
	if sm.head == nil {
		if err := sm.renderHead(); err != nil {
			return mapBytes{}, err
		}
	}
	started := time.Now()
	if !newest && sm.version >= 0 && started.Sub(sm.rendered) < freshFor {
		return sm.now, nil
	}
	sm.rendered = started
	version, states := sm.house.Snapshot()
	if version == sm.version {
		return sm.now, nil
	}
	tail := fmt.Appendf(nil, `"version":%d,"states":"%s"}`, version, states)
	gzipped, err := sm.gzip(tail)
	if err != nil {
		return mapBytes{}, err
	}
	sum := fnv.New64a() // of what it says, so that replicas agree
	_, _ = sum.Write(states)
	sm.now = mapBytes{
		etag:  fmt.Sprintf(`W/"%d-%x"`, sm.plan, sum.Sum64()),
		plain: append(slices.Clip(sm.head), tail...),
		gzip:  gzipped,
		zstd:  tailEncoder.EncodeAll(tail, slices.Clip(sm.zstd)), // frames may follow each other (RFC 8878, 3)
	}
	sm.version = version
	return sm.now, nil
}

// The list of units is compressed once and may take its time.
var headEncoder, tailEncoder = encoder(zstd.SpeedBestCompression), encoder(zstd.SpeedDefault)

func encoder(level zstd.EncoderLevel) *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // constant options
	}
	return e
}

func (sm *seatMap) renderHead() error {
	units := make([]string, 0, len(sm.house.Sale().Units))
	for _, u := range sm.house.Sale().Units {
		units = append(units, u.ID)
	}
	list, err := json.Marshal(units)
	if err != nil {
		return err
	}
	head := fmt.Appendf(nil, `{"plan":%d,"units":%s,`, sm.plan, list)
	packed, err := deflate(head, flate.BestCompression, false)
	if err != nil {
		return err
	}
	sm.head, sm.gzipped, sm.headCRC = head, packed, crc32.ChecksumIEEE(head)
	sm.zstd = headEncoder.EncodeAll(head, nil)
	return nil
}

// gzip makes a gzip stream (RFC 1952) of the stored head and a fresh tail.
func (sm *seatMap) gzip(tail []byte) ([]byte, error) {
	packed, err := deflate(tail, flate.BestSpeed, true)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(sm.gzipped)+len(packed)+18)
	out = append(out, 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)
	out = append(append(out, sm.gzipped...), packed...)
	out = binary.LittleEndian.AppendUint32(out, crc32.Update(sm.headCRC, crc32.IEEETable, tail))
	return binary.LittleEndian.AppendUint32(out, uint32(len(sm.head)+len(tail))), nil //nolint:gosec // modulo 2^32 by the format
}

func deflate(data []byte, level int, last bool) ([]byte, error) {
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, level)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if last {
		err = w.Close()
	} else {
		err = w.Flush()
	}
	return buf.Bytes(), err
}

// GetSeats implements GET /api/v1/events/{event}/seats.
func (s Server) GetSeats(w http.ResponseWriter, r *http.Request, event EventId) {
	house, err := s.Live.House(r.Context(), event)
	if err == nil && house.Sale().Status != booking.EventPublished && house.Sale().Status != booking.EventCancelled {
		err = booking.ErrEventNotFound
	}
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	encoded, err := s.Maps.of(event, house).render(false)
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", httpapi.Shared)
	h.Set("Vary", "Accept-Encoding")
	if httpapi.NotModified(w, r, encoded.etag) {
		return
	}
	h.Set("Content-Type", "application/json")
	body := encoded.plain
	switch accepted := r.Header.Get("Accept-Encoding"); {
	case strings.Contains(accepted, "zstd"): // a fifth of gzip's size: the units' names differ in a digit
		h.Set("Content-Encoding", "zstd")
		body = encoded.zstd
	case strings.Contains(accepted, "gzip"):
		h.Set("Content-Encoding", "gzip")
		body = encoded.gzip
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// EncodeDelta makes the bytes of a delta, once for all readers.
func EncodeDelta(d booking.Delta) []byte {
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
func (s Server) StreamSeats(w http.ResponseWriter, r *http.Request, event EventId, params StreamSeatsParams) {
	stage, err := s.Live.Stage(r.Context(), event)
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	feed, missed, resumed, current, leave := s.Live.Watch(stage, deref(params.LastEventID))
	defer leave()
	stream, err := httpapi.NewStream(w)
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	if !resumed {
		// Taken after subscribing: a delta that it already contains says the same once more.
		encoded, err := s.Maps.of(event, stage.House).render(true)
		if err != nil || stream.Send("snapshot", current, encoded.plain) != nil {
			return
		}
	}
	for _, f := range missed {
		if stream.Send("delta", f.ID, f.Data) != nil {
			return
		}
	}
	beat := time.NewTicker(httpapi.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			if stream.Comment() != nil {
				return
			}
		case f, ok := <-feed:
			if !ok || stream.Send("delta", f.ID, f.Data) != nil {
				return // too slow: it comes back with Last-Event-ID
			}
		}
	}
}
