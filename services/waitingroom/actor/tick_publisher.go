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

// Inventories reads what is left of an event.
type Inventories interface {
	Inventory(ctx context.Context, event uuid.UUID) (waitingroom.Inventory, error)
}

// TickPublisher ticks a room: it admits the places that are due, notifies their accounts, broadcasts the
// line's front to all replicas, and reads the terms and the inventory for the next tick.
type TickPublisher struct {
	Client      *daprclient.Client
	Catalogue   waitingroom.Catalogue
	Inventories Inventories
	Show        func(waitingroom.Front) // shows a front in this process; the others get the broadcast
	Now         func() time.Time

	once       sync.Once
	rooms      *otter.Cache[uuid.UUID, *roomState]
	ticked     ticked
	publishing sync.WaitGroup // goroutines that tick started and that run on
}

// roomState is kept between the ticks of a room. Losing it costs a repeated notice.
type roomState struct {
	mu         sync.Mutex
	terms      *waitingroom.SaleTerms // as last read
	notified   int64                  // places up to here were notified of their turn
	idle       int                    // ticks in a row with an idle line
	publishing bool                   // the last tick's publishing goes on
}

var _ Ticker = (*TickPublisher)(nil)

const (
	inventoryFresh = 2 * time.Second // an older inventory is read again
	callTimeout    = time.Second
	publishTimeout = 10 * time.Second
	idleTicks      = 60 // before the ticks stop
)

func (t *TickPublisher) state(event uuid.UUID) *roomState {
	t.once.Do(func() { t.rooms = newCache[*roomState](maxRooms) })
	p, _ := t.rooms.ComputeIfAbsent(event, func() (*roomState, bool) { return &roomState{}, false })
	return p
}

// Tick implements Ticker. Joins wait for the actor during a tick, so Tick only updates the room; calls
// to others run beside it.
func (t *TickPublisher) Tick(ctx context.Context, room *waitingroom.Room) (done bool, err error) {
	p := t.state(room.Event())
	p.mu.Lock()
	terms, notified := p.terms, p.notified
	p.mu.Unlock()
	line, turns, err := room.Tick(ctx, terms, notified)
	if err != nil {
		return false, err
	}
	now := t.Now()
	t.ticked.note(ctx, line, now)
	t.Show(line.Front(now))
	idle := line.Idle(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.publishing { // otherwise the next tick publishes what this one does not
		p.publishing = true
		t.publishing.Go(func() { t.publish(context.WithoutCancel(ctx), p, room, line, turns, now) })
	}
	if p.idle++; !idle {
		p.idle = 0
	}
	if p.idle < idleTicks {
		return false, nil
	}
	t.rooms.Invalidate(line.Event)
	t.ticked.forget(line.Event)
	return true, nil
}

// Wait waits for the publishing that ticks started, at most until ctx ends.
func (t *TickPublisher) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		t.publishing.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// publish broadcasts the front, notifies the admitted, and reads what the next tick needs.
func (t *TickPublisher) publish(ctx context.Context, p *roomState, room *waitingroom.Room, line waitingroom.Line, turns []waitingroom.Turn, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	t.announce(ctx, line.Front(now))
	notified := int64(0)
	if len(turns) > 0 {
		if err := t.notify(ctx, line.Event, turns, now); err != nil {
			slog.WarnContext(ctx, "turns not notified", "event", line.Event, "error", err)
		} else {
			notified = turns[len(turns)-1].Place
		}
	}
	terms := t.terms(ctx, room)
	t.updateInventory(ctx, room, line, now)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publishing, p.notified = false, max(p.notified, notified)
	if terms != nil {
		p.terms = terms
	}
}

func (t *TickPublisher) terms(ctx context.Context, room *waitingroom.Room) *waitingroom.SaleTerms {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	terms, err := t.Catalogue.Terms(ctx, room.Event())
	if err != nil {
		slog.WarnContext(ctx, "terms not read", "event", room.Event(), "error", err)
		return nil
	}
	return &terms
}

// updateInventory reads what is left when no message has said so lately.
func (t *TickPublisher) updateInventory(ctx context.Context, room *waitingroom.Room, line waitingroom.Line, now time.Time) {
	if line.Waiting() == 0 || now.Sub(line.Inventory.At) < inventoryFresh || line.Status(now.Add(2*inventoryFresh)) == waitingroom.Lobby {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	left, err := t.Inventories.Inventory(ctx, line.Event)
	if err == nil {
		err = room.SetInventory(ctx, left)
	}
	if err != nil {
		slog.WarnContext(ctx, "inventory not read", "event", line.Event, "error", err)
	}
}

func (t *TickPublisher) announce(ctx context.Context, f waitingroom.Front) {
	if err := t.Client.Publish(ctx, messages.Broadcast, messages.LineTicks, f.Event.String(), TickOf(f)); err != nil {
		slog.WarnContext(ctx, "tick not broadcast", "event", f.Event, "error", err)
	}
}

// notify tells accounts that it is their turn. A repeated notice has the same id.
func (t *TickPublisher) notify(ctx context.Context, id uuid.UUID, turns []waitingroom.Turn, now time.Time) error {
	var notices []daprclient.Message
	for _, turn := range turns {
		if turn.Account == "" {
			continue
		}
		raw, err := json.Marshal(messages.Notice{
			ID: uuid.NewSHA1(id, fmt.Appendf(nil, "turn %d", turn.Place)), Account: turn.Account, Kind: messages.NoticeYourTurn, Event: &id, At: now.UTC(),
		})
		if err != nil {
			return err
		}
		notices = append(notices, daprclient.Message{Key: turn.Account, Payload: raw})
	}
	if len(notices) == 0 {
		return nil
	}
	_, err := t.Client.PublishBulk(ctx, messages.PubSub, messages.Notices, notices)
	return err
}

// TickOf encodes a front for the broadcast.
func TickOf(f waitingroom.Front) messages.LineTick {
	return messages.LineTick{
		Event: f.Event, Served: f.Served, Rate: f.Speed, State: string(f.Status), At: f.At.UTC(),
		Lapsed: f.Expired, Taken: f.Arrivals, Pace: f.Rate, OpensAt: f.OpensAt.UTC(), Drawn: f.Drawn,
	}
}

// FrontOf decodes a broadcast front.
func FrontOf(t messages.LineTick) waitingroom.Front {
	return waitingroom.Front{
		Event: t.Event, Served: t.Served, Expired: t.Lapsed, Arrivals: t.Taken, Speed: t.Rate, Rate: t.Pace,
		Status: waitingroom.Status(t.State), OpensAt: t.OpensAt, Drawn: t.Drawn, At: t.At,
	}
}
