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

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Versions are the versions of the rows that a search document is made from.
type Versions struct{ Event, Venue, Availability int64 }

// EventuallyIndexed checks invariant I5 alone, event by event and without the service's own checksums.
func (p *Platform) EventuallyIndexed(t testing.TB, within time.Duration) {
	t.Helper()
	Eventually(t, within, "the index equals the database", func() error {
		var e Evidence
		if err := p.readIndex(t.Context(), &e); err != nil {
			return err
		}
		return e.err()
	})
}

// readIndex reads what the database has published and what the index has of it.
func (p *Platform) readIndex(ctx context.Context, e *Evidence) (err error) {
	if e.Published, err = p.published(ctx); err != nil {
		return err
	}
	e.Indexed, err = p.index(ctx)
	return err
}

// WatchIndex checks the index repeatedly until the returned function is called, which fails the test if an
// event ever went back to an older version: the other half of I5.
func (p *Platform) WatchIndex(t testing.TB) (done func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var (
		group sync.WaitGroup
		back  []string
		looks int
	)
	group.Go(func() {
		last := map[uuid.UUID]Versions{}
		for ctx.Err() == nil {
			if now, err := p.index(ctx); err == nil { // while it is away there is nothing to see
				looks++
				for id, entry := range now {
					if before := last[id]; entry.Event < before.Event || entry.Availability < before.Availability {
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

func (p *Platform) published(ctx context.Context) (map[uuid.UUID]Versions, error) {
	conn, err := pgx.Connect(ctx, p.Config.DatabaseURL("catalog"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `
		SELECT e.id, e.version, v.version, coalesce(a.version, 0)
		FROM events e JOIN venues v ON v.id = e.venue LEFT JOIN availability a ON a.event = e.id WHERE e.status = 'published'`)
	if err != nil {
		return nil, err
	}
	all := map[uuid.UUID]Versions{}
	var (
		id uuid.UUID
		v  Versions
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &v.Event, &v.Venue, &v.Availability}, func() error {
		all[id] = v
		return nil
	})
	return all, err
}

func (p *Platform) index(ctx context.Context) (map[uuid.UUID]Versions, error) {
	all := map[uuid.UUID]Versions{}
	for after := uuid.Nil; ; {
		var answer struct {
			Hits struct {
				Hits []struct {
					ID     uuid.UUID `json:"_id"`
					Source struct {
						Event        int64 `json:"version"`
						Venue        int64 `json:"venueVersion"`
						Availability int64 `json:"availabilityVersion"`
					} `json:"_source"`
				} `json:"hits"`
			} `json:"hits"`
		}
		err := p.Elasticsearch(ctx, http.MethodPost, "/events/_search", map[string]any{
			"size": 5000, "sort": []string{"id"}, "search_after": []string{after.String()},
			"_source": []string{"version", "venueVersion", "availabilityVersion"},
		}, &answer)
		if err != nil {
			return nil, err
		}
		if len(answer.Hits.Hits) == 0 {
			return all, nil
		}
		for _, h := range answer.Hits.Hits {
			all[h.ID] = Versions(h.Source)
			after = h.ID
		}
	}
}

// elasticsearchPatience is for who has no deadline.
const elasticsearchPatience = 10 * time.Second

// Elasticsearch calls the node directly, not through the services. in and out may be nil.
func (p *Platform) Elasticsearch(ctx context.Context, method, path string, in, out any) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, elasticsearchPatience)
		defer cancel()
	}
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
