package booking

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"
)

// SaleReader tells what is sold.
type SaleReader interface {
	Sale(ctx context.Context, event uuid.UUID) (*Sale, error)
}

// SeatReader reads seats from the store that decides.
type SeatReader interface {
	Read(ctx context.Context, event uuid.UUID, units []string) (map[string]Seat, error)
}

// Grandstand shows houses to those who look at them.
type Grandstand interface {
	// Encode makes the bytes of a delta, once for all readers.
	Encode(d Delta) []byte
	// Changed is told of an event before the readers of its frames are.
	Changed(event uuid.UUID)
}

// How live houses are kept.
const (
	coalesce   = 100 * time.Millisecond // changes within one frame
	healEvery  = 20 * time.Second       // a whole look at the store, for houses in use
	saleMaxAge = time.Minute
	idleAfter  = 10 * time.Minute
	frames     = 256 // kept for readers who come back
	backlog    = 64  // frames a reader may be behind before it is dropped
	loadLimit  = 30 * time.Second
)

// Live keeps a house for each event that somebody looks at or that something happens to.
type Live struct {
	sales  SaleReader
	seats  SeatReader
	now    func() time.Time
	stands Grandstand
	boot   string // tells this process's frame numbers from another's

	mu     sync.Mutex
	stages map[uuid.UUID]*Stage
	flight singleflight.Group
	stale  chan *Stage // to be looked at as a whole, one after the other
	follow atomic.Bool
}

var _ Houses = (*Live)(nil)

// Stage is one live house and those who watch it.
type Stage struct {
	*House
	event uuid.UUID

	mu      sync.Mutex
	used    time.Time
	healed  time.Time
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

// NewLive returns a Live without houses.
func NewLive(sales SaleReader, seats SeatReader, stands Grandstand, now func() time.Time) *Live {
	boot := make([]byte, 4)
	_, _ = rand.Read(boot) // never fails
	return &Live{
		sales: sales, seats: seats, now: now, stands: stands, boot: hex.EncodeToString(boot),
		stages: map[uuid.UUID]*Stage{}, stale: make(chan *Stage, 1024),
	}
}

// House implements Houses.
func (l *Live) House(ctx context.Context, event uuid.UUID) (*House, error) {
	s, err := l.Stage(ctx, event)
	if err != nil {
		return nil, err
	}
	return s.House, nil
}

// Stage gives the live house of an event, loading it when it is not there.
func (l *Live) Stage(ctx context.Context, event uuid.UUID) (*Stage, error) {
	l.mu.Lock()
	s := l.stages[event]
	l.mu.Unlock()
	if s != nil {
		s.touch(l)
		return s, nil
	}
	// The load goes on when the first who asked gives up: others wait for it.
	result := l.flight.DoChan(event.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadLimit)
		defer cancel()
		return l.load(ctx, event)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*Stage), nil
	}
}

func (s *Stage) touch(l *Live) {
	now := l.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = now
	if now.Sub(s.renewed) > saleMaxAge {
		l.queue(s)
	}
}

// queue asks for a whole look. s.mu is held.
func (l *Live) queue(s *Stage) {
	if s.busy {
		return
	}
	select {
	case l.stale <- s:
		s.busy = true
	default: // enough to do: next time
	}
}

func (l *Live) load(ctx context.Context, event uuid.UUID) (*Stage, error) {
	sale, err := l.sales.Sale(ctx, event)
	if err != nil {
		return nil, err
	}
	now := l.now()
	s := &Stage{
		House: NewHouse(sale, now.UnixMilli(), l.recheck), event: event,
		used: now, healed: now, renewed: now, readers: map[chan Frame]struct{}{},
	}
	// Whatever is announced while we read is newer than what we read.
	l.mu.Lock()
	l.stages[event] = s
	l.mu.Unlock()
	if err := l.heal(ctx, s); err != nil {
		l.drop(s)
		return nil, err
	}
	s.Flush()
	return s, nil
}

func (l *Live) drop(s *Stage) {
	l.mu.Lock()
	if l.stages[s.event] == s {
		delete(l.stages, s.event)
	}
	l.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.readers { // they come back and get a snapshot
		close(r)
		delete(s.readers, r)
	}
}

func (l *Live) heal(ctx context.Context, s *Stage) error {
	at, sale := l.now(), s.Sale()
	units := make([]string, len(sale.Units))
	for i, u := range sale.Units {
		units[i] = u.ID
	}
	seats, err := l.seats.Read(ctx, s.event, units)
	if err != nil {
		return err
	}
	s.Correct(units, seats, at, l.now())
	return nil
}

func (l *Live) recheck(ctx context.Context, event uuid.UUID, units []string) {
	l.mu.Lock()
	s := l.stages[event]
	l.mu.Unlock()
	if s == nil {
		return
	}
	at := l.now()
	seats, err := l.seats.Read(ctx, event, units)
	if err != nil {
		slog.WarnContext(ctx, "units not looked up", "event", event, "error", err)
		return
	}
	s.Correct(units, seats, at, l.now())
}

// Apply takes in changes announced by any process. No changes at all mean that the event itself
// changed and its sale has to be read again.
func (l *Live) Apply(ctx context.Context, event uuid.UUID, changes []Change, at time.Time) {
	l.mu.Lock()
	s := l.stages[event]
	l.mu.Unlock()
	if s == nil {
		if l.follow.Load() && len(changes) > 0 {
			go l.visit(ctx, event)
		}
		return
	}
	if len(changes) == 0 {
		s.mu.Lock()
		l.queue(s)
		s.mu.Unlock()
		return
	}
	var unknown []string
	for _, c := range changes {
		if c.State == Unknown {
			unknown = append(unknown, c.Unit)
		}
	}
	s.Apply(changes, at, l.now())
	s.Recheck(ctx, unknown)
}

// Follow has houses made of every event that something happens to, and not only of those that
// somebody asks for here.
func (l *Live) Follow(all bool) { l.follow.Store(all) }

// visit makes a house. Whoever comes meanwhile waits for the same one.
func (l *Live) visit(ctx context.Context, event uuid.UUID) {
	if _, err := l.Stage(ctx, event); err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "event not loaded", "event", event, "error", err)
	}
}

// Run flushes changes to readers, expires holds, and looks at the store from time to time.
func (l *Live) Run(ctx context.Context) error {
	var refresher sync.WaitGroup
	refresher.Go(func() { l.refresh(ctx) })
	defer refresher.Wait()
	tick := time.NewTicker(coalesce)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			l.mu.Lock()
			stages := make([]*Stage, 0, len(l.stages))
			for _, s := range l.stages {
				stages = append(stages, s)
			}
			l.mu.Unlock()
			for _, s := range stages {
				l.tick(s)
			}
		}
	}
}

func (l *Live) tick(s *Stage) {
	now := l.now()
	s.Expire(now)
	if d, ok := s.Flush(); ok {
		l.stands.Changed(s.event)
		s.publish(l.boot, l.stands.Encode(d))
	}
	s.mu.Lock()
	active := len(s.readers) > 0 || now.Sub(s.used) < 2*healEvery
	idle := len(s.readers) == 0 && now.Sub(s.used) > idleAfter
	if active && now.Sub(s.healed) > healEvery {
		s.healed = now
		l.queue(s)
	}
	s.mu.Unlock()
	if idle && s.Inventory().Held == 0 {
		l.drop(s)
	}
}

// publish hands a frame to all readers. Who does not keep up is dropped.
func (s *Stage) publish(boot string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	f := Frame{ID: fmt.Sprintf("%s-%d", boot, s.seq), Data: data}
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

// Watch subscribes to the frames from lastID on. resumed false: start from a snapshot, which
// belongs to the frame named current. The channel is closed when the reader is too slow.
func (l *Live) Watch(s *Stage, lastID string) (feed <-chan Frame, missed []Frame, resumed bool, current string, leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := make(chan Frame, backlog)
	s.readers[r] = struct{}{}
	if seq, ok := strings.CutPrefix(lastID, l.boot+"-"); ok {
		if n, err := strconv.ParseInt(seq, 10, 64); err == nil && n <= s.seq && s.seq-n <= int64(len(s.frames)) {
			missed, resumed = s.frames[len(s.frames)-int(s.seq-n):], true
		}
	}
	return r, missed, resumed, fmt.Sprintf("%s-%d", l.boot, s.seq), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.readers, r)
	}
}

// refresh looks at one house after the other, so that a thousand of them do not ask at once.
func (l *Live) refresh(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-l.stale:
			s.mu.Lock()
			s.busy = false
			s.mu.Unlock()
			if err := l.renew(ctx, s); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "house not refreshed", "event", s.event, "error", err)
			}
		}
	}
}

func (l *Live) renew(ctx context.Context, s *Stage) error {
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
	s.renewed, s.healed = now, now
	s.mu.Unlock()
	return l.heal(ctx, s)
}

// Changed calls f with the inventory of each event that changed since it was last told.
func (l *Live) Changed(f func(event uuid.UUID, i Inventory) error) {
	l.mu.Lock()
	stages := make([]*Stage, 0, len(l.stages))
	for _, s := range l.stages {
		stages = append(stages, s)
	}
	l.mu.Unlock()
	for _, s := range stages {
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
