// Package daprclient is a client of the Dapr sidecar: state, topics, bindings, secrets, actors, and calls to
// other services. Every call has a deadline (deadlines.go). Domain packages do not import it; only the
// services' Dapr adapters do.
package daprclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	runtime "github.com/dapr/dapr/pkg/proto/runtime/v1"
	dapr "github.com/dapr/go-sdk/client"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// Config is the sidecar's address, and the tokens with which the sidecar and the app authenticate each other.
// The variables are Dapr's own (https://docs.dapr.io/reference/environment/).
type Config struct {
	Host     string `env:"DAPR_HOST" envDefault:"127.0.0.1"`
	HTTPPort uint16 `env:"DAPR_HTTP_PORT,required"`
	GRPCPort uint16 `env:"DAPR_GRPC_PORT,required"`
	APIToken string `env:"DAPR_API_TOKEN,required,notEmpty"`
	AppToken string `env:"APP_API_TOKEN,required,notEmpty"`
}

// TokenHeader carries the API token in both directions.
const TokenHeader = "dapr-api-token"

// maxMessage is the largest state value or message taken from the sidecar.
const maxMessage = 16 << 20

// MaxAnswer is the largest response of another service that Invoke reads, in bytes. Responses that could
// become larger have to be paged or bounded by the service.
const MaxAnswer = 32 << 20

// Client is a client of the process's own sidecar.
type Client struct {
	dapr  dapr.Client
	http  *http.Client
	base  string // of the sidecar's HTTP API
	token string

	appToken string
}

// New returns a client. It connects on first use, so process and sidecar may start in any order.
func New(cfg Config) (*Client, error) {
	// The SDK's own dialer blocks, and its token interceptor drops the trace context.
	conn, err := grpc.NewClient(fmt.Sprintf("passthrough:///%s:%d", cfg.Host, cfg.GRPCPort),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler()),
		grpc.WithUnaryInterceptor(withToken(cfg.APIToken)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: time.Second}),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
	)
	if err != nil {
		return nil, fmt.Errorf("sidecar: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	transport.DialContext = dialPatiently
	return &Client{
		dapr:  dapr.NewClientWithConnection(conn),
		http:  &http.Client{Transport: otelhttp.NewTransport(transport)},
		base:  fmt.Sprintf("http://%s:%d", cfg.Host, cfg.HTTPPort),
		token: cfg.APIToken, appToken: cfg.AppToken,
	}, nil
}

// A call waits for an unreachable sidecar within its own deadline, because sidecars are restarted like any
// process and nothing of the call has been sent yet.
var reconnect = backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.5, Jitter: 0.2, MaxDelay: 300 * time.Millisecond}

// dialPatiently connects, and retries while the connection is refused.
func dialPatiently(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	for end := time.Now().Add(dialPatience); ; {
		conn, err := dialer.DialContext(ctx, network, address)
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Now().After(end) {
			return conn, err
		}
		if err := worker.Sleep(ctx, reconnect.BaseDelay); err != nil {
			return nil, err
		}
	}
}

const dialPatience = 5 * time.Second

func withToken(token string) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return invoke(metadata.AppendToOutgoingContext(ctx, TokenHeader, token), method, req, reply, conn, opts...)
	}
}

// Dapr returns the SDK's client for calls that this package does not wrap. They need a deadline of their own.
func (c *Client) Dapr() dapr.Client { return c.dapr }

// Close ends the connection.
func (c *Client) Close() { c.dapr.Close() }

// Ready returns an error unless the sidecar and its components are up; it is used by readiness checks.
func (c *Client) Ready(ctx context.Context) error {
	ctx, cancel := within(ctx, "")
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/v1.0/healthz/outbound", nil)
	if err != nil {
		return err
	}
	req.Header.Set(TokenHeader, c.token)
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("sidecar: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("sidecar: health answered %d", res.StatusCode)
	}
	return nil
}

// RawJSON is JSON that is published as bytes. Sidecars parse and encode the JSON of other payloads at both
// ends, which is most of the cost of a large message.
type RawJSON []byte

const (
	plain  = "application/json"
	opaque = "application/octet-stream"
)

// Publish publishes one message and returns when the broker has accepted it. Messages with the same key keep
// their order.
func (c *Client) Publish(ctx context.Context, component, topic, key string, payload any) error {
	ctx, cancel := within(ctx, component)
	defer cancel()
	contentType := opaque
	raw, isOpaque := payload.(RawJSON)
	if !isOpaque {
		encoded, err := json.Marshal(payload)
		if err != nil {
			return fmt.Errorf("publish %s: %w", topic, err)
		}
		raw, contentType = encoded, plain
	}
	if len(raw) > messages.MaxPayload(topic, isOpaque) {
		return fmt.Errorf("publish %s: %d bytes: %w", topic, len(raw), errTooLarge)
	}
	err := c.dapr.PublishEvent(ctx, component, topic, []byte(raw),
		dapr.PublishEventWithMetadata(map[string]string{"partitionKey": key}), dapr.PublishEventWithContentType(contentType))
	if err != nil {
		return fmt.Errorf("publish %s: %w", topic, err)
	}
	return nil
}

// Message is one entry of a bulk publish. Payload is JSON; if marked as opaque, it is published as bytes, like
// RawJSON. Trace is the W3C trace parent of the message's cause, or "" to use the context's.
type Message struct {
	Key     string
	Payload json.RawMessage
	Opaque  bool
	Trace   string
}

// PublishBulk publishes messages to one topic and returns the indices of those that the broker has not
// accepted. Dapr guarantees no order within a bulk, so consumers must compare versions. A message larger than
// its topic's limit is not sent; the others are.
func (c *Client) PublishBulk(ctx context.Context, component, topic string, batch []Message) (failed []int, err error) {
	ctx, cancel := within(ctx, component)
	defer cancel()
	var (
		entries []any
		size    int
		errs    []error
	)
	send := func() {
		if len(entries) == 0 {
			return
		}
		res := c.dapr.PublishEvents(ctx, component, topic, entries)
		for _, f := range res.FailedEvents {
			var i int
			if e, ok := f.(dapr.PublishEventsEvent); ok {
				if _, err := fmt.Sscan(e.EntryID, &i); err == nil {
					failed = append(failed, i)
				}
			}
		}
		entries, size, errs = nil, 0, append(errs, res.Error)
	}
	for i, m := range batch {
		if len(m.Payload) > messages.MaxPayload(topic, m.Opaque) {
			failed, errs = append(failed, i), append(errs, fmt.Errorf("%d bytes: %w", len(m.Payload), errTooLarge))
			continue
		}
		if size+len(m.Payload) > messages.PublishMost {
			send()
		}
		metadata := map[string]string{"partitionKey": m.Key}
		if m.Trace != "" {
			metadata["cloudevent.traceparent"] = m.Trace
		}
		contentType := plain
		if m.Opaque {
			contentType = opaque
		}
		size += len(m.Payload)
		entries = append(entries, dapr.PublishEventsEvent{EntryID: fmt.Sprint(i), Data: m.Payload, ContentType: contentType, Metadata: metadata})
	}
	send()
	if err := errors.Join(errs...); err != nil || len(failed) > 0 {
		return failed, fmt.Errorf("publish %d of %d to %s: %w", len(failed), len(batch), topic, errors.Join(errNotPublished, err))
	}
	return nil, nil
}

var errTooLarge = errors.New("larger than a message of this topic may be")

var errNotPublished = errors.New("the broker did not take all messages")

// Secret returns the value of a secret that has a single value, such as a signing key.
func (c *Client) Secret(ctx context.Context, store, name string) (string, error) {
	ctx, cancel := within(ctx, store)
	defer cancel()
	values, err := c.dapr.GetSecret(ctx, store, name, nil)
	if err != nil {
		return "", fmt.Errorf("secret %s: %w", name, err)
	}
	value, ok := values[name]
	if !ok {
		return "", fmt.Errorf("secret %s: empty", name)
	}
	return value, nil
}

// Bind invokes an output binding.
func (c *Client) Bind(ctx context.Context, component, operation string, data []byte, meta map[string]string) error {
	ctx, cancel := within(ctx, component)
	defer cancel()
	err := c.dapr.InvokeOutputBinding(ctx, &dapr.InvokeBindingRequest{Name: component, Operation: operation, Data: data, Metadata: meta})
	if err != nil {
		return fmt.Errorf("binding %s: %w", component, err)
	}
	return nil
}

// Invoke calls another service through both sidecars. in is sent as JSON unless it is nil; the response is
// decoded into out unless that is nil. A problem of the other service is returned as the fault that it was. No
// response is fault.Unavailable, and so is an empty 200, or any empty response if out is not nil. path starts
// with a slash and may contain a query. When ctx is cancelled, Invoke returns at once, but the call itself
// continues until its response or its deadline.
func (c *Client) Invoke(ctx context.Context, app, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("invoke %s: %w", app, err)
		}
	}
	if err := ctx.Err(); err != nil { // do not start a call for a caller that has left
		return fault.Away(app, err)
	}
	call, cancel := detached(ctx, app)
	var (
		status int
		answer []byte
		sent   = make(chan error, 1)
	)
	go func() {
		defer cancel()
		var err error
		status, answer, err = c.send(call, app, method, path, body)
		sent <- err
	}()
	select {
	case <-ctx.Done():
		return fault.Away(app, ctx.Err())
	case err := <-sent:
		if err != nil {
			return err
		}
	}
	if status >= http.StatusMultipleChoices {
		return refused(app, status, answer)
	}
	if len(answer) == 0 && (out != nil || status == http.StatusOK) {
		// A sidecar that is stopping may answer 200, without a body, for a service that it did not reach.
		return fault.Away(app, fmt.Errorf("answered %d without a body", status))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("invoke %s: answer: %w", app, err)
	}
	return nil
}

// detached is like within, but the call does not end with ctx. The sidecar counts a call that its caller
// cancelled as a failure of the target: callers that leave, or parallel calls that cancel each other, would
// open the circuit breakers of healthy services and keep them open.
func detached(ctx context.Context, app string) (context.Context, context.CancelFunc) {
	until := time.Now().Add(Deadline(app))
	if own, bounded := ctx.Deadline(); bounded && own.Before(until) {
		until = own
	}
	return context.WithDeadline(context.WithoutCancel(ctx), until)
}

func (c *Client) send(ctx context.Context, app, method, path string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/v1.0/invoke/"+url.PathEscape(app)+"/method"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("invoke %s: %w", app, err)
	}
	req.Header.Set(TokenHeader, c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, fault.Away(app, withoutURL(err))
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(http.MaxBytesReader(nil, res.Body, MaxAnswer)) // an error, not half an answer
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return 0, nil, fmt.Errorf("invoke %s: an answer has at most %d bytes: %w", app, MaxAnswer, err)
	}
	if err != nil {
		return 0, nil, fault.Away(app, err)
	}
	return res.StatusCode, answer, nil
}

// OwnAppHeader authenticates an actor call as coming from a process of the app that hosts the actor. Dapr's
// access control does not cover actors: any sidecar with a certificate may call them.
const OwnAppHeader = "Foyer-Own-App"

// InvokeOwnActor calls a method of an actor that this app hosts in one of its processes.
func (c *Client) InvokeOwnActor(ctx context.Context, actorType, id, method string, data []byte) ([]byte, error) {
	res, err := c.dapr.GrpcClient().InvokeActor(ctx, &runtime.InvokeActorRequest{
		ActorType: actorType, ActorId: id, Method: method, Data: data, Metadata: map[string]string{OwnAppHeader: c.appToken},
	})
	return res.GetData(), err
}

// withoutURL removes the URL from an HTTP error, since it may contain an account id.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

var kinds = map[int]fault.Kind{
	http.StatusBadRequest: fault.Malformed, http.StatusForbidden: fault.Forbidden, http.StatusNotFound: fault.NotFound,
	http.StatusConflict: fault.Conflict, http.StatusGone: fault.Gone, http.StatusPreconditionFailed: fault.PreconditionFailed,
	http.StatusUnprocessableEntity: fault.Invalid, http.StatusTooManyRequests: fault.TooMany,
}

// refused converts a problem document into the fault that the other service returned. A status without a
// problem code comes from the sidecar: the service was not reached.
func refused(app string, status int, body []byte) error {
	var problem struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}
	kind, known := kinds[status]
	if err := json.Unmarshal(body, &problem); err != nil || problem.Code == "" || !known {
		return fault.Away(app, fmt.Errorf("answered %d", status))
	}
	return fault.New(kind, problem.Code, problem.Detail)
}
