package devstack

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A restart of the gateway fails no request, neither those under way nor new ones: the next process serves
// from the same ports while the one before finishes what it began, in bounded time. A stream that it had to
// cut is opened anew.
func TestARestartOfTheGatewayFailsNoRequest(t *testing.T) {
	const (
		clients  = 20
		restarts = 4
		slowly   = 2 * time.Second
	)
	services := map[string]http.Handler{
		"auth": says("ok"), "booking": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/stream") {
				w.Header().Set("Content-Type", "text/event-stream")
				fmt.Fprint(w, "data: open\n\n")
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
				return
			}
			if r.Method == http.MethodDelete {
				time.Sleep(slowly)
			}
			_, _ = io.Copy(w, r.Body)
		}),
	}
	s, r := runningGateway(t, services)

	address := fmt.Sprintf("http://127.0.0.1:%d/api/v1/bookings", s.Config.Ports.Gateway)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	once := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // nothing on a new connection is sent again
	ask := func(client *http.Client, method string) {
		const body = `{"hold":"x"}`
		req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if !assert.NoError(t, err) {
			return
		}
		// As the web application has it. nginx closes connections that are idle, perhaps just when something is sent;
		// browsers send that again, and Go's client what has a key.
		req.Header.Set("Idempotency-Key", "x")
		res, err := client.Do(req)
		if !assert.NoError(t, err, method) {
			return
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		assert.NoError(t, err)
		assert.Equal(t, http.StatusOK, res.StatusCode)
		assert.Equal(t, body, string(got))
	}
	var (
		group  sync.WaitGroup
		stream sync.WaitGroup
		asked  atomic.Int64
		opened = make(chan struct{}, 100)
		over   = make(chan struct{})
	)
	for i := range clients {
		method, client := []string{http.MethodPost, http.MethodPut, http.MethodGet, http.MethodDelete}[i%4], client
		if i%2 == 1 {
			client = once
		}
		group.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					ask(client, method)
					asked.Add(1)
				}
			}
		})
	}
	stream.Go(func() {
		defer close(opened)
		for {
			res, err := client.Get(address + "/x/stream")
			if !assert.NoError(t, err) {
				return
			}
			lines := bufio.NewReader(res.Body)
			line, err := lines.ReadString('\n')
			if !assert.NoError(t, err) || !assert.Equal(t, "data: open\n", line) {
				return
			}
			opened <- struct{}{}
			_, _ = io.Copy(io.Discard, lines)
			res.Body.Close()
			select {
			case <-over:
				return
			default:
			}
		}
	})
	<-opened
	old := map[int]bool{}
	for range restarts {
		status, _ := r.snapshot()
		before := asked.Load()
		require.NoError(t, s.Restart(t.Context(), "gateway"))
		now, _ := r.snapshot()
		old[status.PID] = true
		require.False(t, old[now.PID], "another process")
		require.Zero(t, now.Restarts)
		require.Eventually(t, func() bool { return asked.Load() > before+clients }, 10*time.Second, 10*time.Millisecond, "requests go on while the one before still ends")
	}
	<-opened // the stream ended with its process, and is there again
	require.Eventually(t, func() bool {
		for pid := range old {
			if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
				return false
			}
		}
		return true
	}, 2*stopGrace, 50*time.Millisecond, "the others have gone")
	status, _ := r.snapshot()
	require.NotNil(t, status.Exit)
	assert.Zero(t, status.Exit.Code, "of their own will")
	close(over)
	group.Wait()
	s.Stop() // ends the stream
	stream.Wait()
}

// runningGateway is a stack of the gateway alone, with services made up.
func runningGateway(t *testing.T, services map[string]http.Handler) (*Stack, *runner) {
	t.Helper()
	s := stackOf(t)
	s.Config, s.Apps = gatewayConfig(t, nil, services)
	part := s.gateway()
	part.Turn = usual
	s.add(part)
	require.NoError(t, s.Start())
	require.NoError(t, s.Wait(t.Context()))
	r, _ := s.runner("gateway")
	return s, r
}

// A configuration that nginx does not take leaves the running gateway alone.
func TestABadConfigurationLeavesTheGatewayAlone(t *testing.T) {
	s, r := runningGateway(t, nil)
	before, _ := r.snapshot()
	s.Config.TrustedProxies = []string{"everybody"}
	require.ErrorContains(t, s.Restart(t.Context(), "gateway"), "everybody")
	after, _ := r.snapshot()
	assert.Equal(t, before.PID, after.PID)
	assert.Equal(t, Healthy, after.State)
}

// TestHeldPortsDoNotBlock: whoever inherits a listener may take it as it is, and starting one process changes nothing
// for another that has it.
func TestHeldPortsDoNotBlock(t *testing.T) {
	var h holder
	for range 2 {
		cmd := exec.Command("true")
		require.NoError(t, h.hold([]int{0}, cmd))
		require.NoError(t, cmd.Run())
		require.Len(t, h.listeners, 1)
		flags, err := unix.FcntlInt(h.listeners[0].Fd(), unix.F_GETFL, 0)
		require.NoError(t, err)
		assert.NotZero(t, flags&unix.O_NONBLOCK)
	}
	h.letGo()
}
