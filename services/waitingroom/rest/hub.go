package rest

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// Limits of the open streams of one replica.
const (
	maxStreams = 50_000
	resend     = 5 * time.Second // an unmoved line says so this often
)

var errTooManyStreams = fault.New(fault.Unavailable, "too_many_streams", "Too many open streams.").After(10 * time.Second)

var (
	streams = telemetry.NewUpDownCounter("waitingroom.streams", "{stream}", "Open streams of lines.")
	drops   = telemetry.NewCounter("waitingroom.streams.dropped", "{stream}", "Streams ended because their reader had gone or did not read.")
)

// Hub pushes ticks to the open streams of this replica: for each event one slice of bytes,
// written to every connection. A connection is taken over from net/http and costs no goroutine
// and no buffer; writes do not block, so a client that does not read is dropped at once.
type Hub struct {
	mu     sync.Mutex
	rooms  map[uuid.UUID]*audience
	count  atomic.Int64 // not under mu, which comes before an audience's: those who left are counted under that one
	closed bool
	limit  httpapi.StreamLimit // of those who are signed in: a taken-over connection outlives its handler
}

type audience struct {
	mu    sync.Mutex
	gone  bool // forgotten: no tick reaches it any more
	shut  bool // for good: the hub is closed
	conns map[*reader]struct{}
	last  []byte // the newest tick, for those who come
	front waitingroom.Front
	sent  time.Time
}

// reader is one taken-over connection.
type reader struct {
	conn  net.Conn
	raw   syscall.RawConn
	leave func() // counts it out of its account's streams
}

// close ends a reader's connection.
func (r *reader) close() {
	r.conn.Close()
	if r.leave != nil {
		r.leave()
	}
}

// NewHub returns a hub without streams.
func NewHub() *Hub { return &Hub{rooms: map[uuid.UUID]*audience{}} }

func (h *Hub) audience(event uuid.UUID, create bool) *audience {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.rooms[event]
	if a == nil && create && h.closed {
		return &audience{gone: true, shut: true}
	}
	if a == nil && create {
		a = &audience{conns: map[*reader]struct{}{}}
		h.rooms[event] = a
	}
	return a
}

// Frame writes a front as one event of a stream.
func Frame(f waitingroom.Front) []byte {
	opens, at := f.OpensAt, f.At.UTC()
	tick := Tick{Served: f.Served, Lapsed: &f.Expired, Joined: &f.Arrivals, At: &at, Rate: f.Speed, State: LineState(f.Status)}
	if !opens.IsZero() {
		tick.OpensAt = &opens
	}
	raw, err := json.Marshal(tick)
	if err != nil {
		panic(err) // a plain struct of ours: cannot happen
	}
	return httpapi.Event("tick", "", raw)
}

// Show pushes a front to everyone who watches its line.
func (h *Hub) Show(f waitingroom.Front) {
	a := h.audience(f.Event, false)
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.At.Before(a.front.At) || (f.Served == a.front.Served && f.Status == a.front.Status && f.At.Sub(a.sent) < resend) {
		return
	}
	a.front, a.last, a.sent = f, Frame(f), f.At
	a.push(h, a.last)
}

// push writes to all and drops whom it cannot write to. a.mu is held.
func (a *audience) push(h *Hub, frame []byte) {
	gone := 0
	for r := range a.conns {
		if !r.write(frame) {
			delete(a.conns, r)
			r.close()
			gone++
		}
	}
	if gone > 0 {
		drops.Add(context.Background(), int64(gone))
		h.left(gone)
	}
}

func (h *Hub) left(n int) {
	h.count.Add(-int64(n))
	streams.Add(context.Background(), -int64(n))
}

// write makes one attempt. What does not fit into the socket's buffer was not read for minutes.
func (r *reader) write(frame []byte) bool {
	done := false
	err := r.raw.Write(func(fd uintptr) bool {
		n, err := syscall.Write(int(fd), frame)
		done = err == nil && n == len(frame)
		return true // never wait
	})
	return err == nil && done
}

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n" +
	"X-Accel-Buffering: no\r\nConnection: close\r\n\r\nretry: 2000\n\n"

// Open takes a connection over and makes it part of an event's audience. account is whose it is,
// "" when nobody is signed in.
func (h *Hub) Open(w http.ResponseWriter, account string, front waitingroom.Front) error {
	var leave func()
	if account != "" {
		var err error
		if leave, err = h.limit.Enter(account); err != nil {
			return err
		}
	}
	err := h.open(w, leave, front)
	if err != nil && leave != nil {
		leave()
	}
	return err
}

func (h *Hub) open(w http.ResponseWriter, leave func(), front waitingroom.Front) error {
	n := h.count.Add(1)
	streams.Add(context.Background(), 1)
	h.mu.Lock()
	full := n > maxStreams || h.closed
	h.mu.Unlock()
	if full {
		h.left(1)
		return errTooManyStreams
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		h.left(1)
		return err
	}
	if err := h.admit(conn, rw, leave, front); err != nil {
		(&reader{conn: conn, leave: leave}).close()
		h.left(1)
	}
	return nil // the connection is ours: nothing more to say through w
}

func (h *Hub) admit(conn net.Conn, rw *bufio.ReadWriter, leave func(), front waitingroom.Front) error {
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	tcp, ok := conn.(syscall.Conn)
	if !ok || rw.Reader.Buffered() > 0 { // a request behind a stream cannot be answered
		return net.ErrClosed
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	r := &reader{conn: conn, raw: raw, leave: leave}
	for {
		joined, err := h.audience(front.Event, true).join(r, front)
		if joined || err != nil {
			return err
		} // forgotten since we got it
	}
}

// join makes a reader part of an audience. false: the audience is no more.
func (a *audience) join(r *reader, front waitingroom.Front) (joined bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shut {
		return false, net.ErrClosed
	}
	if a.gone {
		return false, nil
	}
	if a.last == nil || front.At.After(a.front.At) {
		a.front, a.last = front, Frame(front)
	}
	if !r.write(append([]byte(streamHead), a.last...)) {
		return false, net.ErrClosed
	}
	a.conns[r] = struct{}{}
	return true, nil
}

// Run keeps idle streams alive, so that proxies and sleeping clients notice a dead connection,
// and forgets events without streams.
func (h *Hub) Run(ctx context.Context) error {
	return worker.Every(ctx, httpapi.Heartbeat, func(context.Context) {
		h.each(func(a *audience) { a.push(h, []byte(":\n\n")) })
	})
}

// Close ends all streams with a hint when to reconnect, and refuses new ones.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.each(func(a *audience) {
		for r := range a.conns {
			r.write(httpapi.Farewell())
			r.close()
		}
		h.left(len(a.conns))
		clear(a.conns)
		a.shut = true
	})
}

func (h *Hub) each(f func(*audience)) {
	h.mu.Lock()
	all := make(map[uuid.UUID]*audience, len(h.rooms))
	for id, a := range h.rooms {
		all[id] = a
	}
	h.mu.Unlock()
	for id, a := range all {
		a.mu.Lock()
		f(a)
		empty := len(a.conns) == 0
		a.mu.Unlock()
		if empty {
			h.forget(id, a)
		}
	}
}

func (h *Hub) forget(id uuid.UUID, a *audience) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.conns) == 0 && h.rooms[id] == a {
		delete(h.rooms, id)
		a.gone = true
	}
}
