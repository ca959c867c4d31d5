package rest

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/httpapi"
)

// Pages serves the page of results with the first of them in it.
type Pages struct{ App httpapi.Page }

// Mount adds the route.
func (p Pages) Mount(router *mux.Router) {
	router.HandleFunc("/search", httpapi.Handle(p.results)).Methods(http.MethodGet)
}

var title = template.Must(template.New("title").Parse("<title>{{with .}}{{.}} · {{end}}Foyer</title>\n"))

// What a reader without script gets; the app replaces nothing of it.
var plain = template.Must(template.New("plain").Parse(`<noscript><ul>
{{range .}}<li><a href="/events/{{.Id}}">{{.Name}}</a>, <time>{{.StartsAt.Format "2006-01-02"}}</time>, {{with .Venue.City}}{{.}}{{else}}{{.Venue.Name}}{{end}}</li>
{{end}}</ul></noscript>
`))

func (p Pages) results(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", httpapi.Shared)
	var head, body bytes.Buffer
	_ = title.Execute(&head, r.URL.Query().Get("q")) // into memory: nothing to fail
	address := firstQuestion(r.URL.Query())
	// That the index is away is told in a header, which only the app's own question gets to see.
	if answer, header, ok := p.App.Answer(r.Context(), address); ok && header.Get(degradedHeader) == "" {
		var page SearchPage
		if json.Unmarshal(answer, &page) == nil {
			head.Write(httpapi.Data(address, answer))
			_ = plain.Execute(&body, page.Items)
		}
	}
	_, _ = w.Write(p.App.With(head.Bytes(), body.Bytes()))
	return nil
}

// firstQuestion is what the app will ask at first; how it shows the results is its own affair.
func firstQuestion(asked url.Values) string {
	asked.Del("view")
	asked.Set("limit", strconv.Itoa(defaultLimit))
	return "/api/v1/search?" + asked.Encode()
}
