// Package seed fills an empty Foyer with something to look at: real conferences, and three venues
// with plans and events on sale. It is a client of the public API like any other, signed in as a
// merchant, and may be run again without effect.
package seed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/data"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// Config says where and as whom.
type Config struct {
	BaseURL string                                // of the gateway
	Token   func(context.Context) (string, error) // a merchant's access token
	Now     time.Time
	HTTP    *http.Client
}

// Report tells what was done.
type Report struct {
	Conferences struct{ Created, Updated, Unchanged, Rejected int }
	Events      int // made at the three venues
	Unchanged   int // events there that were made before
}

// Run seeds. It stops at the first thing that goes wrong.
func Run(ctx context.Context, cfg Config) (Report, error) {
	var report Report
	c := &client{Config: cfg}
	if err := c.conferences(ctx, &report); err != nil {
		return report, fmt.Errorf("seed conferences: %w", err)
	}
	for _, h := range houses(cfg.Now) {
		made, err := c.house(ctx, h)
		if err != nil {
			return report, fmt.Errorf("seed %s: %w", h.name, err)
		}
		report.Events += made
		report.Unchanged += len(h.events) - made
	}
	return report, nil
}

type client struct {
	Config
	token   string
	fetched time.Time
}

// signedIn gives a token that is good for a while. Keycloak takes a second sign-in of one account
// while the first is still being noted for an attack, so there is not one for each call.
func (c *client) signedIn(ctx context.Context) (string, error) {
	if c.token != "" && time.Since(c.fetched) < 30*time.Second {
		return c.token, nil
	}
	token, err := c.Token(ctx)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	c.token, c.fetched = token, time.Now()
	return token, nil
}

// call makes one request and reads the answer into out.
func (c *client) call(ctx context.Context, method, path, contentType string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	token, err := c.signedIn(ctx)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(http.MaxBytesReader(nil, res.Body, 64<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s answered %d: %s", method, path, res.StatusCode, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

func (c *client) json(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	return c.call(ctx, method, path, "application/json", body, out)
}

func (c *client) conferences(ctx context.Context, report *Report) error {
	file, err := Upcoming(data.Conferences, c.Now)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, "/api/v1/events/import", "application/x-ndjson", file, &report.Conferences)
}

// year is 52 weeks: a shift by whole years of this length keeps weekday and season.
const year = 52 * 7

// Upcoming moves conferences into the coming year, each by whole years of 52 weeks, and gives
// them as JSON lines. The later edition of a conference stays a year after the earlier one.
func Upcoming(conferences []byte, now time.Time) ([]byte, error) {
	var records []map[string]any
	if err := json.Unmarshal(conferences, &records); err != nil {
		return nil, err
	}
	first := map[string]int{} // conference -> year of its first edition in the file
	for _, r := range records {
		start, err := date(r, "startDate")
		if err != nil {
			return nil, err
		}
		if y, ok := first[series(r)]; !ok || start.Year() < y {
			first[series(r)] = start.Year()
		}
	}
	// Counted from the start of the next quarter, so that seeding twice in a season changes nothing.
	earliest := time.Date(now.Year(), (now.Month()-1)/3*3+4, 1, 0, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, r := range records {
		start, _ := date(r, "startDate")
		days := 0
		for start.AddDate(0, 0, days).Before(earliest) {
			days += year
		}
		if start.Year() > first[series(r)] {
			days += year
		}
		for _, field := range []string{"startDate", "endDate", "cfpEndDate"} {
			if d, err := date(r, field); err == nil {
				r[field] = d.AddDate(0, 0, days).Format(time.DateOnly)
			}
		}
		if err := enc.Encode(r); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// series names a conference across its editions.
func series(r map[string]any) string { return fmt.Sprint(r["name"], "\x00", r["city"]) }

func date(r map[string]any, field string) (time.Time, error) {
	s, _ := r[field].(string)
	return time.Parse(time.DateOnly, s)
}

type house struct {
	name, city, country, zone string
	lat, lon                  float64
	plan                      *catalog.Plan
	events                    []show
}

type show struct {
	name, description, category string
	performers                  []string
	starts                      time.Time
	hours                       int
	highDemand                  bool
	tickets                     []ticket
}

type ticket struct {
	Name  string `json:"name"`
	Price struct {
		Amount   int64  `json:"amount"`
		Currency string `json:"currency"`
	} `json:"price"`
	Capacity   int      `json:"capacity,omitempty"`
	Seated     bool     `json:"seated"`
	Categories []string `json:"categories,omitempty"`
}

func seated(name string, cents int64, categories ...string) ticket {
	t := ticket{Name: name, Seated: true, Categories: categories}
	t.Price.Amount, t.Price.Currency = cents, "EUR"
	return t
}

func standing(name string, cents int64, capacity int) ticket {
	t := ticket{Name: name, Capacity: capacity}
	t.Price.Amount, t.Price.Currency = cents, "EUR"
	return t
}

// house makes what is missing of a venue and its events, and counts the events made.
func (c *client) house(ctx context.Context, h house) (made int, err error) {
	venue, err := c.venue(ctx, h)
	if err != nil {
		return 0, err
	}
	present, err := c.ownEvents(ctx)
	if err != nil {
		return 0, err
	}
	for _, s := range h.events {
		e, ok := present[s.name]
		if !ok {
			if e, err = c.draft(ctx, venue, h, s); err != nil {
				return made, err
			}
			made++
		}
		if e.Status == "draft" {
			if err := c.json(ctx, http.MethodPost, "/api/v1/events/"+e.ID.String()+"/publish", nil, nil); err != nil {
				return made, err
			}
		}
	}
	return made, nil
}

func (c *client) venue(ctx context.Context, h house) (uuid.UUID, error) {
	type venue struct {
		ID      uuid.UUID `json:"id"`
		Name    string    `json:"name"`
		HasPlan bool      `json:"hasPlan"`
	}
	var own struct{ Items []venue }
	if err := c.json(ctx, http.MethodGet, "/api/v1/venues", nil, &own); err != nil {
		return uuid.Nil, err
	}
	var v venue
	for _, o := range own.Items {
		if o.Name == h.name {
			v = o
		}
	}
	if v.ID == uuid.Nil {
		err := c.json(ctx, http.MethodPost, "/api/v1/venues", map[string]any{
			"name": h.name, "city": h.city, "country": h.country, "timeZone": h.zone,
			"location": map[string]float64{"lat": h.lat, "lon": h.lon},
		}, &v)
		if err != nil {
			return v.ID, err
		}
	}
	if v.HasPlan {
		return v.ID, nil
	}
	return v.ID, c.json(ctx, http.MethodPut, "/api/v1/venues/"+v.ID.String()+"/seating-plan", h.plan, nil)
}

type ownEvent struct {
	ID     uuid.UUID `json:"id"`
	Name   string    `json:"name"`
	Status string    `json:"status"`
}

func (c *client) ownEvents(ctx context.Context) (map[string]ownEvent, error) {
	events := map[string]ownEvent{}
	for cursor := ""; ; {
		var page struct {
			Items []ownEvent `json:"items"`
			Next  string     `json:"next"`
		}
		if err := c.json(ctx, http.MethodGet, "/api/v1/merchant/events?limit=100&cursor="+cursor, nil, &page); err != nil {
			return nil, err
		}
		for _, e := range page.Items {
			events[e.Name] = e
		}
		if cursor = page.Next; cursor == "" {
			return events, nil
		}
	}
}

func (c *client) draft(ctx context.Context, venue uuid.UUID, h house, s show) (ownEvent, error) {
	var e ownEvent
	err := c.json(ctx, http.MethodPost, "/api/v1/events", map[string]any{
		"name": s.name, "description": s.description, "category": s.category, "performers": s.performers, "venue": venue,
		"startsAt": s.starts.Format(time.RFC3339), "endsAt": s.starts.Add(time.Duration(s.hours) * time.Hour).Format(time.RFC3339),
		"timeZone": h.zone, "highDemand": s.highDemand, "maxPerOrder": 8, "maxPerAccount": 8,
		"refundableUntil": s.starts.AddDate(0, 0, -7).Format(time.RFC3339), "ticketTypes": s.tickets,
	}, &e)
	return e, err
}
