// Package elastic keeps events in Elasticsearch and finds them there. It is the only importer of
// the client. What people type travels as values in JSON, never as query syntax.
package elastic

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
	"github.com/elastic/go-elasticsearch/v8/esapi"
	jsonv2 "github.com/go-json-experiment/json"

	"github.com/foyer-tickets/foyer/internal/fault"
)

//go:embed index.json
var indexJSON []byte

//go:embed synonyms.txt
var synonyms string

// Names of the aliases. Indices are called after the rules they were made by.
const (
	live     = "events"
	building = "events-building"
)

// Index is the events in Elasticsearch.
type Index struct {
	es    esapi.Transport
	body  []byte // settings and mappings
	rules string // what they hash to
	shown refresher
}

// New returns an index at the URL address that connects when it is first used. It speaks through the
// client's own transport and not through its elasticsearch.Client, whose typed half is 850 packages
// that would be compiled and linked for nothing.
func New(address string) (*Index, error) {
	at, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	transport.ResponseHeaderTimeout = time.Minute
	transport.ReadBufferSize = 32 << 10 // a page of events in one read
	transport.DisableCompression = true // it is near, and packing costs both sides more than the way
	es, err := elastictransport.NewClient(elastictransport.WithURLs(at), elastictransport.WithTransport(transport), elastictransport.WithDisableRetry())
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", err)
	}
	body, err := definition()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	x := &Index{es: es, body: body, rules: hex.EncodeToString(sum[:4])}
	x.shown.refresh = x.Refresh
	return x, nil
}

// definition puts the synonyms into the settings.
func definition() ([]byte, error) {
	var index struct {
		Settings struct {
			Index    json.RawMessage `json:"index"`
			Analysis struct {
				Filter   map[string]map[string]any `json:"filter"`
				Analyzer json.RawMessage           `json:"analyzer"`
			} `json:"analysis"`
		} `json:"settings"`
		Mappings json.RawMessage `json:"mappings"`
	}
	if err := json.Unmarshal(indexJSON, &index); err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	rules := []string{}
	for line := range strings.Lines(synonyms) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			rules = append(rules, line)
		}
	}
	index.Settings.Analysis.Filter["synonyms"]["synonyms"] = rules
	return json.Marshal(index)
}

// refusal is an answer that is not a success.
type refusal struct {
	status int
	kind   string
	reason string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("elasticsearch answered %d: %s: %s", r.status, r.kind, r.reason)
}

// refused reads the cause that Elasticsearch gives.
func refused(status int, cause json.RawMessage) error {
	var c struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
	}
	_ = json.Unmarshal(cause, &c) // sometimes it is a mere text
	return &refusal{status: status, kind: c.Type, reason: c.Reason}
}

// is tells whether err is an answer of that status.
func is(err error, status int) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.status == status
}

// Ready tells whether it answers.
func (x *Index) Ready(ctx context.Context) error {
	return x.do(ctx, esapi.PingRequest{}, nil)
}

// do makes a request and reads the answer into out unless nil.
func (x *Index) do(ctx context.Context, request esapi.Request, out any) error {
	res, err := request.Do(ctx, x.es)
	if err != nil {
		return fault.Away("elasticsearch", err)
	}
	defer res.Body.Close()
	if res.IsError() {
		raw, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
		var body struct {
			Error json.RawMessage `json:"error"`
		}
		_ = json.Unmarshal(raw, &body) // a proxy's answer has none
		return refused(res.StatusCode, body.Error)
	}
	if out == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		return nil
	}
	var raw bytes.Buffer
	if n, err := strconv.Atoi(res.Header.Get("Content-Length")); err == nil && n > 0 && n < 1<<20 {
		raw.Grow(n + bytes.MinRead)
	}
	if _, err := raw.ReadFrom(res.Body); err != nil {
		return fault.Away("elasticsearch", err)
	}
	return jsonv2.Unmarshal(raw.Bytes(), out) // in a third of the time
}

func encode(v any) (io.Reader, error) {
	raw, err := json.Marshal(v)
	return bytes.NewReader(raw), err
}
