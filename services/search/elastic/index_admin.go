package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/search"
)

var (
	_ search.Writer     = (*Index)(nil)
	_ search.IndexAdmin = (*Index)(nil)
	_ search.Engine     = (*Index)(nil)
)

const adminTimeout = 30 * time.Second

// behind lists the indices that an alias stands for.
func (x *Index) behind(ctx context.Context, alias string) ([]string, error) {
	var answer map[string]json.RawMessage
	err := x.do(ctx, esapi.IndicesGetAliasRequest{Name: []string{alias}}, &answer)
	if is(err, http.StatusNotFound) {
		return nil, nil
	}
	names := make([]string, 0, len(answer))
	for name := range answer {
		names = append(names, name)
	}
	return names, err
}

// Name is that of the index that people search.
func (x *Index) Name(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	names, err := x.behind(ctx, live)
	if err != nil || len(names) == 0 {
		return "", err
	}
	return names[0], nil
}

// IsBuilding implements search.Writer.
func (x *Index) IsBuilding(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	names, err := x.behind(ctx, building)
	return len(names) > 0, err
}

// Ensure implements search.IndexAdmin.
func (x *Index) Ensure(ctx context.Context) (current bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	names, err := x.behind(ctx, live)
	if err != nil {
		return false, err
	}
	if len(names) > 0 {
		return strings.HasPrefix(names[0], x.name("")), nil
	}
	// Replicas that start together agree on this name: the second one finds it there.
	err = x.create(ctx, x.name("1"), live)
	if r, ok := errors.AsType[*refusal](err); ok && r.kind == "resource_already_exists_exception" {
		// A half-built one of ours, or made this moment by another replica: it gets its name.
		err = x.do(ctx, esapi.IndicesPutAliasRequest{Index: []string{x.name("1")}, Name: live}, nil)
	}
	return true, err
}

func (x *Index) name(n string) string { return "events-" + x.rules + "-" + n }

func (x *Index) create(ctx context.Context, name, alias string) error {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(x.body, &body); err != nil {
		return err
	}
	body["aliases"] = json.RawMessage(`{"` + alias + `": {}}`)
	reader, err := encode(body)
	if err != nil {
		return err
	}
	return x.do(ctx, esapi.IndicesCreateRequest{Index: name, Body: reader}, nil)
}

// Build implements search.IndexAdmin. What an earlier, broken-off build left is thrown away.
func (x *Index) Build(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	left, err := x.behind(ctx, building)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		if err := x.do(ctx, esapi.IndicesDeleteRequest{Index: left}, nil); err != nil {
			return err
		}
	}
	return x.create(ctx, x.name(strconv.FormatInt(time.Now().UnixMilli(), 10)), building)
}

// Swap implements search.IndexAdmin.
func (x *Index) Swap(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	fresh, err := x.behind(ctx, building)
	if err != nil {
		return err
	}
	if len(fresh) != 1 {
		return fmt.Errorf("elasticsearch: %d indices are being built", len(fresh))
	}
	old, err := x.behind(ctx, live)
	if err != nil {
		return err
	}
	if err := x.do(ctx, esapi.IndicesRefreshRequest{Index: fresh}, nil); err != nil {
		return err
	}
	type action map[string]map[string]string
	actions := []action{
		{"add": {"index": fresh[0], "alias": live}},
		{"remove": {"index": fresh[0], "alias": building}},
	}
	for _, name := range old {
		actions = append(actions, action{"remove_index": {"index": name}})
	}
	reader, err := encode(map[string]any{"actions": actions})
	if err != nil {
		return err
	}
	return x.do(ctx, esapi.IndicesUpdateAliasesRequest{Body: reader}, nil)
}

// Refresh implements search.IndexAdmin.
func (x *Index) Refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	return x.do(ctx, esapi.IndicesRefreshRequest{Index: []string{live}}, nil)
}

// Show implements search.Writer.
func (x *Index) Show(ctx context.Context) { x.shown.soon(ctx) }

// Summary implements search.IndexAdmin.
func (x *Index) Summary(ctx context.Context) (search.Summary, error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	var answer struct {
		Hits struct {
			Total struct {
				Value int64 `json:"value"`
			} `json:"total"`
		} `json:"hits"`
		Aggregations struct {
			Checksum struct {
				Value float64 `json:"value"` // exact below 2^53: two million events
			} `json:"checksum"`
		} `json:"aggregations"`
	}
	body := `{"size": 0, "track_total_hits": true, "aggs": {"checksum": {"sum": {"field": "checksum"}}}}`
	err := x.do(ctx, esapi.SearchRequest{Index: []string{live}, Body: strings.NewReader(body)}, &answer)
	return search.Summary{Count: answer.Hits.Total.Value, Checksum: int64(answer.Aggregations.Checksum.Value)}, err
}

const indexedPage = 5000

// Indexed implements search.IndexAdmin.
func (x *Index) Indexed(ctx context.Context, before uuid.UUID) ([]search.EventVersions, error) {
	return x.versions(ctx, m{"size": indexedPage, "sort": []any{m{"id": "desc"}}, "search_after": []string{before.String()}})
}

// Written implements search.Writer.
func (x *Index) Written(ctx context.Context, ids []uuid.UUID) ([]search.EventVersions, error) {
	found, err := x.versions(ctx, m{"size": len(ids), "query": m{"terms": m{"id": ids}}})
	if is(err, http.StatusNotFound) { // no index, nothing in it
		return nil, nil
	}
	return found, err
}

func (x *Index) versions(ctx context.Context, body m) ([]search.EventVersions, error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	body["version"], body["_source"], body["track_total_hits"] = true, false, false
	body["docvalue_fields"] = []string{"version", "venueVersion", "availabilityVersion"}
	reader, err := encode(body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Hits struct {
			Hits []struct {
				ID      uuid.UUID `json:"_id"`
				Version uint64    `json:"_version"`
				Fields  struct {
					Event        [1]int64 `json:"version"`
					Venue        [1]int64 `json:"venueVersion"`
					Availability [1]int64 `json:"availabilityVersion"`
				} `json:"fields"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err := x.do(ctx, esapi.SearchRequest{Index: []string{live}, Body: reader}, &answer); err != nil {
		return nil, err
	}
	found := make([]search.EventVersions, 0, len(answer.Hits.Hits))
	for _, h := range answer.Hits.Hits {
		v := search.Versions{Event: h.Fields.Event[0], Venue: h.Fields.Venue[0], Availability: h.Fields.Availability[0]}
		found = append(found, search.EventVersions{ID: h.ID, Versions: v, Written: h.Version})
	}
	return found, nil
}
