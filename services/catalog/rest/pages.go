package rest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/catalog"
	"github.com/foyer-tickets/foyer/services/catalog/postgres"
)

// Pages serves what must be readable without running script: the head of an event's page with
// its share card and structured data, the sitemap and robots.txt.
type Pages struct {
	Store     postgres.Store
	PublicURL string
	Index     string // path of the web app's index.html
}

// Mount adds the routes.
func (p Pages) Mount(router *mux.Router) {
	router.HandleFunc("/events/{id}", p.event).Methods(http.MethodGet)
	router.HandleFunc("/sitemap.xml", p.sitemap).Methods(http.MethodGet)
	router.HandleFunc("/robots.txt", p.robots).Methods(http.MethodGet)
}

var head = template.Must(template.New("head").Parse(`<title>{{.Title}}</title>
<meta name="description" content="{{.Description}}">
<link rel="canonical" href="{{.URL}}">
<meta property="og:type" content="website">
<meta property="og:site_name" content="Foyer">
<meta property="og:title" content="{{.Title}}">
<meta property="og:description" content="{{.Description}}">
<meta property="og:url" content="{{.URL}}">
{{with .Image}}<meta property="og:image" content="{{.}}">{{end}}
<meta name="twitter:card" content="summary_large_image">
`))

const emptyPage = `<!doctype html><html lang="en"><head><meta charset="utf-8"></head><body></body></html>`

func (p Pages) event(w http.ResponseWriter, r *http.Request) {
	page, err := os.ReadFile(p.Index)
	if err != nil {
		page = []byte(emptyPage)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", httpapi.Shared)
	id, err := uuid.Parse(mux.Vars(r)["id"])
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write(page)
		return
	}
	e, err := p.Store.Event(r.Context(), id)
	if err != nil || e.Status == catalog.Draft {
		w.WriteHeader(http.StatusNotFound) // the app says it in the reader's language
		_, _ = w.Write(page)
		return
	}
	tags, err := p.head(e)
	if err != nil {
		slog.ErrorContext(r.Context(), "event page without head", "error", err)
	}
	_, _ = w.Write(inject(page, tags))
}

// inject puts tags at the end of the head, in place of the page's own title.
func inject(page, tags []byte) []byte {
	if start, rest, ok := bytes.Cut(page, []byte("<title>")); ok {
		if _, after, ok := bytes.Cut(rest, []byte("</title>")); ok {
			page = append(append([]byte{}, start...), after...)
		}
	}
	return bytes.Replace(page, []byte("</head>"), append(tags, "</head>"...), 1)
}

func (p Pages) head(e catalog.Event) ([]byte, error) {
	description := e.Description
	if runes := []rune(description); len(runes) > 200 {
		description = string(runes[:197]) + "…"
	}
	address := p.PublicURL + "/events/" + e.ID.String()
	var b bytes.Buffer
	err := head.Execute(&b, struct{ Title, Description, URL, Image string }{e.Name + " · Foyer", description, address, e.Image})
	if err != nil {
		return nil, err
	}
	// Marshal escapes <, > and &, so no text can end the script element.
	data, err := json.Marshal(jsonLD(e, address))
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "<script type=\"application/ld+json\">%s</script>\n", data)
	return b.Bytes(), nil
}

// jsonLD describes an event as https://schema.org/Event.
func jsonLD(e catalog.Event, address string) map[string]any {
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
	location := map[string]any{"@type": "VirtualLocation", "url": e.URL}
	if e.Venue.City != "" {
		location = map[string]any{"@type": "Place", "name": e.Venue.Name, "address": map[string]any{
			"@type": "PostalAddress", "addressLocality": e.Venue.City, "addressCountry": e.Venue.Country}}
	}
	return map[string]any{
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
	ids, err := p.Store.PublishedIDs(r.Context(), uuid.Nil, maxSitemap-1)
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
