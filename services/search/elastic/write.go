package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/search"
)

const bulkTimeout = 20 * time.Second

type operation struct {
	ID          string `json:"_id"`
	Version     uint64 `json:"version"`
	VersionType string `json:"version_type"`
}

// Write implements search.Writer. A version that is there already may be written again, so that
// a repeat of a message, or a repair, has its effect.
func (x *Index) Write(ctx context.Context, to search.Target, writes []search.Write) []error {
	errs := make([]error, len(writes))
	all := func(err error) []error {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	if len(writes) == 0 {
		return errs
	}
	ctx, cancel := context.WithTimeout(ctx, bulkTimeout)
	defer cancel()
	alias := live
	if to == search.Building {
		alias = building
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	for _, w := range writes {
		op := operation{ID: w.ID.String(), Version: w.Version, VersionType: "external_gte"}
		if w.Event == nil {
			if err := enc.Encode(map[string]operation{"delete": op}); err != nil {
				return all(err)
			}
			continue
		}
		if err := enc.Encode(map[string]operation{"index": op}); err != nil {
			return all(err)
		}
		if err := enc.Encode(documentOf(*w.Event)); err != nil {
			return all(err)
		}
	}
	aliased := true // never make an index by accident
	var answer struct {
		Items []map[string]struct {
			Status int `json:"status"`
			Error  *struct {
				Type   string `json:"type"`
				Reason string `json:"reason"`
			} `json:"error"`
		} `json:"items"`
	}
	err := x.do(ctx, esapi.BulkRequest{Index: alias, Body: &body, RequireAlias: &aliased}, &answer)
	if err != nil {
		return all(err)
	}
	if len(answer.Items) != len(writes) {
		return all(fmt.Errorf("elasticsearch: %d answers to %d writes", len(answer.Items), len(writes)))
	}
	missing := false
	for i, item := range answer.Items {
		for _, result := range item {
			switch {
			case result.Status < http.StatusMultipleChoices, result.Status == http.StatusConflict:
			case result.Error == nil && result.Status == http.StatusNotFound: // was not there anyway
			case result.Error != nil && result.Status == http.StatusNotFound && to == search.Building: // swapped meanwhile
			case result.Error != nil && result.Status == http.StatusBadRequest:
				errs[i] = fault.New(fault.Invalid, "not_indexable", "Elasticsearch rejected the event.").Because(fmt.Errorf("%s: %s", result.Error.Type, result.Error.Reason))
			default:
				missing = missing || result.Status == http.StatusNotFound
				r := &refusal{status: result.Status}
				if result.Error != nil {
					r.kind, r.reason = result.Error.Type, result.Error.Reason
				}
				errs[i] = r
			}
		}
	}
	if missing { // somebody threw the index away; the writes come again
		if _, err := x.Ensure(ctx); err != nil {
			return all(err)
		}
	}
	return errs
}
