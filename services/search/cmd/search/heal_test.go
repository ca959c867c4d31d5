package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// TestEverythingOnTheRoadDies is invariant I5: the real catalog and the real search with their
// sidecars, a stream of commits, and kill -9 of whatever carries them.
func TestEverythingOnTheRoadDies(t *testing.T) {
	p := harness.Parts(t, "elasticsearch", "catalog", "catalog.daprd", "search", "search.daprd")
	pool, err := pgxpool.New(t.Context(), p.Config.DatabaseURL("catalog"))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	venue := uuid.New()
	_, err = pool.Exec(t.Context(), `INSERT INTO venues (id, merchant, name, city, country, time_zone) VALUES ($1, 'm', 'Hall', 'Wien', 'AT', 'Europe/Vienna')`, venue)
	require.NoError(t, err)
	var ids []uuid.UUID
	for range 200 {
		id := uuid.Must(uuid.NewV7())
		_, err := pool.Exec(t.Context(), `
			INSERT INTO events (id, merchant, venue, slug, name, category, starts_at, ends_at, time_zone, sales_start, sales_end, max_per_order, max_per_account, status, updated_at)
			VALUES ($1, 'm', $2, 's', 'Restless', 'music', now() + interval '9 days', now() + interval '10 days', 'UTC', now(), now() + interval '9 days', 8, 8, 'published', now())`, id, venue)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	p.EventuallyIndexed(t, time.Minute)

	watched := p.WatchIndex(t)
	var (
		stop  atomic.Bool
		edits atomic.Int64
		group sync.WaitGroup
	)
	group.Go(func() {
		for n := 0; !stop.Load(); n++ {
			id := ids[n%len(ids)]
			var err error
			switch n % 10 {
			case 8: // sold
				_, err = pool.Exec(t.Context(), `INSERT INTO availability (event, available, held, booked, version) VALUES ($1, 50, 1, 1, 1)
					ON CONFLICT (event) DO UPDATE SET available = availability.available - 1, version = availability.version + 1`, id)
			case 9: // called off
				_, err = pool.Exec(t.Context(), `UPDATE events SET status = CASE WHEN $2 THEN 'cancelled' ELSE status END, version = version + 1 WHERE id = $1`, id, n%70 == 9)
			default:
				_, err = pool.Exec(t.Context(), `UPDATE events SET name = $2, version = version + 1 WHERE id = $1`, id, fmt.Sprint("Restless ", n))
			}
			if err == nil {
				edits.Add(1)
			}
		}
	})
	for _, part := range []string{"catalog", "search", "elasticsearch", "kafka", "postgres", "search.daprd", "catalog.daprd"} {
		before := edits.Load()
		harness.Eventually(t, time.Minute, "edits go on before "+part+" dies", func() error {
			if edits.Load() < before+20 {
				return errors.New("not yet")
			}
			return nil
		})
		pid := p.PID(t, part)
		p.Kill(t, part)
		p.WaitHealthy(t, part, 2*time.Minute, pid)
	}
	stop.Store(true)
	group.Wait()
	p.EventuallyIndexed(t, 2*time.Minute)
	watched()

	// As `foyer reindex` does.
	anew, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, devstack.Reindex(anew, p.ServiceURL("search"), p.Secrets.AppAPIToken("search")))
	p.EventuallyIndexed(t, time.Minute)
	require.Error(t, devstack.Reindex(anew, p.ServiceURL("search"), "guessed"))
	t.Logf("%d commits", edits.Load())

	// Commit to found, and to found without Elasticsearch.
	found := func(name string) (n int, degraded bool, err error) {
		res, err := http.Get(p.ServiceURL("search") + "/api/v1/search?q=" + url.QueryEscape(name))
		if err != nil {
			return 0, false, err
		}
		defer res.Body.Close()
		var page struct{ Total int }
		err = json.NewDecoder(res.Body).Decode(&page)
		return page.Total, res.Header.Get("Foyer-Search") == "degraded", err
	}
	var live uuid.UUID
	require.NoError(t, pool.QueryRow(t.Context(), `UPDATE events SET name = 'Xylophonics', version = version + 1 WHERE id = (SELECT id FROM events WHERE status = 'published' LIMIT 1) RETURNING id`).Scan(&live))
	harness.Eventually(t, 30*time.Second, "found", func() error {
		n, degraded, err := found("xylophonics")
		if err == nil && (n != 1 || degraded) {
			err = fmt.Errorf("%d found, degraded %t", n, degraded)
		}
		return err
	})
	p.Halt(t, "elasticsearch")
	harness.Eventually(t, 5*time.Second, "the database answers, once no answer is shared", func() error {
		n, degraded, err := found("xylophonics")
		if err == nil && (n != 1 || !degraded) {
			err = fmt.Errorf("%d found, degraded %t", n, degraded)
		}
		return err
	})
	_, err = pool.Exec(t.Context(), `UPDATE events SET name = 'Marimbatics', version = version + 1 WHERE id = $1`, live)
	require.NoError(t, err)
	n, degraded, err := found("marimbatics")
	require.NoError(t, err)
	require.True(t, degraded)
	require.Equal(t, 1, n)
	p.Resume(t, "elasticsearch")
	p.EventuallyIndexed(t, time.Minute)
	harness.Eventually(t, 30*time.Second, "the index answers again", func() error {
		n, degraded, err := found("marimbatics")
		if err == nil && (n != 1 || degraded) {
			err = fmt.Errorf("%d found, degraded %t", n, degraded)
		}
		return err
	})
}
