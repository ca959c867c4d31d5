package sim

import (
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

//go:embed page
var files embed.FS

var pages = template.Must(template.ParseFS(files, "page/*.html"))

func (s *Simulator) formURL() string {
	_, port, _ := strings.Cut(s.cfg.FormAddr, ":")
	return "http://localhost:" + port
}

// Form is what the card form's own origin serves: the form, the 3-D Secure challenge, and the
// calls that need no more than the publishable key. Only the web app may frame it.
func (s *Simulator) Form() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.showForm)
	mux.HandleFunc("GET /form", s.showForm)
	mux.HandleFunc("GET /3ds/{id}", s.showChallenge)
	mux.HandleFunc("POST /3ds/{id}", s.answerChallenge)
	mux.Handle("GET /page/", http.FileServerFS(files))
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.Handle("GET /v1/payment_intents/{id}", s.serve((*call).getIntent, true))
	mux.Handle("POST /v1/payment_intents/{id}/confirm", s.serve((*call).confirmIntent, true))
	mux.Handle("POST /v1/payment_methods", s.serve((*call).createMethod, true))
	policy := fmt.Sprintf("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self' %s", s.cfg.PublicURL)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		mux.ServeHTTP(w, r)
	})
}

func (s *Simulator) render(w http.ResponseWriter, r *http.Request, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := pages.ExecuteTemplate(w, name, data); err != nil {
		slog.DebugContext(r.Context(), "page not written", "error", err)
	}
}

// look is how the page around the frame looks and speaks.
type look struct{ Locale, Theme, Dir string }

var languages = map[string]bool{"en": true, "de": true, "es": true, "fr": true, "vi": true, "ja": true, "ar": true}

func lookOf(q url.Values) look {
	l := look{Locale: "en", Theme: "auto", Dir: "ltr"}
	if lang, _, _ := strings.Cut(q.Get("locale"), "-"); languages[lang] {
		l.Locale = lang
	}
	if l.Locale == "ar" {
		l.Dir = "rtl"
	}
	if theme := q.Get("theme"); theme == "light" || theme == "dark" {
		l.Theme = theme
	}
	return l
}

func (s *Simulator) showForm(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, "form.html", struct {
		look
		Key, Parent string
	}{lookOf(r.URL.Query()), s.cfg.PublishableKey, s.cfg.PublicURL})
}

// challenged finds the intent that a challenge belongs to. The caller holds the lock.
func (s *Simulator) challenged(id string) *Intent {
	for _, r := range s.state.order["intents"] {
		if in := r.(*Intent); in.Challenge != nil && in.Challenge.ID == id {
			return in
		}
	}
	return nil
}

func (s *Simulator) showChallenge(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	in := s.challenged(r.PathValue("id"))
	s.mu.Unlock()
	s.render(w, r, "challenge.html", struct {
		look
		ID   string
		Open bool
	}{lookOf(r.URL.Query()), r.PathValue("id"), in != nil})
}

func (s *Simulator) answerChallenge(w http.ResponseWriter, r *http.Request) {
	passed := r.PostFormValue("outcome") == "succeed"
	t := s.begin()
	back := ""
	if in := s.challenged(r.PathValue("id")); in != nil {
		back = in.Challenge.ReturnURL
		t.authenticate(in, passed)
		if target, err := url.Parse(back); err == nil && back != "" {
			q := target.Query()
			q.Set("payment_intent", in.ID)
			q.Set("payment_intent_client_secret", in.Secret)
			q.Set("redirect_status", map[bool]string{true: "succeeded", false: "failed"}[in.LastError == nil])
			target.RawQuery = q.Encode()
			back = target.String()
		}
	}
	<-t.end()
	if back != "" {
		http.Redirect(w, r, back, http.StatusSeeOther)
		return
	}
	s.render(w, r, "challenge.html", struct {
		look
		ID   string
		Open bool
	}{lookOf(r.URL.Query()), r.PathValue("id"), false})
}
