package sidecar

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/gorilla/mux"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
)

// Delivery is one message as it arrived.
type Delivery struct {
	ID    string          `json:"id"`
	Topic string          `json:"topic"`
	Data  json.RawMessage `json:"data"`
	Bytes []byte          `json:"data_base64"` // instead of Data, when it was sent as Opaque
	Trace string          `json:"traceparent"`
}

// Subscription asks the sidecar for a topic. Messages come one by one to Handle or, with Bulk,
// in batches of up to Max that waited at most Wait to HandleBulk, which gives an error a message.
//
// A handler that returns nil has the message done. A refusal that trying again cannot turn
// (fault.Malformed, fault.Invalid) sends it to the dead-letter topic; any other error has it
// redelivered under the component's retry policy, and then dead-lettered.
type Subscription struct {
	Component string // event.PubSub or event.Broadcast
	Topic     string

	Handle func(ctx context.Context, d Delivery) error

	// Patience bounds the work on one delivery, 30 s unless set. A handler that waits for what it
	// depends on spares the message its few redeliveries.
	Patience time.Duration

	Bulk       bool
	Max        int
	Wait       time.Duration
	HandleBulk func(ctx context.Context, batch []Delivery) []error
}

// On makes a subscription whose messages are JSON of type T.
func On[T any](component, topic string, handle func(context.Context, T) error) Subscription {
	return Subscription{Component: component, Topic: topic, Handle: func(ctx context.Context, d Delivery) error {
		v, err := Decode[T](d)
		if err != nil {
			return err
		}
		return handle(ctx, v)
	}}
}

// messageOptions read what encoding/json wrote, but names are case-sensitive, none comes twice and text
// is UTF-8. A newer sender may say more than we know.
var messageOptions = jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv2.MatchCaseInsensitiveNames(false),
	jsontext.AllowDuplicateNames(false), jsontext.AllowInvalidUTF8(false))

// Decode reads a message's payload; a payload that is not T can never be handled.
func Decode[T any](d Delivery) (T, error) {
	var v T
	raw := []byte(d.Data)
	if len(raw) == 0 {
		raw = d.Bytes
	}
	if err := jsonv2.Unmarshal(raw, &v, messageOptions); err != nil {
		return v, fault.New(fault.Malformed, "malformed_message", "A message on "+d.Topic+" could not be read.").Because(err)
	}
	return v, nil
}

// Bounds of a batch of SideBySide.
const (
	batchMax  = 64
	batchWait = 10 * time.Millisecond
	atOnce    = 32
)

// SideBySide makes a subscription of event.PubSub whose messages are JSON of type T and handled
// side by side, those of one key in their order: a partition hands out one message at a time
// otherwise, and each of them takes a round trip of its own.
func SideBySide[T any, K comparable](topic string, key func(T) K, handle func(context.Context, T) error) Subscription {
	return Subscription{
		Component: event.PubSub, Topic: topic, Bulk: true, Max: batchMax, Wait: batchWait,
		HandleBulk: func(ctx context.Context, batch []Delivery) []error {
			errs := make([]error, len(batch))
			payloads := make([]T, len(batch))
			lanes := map[K][]int{}
			for i, d := range batch {
				if payloads[i], errs[i] = Decode[T](d); errs[i] == nil {
					lanes[key(payloads[i])] = append(lanes[key(payloads[i])], i)
				}
			}
			var group errgroup.Group
			group.SetLimit(atOnce)
			for _, lane := range lanes {
				group.Go(func() error {
					for _, i := range lane {
						errs[i] = handle(batch[i].continueTrace(ctx), payloads[i])
					}
					return nil
				})
			}
			_ = group.Wait() // each has its own error
			return errs
		},
	}
}

// handleTimeout bounds the work on one delivery that has no patience of its own.
const handleTimeout = 30 * time.Second

// answerTime is for the answer after that.
const answerTime = 10 * time.Second

// SubscribePath is where the sidecar asks for subscriptions.
const SubscribePath = "/dapr/subscribe"

// Mount adds /dapr/subscribe and the delivery routes, guarded by the app token: nobody but the
// sidecar may deliver.
func Mount(router *mux.Router, appToken string, subscriptions ...Subscription) {
	type bulk struct {
		Enabled            bool  `json:"enabled"`
		MaxMessagesCount   int   `json:"maxMessagesCount,omitempty"`
		MaxAwaitDurationMs int64 `json:"maxAwaitDurationMs,omitempty"`
	}
	type entry struct {
		PubSub     string `json:"pubsubname"`
		Topic      string `json:"topic"`
		Route      string `json:"route"`
		DeadLetter string `json:"deadLetterTopic,omitempty"`
		Bulk       *bulk  `json:"bulkSubscribe,omitempty"`
	}
	entries := make([]entry, 0, len(subscriptions))
	guarded := Guarded(router, appToken)
	for _, s := range subscriptions {
		e := entry{PubSub: s.Component, Topic: s.Topic, Route: "/dapr/topics/" + s.Component + "/" + s.Topic}
		if s.Component == event.PubSub {
			e.DeadLetter = s.Topic + event.Dead
		}
		if s.Bulk {
			e.Bulk = &bulk{Enabled: true, MaxMessagesCount: s.Max, MaxAwaitDurationMs: s.Wait.Milliseconds()}
		}
		entries = append(entries, e)
		guarded.HandleFunc(e.Route, s.deliver).Methods(http.MethodPost)
	}
	guarded.HandleFunc(SubscribePath, func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, entries)
	}).Methods(http.MethodGet)
}

// Guarded returns a subrouter whose routes only the process's own sidecar may call: those under
// /dapr/ and /internal/.
func Guarded(router *mux.Router, appToken string) *mux.Router {
	return guarded(router, TokenHeader, appToken)
}

// OwnApp returns a subrouter of Guarded's whose routes only processes of this very app may call,
// by Client.InvokeOwnActor.
func OwnApp(router *mux.Router, appToken string) *mux.Router {
	return guarded(router, OwnAppHeader, appToken)
}

func guarded(router *mux.Router, header, token string) *mux.Router {
	if token == "" {
		panic("sidecar: routes are guarded by a token, which is empty")
	}
	sub := router.NewRoute().Subrouter()
	sub.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if subtle.ConstantTimeCompare([]byte(r.Header.Get(header)), []byte(token)) != 1 {
				http.Error(w, "forbidden", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	return sub
}

// Statuses of Dapr's HTTP delivery (https://docs.dapr.io/reference/api/pubsub_api/#expected-http-response).
const (
	success = "SUCCESS"
	retry   = "RETRY"
	drop    = "DROP" // to the dead-letter topic, where there is one
)

// maxRecord is the largest message that the broker takes, 1 MiB, in base64 and with its envelope.
const maxRecord = 3 << 19

// bodyLimit has room for as many of the largest messages as one delivery brings.
func (s Subscription) bodyLimit() int64 {
	if !s.Bulk {
		return maxRecord
	}
	return maxRecord * int64(max(1, s.Max))
}

func (s Subscription) deliver(w http.ResponseWriter, r *http.Request) {
	patience := cmp.Or(s.Patience, handleTimeout)
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if s.Patience > 0 { // more than the server's own deadlines allow
		rc := http.NewResponseController(w)
		end := time.Now().Add(patience + answerTime)
		if err := errors.Join(rc.SetReadDeadline(end), rc.SetWriteDeadline(end)); err != nil {
			slog.WarnContext(ctx, "a delivery has less time than it may take", "topic", s.Topic, "error", err)
		}
	}
	httpapi.LimitBody(w, r, s.bodyLimit())
	if s.Bulk {
		s.deliverBulk(ctx, w, r)
		return
	}
	var d Delivery
	if err := httpapi.DecodeInternal(r, &d); err != nil {
		answer(w, r, map[string]string{"status": drop})
		return
	}
	d.Topic = s.Topic
	answer(w, r, map[string]string{"status": verdict(ctx, d, s.Handle(d.continueTrace(ctx), d))})
}

func (s Subscription) deliverBulk(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	var envelope struct {
		Entries []struct {
			ID    string   `json:"entryId"`
			Event Delivery `json:"event"`
		} `json:"entries"`
	}
	if err := httpapi.DecodeInternal(r, &envelope); err != nil {
		http.Error(w, "not a bulk delivery", http.StatusBadRequest)
		return
	}
	batch := make([]Delivery, len(envelope.Entries))
	for i, e := range envelope.Entries {
		batch[i] = e.Event
		batch[i].Topic = s.Topic
	}
	type status struct {
		ID     string `json:"entryId"`
		Status string `json:"status"`
	}
	statuses := make([]status, len(batch))
	for i, err := range s.HandleBulk(ctx, batch) {
		statuses[i] = status{ID: envelope.Entries[i].ID, Status: verdict(ctx, batch[i], err)}
	}
	answer(w, r, map[string]any{"statuses": statuses})
}

// continueTrace makes the handler part of the trace the message was published in.
func (d Delivery) continueTrace(ctx context.Context) context.Context {
	if d.Trace == "" {
		return ctx
	}
	return otel.GetTextMapPropagator().Extract(ctx, propagation.MapCarrier{"traceparent": d.Trace})
}

func verdict(ctx context.Context, d Delivery, err error) string {
	if err == nil {
		return success
	}
	v := retry
	if k := fault.KindOf(err); k == fault.Malformed || k == fault.Invalid {
		v = drop
	}
	slog.WarnContext(ctx, "message not handled", "topic", d.Topic, "message", d.ID, "verdict", v, "error", err)
	return v
}

func answer(w http.ResponseWriter, r *http.Request, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		slog.DebugContext(r.Context(), "answer not delivered", "error", fmt.Sprint(err))
	}
}
