package telemetry

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/foyer-tickets/foyer/internal/fault"
)

var tracer = otel.Tracer("github.com/foyer-tickets/foyer")

// Outcomes of an operation, values of the attribute foyer.outcome.
const (
	Succeeded = "succeeded"
	Refused   = "refused" // by a rule, as it should be
	Failed    = "failed"  // by a defect or an outage
)

// Outcome tells what an operation has come to, and for one that did not succeed the code of the fault (the attribute
// error.type). Neither tells of a person: an error's text is never used.
func Outcome(err error) (outcome, errorType string) {
	if err == nil {
		return Succeeded, ""
	}
	if errorType = fault.CodeOf(err); errorType == "" {
		errorType = Other
	}
	switch fault.KindOf(err) {
	case fault.Internal, fault.Unavailable:
		return Failed, errorType
	}
	return Refused, errorType
}

// Start begins the span of an operation of the domain. docs/metrics-internal.md lists the names.
// End it with what the operation has come to.
func Start(ctx context.Context, name string) (context.Context, Span) {
	ctx, span := tracer.Start(ctx, name)
	return ctx, Span{span}
}

// Span is an operation that is being traced.
type Span struct{ span oteltrace.Span }

// Set adds an attribute that is a number, such as how many units an operation is about.
func (s Span) Set(name string, value int) { s.span.SetAttributes(attribute.Int(name, value)) }

// End ends the span. Only what failed is an error of the span; what was refused has an outcome.
func (s Span) End(err error) {
	if s.span.IsRecording() {
		outcome, errorType := Outcome(err)
		s.span.SetAttributes(attribute.String("foyer.outcome", outcome))
		if errorType != "" {
			s.span.SetAttributes(attribute.String("error.type", errorType))
		}
		if outcome == Failed {
			s.span.SetStatus(codes.Error, errorType)
		}
	}
	s.span.End()
}
