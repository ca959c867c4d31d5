package integration

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/tests/harness"
)

// from makes a client whose address is another of this machine's own: the gateway's limits spare
// 127.0.0.1, which is how local people and tests come.
func from(address string) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, to string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(to)
			return dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
		},
		MaxIdleConnsPerHost: 50,
	}}
}

func TestGatewayProtectsEveryAnswer(t *testing.T) {
	anyone := as(t, nobody)
	for _, path := range []string{"/api/v1/events", "/api/v1/events/" + uuid.NewString(), "/api/v1/me", "/api/nothing", "/no/such/page.js", "/auth/session"} {
		a := anyone.call(http.MethodGet, path, nil)
		policy := a.Header.Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'self'", path)
		assert.Contains(t, policy, "frame-ancestors 'none'", path)
		assert.Contains(t, policy, "object-src 'none'", path)
		assert.NotContains(t, strings.Split(policy, "style-src")[0], "unsafe", path)
		assert.NotContains(t, policy, "stripe.com", "nothing of Stripe's while a simulator takes its place: %s", path)
		assert.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"), path)
		assert.Equal(t, "DENY", a.Header.Get("X-Frame-Options"), path)
		assert.Equal(t, "strict-origin-when-cross-origin", a.Header.Get("Referrer-Policy"), path)
		assert.Regexp(t, `^[0-9a-f]{32}$`, a.Header.Get("X-Request-Id"), path)
		assert.Equal(t, "nginx", a.Header.Get("Server"), "no version: %s", path)
		assert.Empty(t, a.Header.Get("Strict-Transport-Security"), "only where there is TLS: %s", path)
		assert.NotRegexp(t, `goroutine|\.go:\d+|panic|SQLSTATE`, string(a.Body), path)
	}
}

func TestGatewayKeepsInsideInside(t *testing.T) {
	anyone := as(t, nobody)
	for _, path := range []string{
		"/internal/accounts/x", "/dapr/subscribe", "/dapr/config", "/actors/WaitingRoom/x", "/gateway/session", "/metrics", "/readyz",
		"/v1.0/state/cache/x", "/_session", "/_stranger", "/api/v1/../../internal/accounts/x", "/api/v1/%2e%2e/%2e%2e/metrics", "/api/v1/nothing", "/webhooks/other",
	} {
		a := anyone.call(http.MethodGet, path, nil, "dapr-api-token", anyone.p.Secrets.AppAPIToken("auth"))
		assert.Contains(t, []int{400, 404}, a.Status, "%s: %s", path, a.Body)
	}
	// A service's own port gives nothing away either: sidecar routes want the token.
	for id := range anyone.p.Apps {
		for _, path := range []string{"/dapr/subscribe", "/internal/anything", "/internal/accounts/x"} {
			res, err := http.Get(anyone.p.ServiceURL(id) + path)
			if err != nil {
				continue // a part that is not in the tree
			}
			res.Body.Close()
			assert.Contains(t, []int{401, 403, 404}, res.StatusCode, "%s%s", id, path)
		}
		app := anyone.p.Apps[id]
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/v1.0/metadata", app.HTTPPort))
		if err != nil {
			continue
		}
		res.Body.Close()
		assert.Equal(t, 401, res.StatusCode, "the sidecar of %s wants its token", id)
	}
}

// What the gateway refuses itself is a problem like any other, and costs it nothing.
func TestGatewayRefusesWhatIsTooMuch(t *testing.T) {
	m, anyone := as(t, merchant), as(t, nobody)
	anyone.call(http.MethodGet, "/api/v2/events", nil).refused(404, "not_found")
	m.call(http.MethodPost, "/api/v1/events", bytes.Repeat([]byte(" "), 10<<20)).refused(413, "body_too_large")
	anyone.call(http.MethodGet, "/api/v1/events?cursor="+strings.Repeat("x", 100_000), nil).refused(414, "uri_too_long")
	anyone.call(http.MethodGet, "/api/v1/events", nil, "X-Padding", strings.Repeat("x", 1<<20)).refused(431, "headers_too_large")

	deep := m.call(http.MethodPost, "/api/v1/events", []byte(strings.Repeat(`{"a":`, 100_000)+"1"+strings.Repeat("}", 100_000)))
	assert.Contains(t, []int{400, 422}, deep.Status, "%s", deep.Body)
	var bomb bytes.Buffer
	packed := gzip.NewWriter(&bomb)
	_, err := packed.Write(make([]byte, 64<<20))
	require.NoError(t, err)
	require.NoError(t, packed.Close())
	a := m.call(http.MethodPost, "/api/v1/events", bomb.Bytes(), "Content-Encoding", "gzip")
	assert.Contains(t, []int{400, 415, 422}, a.Status, "taken as it is, not unpacked: %s", a.Body)
	a = m.call(http.MethodPost, "/api/v1/events", []byte("name=x"), "Content-Type", "application/x-www-form-urlencoded")
	assert.Contains(t, []int{400, 415, 422}, a.Status, "%s", a.Body)
	anyone.call(http.MethodDelete, "/api/v1/events", nil).refused(405, "method_not_allowed")

	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", m.p.Config.Ports.Gateway))
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = conn.Write([]byte("GET /api/v1/events HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"))
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, 400, res.StatusCode)
	assert.Equal(t, "application/problem+json", res.Header.Get("Content-Type"))
}

func TestGatewayLimitsEachClient(t *testing.T) {
	flood := as(t, nobody)
	flood.client = from("127.0.0.2")
	refused := answer{}
	for range 60 { // 5 a second, 20 at once
		a := flood.call(http.MethodPost, "/api/v1/accounts/password-reset", map[string]any{"email": "x"})
		if a.Status == 429 {
			refused = a
			break
		}
		a.refused(422, "invalid_email")
	}
	require.Equal(t, 429, refused.Status, "never refused")
	refused.t = t
	refused.refused(429, "too_many_requests")
	assert.NotEmpty(t, refused.Header.Get("Retry-After"))

	other := as(t, nobody)
	other.client = from("127.0.0.3")
	other.call(http.MethodPost, "/api/v1/accounts/password-reset", map[string]any{"email": "x"}).refused(422, "invalid_email")
}

// Clients that send a byte now and then hold neither a service nor the others up, and are cut.
func TestGatewayOutlastsSlowClients(t *testing.T) {
	p := harness.Everything(t)
	var slow []net.Conn
	for range 300 {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.Config.Ports.Gateway))
		require.NoError(t, err)
		defer conn.Close()
		_, err = conn.Write([]byte("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nX-Slow: "))
		require.NoError(t, err)
		slow = append(slow, conn)
	}
	for range 20 {
		as(t, nobody).call(http.MethodGet, "/api/v1/events?limit=1", nil).as(200, nil)
	}
	for _, conn := range slow {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
		_, err := conn.Read(make([]byte, 1024))
		for err == nil {
			_, err = conn.Read(make([]byte, 1024))
		}
		require.False(t, errors.Is(err, os.ErrDeadlineExceeded), "still open")
	}
}

// Reading stays up when catalog is down: what somebody has read a moment ago is there for all.
func TestGatewayServesStalePagesWhileCatalogIsAway(t *testing.T) {
	m := as(t, merchant)
	event := newEvent(m, "Stale "+uuid.NewString())
	m.call(http.MethodPost, "/api/v1/events/"+event.ID+"/publish", nil).as(200, nil)
	paths := []string{"/api/v1/events/" + event.ID, "/api/v1/events?limit=3", "/events/" + event.ID}
	anyone := as(t, nobody)
	for _, path := range paths {
		anyone.call(http.MethodGet, path, nil).as(200, nil)
	}
	m.p.Halt(t, "catalog")
	for range 2 {
		for _, path := range paths {
			anyone.call(http.MethodGet, path, nil).as(200, nil)
		}
	}
	anyone.call(http.MethodGet, "/api/v1/events/"+uuid.NewString(), nil).refused(503, "service_unavailable")
	m.call(http.MethodPost, "/api/v1/events", standingEvent(event.Venue.ID, "While away")).refused(503, "service_unavailable")

	m.p.Resume(t, "catalog")
	anyone.call(http.MethodGet, "/api/v1/events/"+uuid.NewString(), nil).refused(404, "event_not_found")
}

// Whoever has a session is a stranger while auth is away, but pages that need no name work.
func TestGatewayWithoutAuth(t *testing.T) {
	browser := signedIn(t, customer)
	bearer := as(t, merchant)
	browser.p.Token(t, merchant)
	browser.p.Halt(t, "auth")
	browser.call(http.MethodGet, "/api/v1/events?limit=2", nil).as(200, nil)
	browser.call(http.MethodGet, "/api/v1/notifications", nil).refused(401, "unauthenticated")
	bearer.call(http.MethodGet, "/api/v1/merchant/events", nil).as(200, nil)
	browser.call(http.MethodGet, "/auth/session", nil).refused(503, "service_unavailable")
	browser.p.Resume(t, "auth")
	browser.call(http.MethodGet, "/auth/session", nil).as(200, nil)
}

// Tokens and sessions go on without Keycloak; what has to ask it says so in bounded time, and
// the log of the service knows the request by the id that the client was given.
func TestGatewayWithoutKeycloak(t *testing.T) {
	browser := signedIn(t, customer)
	browser.p.Signal(t, "keycloak", syscall.SIGSTOP)
	t.Cleanup(func() { browser.p.Signal(t, "keycloak", syscall.SIGCONT) })
	browser.call(http.MethodGet, "/auth/session", nil).as(200, nil)
	browser.call(http.MethodGet, "/api/v1/notifications", nil).as(200, nil)
	a := browser.call(http.MethodGet, "/api/v1/me", nil)
	a.refused(503, "dependency_unavailable")
	id := a.Header.Get("X-Request-Id")
	assert.Contains(t, string(a.Body), id)
	browser.p.Signal(t, "keycloak", syscall.SIGCONT)

	harness.Eventually(t, 10*time.Second, "the log names the request", func() error {
		raw, err := os.ReadFile(browser.p.Config.LogFile("auth"))
		if err == nil && !strings.Contains(string(raw), id) {
			err = errors.New("not there")
		}
		return err
	})
	harness.Eventually(t, time.Minute, "the profile is back", func() error {
		if a := browser.call(http.MethodGet, "/api/v1/me", nil); a.Status != 200 {
			return fmt.Errorf("%d", a.Status)
		}
		return nil
	})
}

// One trace id from the client's request through gateway, service and sidecar, with the database's
// log and the broker to the consumer.
func TestTraceGoesAllTheWay(t *testing.T) {
	c := as(t, customer)
	require.NotNil(t, c.p.Traces, "start the shared stack with OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:14318, and give it here too")
	event := onSale(t)
	var hold, booking struct{ ID string }
	c.call(http.MethodPost, "/api/v1/events/"+event.ID+"/holds", map[string]any{
		"items": []any{map[string]any{"ticketType": event.TicketTypes[0].ID, "quantity": 1}},
	}).as(201, &hold)

	raw := make([]byte, 24)
	rand.Read(raw)
	trace := hex.EncodeToString(raw[:16])
	c.p.Traces.Watch(trace)
	a := c.call(http.MethodPost, "/api/v1/bookings", map[string]any{"hold": hold.ID}, "traceparent", "00-"+trace+"-"+hex.EncodeToString(raw[16:])+"-01")
	a.as(a.Status, &booking)
	require.Contains(t, []int{201, 202}, a.Status, "%s", a.Body)
	t.Cleanup(func() { c.call(http.MethodPost, "/api/v1/bookings/"+booking.ID+"/cancel", nil) })

	harness.Eventually(t, time.Minute, "the trace is whole", func() error {
		spans := c.p.Traces.Spans(trace)
		has := func(name string) bool {
			return slices.ContainsFunc(spans, func(s harness.Span) bool { return strings.Contains(s.Service+" "+s.Name, name) })
		}
		for _, want := range []string{"booking POST", "booking dapr.proto", "booking-consumer"} {
			if !has(want) {
				return fmt.Errorf("no %s in %v", want, spans)
			}
		}
		return nil
	})
}

// onSale is an event with standing room that anybody may buy now.
func onSale(t testing.TB) (e concert) {
	t.Helper()
	m := as(t, merchant)
	form := standingEvent(newVenue(m), "On sale "+uuid.NewString())
	form["salesStart"] = time.Now().Add(-time.Hour).UTC()
	m.call(http.MethodPost, "/api/v1/events", form).as(201, &e)
	m.call(http.MethodPost, "/api/v1/events/"+e.ID+"/publish", nil).as(200, &e)
	return e
}

// Any one process may be killed at any time: it comes back, and what was acknowledged is there.
func TestKilledProcessesComeBackWithEveryWrite(t *testing.T) {
	m := as(t, merchant)
	p := m.p
	victims := []string{"postgres", "gateway"}
	for id := range p.Apps {
		for _, name := range []string{id, id + ".daprd"} {
			if p.PID(t, name) != 0 { // it is in the tree
				victims = append(victims, name)
			}
		}
	}
	slices.Sort(victims)
	venue := newVenue(m)
	for _, victim := range victims {
		var e, again concert
		harness.Eventually(t, time.Minute, "a write before "+victim+" is killed", func() error {
			a, err := m.try(http.MethodPost, "/api/v1/events", standingEvent(venue, "Before "+victim))
			if err != nil || a.Status != 201 {
				return fmt.Errorf("%d %w", a.Status, err)
			}
			a.as(201, &e)
			return nil
		})
		pid := p.PID(t, victim)
		p.Kill(t, victim)
		p.WaitHealthy(t, victim, time.Minute, pid)
		harness.Eventually(t, time.Minute, "the write after "+victim+" is back", func() error {
			a, err := m.try(http.MethodGet, "/api/v1/events/"+e.ID, nil)
			if err != nil || a.Status != 200 {
				return fmt.Errorf("%d %w", a.Status, err)
			}
			a.as(200, &again)
			return nil
		})
		require.Equal(t, e.Name, again.Name)
	}
}
