package rest

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/auth"
)

// Limits count a network as the gateway does; the trail has the address itself.
func TestLimitsCountByNetwork(t *testing.T) {
	for header, want := range map[string]struct{ ip, network string }{
		"192.0.2.7":                        {"192.0.2.7", "192.0.2.7"},
		"::ffff:192.0.2.7":                 {"192.0.2.7", "192.0.2.7"},
		"2001:db8:1:2:3:4:5:6":             {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		"2001:db8:1:2:ffff::1, 192.0.2.99": {"2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"},
		"2001:db8:1:3::1":                  {"2001:db8:1:3::1", "2001:db8:1:3::/64"},
		"":                                 {},
		"unknown":                          {},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		r.Header.Set("X-Forwarded-For", header)
		assert.Equal(t, want.ip, clientIP(r), header)
		assert.Equal(t, want.network, clientNetwork(r), header)
	}
}

// counts is a store of which the test sees what it counts by; one of a key is as many as it takes.
type counts struct {
	auth.Store
	keys []string
}

func (c *counts) Count(_ context.Context, key string, _ time.Time, _ time.Duration, _ int) (bool, error) {
	taken := slices.Contains(c.keys, key)
	c.keys = append(c.keys, key)
	return !taken, nil
}

func (c *counts) AddJob(context.Context, auth.Job, time.Time, int) (bool, error) { return true, nil }

// Whoever asks for mails from all the addresses of a network asks from one.
func TestMailsAreCountedByNetwork(t *testing.T) {
	sealer, err := auth.NewSealer(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	require.NoError(t, err)
	seal, err := sealer.AEAD(auth.SealJobs)
	require.NoError(t, err)
	for name, ask := range map[string]struct {
		handle func(Server) http.HandlerFunc
		body   string
	}{
		"registering": {func(s Server) http.HandlerFunc { return httpapi.Handle(s.Register) }, `{"email": "anna@foyer.example", "name": "Anna", "password": "a fine long phrase 7"}`},
		"a reset":     {func(s Server) http.HandlerFunc { return httpapi.Handle(s.RequestPasswordReset) }, `{"email": "anna@foyer.example"}`},
	} {
		t.Run(name, func(t *testing.T) {
			store := &counts{}
			s := Server{Accounts: &auth.Accounts{Store: store, Seal: seal, PerIP: 1, Now: time.Now}}
			for _, c := range []struct {
				address string
				status  int
			}{
				{"2001:db8:1:2::1", http.StatusAccepted}, {"2001:db8:1:2:ffff::2", http.StatusTooManyRequests},
				{"2001:db8:1:3::1", http.StatusAccepted}, {"192.0.2.7", http.StatusAccepted}, {"::ffff:192.0.2.7", http.StatusTooManyRequests}, {"192.0.2.8", http.StatusAccepted},
			} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(ask.body))
				r.Header.Set("X-Forwarded-For", c.address)
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				ask.handle(s)(w, r)
				assert.Equal(t, c.status, w.Code, "%s: %s", c.address, w.Body)
				if c.status == http.StatusTooManyRequests {
					assert.Contains(t, w.Body.String(), "too_many_mails")
					assert.Equal(t, "900", w.Header().Get("Retry-After"))
				}
			}
			assert.Contains(t, store.keys, "ip:2001:db8:1:2::/64")
		})
	}
}

// A cookie that is taken back is taken back now, not kept until the browser closes; one that is set
// has an age.
func TestCookiesHaveAnAge(t *testing.T) {
	for name, c := range map[string]struct {
		write func(http.ResponseWriter)
		age   int
	}{
		"dropped":           {func(w http.ResponseWriter) { Server{}.dropCookie(w, sessionCookie) }, -1},
		"set":               {func(w http.ResponseWriter) { Server{}.setCookie(w, sessionCookie, "x", time.Minute) }, 60},
		"set with no time":  {func(w http.ResponseWriter) { Server{}.setCookie(w, sessionCookie, "x", time.Millisecond) }, -1},
		"set for the past":  {func(w http.ResponseWriter) { Server{}.setCookie(w, sessionCookie, "x", -1) }, -1},
		"set for less than": {func(w http.ResponseWriter) { Server{}.setCookie(w, sessionCookie, "x", 0) }, -1},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			c.write(w)
			cookies := w.Result().Cookies()
			require.Len(t, cookies, 1)
			assert.Equal(t, c.age, cookies[0].MaxAge)
		})
	}
}
