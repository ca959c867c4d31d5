package waitingroom

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// memoryStore is a line store in memory with the same version check as the real one.
type memoryStore struct {
	mu      sync.Mutex
	line    Line
	version int
	pages   map[int64]Page
	logs    map[int64]LogPage
	reads   int // pages read
}

func newMemoryStore(l Line) *memoryStore {
	return &memoryStore{line: l, pages: map[int64]Page{}, logs: map[int64]LogPage{}}
}

func (s *memoryStore) Load(context.Context, uuid.UUID) (Line, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.line, fmt.Sprint(s.version), nil
}

func (s *memoryStore) Pages(_ context.Context, _ uuid.UUID, numbers []int64) ([]Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pages := make([]Page, len(numbers))
	for i, n := range numbers {
		pages[i] = s.pages[n]
		pages[i].Number = n
	}
	s.reads += len(numbers)
	return pages, nil
}

func (s *memoryStore) Log(_ context.Context, _ uuid.UUID, number int64) (LogPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logs[number], nil
}

func (s *memoryStore) Commit(_ context.Context, _ uuid.UUID, c Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Version != fmt.Sprint(s.version) {
		return errors.New("version")
	}
	s.version++
	s.line = c.Line
	for _, p := range c.Pages {
		s.pages[p.Number] = p
	}
	if c.Log != nil {
		s.logs[c.Log.Number] = *c.Log
	}
	return nil
}

// opened returns a store with an open line, its clock, and a function that returns a new activation of its
// room.
func opened() (s *memoryStore, now *time.Time, room func() *Room) {
	at := noon
	s = newMemoryStore(line(0))
	return s, &at, func() *Room { return NewRoom(s.line.Event, s, func() time.Time { return at }) }
}

func requests(accounts ...string) []JoinRequest {
	out := make([]JoinRequest, len(accounts))
	for i, a := range accounts {
		out[i].Account = a
	}
	return out
}

func numbered(from, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("account %d", from+i)
	}
	return out
}

func TestEveryAccountHasOnePlace(t *testing.T) {
	s, _, room := opened()
	a, ctx := room(), t.Context()
	out, err := a.Join(ctx, requests("anna", "ben", "anna"), terms())
	require.NoError(t, err)
	require.Equal(t, []JoinResult{{1, true}, {2, true}, {1, false}}, out.Places, "asked twice at once")
	out, err = a.Join(ctx, requests("ben", "cem"), terms())
	require.NoError(t, err)
	require.Equal(t, []JoinResult{{2, false}, {3, true}}, out.Places)
	_, err = a.Join(ctx, requests(numbered(1, 600)...), terms())
	require.NoError(t, err)

	b := room() // another activation: it knows only what is stored
	out, err = b.Join(ctx, requests("cem", "account 600", "dora"), terms())
	require.NoError(t, err)
	require.Equal(t, []JoinResult{{3, false}, {603, false}, {604, true}}, out.Places)
	reads := s.reads
	out, err = a.Join(ctx, requests("dora", "emil"), terms()) // which has gone on without this one
	require.NoError(t, err)
	require.Equal(t, []JoinResult{{604, false}, {605, true}}, out.Places)
	require.LessOrEqual(t, s.reads-reads, 4, "only what is new is read")

	arrivals, err := b.Arrivals(ctx, []string{"emil", "anna", "nobody"})
	require.NoError(t, err)
	require.Equal(t, []int64{605, 1, 0}, arrivals, "what came elsewhere is looked for")
}

// TestTwoRoomsOfOneEvent has the same people join at two activations at once.
func TestTwoRoomsOfOneEvent(t *testing.T) {
	s, _, room := opened()
	var mu sync.Mutex
	told := map[string]map[int64]bool{}
	var wg sync.WaitGroup
	for range 2 {
		r := room()
		wg.Go(func() {
			for batch := range 60 {
				accounts := numbered(batch*5, 20) // each in four batches
				out, err := r.Join(t.Context(), requests(accounts...), terms())
				if err != nil {
					continue // lost too often: nothing was promised
				}
				mu.Lock()
				for i, a := range accounts {
					if told[a] == nil {
						told[a] = map[int64]bool{}
					}
					told[a][out.Places[i].Arrival] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(len(told)), s.line.Arrivals)
	for a, arrivals := range told {
		require.Len(t, arrivals, 1, a)
	}
}

func TestComingAgain(t *testing.T) {
	_, now, room := opened()
	a, b, ctx := room(), room(), t.Context()
	_, err := a.Join(ctx, requests("anna", "ben", "cem"), terms())
	require.NoError(t, err)

	require.NoError(t, b.Leave(ctx, "dora"), "who is not there")
	require.NoError(t, b.Leave(ctx, "ben")) // elsewhere
	require.NoError(t, b.Leave(ctx, "ben"), "twice is once")
	arrivals, err := a.Arrivals(ctx, []string{"ben"})
	require.NoError(t, err)
	require.Equal(t, []int64{0}, arrivals)
	out, err := a.Join(ctx, requests("ben"), terms())
	require.NoError(t, err)
	require.Equal(t, []JoinResult{{4, true}}, out.Places, "who left comes again at the end")

	for range 4 { // anna, cem, ben
		*now = now.Add(time.Second)
		_, _, err = a.Tick(ctx, nil, 0)
		require.NoError(t, err)
	}
	answers, err := b.Claim(ctx, []string{"anna", "ben", "nobody"})
	require.NoError(t, err)
	require.Equal(t, []ClaimResult{{1, Granted, now.Add(PassFor)}, {4, Granted, now.Add(PassFor)}, {}}, answers)

	*now = now.Add(Defaults().ClaimWindow)
	answers, err = b.Claim(ctx, []string{"cem"})
	require.NoError(t, err)
	require.Equal(t, Missed, answers[0].Outcome)
	again := []JoinRequest{{Account: "cem", After: 3}}
	out, err = a.Join(ctx, again, terms())
	require.NoError(t, err)
	require.Equal(t, []JoinResult{{5, true}}, out.Places)
	out, err = b.Join(ctx, again, terms())
	require.NoError(t, err)
	require.Equal(t, []JoinResult{{5, false}}, out.Places, "asked twice, placed once")
	require.NoError(t, a.Leave(ctx, "cem"))
	out, err = b.Join(ctx, requests("cem"), terms()) // which believes that cem is there
	require.NoError(t, err)
	require.Equal(t, []JoinResult{{6, true}}, out.Places)
	require.NoError(t, b.Leave(ctx, "cem"))
	out, err = room().Join(ctx, requests("cem"), terms())
	require.NoError(t, err)
	require.Equal(t, []JoinResult{{7, true}}, out.Places, "the missed place does not come back")
}

func TestClosedRoomKeepsPlaces(t *testing.T) {
	_, _, room := opened()
	a, ctx := room(), t.Context()
	_, err := a.Join(ctx, requests("anna"), terms())
	require.NoError(t, err)
	shut := Defaults()
	shut.Open = false
	_, err = a.Configure(ctx, shut, terms())
	require.NoError(t, err)
	out, err := a.Join(ctx, requests("anna", "ben"), terms())
	require.NoError(t, err)
	require.Equal(t, []JoinResult{{1, false}, {}}, out.Places)
	require.ErrorIs(t, out.Refusal, ErrClosed)
}
