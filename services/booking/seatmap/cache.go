package seatmap

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/booking"
)

// SaleReader tells what is sold.
type SaleReader interface {
	Sale(ctx context.Context, event uuid.UUID) (*booking.Sale, error)
}

// SeatReader reads seats from the store that decides.
type SeatReader interface {
	Read(ctx context.Context, event uuid.UUID, units []string) (map[string]booking.Seat, error)
}

// FrameEncoder shows seat maps to those who look at them.
type FrameEncoder interface {
	// Encode makes the bytes of a delta, once for all readers.
	Encode(d Delta) []byte
	// Changed is told of an event before the readers of its frames are.
	Changed(event uuid.UUID)
}

// How live seat maps are kept.
const (
	flushEvery  = 100 * time.Millisecond // changes within one frame
	rereadEvery = 20 * time.Second       // a whole look at the store, for seat maps in use
	saleMaxAge  = time.Minute
	idleAfter   = 10 * time.Minute
	frames      = 256 // kept for readers who come back
	backlog     = 64  // frames a reader may be behind before it is dropped
	loadLimit   = 30 * time.Second
	loadWait    = 5 * time.Second // of somebody who asks for a seat map that is being loaded
	maxReads    = 3               // at units that change while they are looked up; then the next heal sets them right
)

// Cache keeps a seat map for each event that somebody looks at or that something happens to.
type Cache struct {
	sales   SaleReader
	seats   SeatReader
	now     func() time.Time
	encoder FrameEncoder

	mu      sync.Mutex
	maps    map[uuid.UUID]*entry
	loading map[uuid.UUID]*entry // not to be shown yet: what they say is not known to be true
	flight  singleflight.Group
	stale   chan *entry // to be looked at as a whole, one after the other
	follow  atomic.Bool
}

var _ booking.SeatMaps = (*Cache)(nil)

// entry is one live seat map and those who watch it.
type entry struct {
	*Map
	event uuid.UUID
	name  string // tells its frame numbers from another's

	mu      sync.Mutex
	dropped bool // nobody ticks it any more
	used    time.Time
	reread  time.Time
	renewed time.Time
	busy    bool // in the queue for being looked at
	seq     int64
	frames  []Frame // the newest last
	readers map[chan Frame]struct{}
	told    int64 // version that was last published as inventory
}

// Frame is one encoded delta. Any number of readers get the same bytes.
type Frame struct {
	ID   string
	Data []byte
}

// NewCache returns an empty cache.
func NewCache(sales SaleReader, seats SeatReader, encoder FrameEncoder, now func() time.Time) *Cache {
	return &Cache{
		sales: sales, seats: seats, now: now, encoder: encoder,
		maps: map[uuid.UUID]*entry{}, loading: map[uuid.UUID]*entry{}, stale: make(chan *entry, 1024),
	}
}

// SeatMap implements booking.SeatMaps.
func (l *Cache) SeatMap(ctx context.Context, event uuid.UUID) (booking.SeatMap, error) {
	m, err := l.Get(ctx, event)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Get gives the seat map of an event, loading it when it is not there.
func (l *Cache) Get(ctx context.Context, event uuid.UUID) (*Map, error) {
	s, err := l.entry(ctx, event)
	if err != nil {
		return nil, err
	}
	return s.Map, nil
}

// Public gives the seat map of an event that everyone may see. Others, such as drafts, are not there.
func (l *Cache) Public(ctx context.Context, event uuid.UUID) (*Map, error) {
	m, err := l.Get(ctx, event)
	if err == nil {
		err = m.Sale().Public()
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (l *Cache) entry(ctx context.Context, event uuid.UUID) (*entry, error) {
	if s := l.loaded(event); s != nil {
		s.touch(l)
		return s, nil
	}
	// The load goes on when the first who asked gives up: others wait for it.
	result := l.flight.DoChan(event.String(), func() (any, error) {
		if s := l.loaded(event); s != nil { // by a load that ended as we came
			return s, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadLimit)
		defer cancel()
		return l.load(ctx, event)
	})
	patience := time.NewTimer(loadWait)
	defer patience.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-patience.C:
		return nil, fault.Away("seats", errLoading)
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*entry), nil
	}
}

var errLoading = errors.New("the seat map is still being loaded")

func (l *Cache) loaded(event uuid.UUID) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.maps[event]
}

func (s *entry) touch(l *Cache) {
	now := l.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = now
	if now.Sub(s.renewed) > saleMaxAge {
		l.queue(s)
	}
}

// queue asks for a whole look. s.mu is held.
func (l *Cache) queue(s *entry) {
	if s.busy {
		return
	}
	select {
	case l.stale <- s:
		s.busy = true
	default: // enough to do: next time
	}
}

func (l *Cache) load(ctx context.Context, event uuid.UUID) (*entry, error) {
	sale, err := l.sales.Sale(ctx, event)
	if err != nil {
		return nil, err
	}
	now, name := l.now(), make([]byte, 8)
	_, _ = rand.Read(name) // never fails
	s := &entry{
		Map: NewMap(sale, now.UnixMilli(), l.recheck), event: event, name: hex.EncodeToString(name),
		used: now, reread: now, renewed: now, readers: map[chan Frame]struct{}{},
	}
	// It hears of changes from now on, but nobody sees it before it knows who sits where.
	l.mu.Lock()
	l.loading[event] = s
	l.mu.Unlock()
	err = l.reread(ctx, s)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.loading, event)
	if err != nil {
		return nil, err
	}
	s.Flush() // nobody has anything to be told of
	l.maps[event] = s
	return s, nil
}

func (l *Cache) drop(s *entry) {
	l.mu.Lock()
	if l.maps[s.event] == s {
		delete(l.maps, s.event)
	}
	l.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = true
	for r := range s.readers { // they come back and get a snapshot
		close(r)
		delete(s.readers, r)
	}
}

func (l *Cache) reread(ctx context.Context, s *entry) error {
	sale := s.Sale()
	units := make([]string, len(sale.Units))
	for i, u := range sale.Units {
		units[i] = u.ID
	}
	return l.read(ctx, s, units)
}

// look has a seat map say of units what the store says of them.
func (l *Cache) read(ctx context.Context, s *entry, units []string) error {
	for range maxReads {
		since := s.Clock()
		seats, err := l.seats.Read(ctx, s.event, units)
		if err != nil {
			return err
		}
		if units = s.Correct(units, seats, since, l.now()); len(units) == 0 {
			return nil
		}
	}
	return nil
}

// hearing gives the seat map of an event that changes have to reach, shown already or not.
func (l *Cache) receiving(event uuid.UUID) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.maps[event]; s != nil {
		return s
	}
	return l.loading[event]
}

func (l *Cache) recheck(ctx context.Context, event uuid.UUID, units []string) {
	s := l.receiving(event)
	if s == nil {
		return
	}
	if err := l.read(ctx, s, units); err != nil {
		slog.WarnContext(ctx, "units not looked up", "event", event, "error", err)
	}
}

// Apply takes in changes announced by any process. No changes at all mean that the event itself
// changed and its sale has to be read again.
func (l *Cache) Apply(ctx context.Context, event uuid.UUID, changes []booking.Change) {
	s := l.receiving(event)
	if s == nil {
		if l.follow.Load() && len(changes) > 0 {
			go l.preload(ctx, event)
		}
		return
	}
	if len(changes) == 0 {
		s.mu.Lock()
		l.queue(s)
		s.mu.Unlock()
		return
	}
	s.Update(ctx, changes, l.now())
}

// Follow has seat maps made of every event that something happens to, and not only of those that
// somebody asks for here.
func (l *Cache) Follow(all bool) { l.follow.Store(all) }

// visit makes a seat map. Whoever comes meanwhile waits for the same one.
func (l *Cache) preload(ctx context.Context, event uuid.UUID) {
	if _, err := l.entry(ctx, event); err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "event not loaded", "event", event, "error", err)
	}
}

// Run flushes changes to readers, expires holds, and looks at the store from time to time.
func (l *Cache) Run(ctx context.Context) error {
	var refresher sync.WaitGroup
	refresher.Go(func() { l.refresh(ctx) })
	defer refresher.Wait()
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			l.mu.Lock()
			maps := make([]*entry, 0, len(l.maps))
			for _, s := range l.maps {
				maps = append(maps, s)
			}
			l.mu.Unlock()
			for _, s := range maps {
				l.tick(s)
			}
		}
	}
}

func (l *Cache) tick(s *entry) {
	now := l.now()
	s.Expire(now)
	if d, ok := s.Flush(); ok {
		l.encoder.Changed(s.event)
		s.publish(l.encoder.Encode(d))
	}
	s.mu.Lock()
	active := len(s.readers) > 0 || now.Sub(s.used) < 2*rereadEvery
	idle := len(s.readers) == 0 && now.Sub(s.used) > idleAfter
	if active && now.Sub(s.reread) > rereadEvery {
		s.reread = now
		l.queue(s)
	}
	s.mu.Unlock()
	if idle && s.Inventory().Held == 0 {
		l.drop(s)
	}
}

// publish hands a frame to all readers. Who does not keep up is dropped.
func (s *entry) publish(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	f := Frame{ID: s.frame(), Data: data}
	s.frames = append(s.frames, f)
	if len(s.frames) > frames {
		s.frames = append(s.frames[:0:0], s.frames[len(s.frames)-frames:]...)
	}
	for r := range s.readers {
		select {
		case r <- f:
		default:
			close(r)
			delete(s.readers, r)
		}
	}
}

// frame names the newest frame.
func (s *entry) frame() string { return fmt.Sprintf("%s-%d", s.name, s.seq) }

// Feed is what somebody who watches a seat map gets.
type Feed struct {
	Map     *Map
	Frames  <-chan Frame // closed when the reader is too slow, or the seat map is made anew
	Missed  []Frame      // between the frame the reader had last and the first of Frames
	Resumed bool         // false: start from a snapshot
	Current string       // the frame that such a snapshot belongs to

	loaded *entry
	reader chan Frame
}

// Watch subscribes to the frames of an event from lastID on. Close has to be called.
func (l *Cache) Watch(ctx context.Context, event uuid.UUID, lastID string) (*Feed, error) {
	for {
		s, err := l.entry(ctx, event)
		if err != nil {
			return nil, err
		}
		if f := s.watch(lastID); f != nil {
			return f, nil
		} // dropped since we got it: nobody would feed us
	}
}

// watch subscribes to a seat map, unless it was dropped.
func (s *entry) watch(lastID string) *Feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped {
		return nil
	}
	r := make(chan Frame, backlog)
	s.readers[r] = struct{}{}
	f := &Feed{Map: s.Map, Frames: r, Current: s.frame(), loaded: s, reader: r}
	if seq, ok := strings.CutPrefix(lastID, s.name+"-"); ok {
		if n, err := strconv.ParseInt(seq, 10, 64); err == nil && n <= s.seq && s.seq-n <= int64(len(s.frames)) {
			f.Missed, f.Resumed = s.frames[len(s.frames)-int(s.seq-n):], true
		}
	}
	return f
}

// Close ends the subscription.
func (f *Feed) Close() {
	f.loaded.mu.Lock()
	defer f.loaded.mu.Unlock()
	delete(f.loaded.readers, f.reader)
}

// refresh looks at one seat map after the other, so that a thousand of them do not ask at once.
func (l *Cache) refresh(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-l.stale:
			s.mu.Lock()
			s.busy = false
			s.mu.Unlock()
			if err := l.renew(ctx, s); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "seat map not refreshed", "event", s.event, "error", err)
			}
		}
	}
}

func (l *Cache) renew(ctx context.Context, s *entry) error {
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	sale, err := l.sales.Sale(ctx, s.event)
	if err != nil {
		return err
	}
	if !s.Renew(sale) {
		l.drop(s) // other units: whoever asks next builds it anew
		return nil
	}
	now := l.now()
	s.mu.Lock()
	s.renewed, s.reread = now, now
	s.mu.Unlock()
	return l.reread(ctx, s)
}

// Changed calls f with the inventory of each event that changed since it was last told.
func (l *Cache) Changed(f func(event uuid.UUID, i Inventory) error) {
	l.mu.Lock()
	maps := make([]*entry, 0, len(l.maps))
	for _, s := range l.maps {
		maps = append(maps, s)
	}
	l.mu.Unlock()
	for _, s := range maps {
		i := s.Inventory()
		s.mu.Lock()
		told := s.told
		s.mu.Unlock()
		if i.Version == told {
			continue
		}
		if err := f(s.event, i); err != nil {
			slog.Warn("inventory not published", "event", s.event, "error", err)
			continue
		}
		s.mu.Lock()
		s.told = i.Version
		s.mu.Unlock()
	}
}
