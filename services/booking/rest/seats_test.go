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
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
	"github.com/foyer-tickets/foyer/services/catalog"
	"github.com/foyer-tickets/foyer/services/catalog/seating"
)

type oneSale struct{ sale *booking.Sale }

func (s oneSale) Sale(context.Context, uuid.UUID) (*booking.Sale, error) { return s.sale, nil }

// hall has places as plans name them: blocks, rows, numbers, and a floor.
func hall(places int) *booking.Sale {
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

// arena is the largest seat map of the seed.
func arena(t *testing.T, places int) *booking.Sale {
	t.Helper()
	plan := seating.Arena()
	types := []catalog.TicketType{{ID: uuid.New(), Capacity: seating.FloorCapacity(plan, places)}}
	for _, c := range plan.Categories {
		types = append(types, catalog.TicketType{ID: uuid.New(), Categories: []string{c.Name}, Seated: true})
	}
	s := &booking.Sale{Event: uuid.New(), Status: booking.EventPublished, PlanVersion: 1}
	for _, u := range catalog.Units(plan, types) {
		s.Units = append(s.Units, booking.Unit{ID: u.ID, TicketType: "t"})
	}
	s.Prepare()
	require.Len(t, s.Units, places)
	return s
}

// serve runs the routes of the seat map over a live seat map.
func serve(t *testing.T, sale *booking.Sale) (*httptest.Server, *seatmap.Cache) {
	t.Helper()
	maps := rest.NewMaps()
	live := seatmap.NewCache(oneSale{sale}, bookingtest.NewMemory(time.Now), maps, time.Now)
	go func() { _ = live.Run(t.Context()) }()
	router := mux.NewRouter()
	rest.Mount(router, rest.Server{Live: live, Maps: maps})
	server := httptest.NewServer(router)
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(server.Close)
	return server, live
}

// held, booked and freed are what becomes of a unit in the hands of some hold.
func held(unit string, hold uuid.UUID) []booking.Change {
	return booking.HeldChanges(booking.Hold{ID: hold, Units: []booking.HeldUnit{{ID: unit}}, Until: time.Now().Add(time.Minute)})
}

func booked(unit string) []booking.Change {
	return booking.BookedChanges(booking.Booking{Hold: uuid.New(), Units: []booking.BookedUnit{{HeldUnit: booking.HeldUnit{ID: unit}}}})
}

func freed(unit string, hold uuid.UUID) []booking.Change {
	return booking.FreedChanges(hold, []string{unit})
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

// seatMap is a map as clients read it.
type seatMap struct {
	Units []string
	Runs  []struct {
		Prefix string
		First  *int
		Count  int
		Step   int
	}
	Plan, Version int64
	States        string
}

// names spells out the units of a map, as a client does.
func (m seatMap) names() []string {
	all := m.Units
	for _, r := range m.Runs {
		if r.First == nil {
			all = append(all, r.Prefix)
			continue
		}
		if r.Step == 0 {
			r.Step = 1
		}
		for i := range r.Count {
			all = append(all, fmt.Sprintf("%s%d", r.Prefix, *r.First+i*r.Step))
		}
	}
	return all
}

func unpack(t *testing.T, g got) (plain []byte) {
	t.Helper()
	switch g.header.Get("Content-Encoding") {
	case "zstd":
		decoder, err := zstd.NewReader(nil)
		require.NoError(t, err)
		defer decoder.Close()
		plain, err = decoder.DecodeAll(g.body, nil)
		require.NoError(t, err)
	case "gzip":
		reader, err := gzip.NewReader(bytes.NewReader(g.body))
		require.NoError(t, err)
		plain, err = io.ReadAll(reader)
		require.NoError(t, err)
	default:
		plain = g.body
	}
	return plain
}

func TestASeatMapIsSmallAndTheSameInEveryEncoding(t *testing.T) {
	const places, limit = 20_000, 25_000
	sale := arena(t, places)
	server, live := serve(t, sale)
	url := server.URL + "/api/v1/events/" + sale.Event.String() + "/seats"
	first := get(t, url)
	require.Equal(t, 200, first.status)
	// The hardest to compress: half of the seats sold, all over the place.
	var changes []booking.Change
	for _, u := range sale.Units {
		if rand.IntN(2) == 0 {
			changes = append(changes, booked(u.ID)...)
		}
	}
	live.Apply(t.Context(), sale.Event, changes)
	require.Eventually(t, func() bool { // the next frame
		return get(t, url).header.Get("ETag") != first.header.Get("ETag")
	}, 10*time.Second, 20*time.Millisecond)
	var names []string
	for _, u := range sale.Units {
		names = append(names, u.ID)
	}
	for form, sizes := range map[string]map[string]int{
		"":            {"": 1 << 20, "zstd": limit, "gzip": 36_000}, // one by one gzip cannot: decision 75
		"?units=runs": {"": 4 * limit, "zstd": limit / 2, "gzip": limit / 2},
		"?units=none": {"": limit, "zstd": limit / 4, "gzip": limit / 4},
	} {
		plain := get(t, url+form).body
		var m seatMap
		require.NoError(t, json.Unmarshal(plain, &m))
		assert.Len(t, m.States, places)
		assert.Equal(t, len(changes), strings.Count(m.States, "b"))
		if form != "?units=none" {
			assert.Equal(t, names, m.names(), form)
		}
		for encoding, size := range sizes {
			g := get(t, url+form, "Accept-Encoding", encoding)
			t.Logf("%s %s: %d bytes", form, encoding, len(g.body))
			assert.Equal(t, encoding, g.header.Get("Content-Encoding"))
			assert.Equal(t, string(plain), string(unpack(t, g)), "%s %s", form, encoding)
			assert.Less(t, len(g.body), size, "%s %s", form, encoding)
		}
	}
	tag := get(t, url).header.Get("ETag")
	unchanged := get(t, url, "If-None-Match", tag)
	assert.Equal(t, http.StatusNotModified, unchanged.status)
	assert.Empty(t, unchanged.body)
}

func TestRunsNameEveryUnit(t *testing.T) {
	for _, units := range [][]string{
		{"A-1", "A-2", "A-3"}, {"A-9", "A-7", "A-5", "A-4"}, {"A-1", "A-1"}, {"A-01", "A-02"}, {"A-0", "A-1"}, {"1", "2", "x", "3"},
		{"A-99999999999999999999", "A-1"}, {"Loge", "Loge", "A-3", "B-3"}, {`Q"1`, `Q"2`, "ü-2", "ü-3"}, {""},
	} {
		sale := &booking.Sale{Event: uuid.New(), Status: booking.EventPublished, PlanVersion: 1}
		for _, id := range units {
			sale.Units = append(sale.Units, booking.Unit{ID: id})
		}
		sale.Prepare()
		server, _ := serve(t, sale)
		var m seatMap
		require.NoError(t, json.Unmarshal(get(t, server.URL+"/api/v1/events/"+sale.Event.String()+"/seats?units=runs").body, &m))
		assert.Equal(t, units, m.names())
	}
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
	sale := hall(100)
	server, live := serve(t, sale)
	url := server.URL + "/api/v1/events/" + sale.Event.String() + "/seats/stream"
	tell := func(changes []booking.Change) { live.Apply(t.Context(), sale.Event, changes) }
	messages, leave := follow(t, url, "")
	assert.Equal(t, "snapshot", next(t, messages).event)
	for range 20 { // there and back again within one frame is no news
		hold := uuid.New()
		tell(held(sale.Units[1].ID, hold))
		tell(freed(sale.Units[1].ID, hold))
	}
	tell(held(sale.Units[2].ID, uuid.New()))
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

	tell(booked(sale.Units[3].ID))
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
	sale := hall(10)
	_, live := serve(t, sale)
	feed, err := live.Watch(t.Context(), sale.Event, "") // and never reads
	require.NoError(t, err)
	defer feed.Close()
	deadline := time.Now().Add(30 * time.Second)
	for hold, i := uuid.New(), 0; ; i++ {
		require.True(t, time.Now().Before(deadline), "still subscribed")
		if i%2 == 0 {
			live.Apply(t.Context(), sale.Event, held(sale.Units[0].ID, hold))
		} else {
			live.Apply(t.Context(), sale.Event, freed(sale.Units[0].ID, hold))
			hold = uuid.New()
		}
		time.Sleep(110 * time.Millisecond)
		if len(feed.Frames) == cap(feed.Frames) {
			break
		}
	}
	live.Apply(t.Context(), sale.Event, booked(sale.Units[1].ID))
	time.Sleep(300 * time.Millisecond)
	for range cap(feed.Frames) {
		<-feed.Frames
	}
	_, open := <-feed.Frames
	assert.False(t, open, "it is told to come back")
}

func TestADraftHasNoSeatMap(t *testing.T) {
	sale := hall(10)
	sale.Status = "draft"
	server, _ := serve(t, sale)
	for _, path := range []string{"/seats", "/seats/stream"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/events/"+sale.Event.String()+path, nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		assert.Equal(t, http.StatusNotFound, res.StatusCode, path)
	}
}
