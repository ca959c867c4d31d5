package actor

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/waitingroom"
	"github.com/foyer-tickets/foyer/services/waitingroom/daprstore"
)

// Client calls the actors on whatever replica they run. When an actor cannot be reached (placement is
// down, or its host has just died) Client updates the room in this process: the store's version check
// makes that as safe, only slower when several replicas do so at once.
type Client struct {
	Dapr  *daprclient.Client
	Local *Host

	mu       sync.Mutex
	reminded map[uuid.UUID]time.Time // when the reminder of a room was set
}

var _ waitingroom.Rooms = (*Client)(nil)

const (
	actorTimeout  = 3 * time.Second
	reminderAgain = 5 * time.Second // shortest time between two settings of a reminder
	maxReminded   = 1000            // entries before old ones are deleted
)

// invoke calls a method of a room's actor.
func (c *Client) invoke(ctx context.Context, event uuid.UUID, method string, in, out any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := c.remote(ctx, event, method, raw)
	if err != nil {
		slog.WarnContext(ctx, "actor not reached, updating its room here", "event", event, "method", method, "error", err)
		value, err := c.Local.call(ctx, event, method, raw)
		if answer, err = replyOf(value, err); err != nil {
			return fault.Away("waiting room", err)
		}
	}
	return answer.open(out)
}

func (c *Client) remote(ctx context.Context, event uuid.UUID, method string, raw []byte) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, actorTimeout)
	defer cancel()
	res, err := c.Dapr.InvokeOwnActor(ctx, ActorType, event.String(), method, raw)
	if err != nil {
		return reply{}, err
	}
	if len(res) == 0 {
		return reply{}, errors.New("empty answer")
	}
	return read[reply](res)
}

// Wake sets the reminder that ticks a room each second. Setting it again is harmless.
func (c *Client) Wake(ctx context.Context, event uuid.UUID) {
	c.mu.Lock()
	if c.reminded == nil {
		c.reminded = map[uuid.UUID]time.Time{}
	}
	if time.Since(c.reminded[event]) < reminderAgain {
		c.mu.Unlock()
		return
	}
	if len(c.reminded) >= maxReminded {
		maps.DeleteFunc(c.reminded, func(_ uuid.UUID, at time.Time) bool { return time.Since(at) >= reminderAgain })
	}
	c.reminded[event] = time.Now()
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actorTimeout)
	defer cancel()
	err := c.Dapr.Dapr().RegisterActorReminder(ctx, &dapr.RegisterActorReminderRequest{
		ActorType: ActorType, ActorID: event.String(), Name: reminderTick, DueTime: "1s", Period: "1s",
	})
	if err != nil {
		slog.WarnContext(ctx, "reminder not set", "event", event, "error", err)
		c.mu.Lock()
		delete(c.reminded, event)
		c.mu.Unlock()
	}
}

// Join implements waitingroom.Rooms.
func (c *Client) Join(ctx context.Context, requests []waitingroom.JoinRequest, t waitingroom.SaleTerms) (waitingroom.JoinResults, error) {
	var out takeReply
	if err := c.invoke(ctx, t.Event, methodTake, takeRequest{each(requests, joinRequestOf), termsOf(t)}, &out); err != nil {
		return waitingroom.JoinResults{}, err
	}
	if len(out.Places) != len(requests) {
		return waitingroom.JoinResults{}, errMissing
	}
	go c.Wake(ctx, t.Event)
	results := waitingroom.JoinResults{Places: each(out.Places, joinResult.result)}
	if out.Refusal != nil {
		results.Refusal = out.Refusal.Fault()
	}
	return results, nil
}

var errMissing = errors.New("waiting room: answers missing")

// Arrivals implements waitingroom.Rooms.
func (c *Client) Arrivals(ctx context.Context, event uuid.UUID, accounts []string) ([]int64, error) {
	var out seekReply
	if err := c.invoke(ctx, event, methodSeek, accountsRequest{accounts}, &out); err != nil {
		return nil, err
	}
	if len(out.Arrivals) != len(accounts) {
		return nil, errMissing
	}
	return out.Arrivals, nil
}

// Erase removes an account from pages of a line.
func (c *Client) Erase(ctx context.Context, event uuid.UUID, account, tombstone string, pages []int64) error {
	return c.invoke(ctx, event, methodErase, eraseRequest{account, tombstone, pages}, nil)
}

// Claim implements waitingroom.Rooms.
func (c *Client) Claim(ctx context.Context, event uuid.UUID, accounts []string) ([]waitingroom.ClaimResult, error) {
	var out claimReply
	if err := c.invoke(ctx, event, methodClaim, accountsRequest{accounts}, &out); err != nil {
		return nil, err
	}
	if len(out.Answers) != len(accounts) {
		return nil, errMissing
	}
	return each(out.Answers, claimed.claimed), nil
}

// Leave implements waitingroom.Rooms.
func (c *Client) Leave(ctx context.Context, event uuid.UUID, account string) error {
	return c.invoke(ctx, event, methodQuit, accountsRequest{[]string{account}}, nil)
}

// Finish ends passes of an event before their time.
func (c *Client) Finish(ctx context.Context, event uuid.UUID, passes ...waitingroom.FinishedPass) error {
	return c.invoke(ctx, event, methodFinish, finishRequest{each(passes, finishedOf)}, nil)
}

// SetInventory tells a room what is left.
func (c *Client) SetInventory(ctx context.Context, event uuid.UUID, s waitingroom.Inventory) error {
	return c.invoke(ctx, event, methodCount, inventoryOf(s), nil)
}

// Configure implements waitingroom.Rooms.
func (c *Client) Configure(ctx context.Context, s waitingroom.Settings, t waitingroom.SaleTerms) (waitingroom.Line, error) {
	var out configureReply
	if err := c.invoke(ctx, t.Event, methodConfigure, configureRequest{settingsOf(s), termsOf(t)}, &out); err != nil {
		return waitingroom.Line{}, err
	}
	go c.Wake(ctx, t.Event)
	return daprstore.DecodeLine(t.Event, out.Line)
}
