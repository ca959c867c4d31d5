package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/centrifugal/centrifuge"
	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/waitingroom"
	"github.com/foyer-tickets/foyer/services/waitingroom/rest"
)

// Streams of one event, and how long they are watched.
const (
	readers = 10_000
	settle  = 3 * time.Second
	watched = 15 // seconds
	stamp   = `"at":"`
)

var streamed = uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")

// serve pushes a tick a second to whoever comes: with our hub, or with centrifuge.
func serve(kind string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	var push func(waitingroom.Front)
	switch kind {
	case "hub":
		hub := rest.NewHub()
		go func() { _ = hub.Run(context.Background()) }()
		mux.HandleFunc("/stream", func(w http.ResponseWriter, _ *http.Request) {
			if err := hub.Open(w, "", waitingroom.Front{Event: streamed, Status: waitingroom.Open}); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
			}
		})
		push = hub.Show
	case "centrifuge":
		node, err := centrifuge.New(centrifuge.Config{})
		if err != nil {
			return err
		}
		node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
			return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{}, Subscriptions: map[string]centrifuge.SubscribeOptions{"line": {}}}, nil
		})
		if err := node.Run(); err != nil {
			return err
		}
		mux.Handle("/stream", centrifuge.NewSSEHandler(node, centrifuge.SSEConfig{}))
		push = func(f waitingroom.Front) {
			frame := rest.Frame(f)
			_, data, _ := bytes.Cut(frame, []byte("data: "))
			_, _ = node.Publish("line", bytes.TrimSpace(data))
		}
	default:
		return errors.New("serve hub or centrifuge")
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	fmt.Println(listener.Addr())
	for n := int64(1); ; n++ {
		time.Sleep(time.Second)
		push(waitingroom.Front{Event: streamed, Served: n * 20, Arrivals: 100_000, Speed: 20, Rate: 20, Status: waitingroom.Open, At: time.Now()})
	}
}

type streaming struct {
	rss     float64 // bytes per connection
	cpu     time.Duration
	latency *hdrhistogram.Histogram
	got     int64
}

func (b *bench) streams(ctx context.Context) error {
	results := map[string]streaming{}
	for _, kind := range []string{"hub", "centrifuge"} {
		r, err := stream(ctx, kind)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		results[kind] = r
	}
	fmt.Fprintf(&b.report, "%d connections, one tick a second to each for %d seconds; the readers are on the same machine.\n\n| | RSS per connection | CPU per delivery | delivery p50 | p99 |\n|---|---|---|---|---|\n", readers, watched)
	for _, kind := range []string{"hub", "centrifuge"} {
		r := results[kind]
		ms := func(q float64) string { return fmt.Sprintf("%.0f ms", float64(r.latency.ValueAtQuantile(q))/1000) }
		fmt.Fprintf(&b.report, "| %s | %.1f KB | %.1f µs | %s | %s |\n", kind, r.rss/1024, float64(r.cpu.Nanoseconds())/1000/float64(r.got), ms(50), ms(99))
	}
	fmt.Fprintf(&b.report, "\nGoals: p99 below 1 s, below 20 KB a connection. CPU per delivery is %.2f of centrifuge's.\n\n",
		(float64(results["hub"].cpu)/float64(results["hub"].got))/(float64(results["centrifuge"].cpu)/float64(results["centrifuge"].got)))
	return nil
}

func stream(ctx context.Context, kind string) (r streaming, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	child := exec.CommandContext(ctx, self, "serve", kind)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		return r, err
	}
	if err := child.Start(); err != nil {
		return r, err
	}
	defer func() {
		cancel()
		_ = child.Wait()
	}()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return r, err
	}
	address, pid := strings.TrimSpace(address), child.Process.Pid
	before, err := rss(pid)
	if err != nil {
		return r, err
	}
	var on atomic.Bool
	counters := make([]*counter, readers)
	var wg sync.WaitGroup
	gate := make(chan struct{}, 64)
	var failed atomic.Int64
	for i := range counters {
		counters[i] = &counter{on: &on, latency: nil}
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			if err := counters[i].open(ctx, address); err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	if n := failed.Load(); n > 0 {
		return r, fmt.Errorf("%d connections were refused", n)
	}
	time.Sleep(settle)
	after, err := rss(pid)
	if err != nil {
		return r, err
	}
	r.rss = float64(after-before) / readers
	began, err := cpu(pid)
	if err != nil {
		return r, err
	}
	on.Store(true)
	time.Sleep(watched * time.Second)
	on.Store(false)
	ended, err := cpu(pid)
	if err != nil {
		return r, err
	}
	r.cpu, r.latency = ended-began, hdrhistogram.New(1, 60_000_000, 3)
	for _, c := range counters {
		c.mu.Lock()
		if len(c.seen) == 0 {
			err = errors.New("a reader got nothing")
		}
		for _, l := range c.seen {
			r.got++
			_ = r.latency.RecordValue(max(1, l.Microseconds()))
		}
		c.mu.Unlock()
		c.conn.Close()
	}
	return r, err
}

// counter is one reader.
type counter struct {
	on      *atomic.Bool
	conn    net.Conn
	latency *hdrhistogram.Histogram
	mu      sync.Mutex
	seen    []time.Duration
}

func (c *counter) open(ctx context.Context, address string) (err error) {
	if c.conn, err = (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", address); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.conn, "GET /stream?cf_connect=%%7B%%22id%%22%%3A1%%2C%%22connect%%22%%3A%%7B%%7D%%7D HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n"); err != nil {
		return err
	}
	r := bufio.NewReaderSize(c.conn, 1024)
	first, err := r.ReadString('\n')
	if err != nil || !strings.Contains(first, "200") {
		return fmt.Errorf("answered %q: %w", first, err)
	}
	go c.read(r)
	return nil
}

func (c *counter) read(r *bufio.Reader) {
	for {
		text, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		i := bytes.Index(text, []byte(stamp))
		if i < 0 || !c.on.Load() {
			continue
		}
		var at time.Time
		end := bytes.IndexByte(text[i+len(stamp):], '"')
		if end < 0 || json.Unmarshal(text[i+len(stamp)-1:i+len(stamp)+end+1], &at) != nil {
			continue
		}
		c.mu.Lock()
		c.seen = append(c.seen, time.Since(at))
		c.mu.Unlock()
	}
}

func rss(pid int) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(raw))[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// cpu is the time a process has used; the kernel counts in hundredths of a second.
func cpu(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}
