package rest_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/bookingtest"
	"github.com/foyer-tickets/foyer/services/booking/rest"
)

type oneSale struct{ sale *booking.Sale }

func (s oneSale) Sale(context.Context, uuid.UUID) (*booking.Sale, error) { return s.sale, nil }

// arena has places as the largest seeded house names them: blocks, rows, numbers, and a floor.
func arena(places int) *booking.Sale {
	s := &booking.Sale{Event: uuid.New(), Status: booking.EventPublished, PlanVersion: 1}
	floor := uuid.New()
	for i := range places {
		id := fmt.Sprintf("%d-%c-%d", 101+i/240, 'A'+i/15%16, i%15+1)
		if i >= places*3/4 {
			id = fmt.Sprintf("%s-%d", floor, i)
		}
		s.Units = append(s.Units, booking.Unit{ID: id, TicketType: "t", Kind: booking.Standing})
	}
	s.Prepare()
	return s
}

// serve runs the routes of the seat map over a live house.
func serve(t *testing.T, sale *booking.Sale) (*httptest.Server, *booking.Live) {
	t.Helper()
	live := booking.NewLive(oneSale{sale}, bookingtest.NewMemory(time.Now), rest.EncodeDelta, time.Now)
	go func() { _ = live.Run(t.Context()) }()
	router := mux.NewRouter()
	rest.HandlerWithOptions(rest.Server{Live: live, Maps: rest.NewMaps()}, rest.GorillaServerOptions{BaseRouter: router})
	server := httptest.NewServer(router)
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(server.Close)
	return server, live
}

// got is an answer, read whole.
type got struct {
	status int
	header http.Header
	body   []byte
}

func get(t *testing.T, url string, header ...string) got {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return got{res.StatusCode, res.Header, raw}
}

func TestASeatMapIsSmallAndTheSameInEveryEncoding(t *testing.T) {
	const places, limit = 20_000, 25 << 10
	sale := arena(places)
	server, live := serve(t, sale)
	url := server.URL + "/api/v1/events/" + sale.Event.String() + "/seats"
	first := get(t, url)
	require.Equal(t, 200, first.status)
	// The hardest to compress: half of the house sold, all over the place.
	var changes []booking.Change
	for _, u := range sale.Units {
		if rand.IntN(2) == 0 {
			changes = append(changes, booking.Change{Unit: u.ID, State: booking.Booked})
		}
	}
	live.Apply(t.Context(), sale.Event, changes, time.Now())
	var plain []byte
	require.Eventually(t, func() bool { // a map is good for a tenth of a second
		res := get(t, url)
		plain = res.body
		return res.header.Get("ETag") != first.header.Get("ETag")
	}, 10*time.Second, 20*time.Millisecond)
	var m struct {
		Units   []string
		States  string
		Version int64
	}
	require.NoError(t, json.Unmarshal(plain, &m))
	require.Len(t, m.Units, places)
	require.Len(t, m.States, places)
	assert.Equal(t, len(changes), strings.Count(m.States, "b"))

	packed := get(t, url, "Accept-Encoding", "gzip, deflate, br, zstd")
	assert.Equal(t, "zstd", packed.header.Get("Content-Encoding"))
	assert.Less(t, len(packed.body), limit)
	decoder, err := zstd.NewReader(nil)
	require.NoError(t, err)
	defer decoder.Close()
	unpacked, err := decoder.DecodeAll(packed.body, nil)
	require.NoError(t, err)
	assert.Equal(t, string(plain), string(unpacked))

	zipped := get(t, url, "Accept-Encoding", "gzip")
	assert.Equal(t, "gzip", zipped.header.Get("Content-Encoding"))
	reader, err := gzip.NewReader(bytes.NewReader(zipped.body))
	require.NoError(t, err)
	unpacked, err = io.ReadAll(reader)
	require.NoError(t, err)
	assert.Equal(t, string(plain), string(unpacked))

	unchanged := get(t, url, "If-None-Match", packed.header.Get("ETag"))
	assert.Equal(t, http.StatusNotModified, unchanged.status)
	assert.Empty(t, unchanged.body)
}

// message is one of a stream.
type message struct{ id, event, data string }

// follow reads a stream until leave is called.
func follow(t *testing.T, url, lastID string) (messages <-chan message, leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	res, err := http.DefaultClient.Do(req) //nolint:bodyclose // the reader below closes it
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode)
	all := make(chan message, 1000)
	go func() {
		defer res.Body.Close()
		defer close(all)
		var m message
		for lines := bufio.NewReader(res.Body); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch name {
			case "id":
				m.id = value
			case "event":
				m.event = value
			case "data":
				m.data = value
			case "":
				if m.event != "" {
					all <- m
				}
				m = message{}
			}
		}
	}()
	return all, cancel
}

func next(t *testing.T, messages <-chan message) message {
	t.Helper()
	select {
	case m, ok := <-messages:
		require.True(t, ok, "the stream ended")
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("nothing comes")
		return message{}
	}
}

func TestAStreamCoalescesAndResumes(t *testing.T) {
	sale := arena(100)
	server, live := serve(t, sale)
	url := server.URL + "/api/v1/events/" + sale.Event.String() + "/seats/stream"
	turn := func(unit int, state booking.State) {
		live.Apply(t.Context(), sale.Event, []booking.Change{{Unit: sale.Units[unit].ID, State: state, Until: time.Now().Add(time.Minute)}}, time.Now())
	}
	messages, leave := follow(t, url, "")
	assert.Equal(t, "snapshot", next(t, messages).event)
	for range 20 { // there and back again within one frame is no news
		turn(1, booking.Held)
		turn(1, booking.Available)
	}
	turn(2, booking.Held)
	changes := map[string]string{}
	var last message
	for changes[sale.Units[2].ID] == "" {
		last = next(t, messages)
		require.Equal(t, "delta", last.event)
		var d struct{ Changes [][2]string }
		require.NoError(t, json.Unmarshal([]byte(last.data), &d))
		require.LessOrEqual(t, len(d.Changes), 2, "one line a unit")
		for _, c := range d.Changes {
			changes[c[0]] = c[1]
		}
	}
	assert.Equal(t, "h", changes[sale.Units[2].ID])
	leave()

	turn(3, booking.Booked)
	other, leaveOther := follow(t, url, "")
	defer leaveOther()
	next(t, other) // its snapshot; whoever comes back hears only what it missed
	resumed, leaveResumed := follow(t, url, last.id)
	defer leaveResumed()
	missed := next(t, resumed)
	assert.Equal(t, "delta", missed.event)
	assert.Contains(t, missed.data, sale.Units[3].ID)

	fromElsewhere, leaveElsewhere := follow(t, url, "00000000-1")
	defer leaveElsewhere()
	assert.Equal(t, "snapshot", next(t, fromElsewhere).event, "another process's frames mean nothing here")
}

func TestASlowReaderIsDropped(t *testing.T) {
	sale := arena(10)
	_, live := serve(t, sale)
	stage, err := live.Stage(t.Context(), sale.Event)
	require.NoError(t, err)
	feed, _, _, _, leave := live.Watch(stage, "") // and never reads
	defer leave()
	states := []booking.State{booking.Booked, booking.Available}
	deadline := time.Now().Add(30 * time.Second)
	for i := 0; ; i++ {
		require.True(t, time.Now().Before(deadline), "still subscribed")
		live.Apply(t.Context(), sale.Event, []booking.Change{{Unit: sale.Units[0].ID, State: states[i%2]}}, time.Now())
		time.Sleep(110 * time.Millisecond)
		if len(feed) == cap(feed) {
			break
		}
	}
	live.Apply(t.Context(), sale.Event, []booking.Change{{Unit: sale.Units[1].ID, State: booking.Booked}}, time.Now())
	time.Sleep(300 * time.Millisecond)
	for range cap(feed) {
		<-feed
	}
	_, open := <-feed
	assert.False(t, open, "it is told to come back")
}
