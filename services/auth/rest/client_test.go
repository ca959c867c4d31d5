package rest

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
