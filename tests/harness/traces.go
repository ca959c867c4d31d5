package harness

import (
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Traces is an OpenTelemetry collector of a few lines: it keeps the spans of the traces that a
// test asked for (OTLP over HTTP, https://opentelemetry.io/docs/specs/otlp/).
type Traces struct {
	URL string

	mu      sync.Mutex
	watched map[string][]Span
}

// Span is one step of a trace.
type Span struct{ Service, Name string }

func newTraces(address string) (*Traces, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &Traces{URL: "http://" + listener.Addr().String(), watched: map[string][]Span{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", c.take)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return c, nil
}

func (c *Traces) take(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	var batch collectortrace.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(raw, &batch)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range batch.ResourceSpans {
		service := ""
		for _, attribute := range resource.GetResource().GetAttributes() {
			if attribute.Key == "service.name" {
				service = attribute.Value.GetStringValue()
			}
		}
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				id := hex.EncodeToString(span.TraceId)
				if spans, ok := c.watched[id]; ok {
					c.watched[id] = append(spans, Span{service, span.Name})
				}
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// Watch starts collecting the spans of a trace, given by 32 hexadecimal digits.
func (c *Traces) Watch(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched[id] = nil
}

// Spans returns the collected spans of a watched trace.
func (c *Traces) Spans(id string) []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.watched[id])
}
