package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/data"
)

// What invented events are made of.
var (
	adjectives = strings.Fields("Blue Northern Electric Silent Golden Royal Acoustic Modern Ancient Secret Midnight Summer Winter Grand Little Wild Gentle Broken Bright Velvet")
	nouns      = strings.Fields("Symphony Festival Quartet Orchestra Ballet Circus Comedy Workshop Summit Exhibition Carnival Opera Musical Recital Marathon Derby Readings Jazz Blues Choir Tango Techno Python Kubernetes Javascript Accessibility")
	people     = strings.Fields("Lindqvist Moreau Schneider Nguyen Tanaka Garcia Okafor Ivanova Rossi Andersen Kowalski Novak Haddad Silva Murphy Dubois Keller Yamamoto Castillo Bergman Fontaine Petrov Costa Larsen Weiss Romero Abate Kimura Sorensen Duarte")
	categories = strings.Fields("music theatre comedy conference sports exhibition family dance")
	filler     = strings.Fields("an evening of the finest voices and instruments with guests from all over the world in a hall that has heard much doors open early bar stays open late after the show meet the artists in the foyer bring your friends every seat has a good view tickets are limited this programme was never played before")
)

func pick(from []string) string { return from[rand.N(len(from))] }

type city struct {
	name, country, zone string
	lat, lon            float64
}

// cities are taken evenly from the gazetteer, those with plain names.
var cities = func() []city {
	var all []city
	for line := range strings.Lines(data.Gazetteer) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 6 || strings.HasPrefix(line, "#") || strings.ContainsAny(f[0], "0123456789 -'") || len(f[0]) < 5 {
			continue
		}
		lat, _ := strconv.ParseFloat(f[3], 64)
		lon, _ := strconv.ParseFloat(f[4], 64)
		all = append(all, city{strings.ToUpper(f[0][:1]) + f[0][1:], f[1], f[5], lat, lon})
	}
	var some []city
	for i := 0; i < len(all); i += max(1, len(all)/300) {
		some = append(some, all[i])
	}
	return some
}()

// fill copies invented events into the catalog's tables.
func (b *bench) fill(ctx context.Context) error {
	began := time.Now()
	tx, err := b.db.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	// The texts are written in one go below.
	if _, err := tx.Exec(ctx, `ALTER TABLE events DISABLE TRIGGER event_texts`); err != nil {
		return err
	}
	venues := make([][]any, 0, 4*len(cities))
	for _, c := range cities {
		for n := range 4 {
			venues = append(venues, []any{uuid.Must(uuid.NewV7()), "bench", fmt.Sprintf("%s %s Hall %d", c.name, pick(adjectives), n+1), c.name, c.country, c.lat + rand.Float64()/10, c.lon + rand.Float64()/10, c.zone})
		}
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"venues"}, []string{"id", "merchant", "name", "city", "country", "lat", "lon", "time_zone"}, pgx.CopyFromRows(venues)); err != nil {
		return err
	}
	ids := make([]uuid.UUID, events)
	now := time.Now().UTC().Truncate(time.Hour)
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"events"}, []string{
		"id", "merchant", "venue", "slug", "name", "description", "category", "performers", "topics", "starts_at", "ends_at", "time_zone",
		"sales_start", "sales_end", "max_per_order", "max_per_account", "status", "updated_at",
	}, pgx.CopyFromSlice(events, func(i int) ([]any, error) {
		ids[i] = uuid.Must(uuid.NewV7())
		v := venues[rand.N(len(venues))]
		var words strings.Builder
		for range 40 {
			words.WriteString(pick(filler) + " ")
		}
		starts := now.Add(time.Duration(24+rand.N(24*365)) * time.Hour)
		performer := pick(people) + " " + pick(people)
		return []any{
			ids[i], "bench", v[0], "bench", pick(adjectives) + " " + pick(nouns) + " " + pick(people), words.String(), pick(categories), []string{performer}, []string{strings.ToLower(pick(nouns))},
			starts, starts.Add(3 * time.Hour), v[7], now.AddDate(0, -1, 0), starts, 8, 8, "published", now,
		}, nil
	}))
	if err != nil {
		return err
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"ticket_types"}, []string{"id", "event", "position", "name", "amount", "currency", "capacity", "seated"},
		pgx.CopyFromSlice(2*events, func(i int) ([]any, error) {
			return []any{uuid.Must(uuid.NewV7()), ids[i/2], i % 2, "Type", int64(10_00 + rand.N(90)*1_00 + i%2*50_00), "EUR", 100, false}, nil
		}))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `ALTER TABLE events ENABLE TRIGGER event_texts`); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	for from := 0; from < events; from += 10_000 {
		if _, err := b.db.Exec(ctx, `SELECT write_event_texts($1)`, ids[from:from+10_000]); err != nil {
			return err
		}
	}
	if _, err := b.db.Exec(ctx, `ANALYZE`); err != nil {
		return err
	}
	fmt.Printf("filled in %s\n", time.Since(began).Round(time.Second))
	return nil
}
