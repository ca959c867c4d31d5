// Package telemetry sets up a process's structured logs, OpenTelemetry traces and metrics, which are
// exported in Prometheus's form. None of them contains personal data: the logger masks email addresses.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.26.0"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Logger returns a logger that writes JSON lines to w, each with the service's name and, within a request, its
// trace id. Email addresses are masked everywhere: they can occur in errors of mail servers and in URLs of
// failed requests.
func Logger(w io.Writer, service string, level slog.Level) *slog.Logger {
	h := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: masked})
	return slog.New(traced{h}).With("service", service)
}

// address matches email addresses, including URL-encoded ones.
var address = regexp.MustCompile(`[\pL\pN.!#$&'*+/=?^_{|}~%-]+(?:@|%40)[\pL\pN-]+(?:\.[\pL\pN-]+)+`)

// Mask replaces email addresses in a text.
func Mask(text string) string {
	if !strings.Contains(text, "@") && !strings.Contains(text, "%40") {
		return text
	}
	return address.ReplaceAllString(text, "[address]")
}

func masked(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(Mask(a.Value.String()))
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case error, fmt.Stringer:
			a.Value = slog.StringValue(Mask(fmt.Sprint(v))) // which survives nil pointers, as v.String() does not
		}
	}
	return a
}

// traced adds the context's trace id to each record.
type traced struct{ slog.Handler }

func (t traced) Handle(ctx context.Context, r slog.Record) error {
	if sc := oteltrace.SpanContextFromContext(ctx); sc.HasTraceID() {
		r.AddAttrs(slog.String("trace", sc.TraceID().String()))
	}
	return t.Handler.Handle(ctx, r)
}

func (t traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{t.Handler.WithAttrs(attrs)} }
func (t traced) WithGroup(name string) slog.Handler       { return traced{t.Handler.WithGroup(name)} }

// Tracing installs W3C trace context propagation and, when export is true, an OTLP exporter
// that takes its target from the standard OTEL_EXPORTER_OTLP_* environment
// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/). Call stop to flush.
func Tracing(ctx context.Context, service string, export bool) (stop func(context.Context) error, err error) {
	otel.SetTextMapPropagator(propagation.TraceContext{})
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { slog.Warn("telemetry", "error", err) }))
	if !export {
		return func(context.Context) error { return nil }, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("telemetry: trace exporter: %w", err)
	}
	provider := trace.NewTracerProvider(
		trace.WithBatcher(exporter, trace.WithMaxQueueSize(2048)),
		trace.WithResource(resource.NewSchemaless(semconv.ServiceName(service))),
	)
	otel.SetTracerProvider(provider)
	return provider.Shutdown, nil
}

// TraceParent returns the context's trace parent (W3C Trace Context), or "" outside of a trace.
func TraceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}
