// Package rest serves the in-app messages.
package rest

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/notification"
)

//go:generate go tool oapi-codegen -config oapi-codegen.yaml openapi.yaml

// Spec is the OpenAPI document.
//
//go:embed openapi.yaml
var Spec []byte

// Server implements the generated interface.
type Server struct {
	Store notification.Store
	Hub   *Hub
}

var _ Handlers = Server{}

const defaultLimit = 20

// ListNotifications implements GET /api/v1/notifications.
func (s Server) ListNotifications(w http.ResponseWriter, r *http.Request, params ListNotificationsParams) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	var before cursorForm
	if params.Cursor != nil {
		if err := httpapi.DecodeCursor(*params.Cursor, &before); err != nil {
			return err
		}
	}
	limit := defaultLimit
	if params.Limit != nil {
		limit = *params.Limit
	}
	messages, err := s.Store.List(r.Context(), account.ID, notification.Cursor(before), limit)
	if err != nil {
		return err
	}
	page := NotificationPage{Items: make([]Notification, 0, len(messages))}
	for _, m := range messages {
		page.Items = append(page.Items, view(m))
	}
	if len(messages) == limit {
		last := messages[limit-1]
		next, err := httpapi.EncodeCursor(cursorForm{At: last.At, ID: last.ID})
		if err != nil {
			return err
		}
		page.Next = &next
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, page)
}

// MarkNotificationsRead implements POST /api/v1/notifications/read.
func (s Server) MarkNotificationsRead(w http.ResponseWriter, r *http.Request) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	body, err := httpapi.Body[MarkNotificationsReadJSONRequestBody](r)
	if err != nil {
		return err
	}
	if err := s.Store.MarkRead(r.Context(), account.ID, body.Until); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

// StreamNotifications implements GET /api/v1/notifications/stream.
func (s Server) StreamNotifications(w http.ResponseWriter, r *http.Request) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	inbox, leave, err := s.Hub.join(account.ID)
	if err != nil {
		return err
	}
	defer leave()
	stream, err := httpapi.NewStream(w)
	if err != nil {
		return nil
	}
	if err := follow(r.Context(), stream, inbox); err != nil {
		return nil // the reader has gone or does not keep up
	}
	return nil
}

func follow(ctx context.Context, stream *httpapi.Stream, inbox <-chan notification.Message) error {
	beat := time.NewTicker(httpapi.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C:
			if err := stream.Comment(); err != nil {
				return err
			}
		case m, ok := <-inbox:
			if !ok {
				return nil
			}
			data, err := json.Marshal(view(m))
			if err != nil {
				return err
			}
			if err := stream.Send("notification", m.ID.String(), data); err != nil {
				return err
			}
		}
	}
}

func view(m notification.Message) Notification {
	v := Notification{
		Id: m.ID, Kind: NotificationKind(m.Kind), Event: m.Event, Booking: m.Booking, Hold: m.Hold,
		At: m.At.UTC(), Read: m.Read,
	}
	if r := m.Refund; r != nil {
		v.Refund = &RefundNotice{Amount: Money(r.Amount), Units: r.Units}
	}
	return v
}

// Limits of the open streams of one replica.
const (
	maxStreams           = 20_000
	maxStreamsPerAccount = 10
	inboxSize            = 16
)

var errTooManyStreams = fault.New(fault.TooMany, "too_many_streams", "Too many open streams.").After(10 * time.Second)

// Hub hands messages to the open streams of this replica.
type Hub struct {
	mu    sync.Mutex
	open  map[string]map[uuid.UUID]chan notification.Message
	count int
}

// NewHub returns a hub without streams.
func NewHub() *Hub {
	return &Hub{open: map[string]map[uuid.UUID]chan notification.Message{}}
}

// Show hands a message to its account's streams. A stream that is full is closed: its client
// comes back and reads the list.
func (h *Hub) Show(m notification.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, inbox := range h.open[m.Account] {
		select {
		case inbox <- m:
		default:
			h.remove(m.Account, id)
		}
	}
}

func (h *Hub) join(account string) (<-chan notification.Message, func(), error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	streams := h.open[account]
	if h.count >= maxStreams || len(streams) >= maxStreamsPerAccount {
		return nil, nil, errTooManyStreams
	}
	if streams == nil {
		streams = map[uuid.UUID]chan notification.Message{}
		h.open[account] = streams
	}
	id, inbox := uuid.New(), make(chan notification.Message, inboxSize)
	streams[id] = inbox
	h.count++
	return inbox, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.remove(account, id)
	}, nil
}

func (h *Hub) remove(account string, id uuid.UUID) {
	inbox, ok := h.open[account][id]
	if !ok {
		return
	}
	close(inbox)
	delete(h.open[account], id)
	h.count--
	if len(h.open[account]) == 0 {
		delete(h.open, account)
	}
}

// cursorForm is a notification.Cursor on the wire, where clients take it for an opaque text.
type cursorForm struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}
