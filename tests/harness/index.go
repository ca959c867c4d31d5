package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// indexed is what the search index says of an event.
type indexed struct {
	versions            string // of event, venue and availability
	event, availability int64
}

// EventuallyIndexed is invariant I5: once all is well, the index has every published event and
// nothing else, each made of the versions that the database has. It compares event by event, past
// the service's own sums.
func (p *Platform) EventuallyIndexed(t testing.TB, within time.Duration) {
	t.Helper()
	Eventually(t, within, "the index equals the database", func() error {
		want, err := p.published(t.Context())
		if err != nil {
			return err
		}
		have, err := p.index(t.Context())
		if err != nil {
			return err
		}
		missing, extra, stale := 0, 0, 0
		for id, versions := range want {
			if entry, ok := have[id]; !ok {
				missing++
			} else if entry.versions != versions {
				stale++
			}
		}
		for id := range have {
			if _, ok := want[id]; !ok {
				extra++
			}
		}
		if missing+extra+stale > 0 {
			return fmt.Errorf("of %d published events %d are missing and %d stale, %d others are there", len(want), missing, stale, extra)
		}
		return nil
	})
}

// WatchIndex looks at the index again and again until the returned function is called, which fails
// the test if any event ever went back to an older version: the other half of I5.
func (p *Platform) WatchIndex(t testing.TB) (done func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var (
		group sync.WaitGroup
		back  []string
		looks int
	)
	group.Go(func() {
		last := map[string]indexed{}
		for ctx.Err() == nil {
			if now, err := p.index(ctx); err == nil { // while it is away there is nothing to see
				looks++
				for id, entry := range now {
					if before := last[id]; entry.event < before.event || entry.availability < before.availability {
						back = append(back, fmt.Sprintf("%s: %+v, then %+v", id, before, entry))
					}
				}
				maps.Copy(last, now)
			}
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	})
	return func() {
		t.Helper()
		cancel()
		group.Wait()
		if len(back) > 0 {
			t.Errorf("versions went back in the index: %v", back[:min(len(back), 5)])
		}
		if looks == 0 {
			t.Error("the index was never seen")
		}
	}
}

func (p *Platform) published(ctx context.Context) (map[string]string, error) {
	conn, err := pgx.Connect(ctx, p.Config.DatabaseURL("catalog"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `
		SELECT e.id::text, concat_ws('/', e.version, v.version, coalesce(a.version, 0))
		FROM events e JOIN venues v ON v.id = e.venue LEFT JOIN availability a ON a.event = e.id WHERE e.status = 'published'`)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	var id, versions string
	_, err = pgx.ForEachRow(rows, []any{&id, &versions}, func() error {
		all[id] = versions
		return nil
	})
	return all, err
}

func (p *Platform) index(ctx context.Context) (map[string]indexed, error) {
	all := map[string]indexed{}
	for after := "00000000-0000-0000-0000-000000000000"; ; {
		var answer struct {
			Hits struct {
				Hits []struct {
					ID     string `json:"_id"`
					Source struct {
						Version             int64 `json:"version"`
						VenueVersion        int64 `json:"venueVersion"`
						AvailabilityVersion int64 `json:"availabilityVersion"`
					} `json:"_source"`
				} `json:"hits"`
			} `json:"hits"`
		}
		err := p.Elasticsearch(ctx, http.MethodPost, "/events/_search", map[string]any{
			"size": 5000, "sort": []string{"id"}, "search_after": []string{after},
			"_source": []string{"version", "venueVersion", "availabilityVersion"},
		}, &answer)
		if err != nil {
			return nil, err
		}
		if len(answer.Hits.Hits) == 0 {
			return all, nil
		}
		for _, h := range answer.Hits.Hits {
			s := h.Source
			all[h.ID] = indexed{versions: fmt.Sprintf("%d/%d/%d", s.Version, s.VenueVersion, s.AvailabilityVersion), event: s.Version, availability: s.AvailabilityVersion}
			after = h.ID
		}
	}
}

// Elasticsearch speaks to the node past the services. in and out may be nil.
func (p *Platform) Elasticsearch(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	var body io.Reader
	if in != nil {
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, fmt.Sprintf("http://127.0.0.1:%d%s", p.Config.Ports.Elasticsearch, path), body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("elasticsearch answered %d: %s", res.StatusCode, text[:min(len(text), 300)])
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
