// Package actor runs one Dapr actor for each event with a waiting room. Host serves the actors that
// placement put on this process, Client calls an actor wherever it is, and TickPublisher does what is
// due each second. The actor runs the updates of a room one after the other, which avoids conflicts; it
// is the ETag of the stored line that keeps two activations from overwriting each other.
package actor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/maypok86/otter/v2"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/waitingroom"
	"github.com/foyer-tickets/foyer/services/waitingroom/daprstore"
)

// ActorType is the Dapr actor type of a room; the actor's id is the event's.
const ActorType = "WaitingRoom"

// The actor's methods and its reminder.
const (
	methodTake      = "take"
	methodSeek      = "seek"
	methodClaim     = "claim"
	methodQuit      = "quit"
	methodErase     = "erase"
	methodFinish    = "finish"
	methodCount     = "count"
	methodConfigure = "configure"
	reminderTick    = "tick"

	// A reminder whose callback answers with this header is not called again.
	cancelHeader = "X-DaprReminderCancel"
)

// Ticker is called each second for one room. done: nothing will happen before the next call of a method,
// so the ticks can stop.
type Ticker interface {
	Tick(ctx context.Context, room *waitingroom.Room) (done bool, err error)
}

// Host runs the rooms of this process: it decodes Dapr's calls and has the domain's rooms execute them.
// It keeps no state that is not in the store.
type Host struct {
	store  waitingroom.LineStore
	now    func() time.Time
	ticker Ticker
	rooms  *otter.Cache[uuid.UUID, *waitingroom.Room]
}

// NewHost returns a host without rooms.
func NewHost(store waitingroom.LineStore, ticker Ticker, now func() time.Time) *Host {
	return &Host{store: store, now: now, ticker: ticker, rooms: newCache[*waitingroom.Room](maxRooms)}
}

// Rooms expire when they are idle. Dapr announces only the end of actors that it placed here, not of
// rooms that were updated here because no actor could be reached. Losing a room during an update is
// harmless: between two rooms of one event the store's version check decides.
const (
	roomIdle = 10 * time.Minute // as long as an idle actor stays
	maxRooms = 10_000
)

// newCache returns a cache by event that forgets what is not used for roomIdle.
func newCache[V any](most int) *otter.Cache[uuid.UUID, V] {
	return otter.Must(&otter.Options[uuid.UUID, V]{
		MaximumSize: most, ExpiryCalculator: otter.ExpiryAccessing[uuid.UUID, V](roomIdle),
	})
}

// Room returns this process's room of an event.
func (h *Host) Room(event uuid.UUID) *waitingroom.Room {
	room, _ := h.rooms.ComputeIfAbsent(event, func() (*waitingroom.Room, bool) {
		return waitingroom.NewRoom(event, h.store, h.now), false
	})
	return room
}

// Mount adds Dapr's actor routes to a router that only the sidecar can call
// (https://docs.dapr.io/reference/api/actors_api/#dapr-calling-to-user-service-code).
func (h *Host) Mount(router *mux.Router, appToken string) {
	router.HandleFunc("/dapr/config", func(w http.ResponseWriter, r *http.Request) {
		respond(w, r, map[string]any{
			"entities": []string{ActorType}, "actorIdleTimeout": "10m",
			"drainOngoingCallTimeout": "5s", "drainRebalancedActors": true,
		})
	}).Methods(http.MethodGet)
	router.HandleFunc("/actors/"+ActorType+"/{id}/method/remind/"+reminderTick, h.remind).Methods(http.MethodPut)
	router.HandleFunc("/actors/"+ActorType+"/{id}", h.deactivate).Methods(http.MethodDelete)
	daprclient.OwnApp(router, appToken).HandleFunc("/actors/"+ActorType+"/{id}/method/{method}", h.invoke).Methods(http.MethodPut)
}

func (h *Host) deactivate(w http.ResponseWriter, r *http.Request) {
	if id, err := uuid.Parse(mux.Vars(r)["id"]); err == nil {
		h.rooms.Invalidate(id)
	}
	w.WriteHeader(http.StatusOK)
}

func (h *Host) remind(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.Parse(mux.Vars(r)["id"])
	if err != nil {
		w.Header().Set(cancelHeader, "true") // not one of ours
		respond(w, r, nil)
		return
	}
	done, err := h.ticker.Tick(r.Context(), h.Room(id))
	if err != nil {
		slog.WarnContext(r.Context(), "tick", "event", id, "error", err)
	}
	if done && err == nil {
		w.Header().Set(cancelHeader, "true")
	}
	respond(w, r, nil) // after an error the next tick tries again
}

const maxActorBody = 4 << 20

func (h *Host) invoke(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.Parse(mux.Vars(r)["id"])
	if err != nil {
		http.Error(w, "not a room", http.StatusNotFound)
		return
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxActorBody))
	if err != nil {
		http.Error(w, "not read", http.StatusBadRequest)
		return
	}
	value, err := h.call(r.Context(), id, mux.Vars(r)["method"], raw)
	out, err := replyOf(value, err)
	if err != nil {
		slog.WarnContext(r.Context(), "actor call", "event", id, "method", mux.Vars(r)["method"], "error", err)
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	}
	respond(w, r, out)
}

var errMethod = errors.New("no such method")

// call runs a method on this process's room.
func (h *Host) call(ctx context.Context, id uuid.UUID, method string, raw []byte) (any, error) {
	room := h.Room(id)
	switch method {
	case methodTake:
		in, err := read[takeRequest](raw)
		if err != nil {
			return nil, err
		}
		lined, err := room.Join(ctx, each(in.Asks, joinRequest.request), in.Terms.terms(id))
		return takeReply{each(lined.Places, joinResultOf), refusalOf(lined.Refusal)}, err
	case methodSeek, methodClaim, methodQuit:
		in, err := read[accountsRequest](raw)
		if err != nil {
			return nil, err
		}
		return h.callAccounts(ctx, room, method, in.Accounts)
	case methodErase:
		in, err := read[eraseRequest](raw)
		if err != nil {
			return nil, err
		}
		return nil, room.Erase(ctx, in.Account, in.Tombstone, in.Pages)
	case methodFinish:
		in, err := read[finishRequest](raw)
		if err != nil {
			return nil, err
		}
		return nil, room.Finish(ctx, each(in.Passes, finished.finished))
	case methodCount:
		in, err := read[inventory](raw)
		if err != nil {
			return nil, err
		}
		return nil, room.SetInventory(ctx, in.inventory())
	case methodConfigure:
		in, err := read[configureRequest](raw)
		if err != nil {
			return nil, err
		}
		line, err := room.Configure(ctx, in.Settings.settings(), in.Terms.terms(id))
		if err != nil {
			return nil, err
		}
		encoded, err := daprstore.EncodeLine(line)
		return configureReply{encoded}, err
	}
	return nil, errMethod
}

// callAccounts runs a method that takes accounts.
func (h *Host) callAccounts(ctx context.Context, room *waitingroom.Room, method string, accounts []string) (any, error) {
	switch method {
	case methodSeek:
		arrivals, err := room.Arrivals(ctx, accounts)
		return seekReply{arrivals}, err
	case methodClaim:
		answers, err := room.Claim(ctx, accounts)
		return claimReply{each(answers, claimedOf)}, err
	}
	for _, account := range accounts {
		if err := room.Leave(ctx, account); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func read[T any](raw []byte) (T, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}

// replyOf encodes the result of a method. A fault that the caller is to see becomes a refusal; any other
// error stays one.
func replyOf(value any, err error) (reply, error) {
	if err != nil {
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind == fault.Unavailable && f.Code != waitingroom.ErrFull.Code {
			return reply{}, err
		}
		return reply{Refusal: refusalOf(f)}, nil
	}
	raw, err := json.Marshal(value)
	return reply{Value: raw}, err
}

// refusalOf encodes a fault; nil for none.
func refusalOf(err error) *fault.Wire {
	if err == nil {
		return nil
	}
	w := fault.ToWire(err)
	return &w
}

func (r reply) open(out any) error {
	if r.Refusal != nil {
		return r.Refusal.Fault()
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(r.Value, out)
}

func respond(w http.ResponseWriter, r *http.Request, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	if v == nil {
		return
	}
	if err := json.NewEncoder(w).Encode(v); err != nil {
		slog.DebugContext(r.Context(), "response not written", "error", err)
	}
}
