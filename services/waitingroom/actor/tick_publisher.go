package actor

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// Inventories tells what is left of an event.
type Inventories interface {
	Inventory(ctx context.Context, event uuid.UUID) (waitingroom.Inventory, error)
}

// TickPublisher is what happens each second in a room that somebody waits in: people are let in, told of
// it, and everyone hears how far the line is.
type TickPublisher struct {
	Client      *daprclient.Client
	Catalogue   waitingroom.Catalogue
	Inventories Inventories
	Show        func(waitingroom.Front) // this process's own view; the others hear by broadcast
	Now         func() time.Time

	once       sync.Once
	rooms      *otter.Cache[uuid.UUID, *roomState]
	publishing sync.WaitGroup // what goes on beside the ticks
}

// pulse is what the clock remembers of a room between ticks. Losing it costs a repeated notice.
type roomState struct {
	mu         sync.Mutex
	terms      *waitingroom.SaleTerms // as last read
	notified   int64                  // places up to here heard of their turn
	idle       int                    // ticks without anybody waiting
	publishing bool                   // others are being told and asked
}

var _ Ticker = (*TickPublisher)(nil)

const (
	inventoryFresh = 2 * time.Second // older news of what is left is asked for
	callTimeout    = time.Second
	publishTimeout = 10 * time.Second
	idleTicks      = 60 // before the ticking stops
)

func (c *TickPublisher) state(event uuid.UUID) *roomState {
	c.once.Do(func() { c.rooms = newCache[*roomState](maxRooms) })
	p, _ := c.rooms.ComputeIfAbsent(event, func() (*roomState, bool) { return &roomState{}, false })
	return p
}

// Tick implements Ticker. Joins wait for the actor while it ticks: so only the room's own turn is
// had here, and whoever else is to be told or asked is so beside it.
func (c *TickPublisher) Tick(ctx context.Context, room *waitingroom.Room) (done bool, err error) {
	p := c.state(room.Event())
	p.mu.Lock()
	terms, told := p.terms, p.notified
	p.mu.Unlock()
	line, turns, err := room.Tick(ctx, terms, told)
	if err != nil {
		return false, err
	}
	now := c.Now()
	c.Show(line.Front(now))
	idle := line.Idle(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.publishing { // otherwise the next tick's makes up for this one's
		p.publishing = true
		c.publishing.Go(func() { c.publish(context.WithoutCancel(ctx), p, room, line, turns, now) })
	}
	if p.idle++; !idle {
		p.idle = 0
	}
	if p.idle < idleTicks {
		return false, nil
	}
	c.rooms.Invalidate(line.Event)
	return true, nil
}

// Wait waits until those who were let in have been told, and no longer than ctx.
func (c *TickPublisher) Wait(ctx context.Context) error {
	told := make(chan struct{})
	go func() {
		c.publishing.Wait()
		close(told)
	}()
	select {
	case <-told:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// beside tells everyone how far the line is, those let in that they are, and asks the others what
// the next tick goes by.
func (c *TickPublisher) publish(ctx context.Context, p *roomState, room *waitingroom.Room, line waitingroom.Line, turns []waitingroom.Turn, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	c.announce(ctx, line.Front(now))
	told := int64(0)
	if len(turns) > 0 {
		if err := c.notify(ctx, line.Event, turns, now); err != nil {
			slog.WarnContext(ctx, "turns not told", "event", line.Event, "error", err)
		} else {
			told = turns[len(turns)-1].Place
		}
	}
	terms := c.terms(ctx, room)
	c.updateInventory(ctx, room, line, now)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publishing, p.notified = false, max(p.notified, told)
	if terms != nil {
		p.terms = terms
	}
}

func (c *TickPublisher) terms(ctx context.Context, room *waitingroom.Room) *waitingroom.SaleTerms {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	t, err := c.Catalogue.Terms(ctx, room.Event())
	if err != nil {
		slog.WarnContext(ctx, "terms not read", "event", room.Event(), "error", err)
		return nil
	}
	return &t
}

// count asks what is left when nobody has said so lately. The next tick goes by it.
func (c *TickPublisher) updateInventory(ctx context.Context, room *waitingroom.Room, line waitingroom.Line, now time.Time) {
	if line.Waiting() == 0 || now.Sub(line.Inventory.At) < inventoryFresh || line.Status(now.Add(2*inventoryFresh)) == waitingroom.Lobby {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	left, err := c.Inventories.Inventory(ctx, line.Event)
	if err == nil {
		err = room.SetInventory(ctx, left)
	}
	if err != nil {
		slog.WarnContext(ctx, "what is left is not known", "event", line.Event, "error", err)
	}
}

func (c *TickPublisher) announce(ctx context.Context, f waitingroom.Front) {
	if err := c.Client.Publish(ctx, messages.Broadcast, messages.LineTicks, f.Event.String(), TickOf(f)); err != nil {
		slog.WarnContext(ctx, "tick not broadcast", "event", f.Event, "error", err)
	}
}

// notify tells people that it is their turn. A repeated notice carries the same id.
func (c *TickPublisher) notify(ctx context.Context, id uuid.UUID, turns []waitingroom.Turn, now time.Time) error {
	var notices []daprclient.Message
	for _, t := range turns {
		if t.Account == "" {
			continue
		}
		raw, err := json.Marshal(messages.Notice{
			ID: uuid.NewSHA1(id, fmt.Appendf(nil, "turn %d", t.Place)), Account: t.Account, Kind: messages.NoticeYourTurn, Event: &id, At: now.UTC(),
		})
		if err != nil {
			return err
		}
		notices = append(notices, daprclient.Message{Key: t.Account, Payload: raw})
	}
	if len(notices) == 0 {
		return nil
	}
	_, err := c.Client.PublishBulk(ctx, messages.PubSub, messages.Notices, notices)
	return err
}

// TickOf writes a front as it is broadcast.
func TickOf(f waitingroom.Front) messages.LineTick {
	return messages.LineTick{
		Event: f.Event, Served: f.Served, Rate: f.Speed, State: string(f.Status), At: f.At.UTC(),
		Lapsed: f.Expired, Taken: f.Arrivals, Pace: f.Rate, OpensAt: f.OpensAt.UTC(), Drawn: f.Drawn,
	}
}

// FrontOf reads a broadcast front.
func FrontOf(t messages.LineTick) waitingroom.Front {
	return waitingroom.Front{
		Event: t.Event, Served: t.Served, Expired: t.Lapsed, Arrivals: t.Taken, Speed: t.Rate, Rate: t.Pace,
		Status: waitingroom.Status(t.State), OpensAt: t.OpensAt, Drawn: t.Drawn, At: t.At,
	}
}
