package sidecar

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// Stocks tells what is left of an event.
type Stocks interface {
	Stock(ctx context.Context, event uuid.UUID) (waitingroom.Stock, error)
}

// Clock is what happens each second in a room that somebody waits in: people are let in, told of
// it, and everyone hears how far the line is.
type Clock struct {
	Client    *sidecar.Client
	Catalogue waitingroom.Catalogue
	Stocks    Stocks
	Show      func(waitingroom.Front) // this process's own view; the others hear by broadcast
	Now       func() time.Time

	mu    sync.Mutex
	rooms map[uuid.UUID]*pulse
}

// pulse is what the clock remembers of a room between ticks. Losing it costs a repeated notice.
type pulse struct {
	told int64 // places up to here heard of their turn
	idle int   // ticks without anybody waiting
}

var _ Ticker = (*Clock)(nil)

const (
	stockFresh = 2 * time.Second // older news of what is left is asked for
	peerLimit  = time.Second
	idleTicks  = 60 // before the ticking stops
)

func (c *Clock) pulse(event uuid.UUID) *pulse {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rooms == nil {
		c.rooms = map[uuid.UUID]*pulse{}
	}
	p := c.rooms[event]
	if p == nil {
		p = &pulse{}
		c.rooms[event] = p
	}
	return p
}

// Tick implements Ticker.
func (c *Clock) Tick(ctx context.Context, room *waitingroom.Room) (done bool, err error) {
	p := c.pulse(room.Event())
	line, turns, err := room.Tick(ctx, c.terms(ctx, room), p.told)
	if err != nil {
		return false, err
	}
	now := c.Now()
	front := line.Front(now)
	c.Show(front)
	c.announce(ctx, front)
	if len(turns) > 0 {
		if err := c.notify(ctx, line.Event, turns, now); err != nil {
			slog.WarnContext(ctx, "turns not told", "event", line.Event, "error", err)
		} else {
			p.told = turns[len(turns)-1].Place
		}
	}
	if !line.Idle(now) {
		p.idle = 0
		c.count(ctx, room, line, now)
		return false, nil
	}
	p.idle++
	if p.idle < idleTicks {
		return false, nil
	}
	c.mu.Lock()
	delete(c.rooms, line.Event)
	c.mu.Unlock()
	return true, nil
}

func (c *Clock) terms(ctx context.Context, room *waitingroom.Room) *waitingroom.Terms {
	ctx, cancel := context.WithTimeout(ctx, peerLimit)
	defer cancel()
	t, err := c.Catalogue.Terms(ctx, room.Event())
	if err != nil {
		slog.WarnContext(ctx, "terms not read", "event", room.Event(), "error", err)
		return nil
	}
	return &t
}

// count asks what is left when nobody has said so lately. The next tick goes by it.
func (c *Clock) count(ctx context.Context, room *waitingroom.Room, line waitingroom.Line, now time.Time) {
	if line.Waiting() == 0 || now.Sub(line.Stock.At) < stockFresh || line.Status(now.Add(2*stockFresh)) == waitingroom.Lobby {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, peerLimit)
	defer cancel()
	stock, err := c.Stocks.Stock(ctx, line.Event)
	if err == nil {
		err = room.Count(ctx, stock)
	}
	if err != nil {
		slog.WarnContext(ctx, "what is left is not known", "event", line.Event, "error", err)
	}
}

func (c *Clock) announce(ctx context.Context, f waitingroom.Front) {
	if err := c.Client.Publish(ctx, event.Broadcast, event.LineTicks, f.Event.String(), TickOf(f)); err != nil {
		slog.WarnContext(ctx, "tick not broadcast", "event", f.Event, "error", err)
	}
}

// notify tells people that it is their turn. A repeated notice carries the same id.
func (c *Clock) notify(ctx context.Context, id uuid.UUID, turns []waitingroom.Turn, now time.Time) error {
	var messages []sidecar.Message
	for _, t := range turns {
		if t.Account == "" {
			continue
		}
		raw, err := json.Marshal(event.Notice{
			ID: uuid.NewSHA1(id, fmt.Appendf(nil, "turn %d", t.Place)), Account: t.Account, Kind: event.NoticeYourTurn, Event: &id, At: now.UTC(),
		})
		if err != nil {
			return err
		}
		messages = append(messages, sidecar.Message{Key: t.Account, Payload: raw})
	}
	if len(messages) == 0 {
		return nil
	}
	_, err := c.Client.PublishBulk(ctx, event.PubSub, event.Notices, messages)
	return err
}

// TickOf writes a front as it is broadcast.
func TickOf(f waitingroom.Front) event.LineTick {
	return event.LineTick{
		Event: f.Event, Served: f.Served, Rate: f.Speed, State: string(f.Status), At: f.At.UTC(),
		Lapsed: f.Lapsed, Taken: f.Taken, Pace: f.Rate, OpensAt: f.OpensAt.UTC(), Drawn: f.Drawn,
	}
}

// FrontOf reads a broadcast front.
func FrontOf(t event.LineTick) waitingroom.Front {
	return waitingroom.Front{
		Event: t.Event, Served: t.Served, Lapsed: t.Lapsed, Taken: t.Taken, Speed: t.Rate, Rate: t.Pace,
		Status: waitingroom.Status(t.State), OpensAt: t.OpensAt, Drawn: t.Drawn, At: t.At,
	}
}
