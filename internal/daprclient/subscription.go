package daprclient

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/gorilla/mux"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/messages"
)

// Delivery is one message as it arrived.
type Delivery struct {
	ID    string          `json:"id"`
	Topic string          `json:"topic"`
	Data  json.RawMessage `json:"data"`
	Bytes []byte          `json:"data_base64"` // instead of Data, when it was sent as Opaque
	Trace string          `json:"traceparent"`
}

// Subscription is a subscription to a topic. Messages are passed one by one to Handle or, with Bulk, to
// HandleBulk in batches of up to Max messages that were collected for at most Wait; HandleBulk returns one
// error per message.
//
// A nil error acknowledges the message. A fault that a retry cannot change (fault.Malformed, fault.Invalid)
// sends it to the dead-letter topic. Any other error redelivers it under the component's retry policy, and
// then dead-letters it.
type Subscription struct {
	Component string // messages.PubSub or messages.Broadcast
	Topic     string

	Handle func(ctx context.Context, d Delivery) error

	// Patience is the deadline of one delivery, 30 s if unset. A handler that waits for its dependencies uses
	// up fewer of a message's redeliveries.
	Patience time.Duration

	Bulk       bool
	Max        int
	Wait       time.Duration
	HandleBulk func(ctx context.Context, batch []Delivery) []error
}

// On returns a subscription whose messages are JSON of type T.
func On[T any](component, topic string, handle func(context.Context, T) error) Subscription {
	return Subscription{Component: component, Topic: topic, Handle: func(ctx context.Context, d Delivery) error {
		v, err := Decode[T](d)
		if err != nil {
			return err
		}
		return handle(ctx, v)
	}}
}

// messageOptions accept what encoding/json writes, but names are case-sensitive and unique, and text must be
// UTF-8. Unknown names are ignored, since a newer sender may add fields.
var messageOptions = jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv2.MatchCaseInsensitiveNames(false),
	jsontext.AllowDuplicateNames(false), jsontext.AllowInvalidUTF8(false))

// Decode decodes a message's payload. A payload that is not a T is dead-lettered without retries.
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

// SideBySide returns a subscription of messages.PubSub whose messages are JSON of type T and handled
// concurrently, those of one key in order. Without batches, a partition delivers one message at a time, at one
// round trip each.
func SideBySide[T any, K comparable](topic string, key func(T) K, handle func(context.Context, T) error) Subscription {
	return Subscription{
		Component: messages.PubSub, Topic: topic, Bulk: true, Max: batchMax, Wait: batchWait,
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
						func() {
							defer func() {
								if v := recover(); v != nil { // nobody else would, here
									errs[i] = panicked(ctx, v)
								}
							}()
							errs[i] = handle(batch[i].continueTrace(ctx), payloads[i])
						}()
					}
					return nil
				})
			}
			_ = group.Wait() // each has its own error
			return errs
		},
	}
}

// handleTimeout is the deadline of a delivery without Patience.
const handleTimeout = 30 * time.Second

// answerTime is added to the deadline for writing the response.
const answerTime = 10 * time.Second

// SubscribePath is the path at which the sidecar asks for subscriptions.
const SubscribePath = "/dapr/subscribe"

// Mount adds /dapr/subscribe and the delivery routes, which require the app token, so that only the sidecar
// can deliver.
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
		if s.Component == messages.PubSub {
			e.DeadLetter = s.Topic + messages.Dead
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

// OwnApp returns a subrouter of Guarded's whose routes only processes of the same app may call, with
// Client.InvokeOwnActor.
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
	drop    = "DROP" // to the dead-letter topic, if there is one
)

// bodyLimit is the size of the largest delivery: the topic's largest message, times the number of messages per
// delivery.
func (s Subscription) bodyLimit() int64 {
	return int64(envelopeSize + max(1, s.Max)*messages.MaxDelivered(s.Topic))
}

const envelopeSize = 4 << 10 // of a bulk delivery, around its entries

func (s Subscription) deliver(w http.ResponseWriter, r *http.Request) {
	patience := cmp.Or(s.Patience, handleTimeout)
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if s.Patience > 0 { // more than the server's own deadlines allow
		rc := http.NewResponseController(w)
		end := time.Now().Add(patience + answerTime)
		if err := errors.Join(rc.SetReadDeadline(end), rc.SetWriteDeadline(end)); err != nil {
			slog.WarnContext(ctx, "delivery deadline could not be extended", "topic", s.Topic, "error", err)
		}
	}
	httpapi.LimitBody(w, r, s.bodyLimit())
	if s.Bulk {
		s.deliverBulk(ctx, w, r)
		return
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil && !tooLarge(err) {
		http.Error(w, "not read", http.StatusBadRequest) // the connection broke; it will be delivered again
		return
	}
	var d Delivery
	if err == nil {
		err = jsonv2.Unmarshal(raw, &d, messageOptions)
	}
	if err != nil {
		slog.WarnContext(ctx, "message not decoded", "topic", s.Topic, "verdict", drop, "error", err)
		answer(w, r, map[string]string{"status": drop})
		return
	}
	d.Topic = s.Topic
	answer(w, r, map[string]string{"status": verdict(ctx, d, s.handle(ctx, d))})
}

// handle converts a panic into an error of this message only, so that other messages of the delivery are not
// affected.
func (s Subscription) handle(ctx context.Context, d Delivery) (err error) {
	defer recovered(ctx, &err)
	return s.Handle(d.continueTrace(ctx), d)
}

// errPanicked is the result of a handler that panicked.
var errPanicked = errors.New("the handler panicked")

func recovered(ctx context.Context, err *error) {
	switch v := recover(); v {
	case nil:
	case http.ErrAbortHandler:
		panic(v)
	default:
		*err = panicked(ctx, v)
	}
}

func panicked(ctx context.Context, v any) error {
	slog.ErrorContext(ctx, "panic", "value", fmt.Sprint(v), "stack", string(debug.Stack()))
	return errPanicked
}

func tooLarge(err error) bool {
	_, is := errors.AsType[*http.MaxBytesError](err)
	return is
}

type entryStatus struct {
	ID     string `json:"entryId"`
	Status string `json:"status"`
}

// deliverBulk decodes and answers the entries one by one, so that an undecodable entry does not affect the
// others. An entry without an answer is delivered again, so an oversized delivery is processed as far as it
// can be read.
func (s Subscription) deliverBulk(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	var (
		batch    []Delivery
		ids      []string
		drops    []string // what to answer for one that is to be dropped
		statuses []entryStatus
		position int
	)
	err := entries(r.Body, func(raw json.RawMessage) {
		d, id, err := s.entry(raw)
		v := drop
		if id != strconv.Itoa(position) {
			// A sidecar (1.18) looks a dropped entry up by its index in the first delivery. In a later
			// delivery with fewer entries it would send another entry to the dead letters, or crash.
			v = retry
		}
		position++
		if err == nil {
			batch, ids, drops = append(batch, d), append(ids, id), append(drops, v)
			return
		}
		slog.WarnContext(ctx, "message not decoded", "topic", s.Topic, "entry", id, "verdict", v, "error", err)
		statuses = append(statuses, entryStatus{id, v})
	})
	if err != nil {
		slog.WarnContext(ctx, "bulk delivery could not be decoded completely", "topic", s.Topic, "entries", position, "error", err)
		if position == 0 {
			http.Error(w, "not a bulk delivery", http.StatusBadRequest)
			return
		}
	}
	if len(batch) > 0 {
		for i, err := range s.handleBulk(ctx, batch) {
			v := verdict(ctx, batch[i], err)
			if v == drop {
				v = drops[i]
			}
			statuses = append(statuses, entryStatus{ids[i], v})
		}
	}
	answer(w, r, map[string]any{"statuses": statuses})
}

// handleBulk converts a panic into an error of each message.
func (s Subscription) handleBulk(ctx context.Context, batch []Delivery) (errs []error) {
	var err error
	defer func() {
		if err != nil {
			errs = slices.Repeat([]error{err}, len(batch))
		}
	}()
	defer recovered(ctx, &err)
	return s.HandleBulk(ctx, batch)
}

// entry decodes one entry of a bulk delivery. It returns the id even if the rest cannot be decoded.
func (s Subscription) entry(raw json.RawMessage) (d Delivery, id string, err error) {
	var e struct {
		ID    string          `json:"entryId"`
		Event json.RawMessage `json:"event"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return d, e.ID, err
	}
	if len(raw) > messages.MaxDelivered(s.Topic) {
		return d, e.ID, errTooLarge
	}
	err = jsonv2.Unmarshal(e.Event, &d, messageOptions)
	d.Topic = s.Topic
	return d, e.ID, err
}

// entries calls f with each entry of a bulk delivery, as far as it can be decoded.
func entries(body io.Reader, f func(json.RawMessage)) error {
	in := json.NewDecoder(body)
	for depth := 0; ; {
		token, err := in.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'):
			depth++
		case json.Delim('}'):
			if depth--; depth == 0 {
				return nil
			}
		case "entries":
			if depth != 1 {
				continue
			}
			if _, err := in.Token(); err != nil { // [
				return err
			}
			for in.More() {
				var raw json.RawMessage
				if err := in.Decode(&raw); err != nil {
					return err
				}
				f(raw)
			}
			return nil
		}
	}
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
		slog.DebugContext(r.Context(), "response not written", "error", fmt.Sprint(err))
	}
}
