package rest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// PageStore is what the pages read.
type PageStore interface {
	Event(ctx context.Context, id uuid.UUID) (catalog.Event, error)
	// PublishedIDs lists at most limit published events with an id below before, the youngest first.
	PublishedIDs(ctx context.Context, before uuid.UUID, limit int) ([]catalog.EventVersions, error)
}

// Pages serves what must be readable without running script: an event's page with its share card,
// structured data and what the API says of it, the sitemap and robots.txt.
type Pages struct {
	Store     PageStore
	PublicURL string
	App       httpapi.Page
}

// Mount adds the routes.
func (p Pages) Mount(router *mux.Router) {
	router.HandleFunc("/events/{id}", p.event).Methods(http.MethodGet)
	router.HandleFunc("/events/{id}/tickets", p.event).Methods(http.MethodGet)
	router.HandleFunc("/sitemap.xml", p.sitemap).Methods(http.MethodGet)
	router.HandleFunc("/robots.txt", p.robots).Methods(http.MethodGet)
}

var head = template.Must(template.New("head").Parse(`<title>{{.Title}}</title>
<meta name="description" content="{{.Summary}}">
<link rel="canonical" href="{{.URL}}">
<meta property="og:type" content="website">
<meta property="og:site_name" content="Foyer">
<meta property="og:title" content="{{.Title}}">
<meta property="og:description" content="{{.Summary}}">
<meta property="og:url" content="{{.URL}}">
<meta property="og:image" content="{{.Image}}">
<meta name="twitter:card" content="{{.Card}}">
`))

// What a reader without script gets; the app replaces nothing of it.
var plain = template.Must(template.New("plain").Parse(`<noscript><article>
<h1>{{.Name}}</h1>
<p><time datetime="{{.Start}}">{{.When}}</time>{{with .Where}}, {{.}}{{end}}</p>
<p>{{.Description}}</p>
{{if .Tickets}}<ul>{{range .Tickets}}<li>{{.Name}}: {{.Price}}</li>{{end}}</ul>
{{end}}</article></noscript>
`))

// event serves an event's page and its seat picker, which is a page of the same event.
func (p Pages) event(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", httpapi.Shared)
	id, err := uuid.Parse(mux.Vars(r)["id"])
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write(p.App.Read())
		return
	}
	e, err := p.Store.Event(r.Context(), id)
	if err != nil && !errors.Is(err, catalog.ErrEventNotFound) {
		slog.ErrorContext(r.Context(), "event page", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable) // the gateway has an older one, perhaps
		_, _ = w.Write(p.App.Read())
		return
	}
	if err != nil || e.Status == catalog.Draft {
		w.WriteHeader(http.StatusNotFound) // the app says it in the reader's language
		_, _ = w.Write(p.App.Read())
		return
	}
	head, body, err := p.render(e)
	if err != nil {
		slog.ErrorContext(r.Context(), "event page without its texts", "error", err)
	}
	address := "/api/v1/events/" + id.String()
	if answer, _, ok := p.App.Answer(r.Context(), address); ok {
		head = append(head, httpapi.Data(address, answer)...)
	}
	_, _ = w.Write(p.App.With(head, body))
}

// shareImage is for events without a picture of their own.
const shareImage = "/icon-512.png"

// maxSummary is about what search engines and share cards show.
const maxSummary = 200

func (p Pages) render(e catalog.Event) (top, body []byte, err error) {
	summary := strings.Join(strings.Fields(e.Description), " ")
	if runes := []rune(summary); len(runes) > maxSummary {
		summary = string(runes[:maxSummary-1]) + "…"
	}
	zone, err := time.LoadLocation(e.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	starts, where := e.StartsAt.In(zone), e.Venue.Name
	if e.Venue.City != "" && e.Venue.City != e.Venue.Name {
		where += ", " + e.Venue.City
	}
	image, card := p.PublicURL+shareImage, "summary"
	if e.Image != "" {
		image, card = e.Image, "summary_large_image"
		if strings.HasPrefix(image, "/") {
			image = p.PublicURL + image
		}
	}
	view := struct {
		Title, Name, Summary, Description, URL, Image, Card, Start, When, Where string
		Tickets                                                                 []catalog.TicketType
	}{
		Title: e.Name + " · Foyer", Name: e.Name, Summary: summary, Description: e.Description, Image: image, Card: card,
		URL: p.PublicURL + "/events/" + e.ID.String(), Start: starts.Format(time.RFC3339), When: starts.Format("2 January 2006, 15:04 MST"),
		Where: where, Tickets: e.TicketTypes,
	}
	var b bytes.Buffer
	if err := head.Execute(&b, view); err != nil {
		return nil, nil, err
	}
	// Marshal escapes <, > and &, so no text can end the script element.
	data, err := json.Marshal(jsonLD(e, view.URL, image))
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintf(&b, "<script type=\"application/ld+json\">%s</script>\n", data)
	var text bytes.Buffer
	err = plain.Execute(&text, view)
	return b.Bytes(), text.Bytes(), err
}

// jsonLD describes an event as https://schema.org/Event.
func jsonLD(e catalog.Event, address, image string) map[string]any {
	status, mode := "EventScheduled", "OfflineEventAttendanceMode"
	if e.Status == catalog.Cancelled {
		status = "EventCancelled"
	}
	if e.Online {
		mode = "MixedEventAttendanceMode"
		if e.Venue.City == "" {
			mode = "OnlineEventAttendanceMode"
		}
	}
	zone, err := time.LoadLocation(e.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	var offers []map[string]any
	for _, t := range e.TicketTypes {
		amount := t.Price.String()
		offers = append(offers, map[string]any{
			"@type": "Offer", "name": t.Name, "url": address,
			"price": strings.TrimSuffix(amount, " "+t.Price.Currency), "priceCurrency": t.Price.Currency,
			"availability": "https://schema.org/" + map[bool]string{true: "InStock", false: "SoldOut"}[e.Availability.Available > 0],
			"validFrom":    e.SalesStart.In(zone).Format(time.RFC3339),
		})
	}
	location := map[string]any{"@type": "VirtualLocation", "url": cmp.Or(e.URL, address)}
	if e.Venue.City != "" {
		place := map[string]any{"@type": "Place", "name": e.Venue.Name, "address": map[string]any{
			"@type": "PostalAddress", "addressLocality": e.Venue.City, "addressCountry": e.Venue.Country}}
		if at := e.Venue.Location; at != nil {
			place["geo"] = map[string]any{"@type": "GeoCoordinates", "latitude": at.Lat, "longitude": at.Lon}
		}
		location = place
	}
	performers := []map[string]any{}
	for _, name := range e.Performers {
		performers = append(performers, map[string]any{"@type": "PerformingGroup", "name": name})
	}
	return map[string]any{
		"image": image, "performer": performers,
		"@context": "https://schema.org", "@type": "Event", "name": e.Name, "description": e.Description, "url": address,
		"startDate": e.StartsAt.In(zone).Format(time.RFC3339), "endDate": e.EndsAt.In(zone).Format(time.RFC3339),
		"eventStatus": "https://schema.org/" + status, "eventAttendanceMode": "https://schema.org/" + mode,
		"location": location, "offers": offers,
	}
}

// maxSitemap is the protocol's own limit (https://www.sitemaps.org/protocol.html).
const maxSitemap = 50_000

func (p Pages) sitemap(w http.ResponseWriter, r *http.Request) {
	type entry struct {
		Loc string `xml:"loc"`
	}
	set := struct {
		XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
		URLs    []entry  `xml:"url"`
	}{URLs: []entry{{p.PublicURL + "/"}}}
	ids, err := p.Store.PublishedIDs(r.Context(), uuid.Max, maxSitemap-1)
	if err != nil {
		slog.ErrorContext(r.Context(), "no sitemap", "error", err)
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	for _, id := range ids {
		set.URLs = append(set.URLs, entry{p.PublicURL + "/events/" + id.ID.String()})
	}
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Cache-Control", httpapi.Shared)
	_, _ = w.Write([]byte(xml.Header))
	if err := xml.NewEncoder(w).Encode(set); err != nil {
		slog.DebugContext(r.Context(), "sitemap not delivered", "error", err)
	}
}

func (p Pages) robots(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", httpapi.Shared)
	fmt.Fprintf(w, "User-agent: *\nDisallow: /api/\nDisallow: /auth/\nSitemap: %s/sitemap.xml\n", p.PublicURL)
}
