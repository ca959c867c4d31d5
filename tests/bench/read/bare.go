package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// bareEvent has what an event's answer has.
type bareEvent struct {
	ID              uuid.UUID       `json:"id"`
	Slug            string          `json:"slug"`
	Name            string          `json:"name"`
	Description     string          `json:"description"`
	Category        string          `json:"category"`
	Performers      []string        `json:"performers"`
	Topics          []string        `json:"topics"`
	URL             string          `json:"url"`
	Online          bool            `json:"online"`
	StartsAt        time.Time       `json:"startsAt"`
	EndsAt          time.Time       `json:"endsAt"`
	TimeZone        string          `json:"timeZone"`
	SalesStart      time.Time       `json:"salesStart"`
	SalesEnd        time.Time       `json:"salesEnd"`
	MaxPerOrder     int             `json:"maxPerOrder"`
	MaxPerAccount   int             `json:"maxPerAccount"`
	HighDemand      bool            `json:"highDemand"`
	Status          string          `json:"status"`
	Source          string          `json:"source"`
	Version         int64           `json:"version"`
	VenueID         uuid.UUID       `json:"venueId"`
	VenueName       string          `json:"venueName"`
	City            string          `json:"city"`
	Country         string          `json:"country"`
	Lat             *float64        `json:"lat"`
	Lon             *float64        `json:"lon"`
	TicketTypes     json.RawMessage `json:"ticketTypes"`
	Available       *int            `json:"available"`
	Held            *int            `json:"held"`
	Booked          *int            `json:"booked"`
	RefundableUntil *time.Time      `json:"refundableUntil"`
}

const bareSelect = `
	SELECT e.id, e.slug, e.name, e.description, e.category, e.performers, e.topics, e.url, e.online, e.starts_at, e.ends_at, e.time_zone,
		e.sales_start, e.sales_end, e.max_per_order, e.max_per_account, e.high_demand, e.status, e.source, e.version,
		v.id, v.name, v.city, v.country, v.lat, v.lon,
		(SELECT json_agg(t ORDER BY t.position) FROM ticket_types t WHERE t.event = e.id), a.available, a.held, a.booked, e.refundable_until
	FROM events e JOIN venues v ON v.id = e.venue LEFT JOIN availability a ON a.event = e.id `

// serveBare is what the service is measured against: the same rows of the same database as JSON,
// and nothing else: no routes, contract, identity, metrics, logs, ETags or cursors.
func serveBare(address, databaseURL string) error {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return err
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return err
	}
	answer := func(w http.ResponseWriter, r *http.Request, many bool, query string, args ...any) {
		rows, err := pool.Query(r.Context(), bareSelect+query, args...)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		events, err := pgx.CollectRows(rows, pgx.RowToStructByPos[bareEvent])
		if err != nil || len(events) == 0 {
			http.Error(w, "no event", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if many {
			_ = json.NewEncoder(w).Encode(map[string]any{"items": events})
		} else {
			_ = json.NewEncoder(w).Encode(events[0])
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/events/{id}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, false, "WHERE e.id = $1", r.PathValue("id"))
	})
	mux.HandleFunc("GET /api/v1/events", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, true, "WHERE e.status = 'published' ORDER BY e.starts_at, e.id LIMIT 21")
	})
	return http.ListenAndServe(address, mux)
}
