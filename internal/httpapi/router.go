// Package httpapi is the HTTP server of every Foyer service: a router with the same middleware everywhere.
// From outside in: tracing, request id, metrics and access log, panic recovery, authentication,
// authorization, body limit, validation against the service's OpenAPI file, idempotency. It also decodes
// requests and writes problem details.
package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/telemetry"
)

// Verifier authenticates a raw access token and returns its account.
type Verifier interface {
	Verify(ctx context.Context, raw string) (identity.Account, error)
}

// Options configures a router.
type Options struct {
	Service     string           // the name in traces
	Spec        []byte           // the OpenAPI document; routes outside of it are not validated
	Verifier    Verifier         // authenticates callers; nil: every caller is anonymous
	Idempotency IdempotencyStore // nil: Idempotency-Key is ignored
}

// RequestIDHeader has the id that the gateway assigns to each request.
const RequestIDHeader = "X-Request-Id"

// maxBody is the body limit of an operation unless its OpenAPI entry has `x-max-body`; maxInternalBody is that
// of routes outside the contract unless they use LimitBody.
const (
	maxBody         = 64 << 10
	maxInternalBody = 1 << 20
)

// NewRouter returns a router without routes. Mount generated servers on it with HandlerWithOptions{BaseRouter:
// router, ErrorHandlerFunc: httpapi.BadRequest}.
func NewRouter(o Options) (*mux.Router, error) {
	router := mux.NewRouter()
	observed := observe(o.Service)
	router.Use(requestID, observed, recovery)
	spec, err := newContract(o.Spec)
	if err != nil {
		return nil, fmt.Errorf("httpapi: %s: %w", o.Service, err)
	}
	router.Use(spec.exact, authenticate(o.Verifier), spec.permit, spec.limitBody, spec.drainStreams, spec.boundStreams(o.Verifier), spec.limitStreams(&StreamLimit{}), spec.validate)
	if o.Idempotency != nil {
		router.Use(spec.idempotent(o.Idempotency))
	}
	// The router's middlewares are only for what it finds.
	outer := func(h http.HandlerFunc) http.Handler {
		wrapped := recovery(h)
		for _, use := range []mux.MiddlewareFunc{observed, requestID} {
			wrapped = use(wrapped)
		}
		return wrapped
	}
	router.NotFoundHandler = outer(func(w http.ResponseWriter, r *http.Request) {
		WriteProblem(w, r, fault.New(fault.NotFound, "not_found", "There is no resource at this address."))
	})
	router.MethodNotAllowedHandler = outer(func(w http.ResponseWriter, r *http.Request) {
		if item := spec.doc.Paths.Value(r.URL.Path); item != nil {
			notAllowed(w, r, slices.Sorted(maps.Keys(item.Operations())))
			return
		}
		notAllowed(w, r, allowed(router, r))
	})
	return router, nil
}

// methods that a route can have.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

func notAllowed(w http.ResponseWriter, r *http.Request, methods []string) {
	w.Header().Set("Allow", strings.Join(methods, ", "))
	WriteProblem(w, r, fault.New(fault.NotAllowed, "method_not_allowed", "The method is not supported by this resource."))
}

// allowed lists the methods that a path supports (RFC 9110, 10.2.1).
func allowed(router *mux.Router, r *http.Request) []string {
	var found []string
	for _, method := range methods {
		probe := *r
		probe.Method = method
		var match mux.RouteMatch
		if router.Match(&probe, &match) && match.MatchErr == nil && match.Route != nil {
			found = append(found, method)
		}
	}
	return found
}

// known returns a request's method as a metric label; unknown methods share one label, since clients can send
// any.
func known(method string) string {
	if slices.Contains(methods, method) {
		return method
	}
	return "other"
}

// Traced wraps the whole router so that a trace includes routing.
func Traced(service string, h http.Handler) http.Handler {
	return otelhttp.NewHandler(h, service, otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
		return known(r.Method)
	}))
}

type requestIDKey struct{}

// RequestID returns the id of the current request, or "" outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

func requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(RequestIDHeader)
		if id == "" || len(id) > 64 {
			id = uuid.NewString()
		}
		w.Header().Set(RequestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

// template returns the matched route's path template, which is safe for logs and labels; the real path may
// contain ids of people.
func template(r *http.Request) string {
	if route := mux.CurrentRoute(r); route != nil {
		if t, err := route.GetPathTemplate(); err == nil {
			return t
		}
	}
	return "unmatched"
}

var duration = telemetry.NewDuration("http.request.duration", "Time to answer, by route, method and status.", "service", "route", "method", "status")

// observe records and logs each request: rate, errors and duration by route.
func observe(service string) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start, rec := time.Now(), &recorder{ResponseWriter: w}
			next.ServeHTTP(rec, r)
			took, route := time.Since(start), template(r)
			duration.Record(r.Context(), took, service, route, known(r.Method), strconv.Itoa(rec.code()))
			level := slog.LevelDebug
			if rec.code() >= http.StatusInternalServerError {
				level = slog.LevelWarn
			}
			slog.Log(r.Context(), level, "request", "method", known(r.Method), "route", route,
				"status", rec.code(), "ms", took.Milliseconds(), "request", RequestID(r.Context()))
		})
	}
}

// recorder records the status. Unwrap keeps http.ResponseController working through it.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

func recovery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				slog.ErrorContext(r.Context(), "panic", "value", fmt.Sprint(v), "stack", string(debug.Stack()))
				WriteProblem(w, r, fault.New(fault.Internal, "internal", "Something went wrong on our side."))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// authenticate verifies a bearer token if there is one. An invalid token is rejected even where none is
// required, since the caller expects to be signed in.
func authenticate(v Verifier) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			header := r.Header.Get("Authorization")
			if v == nil || header == "" {
				next.ServeHTTP(w, r)
				return
			}
			raw, ok := identity.Bearer(header)
			if !ok {
				WriteProblem(w, r, identity.ErrInvalidToken)
				return
			}
			account, err := v.Verify(r.Context(), raw)
			if err != nil {
				WriteProblem(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(identity.With(r.Context(), account)))
		})
	}
}
