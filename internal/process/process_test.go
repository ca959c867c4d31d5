package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/httpapi"
)

// lives are the processes of these tests. Each runs as a process of its own, since what is tested
// is how one ends; it tells what happens line by line.
var lives = map[string]func(context.Context, *Process) error{
	// A pool whose connection a task has, as one that listens has: closing it waits for the task.
	"ordinary": func(ctx context.Context, p *Process) error {
		var pool sync.WaitGroup
		p.OnClose("pool", Plain(func() { pool.Wait(); tell("pool closed") }))
		p.OnClose("flush", Plain(func() { tell("flushed") }))
		p.OnDrain(func() { tell("not ready %t, draining %t", !p.ready.Load(), p.draining()) })
		pool.Add(1)
		p.Go("listener", func(ctx context.Context) error {
			defer pool.Done()
			<-ctx.Done()
			tell("task ended")
			return ctx.Err()
		})
		return p.Serve(ctx, routes())
	},
	"task hangs": func(ctx context.Context, p *Process) error {
		p.OnClose("pool", Plain(func() { tell("pool closed") }))
		p.Go("well", func(ctx context.Context) error { <-ctx.Done(); return nil })
		p.Go("stubborn", func(context.Context) error { select {} })
		return p.Serve(ctx, routes())
	},
	"close hangs": func(ctx context.Context, p *Process) error {
		p.OnClose("first", Plain(func() { tell("first closed") }))
		p.OnClose("second", func(ctx context.Context) error { select {} })
		p.OnClose("third", func(context.Context) error { return errors.New("broken") })
		return p.Serve(ctx, routes())
	},
	"task fails": func(ctx context.Context, p *Process) error {
		p.OnClose("pool", Plain(func() { tell("pool closed") }))
		p.Go("doomed", func(context.Context) error { return errors.New("it broke") })
		return p.Serve(ctx, routes())
	},
	"starting": func(ctx context.Context, p *Process) error {
		p.OnClose("pool", Plain(func() { tell("pool closed") }))
		tell("starting")
		<-ctx.Done()
		return fmt.Errorf("waiting for the sidecar: %w", ctx.Err())
	},
	"never returns": func(_ context.Context, _ *Process) error {
		tell("starting")
		select {}
	},
}

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /now", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		tell("slow began")
		select {
		case <-time.After(700 * time.Millisecond):
			tell("slow finished")
			fmt.Fprint(w, "whole")
		case <-r.Context().Done():
			tell("slow cancelled")
		}
	})
	mux.HandleFunc("GET /endless", func(w http.ResponseWriter, r *http.Request) {
		tell("endless began")
		<-r.Context().Done()
		tell("endless cancelled")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	mux.HandleFunc("GET /deaf", func(http.ResponseWriter, *http.Request) {
		tell("deaf began")
		select {}
	})
	mux.HandleFunc("GET /stream", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := httpapi.UntilDrain(r.Context())
		defer cancel()
		stream, err := httpapi.NewStream(w)
		if err != nil {
			return
		}
		tell("stream began")
		<-ctx.Done()
		_ = stream.Raw(httpapi.Farewell())
	})
	return mux
}

func tell(format string, args ...any) { fmt.Printf("TELL "+format+"\n", args...) }

func TestMain(m *testing.M) {
	if run, ok := lives[os.Getenv("PROCESS_TEST_LIFE")]; ok {
		Main("life", run)
		return
	}
	os.Exit(m.Run())
}

// life is a running process.
type life struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	said chan string
}

func begin(t *testing.T, name string, env ...string) *life {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	l := &life{t: t, url: "http://127.0.0.1:" + port, said: make(chan string, 1000)}
	l.cmd = exec.Command(os.Args[0])
	l.cmd.Env = append(append(os.Environ(), "PROCESS_TEST_LIFE="+name, "APP_PORT="+port), env...)
	l.start()
	return l
}

func (l *life) start() {
	l.t.Helper()
	out, err := l.cmd.StdoutPipe()
	require.NoError(l.t, err)
	l.cmd.Stderr = l.cmd.Stdout
	require.NoError(l.t, l.cmd.Start())
	stuck := time.AfterFunc(time.Minute, func() { _ = l.cmd.Process.Kill() })
	l.t.Cleanup(func() {
		stuck.Stop()
		_ = l.cmd.Process.Kill()
	})
	go func() {
		defer close(l.said)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			l.said <- lines.Text()
		}
	}()
}

// hear waits for a line that contains text, and gives all lines up to it.
func (l *life) hear(text string) (before []string) {
	l.t.Helper()
	for {
		select {
		case line, ok := <-l.said:
			if !ok {
				l.t.Fatalf("ended without %q: %s", text, strings.Join(before, "\n"))
			}
			before = append(before, line)
			if strings.Contains(line, text) {
				return before
			}
		case <-time.After(20 * time.Second):
			l.t.Fatalf("never said %q", text)
		}
	}
}

func (l *life) signal(s syscall.Signal) {
	l.t.Helper()
	require.NoError(l.t, l.cmd.Process.Signal(s))
}

// end waits for the process, and gives its exit code and what it still had to tell.
func (l *life) end() (code int, told []string, log string) {
	l.t.Helper()
	var all strings.Builder
	for line := range l.said {
		if text, ok := strings.CutPrefix(line, "TELL "); ok {
			told = append(told, text)
		}
		fmt.Fprintln(&all, line)
	}
	_ = l.cmd.Wait()
	return l.cmd.ProcessState.ExitCode(), told, all.String()
}

func (l *life) get(path string) (*http.Response, string, error) {
	res, err := http.Get(l.url + path)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, string(body), err
}

func TestStopsInOrder(t *testing.T) {
	l := begin(t, "ordinary")
	l.hear("serving")
	var (
		group        sync.WaitGroup
		slow, stream string
		status       int
	)
	group.Go(func() {
		if res, body, err := l.get("/slow"); err == nil { //nolint:bodyclose // read and closed within
			status, slow = res.StatusCode, body
		}
	})
	group.Go(func() { _, stream, _ = l.get("/stream") }) //nolint:bodyclose // read and closed within
	heard := l.hear("began")
	heard = append(heard, l.hear("began")...)
	require.Len(t, slices.DeleteFunc(heard, func(s string) bool { return !strings.Contains(s, "began") }), 2)

	l.signal(syscall.SIGTERM)
	code, told, log := l.end()
	group.Wait()
	assert.Equal(t, []string{"not ready true, draining true", "slow finished", "task ended", "flushed", "pool closed"}, told, log)
	assert.Equal(t, 0, code, log)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "whole", slow, "a request that runs is finished")
	assert.Regexp(t, `(?s)^retry: 2000\n\n.*retry: \d+\n\n$`, stream, "a stream ends with a hint when to come back")
}

// An idle connection is served until its owner has given it up; nobody gets a new one.
func TestIdleConnectionsAreServed(t *testing.T) {
	l := begin(t, "ordinary", "FOYER_DRAIN_TIMEOUT=10s")
	l.hear("serving")
	addr := strings.TrimPrefix(l.url, "http://")
	idle, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer idle.Close()
	answers := bufio.NewReader(idle)
	ask := func(path string) *http.Response {
		fmt.Fprintf(idle, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		res, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		_, err = io.ReadAll(res.Body)
		require.NoError(t, err)
		return res
	}
	require.Equal(t, http.StatusOK, ask("/now").StatusCode)            //nolint:bodyclose // read and closed within
	require.Equal(t, http.StatusNoContent, ask("/healthz").StatusCode) //nolint:bodyclose // read and closed within
	l.signal(syscall.SIGTERM)
	l.hear("TELL not ready")
	for { // the listener closes a moment later
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			break
		}
		conn.Close()
	}
	last := ask("/healthz") //nolint:bodyclose // read and closed within
	assert.Equal(t, http.StatusServiceUnavailable, last.StatusCode, "Dapr hears that it is to deliver no more")
	assert.True(t, last.Close, "the answer says that it is the connection's last")
	code, _, log := l.end()
	assert.Equal(t, 0, code, log)
}

func TestRequestsThatDoNotEnd(t *testing.T) {
	for path, c := range map[string]struct {
		code int
		log  string
	}{
		"/endless": {0, "endless cancelled"},
		"/deaf":    {1, "requests did not end"},
	} {
		t.Run(path[1:], func(t *testing.T) {
			l := begin(t, "ordinary", "FOYER_DRAIN_TIMEOUT=300ms")
			l.hear("serving")
			var status int
			var group sync.WaitGroup
			group.Go(func() {
				if res, _, err := l.get(path); err == nil { //nolint:bodyclose // read and closed within
					status = res.StatusCode
				}
			})
			l.hear("began")
			l.signal(syscall.SIGTERM)
			code, told, log := l.end()
			group.Wait()
			assert.Equal(t, c.code, code, log)
			assert.Contains(t, log, c.log)
			assert.Equal(t, []string{"task ended", "flushed", "pool closed"}, told[len(told)-3:], "the rest is done all the same")
			if c.code == 0 {
				assert.Equal(t, http.StatusServiceUnavailable, status, "who is cancelled may still say so")
			}
		})
	}
}

func TestStopIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		told []string
		log  []string
	}{
		"task hangs":  {[]string{"pool closed"}, []string{"tasks did not end within 200ms: stubborn"}},
		"close hangs": {[]string{"first closed"}, []string{"close second: context deadline exceeded", "close third: broken"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := begin(t, name, "FOYER_TASK_TIMEOUT=200ms", "FOYER_CLOSE_TIMEOUT=400ms")
			l.hear("serving")
			l.signal(syscall.SIGTERM)
			code, told, log := l.end()
			assert.Equal(t, 1, code, "what hangs is to be noticed")
			assert.Equal(t, c.told, told)
			for _, text := range c.log {
				assert.Contains(t, log, text)
			}
		})
	}
}

func TestWatchdog(t *testing.T) {
	l := begin(t, "never returns", "FOYER_DRAIN_TIMEOUT=1ms", "FOYER_TASK_TIMEOUT=1ms", "FOYER_CLOSE_TIMEOUT=1ms")
	l.hear("starting")
	l.signal(syscall.SIGTERM)
	code, _, log := l.end()
	assert.Equal(t, 1, code)
	assert.Contains(t, log, "not stopped in time")
	assert.Contains(t, log, "internal/process", "and says where it hangs")
}

func TestSignalWhileStarting(t *testing.T) {
	l := begin(t, "starting")
	l.hear("starting")
	l.signal(syscall.SIGTERM)
	code, told, log := l.end()
	assert.Equal(t, 0, code, log)
	assert.Equal(t, []string{"pool closed"}, told)
}

func TestFailingTaskEndsTheProcess(t *testing.T) {
	code, told, log := begin(t, "task fails").end()
	assert.Equal(t, 1, code)
	assert.Equal(t, []string{"pool closed"}, told)
	assert.Contains(t, log, "task doomed: it broke")
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	l := begin(t, "ordinary", "FOYER_DRAIN_TIMEOUT=1h")
	l.hear("serving")
	go func() { _, _, _ = l.get("/endless") }() //nolint:bodyclose // read and closed within
	l.hear("began")
	l.signal(syscall.SIGTERM)
	l.hear("TELL not ready")
	l.signal(syscall.SIGTERM)
	code, told, log := l.end()
	assert.Equal(t, 1, code)
	assert.Contains(t, log, "second signal")
	assert.Empty(t, told)
}

// A listener that whoever starts the process holds open keeps connections waiting while the
// process is away.
func TestInheritedListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	file, err := listener.(*net.TCPListener).File()
	require.NoError(t, err)
	defer file.Close()
	run := func() *life {
		l := &life{t: t, url: "http://" + listener.Addr().String(), said: make(chan string, 1000)}
		l.cmd = exec.Command(os.Args[0])
		l.cmd.Env = append(os.Environ(), "PROCESS_TEST_LIFE=ordinary", "APP_PORT=1", "LISTEN_FDS=1")
		l.cmd.ExtraFiles = []*os.File{file}
		l.start()
		l.hear("serving")
		return l
	}
	l := run()
	_, _, err = l.get("/now") //nolint:bodyclose // read and closed within
	require.NoError(t, err)
	l.signal(syscall.SIGTERM)
	l.hear("TELL not ready")
	code, _, log := l.end()
	require.Equal(t, 0, code, log)

	var group sync.WaitGroup
	group.Go(func() {
		res, _, err := l.get("/now") //nolint:bodyclose // read and closed within
		if assert.NoError(t, err) {
			assert.Equal(t, http.StatusOK, res.StatusCode)
		}
	})
	again := run()
	group.Wait()
	again.signal(syscall.SIGTERM)
	code, _, log = again.end()
	require.Equal(t, 0, code, log)
}

// The parts of a stop take less than the five seconds that are promised.
func TestDefaultLimit(t *testing.T) {
	t.Setenv("APP_PORT", "1")
	cfg, err := Load[Config]()
	require.NoError(t, err)
	assert.Less(t, cfg.limit(), 5*time.Second)
}
