package rest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// listen opens a stream as a browser would, and gives what comes after the answer's head.
func listen(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	require.NoError(t, err)
	r := bufio.NewReader(conn)
	head := textproto.NewReader(r)
	first, err := head.ReadLine()
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 200 OK", first)
	header, err := head.ReadMIMEHeader()
	require.NoError(t, err)
	require.Equal(t, "text/event-stream", header.Get("Content-Type"))
	return conn, r
}

func tick(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	for {
		text, err := r.ReadString('\n')
		require.NoError(t, err)
		if data, ok := strings.CutPrefix(text, "data: "); ok {
			return data
		}
	}
}

func serve(t *testing.T) (hub *Hub, address string, front waitingroom.Front, count func() int) {
	t.Helper()
	hub, front = NewHub(), waitingroom.Front{Event: uuid.New(), Status: waitingroom.Open, At: time.Now()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := hub.Open(w, r.Header.Get("Account"), front); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	return hub, server.Listener.Addr().String(), front, func() int {
		return int(hub.count.Load())
	}
}

func TestEveryoneHearsTheSame(t *testing.T) {
	hub, address, front, count := serve(t)
	var readers []*bufio.Reader
	for range 20 {
		_, r := listen(t, address)
		require.Contains(t, tick(t, r), `"served":0`, "who comes hears at once how far the line is")
		readers = append(readers, r)
	}
	require.Equal(t, 20, count())
	front.Served, front.At = 40, front.At.Add(time.Second)
	hub.Show(front)
	heard := tick(t, readers[0])
	require.Contains(t, heard, `"served":40`)
	for _, r := range readers[1:] {
		require.Equal(t, heard, tick(t, r))
	}
	old := front
	old.Served, old.At = 20, old.At.Add(-time.Second)
	hub.Show(old) // overtaken on the way
	front.Served, front.At = 41, front.At.Add(time.Second)
	hub.Show(front)
	require.Contains(t, tick(t, readers[0]), `"served":41`)
}

// TestWhoDoesNotReadIsDropped and holds nobody up.
func TestWhoDoesNotReadIsDropped(t *testing.T) {
	hub, address, front, count := serve(t)
	listen(t, address) // and never reads again
	_, r := listen(t, address)
	lively := make(chan int64, 1)
	go func() {
		var n int64
		for {
			text, err := r.ReadString('\n')
			if err != nil {
				lively <- n
				return
			}
			if strings.HasPrefix(text, "data: ") {
				n++
			}
		}
	}()
	deadline := time.Now().Add(25 * time.Second)
	shown := int64(1)
	for count() == 2 && time.Now().Before(deadline) {
		front.Served, front.At = front.Served+1, front.At.Add(time.Millisecond)
		hub.Show(front)
		if shown++; shown%64 == 0 {
			time.Sleep(time.Millisecond) // the lively one has to get its turn on a busy machine
		}
	}
	require.Equal(t, 1, count())
	hub.Close()
	require.Zero(t, count(), "the end closes all streams")
	require.Equal(t, shown, <-lively, "the lively one missed nothing")
}

// TestNobodyJoinsAForgottenAudience: no tick would reach them, and nobody would count them out.
func TestNobodyJoinsAForgottenAudience(t *testing.T) {
	hub, address, front, count := serve(t)
	old := hub.audience(front.Event, true) // somebody got it, and is not yet in
	hub.forget(front.Event, old)
	joined, err := old.join(&reader{}, front)
	require.NoError(t, err)
	require.False(t, joined)

	ctx, cancel := context.WithCancel(t.Context())
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		for ctx.Err() == nil { // as each heartbeat does
			hub.each(func(*audience) {})
		}
	}()
	for n := range int64(200) {
		conn, r := listen(t, address)
		tick(t, r)
		front.Served, front.At = n+1, front.At.Add(time.Second)
		hub.Show(front)
		require.Contains(t, tick(t, r), fmt.Sprintf(`"served":%d`, n+1))
		conn.Close()
		hub.each(func(a *audience) { // until the hub knows that they left
			for len(a.conns) > 0 {
				a.push(hub, []byte(":\n\n"))
			}
		})
	}
	cancel()
	<-swept
	require.Zero(t, count())
}

// TestAnAccountHasSoManyStreams: and gets another once one of them ended.
func TestAnAccountHasSoManyStreams(t *testing.T) {
	hub, address, _, count := serve(t)
	open := func() (net.Conn, string) {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
		_, err = fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: test\r\nAccount: a\r\n\r\n")
		require.NoError(t, err)
		line, err := bufio.NewReader(conn).ReadString('\n')
		require.NoError(t, err)
		return conn, line
	}
	var last net.Conn
	n := 0
	for ; n < 60; n++ {
		conn, line := open()
		if !strings.Contains(line, "200") {
			break
		}
		last = conn
	}
	require.Equal(t, 20, n)
	listen(t, address) // somebody else
	last.Close()
	hub.each(func(a *audience) {
		for count() > 20 { // until the hub knows that one left
			a.push(hub, []byte(":\n\n"))
		}
	})
	_, line := open()
	require.Contains(t, line, "200")
}
