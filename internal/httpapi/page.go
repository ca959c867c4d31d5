package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"time"
)

// Page is the web application's HTML page, as built. A service that serves it at one of its own paths embeds
// the API response that the application would request, which saves a round trip.
type Page struct {
	Index string       // path of the application's index.html
	API   http.Handler // the API that the application would call
}

const emptyPage = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title></title></head><body></body></html>`

// Read returns the page, or an empty one if the application has not been built.
func (p Page) Read() []byte {
	page, err := os.ReadFile(p.Index)
	if err != nil {
		return []byte(emptyPage)
	}
	return page
}

// With returns the page with head in place of its title, before all scripts, and body at its end.
func (p Page) With(head, body []byte) []byte {
	page := p.Read()
	if before, rest, ok := bytes.Cut(page, []byte("<title>")); ok {
		if _, after, ok := bytes.Cut(rest, []byte("</title>")); ok {
			page = slices.Concat(before, head, after)
		}
	}
	return bytes.Replace(page, []byte("</body>"), slices.Concat(body, []byte("</body>")), 1)
}

// pagePatience is how long a page waits for its data. Without data it is sent at once, and the application
// makes the request itself.
const pagePatience = 300 * time.Millisecond

// Answer returns the API's response to an anonymous request for a path, with its headers; false if it does not
// succeed in time.
func (p Page) Answer(ctx context.Context, address string) ([]byte, http.Header, bool) {
	// A timeout here is like a reader who leaves: it is not a failure of the service.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(pagePatience, cancel).Stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, nil, false
	}
	answer := &kept{header: http.Header{}, status: http.StatusOK}
	p.API.ServeHTTP(answer, r)
	if answer.status != http.StatusOK {
		slog.DebugContext(ctx, "page sent without data", "status", answer.status)
		return nil, nil, false
	}
	return bytes.TrimSpace(answer.body.Bytes()), answer.header, true
}

// Data returns an element that contains a response and runs nothing. Our JSON escapes <, > and &, so no text
// can end the element.
func Data(address string, answer []byte) []byte {
	return fmt.Appendf(nil, "<script type=\"application/json\" data-address=\"%s\">%s</script>\n", html.EscapeString(address), answer)
}

// kept is an http.ResponseWriter that stores the response in memory.
type kept struct {
	header http.Header
	body   bytes.Buffer
	status int
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }
