package seatmap

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/booking"
)

// SaleReader reads what is on sale.
type SaleReader interface {
	Sale(ctx context.Context, event uuid.UUID) (*booking.Sale, error)
}

// SeatReader reads seats from the state store. Units that nobody has are not in the answer.
type SeatReader interface {
	Read(ctx context.Context, event uuid.UUID, units []string) (map[string]booking.Seat, error)
}

// How seat maps are kept.
const (
	flushEvery  = 100 * time.Millisecond // changes within one frame
	rereadEvery = 20 * time.Second       // of all seats, for seat maps in use
	saleMaxAge  = time.Minute
	idleAfter   = 10 * time.Minute
	frames      = 256 // kept for readers that reconnect
	backlog     = 64  // frames a reader may be behind before it is dropped
	loadLimit   = 30 * time.Second
	loadWait    = 5 * time.Second // of a caller, for a seat map that is being loaded
	maxReads    = 3               // of units that change while they are read
)

// Cache keeps the seat maps of the events that are in use: it loads them, applies changes, publishes deltas to
// readers, corrects maps by the store, and drops those that nobody asked for.
type Cache struct {
	sales   SaleReader
	seats   SeatReader
	now     func() time.Time
	encoder FrameEncoder

	mu      sync.Mutex
	maps    map[uuid.UUID]*entry
	loading map[uuid.UUID]*entry // receive changes, and are not shown: the store is still being read
	flight  singleflight.Group
	stale   chan *entry // to be refreshed, one after the other
	follow  atomic.Bool
}

var _ booking.SeatMaps = (*Cache)(nil)

// entry is a loaded seat map with its readers.
type entry struct {
	*Map
	event uuid.UUID
	name  string // random prefix of frame ids, so that those of another load are not taken for ours

	mu        sync.Mutex
	dropped   bool // it gets no more changes
	used      time.Time
	reread    time.Time
	renewed   time.Time
	busy      bool // queued for a refresh
	seq       int64
	frames    []Frame // the newest last
	readers   map[chan Frame]struct{}
	published int64 // version of the inventory that was published last
}

// NewCache returns an empty cache.
func NewCache(sales SaleReader, seats SeatReader, encoder FrameEncoder, now func() time.Time) *Cache {
	return &Cache{
		sales: sales, seats: seats, now: now, encoder: encoder,
		maps: map[uuid.UUID]*entry{}, loading: map[uuid.UUID]*entry{}, stale: make(chan *entry, 1024),
	}
}

// SeatMap implements booking.SeatMaps.
func (c *Cache) SeatMap(ctx context.Context, event uuid.UUID) (booking.SeatMap, error) {
	m, err := c.Get(ctx, event)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Get gives the seat map of an event, loading it when it is not there.
func (c *Cache) Get(ctx context.Context, event uuid.UUID) (*Map, error) {
	e, err := c.entry(ctx, event)
	if err != nil {
		return nil, err
	}
	return e.Map, nil
}

// Public gives the seat map of an event that everyone may see. For others, such as drafts: ErrEventNotFound.
func (c *Cache) Public(ctx context.Context, event uuid.UUID) (*Map, error) {
	m, err := c.Get(ctx, event)
	if err == nil {
		err = m.Sale().Public()
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (c *Cache) entry(ctx context.Context, event uuid.UUID) (*entry, error) {
	if e := c.loaded(event); e != nil {
		e.touch(c)
		return e, nil
	}
	// The load goes on when the first caller gives up, as others wait for it.
	result := c.flight.DoChan(event.String(), func() (any, error) {
		if e := c.loaded(event); e != nil { // by a load that has just ended
			return e, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadLimit)
		defer cancel()
		return c.load(ctx, event)
	})
	timeout := time.NewTimer(loadWait)
	defer timeout.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timeout.C:
		return nil, fault.Away("seats", errLoading)
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*entry), nil
	}
}

var errLoading = errors.New("the seat map is still being loaded")

func (c *Cache) loaded(event uuid.UUID) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.maps[event]
}

func (e *entry) touch(c *Cache) {
	now := c.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.used = now
	if now.Sub(e.renewed) > saleMaxAge {
		c.queue(e)
	}
}

func (c *Cache) load(ctx context.Context, event uuid.UUID) (*entry, error) {
	sale, err := c.sales.Sale(ctx, event)
	if err != nil {
		return nil, err
	}
	now, name := c.now(), make([]byte, 8)
	_, _ = rand.Read(name) // never fails
	e := &entry{
		Map: NewMap(sale, now.UnixMilli(), c.recheck), event: event, name: hex.EncodeToString(name),
		used: now, reread: now, renewed: now, readers: map[chan Frame]struct{}{},
	}
	// It receives changes from now on, and is shown once the seats were read.
	c.mu.Lock()
	c.loading[event] = e
	c.mu.Unlock()
	err = c.reread(ctx, e)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.loading, event)
	if err != nil {
		return nil, err
	}
	e.Flush() // there are no readers yet
	c.maps[event] = e
	return e, nil
}

func (c *Cache) drop(e *entry) {
	c.mu.Lock()
	if c.maps[e.event] == e {
		delete(c.maps, e.event)
	}
	c.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dropped = true
	for r := range e.readers { // they reconnect and get a snapshot
		close(r)
		delete(e.readers, r)
	}
}

// receiving gives the seat map of an event that changes have to reach, shown already or not.
func (c *Cache) receiving(event uuid.UUID) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.maps[event]; e != nil {
		return e
	}
	return c.loading[event]
}

func (c *Cache) recheck(ctx context.Context, event uuid.UUID, units []string) {
	e := c.receiving(event)
	if e == nil {
		return
	}
	if err := c.read(ctx, e, units); err != nil {
		slog.WarnContext(ctx, "units not read", "event", event, "error", err)
	}
}

// Apply applies changes announced by any process. No changes mean that the event itself changed and its
// sale has to be read again.
func (c *Cache) Apply(ctx context.Context, event uuid.UUID, changes []booking.Change) {
	e := c.receiving(event)
	if e == nil {
		if c.follow.Load() && len(changes) > 0 {
			go c.preload(ctx, event)
		}
		return
	}
	if len(changes) == 0 {
		e.mu.Lock()
		c.queue(e)
		e.mu.Unlock()
		return
	}
	e.Update(ctx, changes, c.now())
}

// Follow has seat maps loaded of every event whose seats change, and not only of those that are asked for.
func (c *Cache) Follow(all bool) { c.follow.Store(all) }

// preload loads a seat map.
func (c *Cache) preload(ctx context.Context, event uuid.UUID) {
	if _, err := c.entry(ctx, event); err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "event not loaded", "event", event, "error", err)
	}
}

// Run publishes changes to readers, expires holds and refreshes maps until ctx ends.
func (c *Cache) Run(ctx context.Context) error {
	var refresher sync.WaitGroup
	refresher.Go(func() { c.refresh(ctx) })
	defer refresher.Wait()
	return worker.Every(ctx, flushEvery, func(context.Context) {
		c.mu.Lock()
		maps := make([]*entry, 0, len(c.maps))
		for _, e := range c.maps {
			maps = append(maps, e)
		}
		c.mu.Unlock()
		for _, e := range maps {
			c.tick(e)
		}
	})
}

func (c *Cache) tick(e *entry) {
	now := c.now()
	e.Expire(now)
	if d, ok := e.Flush(); ok {
		c.encoder.Changed(e.event)
		e.publish(c.encoder.Encode(d))
	}
	e.mu.Lock()
	active := len(e.readers) > 0 || now.Sub(e.used) < 2*rereadEvery
	idle := len(e.readers) == 0 && now.Sub(e.used) > idleAfter
	if active && now.Sub(e.reread) > rereadEvery {
		e.reread = now
		c.queue(e)
	}
	e.mu.Unlock()
	if idle && e.Inventory().Held == 0 {
		c.drop(e)
	}
}

// Changed calls f with the inventory of each event that changed since the last call that succeeded.
func (c *Cache) Changed(f func(event uuid.UUID, i Inventory) error) {
	c.mu.Lock()
	maps := make([]*entry, 0, len(c.maps))
	for _, e := range c.maps {
		maps = append(maps, e)
	}
	c.mu.Unlock()
	for _, e := range maps {
		i := e.Inventory()
		e.mu.Lock()
		published := e.published
		e.mu.Unlock()
		if i.Version == published {
			continue
		}
		if err := f(e.event, i); err != nil {
			slog.Warn("inventory not published", "event", e.event, "error", err)
			continue
		}
		e.mu.Lock()
		e.published = i.Version
		e.mu.Unlock()
	}
}
