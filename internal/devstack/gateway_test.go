package devstack

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// edge is the gateway alone, with services that these tests make up.
type edge struct {
	t    *testing.T
	cfg  Config
	apps []App
	log  string
}

// gatewayWith runs the gateway, its configuration changed; services not served refuse connections.
func gatewayWith(t *testing.T, change func(*Config), services map[string]http.Handler) *edge {
	t.Helper()
	cfg, apps := gatewayConfig(t, change, services)
	e := &edge{t: t, cfg: cfg, apps: apps, log: filepath.Join(cfg.Data, "gateway.log")}
	part := (&Stack{Config: cfg, Apps: e.apps}).gateway()
	require.NoError(t, part.Prepare(t.Context(), func(Step) {}))
	nginx, err := part.Command()
	require.NoError(t, err)
	e.run(nginx)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for part.Ready(ctx) != nil {
		require.NoError(t, ctx.Err(), e.logged())
		time.Sleep(20 * time.Millisecond)
	}
	return e
}

// gatewayConfig is that of a gateway with services made up.
func gatewayConfig(t *testing.T, change func(*Config), services map[string]http.Handler) (Config, []App) {
	t.Helper()
	cfg, err := Load()
	require.NoError(t, err)
	var held []net.Listener
	next := func() int {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		held = append(held, l)
		return l.Addr().(*net.TCPAddr).Port
	}
	cfg.Data, cfg.NextPort = t.TempDir(), next
	cfg.Ports.Gateway, cfg.Ports.Keycloak, cfg.Ports.KeycloakHTTP = next(), next(), next()
	if change != nil {
		change(&cfg)
	}
	apps, err := LoadApps(cfg)
	require.NoError(t, err)
	for _, l := range held {
		l.Close()
	}
	serve := func(name string, port int) {
		if h, ok := services[name]; ok {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			require.NoError(t, err)
			server := &http.Server{Handler: h}
			go func() { _ = server.Serve(l) }()
			t.Cleanup(func() { server.Close() })
		}
	}
	for _, app := range apps {
		serve(app.Name(), app.Port)
	}
	serve("keycloak", cfg.Ports.KeycloakHTTP)
	return cfg, apps
}

func (e *edge) run(nginx *exec.Cmd) {
	log, err := openLog(e.log)
	require.NoError(e.t, err)
	nginx.Stdout, nginx.Stderr = log, log
	require.NoError(e.t, nginx.Start())
	e.t.Cleanup(func() {
		_ = nginx.Process.Signal(syscall.SIGTERM)
		_ = nginx.Wait()
		log.Close()
	})
}

func (e *edge) logged() string {
	raw, _ := os.ReadFile(e.log)
	return string(raw)
}

func (e *edge) url() string { return fmt.Sprintf("http://127.0.0.1:%d", e.cfg.Ports.Gateway) }

// signIn is where Keycloak's pages are.
func (e *edge) signIn() string { return fmt.Sprintf("http://127.0.0.1:%d", e.cfg.Ports.Keycloak) }

// ask sends a request from an address of this machine.
func (e *edge) ask(from, method, path string, header ...string) (*http.Response, string) {
	e.t.Helper()
	return e.send(from, method, e.url()+path, "", header...)
}

func (e *edge) send(from, method, address, form string, header ...string) (*http.Response, string) {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), method, address, strings.NewReader(form))
	require.NoError(e.t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	require.NoError(e.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(e.t, err)
	return res, string(body)
}

func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
}

// What identifies somebody, and what signs them in, is in no log: whether the gateway refuses a
// request, cannot hand it on, or gets no answer.
func TestTheGatewayLogsNothingAboutPeople(t *testing.T) {
	hangsUp := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	e := gatewayWith(t, nil, map[string]http.Handler{"auth": says("ok"), "booking": hangsUp, "keycloak": hangsUp})
	const stranger = "127.0.0.77"
	canaries := []string{"erika@example.org", "code-0815", "session-4711", stranger, "Mustermann"}
	paths := []string{
		"/api/v1/admin/users?q=erika@example.org", "/auth/callback?code=code-0815&state=x",
		"/api/v1/admin/bookings?account=erika@example.org", "/api/v1/tickets/erika@example.org.pdf", // no answer
		"/api/v1/search?q=Mustermann", "/api/v1/notifications?x=erika@example.org", // nobody there
		"/api/v1/search?unknown=erika@example.org",
	}
	statuses := map[int]bool{}
	for _, path := range paths {
		for range 3 {
			res, _ := e.ask(stranger, http.MethodGet, path, "Cookie", "foyer_session=session-4711", "Referer", "http://x/?m=erika@example.org", "User-Agent", "Mustermann")
			statuses[res.StatusCode] = true
		}
	}
	for range 60 { // the limit of sign-ins is the lower one
		res, _ := e.ask(stranger, http.MethodPost, "/api/v1/accounts/password-reset?email=erika@example.org")
		statuses[res.StatusCode] = true
	}
	for _, path := range paths[:2] { // and the limit of all
		statuses[e.flood(stranger, path)] = true
	}
	for range 50 { // without an answer, then refused
		res, _ := e.send(stranger, http.MethodPost, e.signIn()+"/realms/foyer/login-actions/authenticate?session_code=code-0815", "username=erika@example.org&password=session-4711",
			"Cookie", "AUTH_SESSION_ID=session-4711", "Referer", "http://x/?m=erika@example.org", "Content-Type", "application/x-www-form-urlencoded")
		statuses[res.StatusCode] = true
	}
	for _, status := range []int{400, 429, 503} {
		assert.True(t, statuses[status], "some are answered %d", status)
	}
	log := e.logged()
	for _, canary := range canaries {
		assert.NotContains(t, log, canary)
	}
	var entry struct{ Service, Status, Method, Area, Upstream, Limited, Request string }
	found := map[string]bool{}
	for line := range strings.Lines(log) {
		if json.Unmarshal([]byte(line), &entry) == nil {
			limit := "PASSED"
			if strings.Contains(entry.Limited, "REJECTED") {
				limit = "REJECTED"
			}
			found[entry.Status+" "+entry.Area+" "+limit] = true
			assert.Len(t, entry.Request, 32)
		}
	}
	for _, want := range []string{"429 auth REJECTED", "429 accounts REJECTED", "429 sign-in REJECTED", "503 sign-in PASSED", "503 admin PASSED", "503 search PASSED", "400 search PASSED"} {
		assert.True(t, found[want], "%s in %v", want, found)
	}
}

// flood sends one request many times at once over one connection, and gives the status that shows
// the limit, or the last one's.
func (e *edge) flood(from, path string) (status int) {
	e.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.DialContext(e.t.Context(), "tcp", strings.TrimPrefix(e.url(), "http://"))
	require.NoError(e.t, err)
	defer conn.Close()
	const many = 5000
	go func() {
		_, _ = io.WriteString(conn, strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n", many))
	}()
	answers := bufio.NewReader(conn)
	for range many {
		res, err := http.ReadResponse(answers, nil)
		require.NoError(e.t, err)
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(e.t, err)
		if status = res.StatusCode; status == http.StatusTooManyRequests {
			return status
		}
	}
	return status
}

// A redirect of the gateway's own leads nowhere else, whatever host the request named.
func TestRedirectsStayHere(t *testing.T) {
	e := gatewayWith(t, nil, nil)
	res, _ := e.ask("127.0.0.1", http.MethodGet, "/auth", "Host", "evil.example")
	assert.Equal(t, http.StatusMovedPermanently, res.StatusCode)
	assert.Equal(t, "/auth/", res.Header.Get("Location"))
}

// Another replica takes over from one that is away: anything that was not sent, and reads that were.
func TestAnotherReplicaTakesOver(t *testing.T) {
	var asked atomic.Int64
	hangsUp := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		panic(http.ErrAbortHandler)
	})
	two := func(c *Config) { c.Replicas = map[string]int{"booking": 2, "catalog": 2} }
	e := gatewayWith(t, two, map[string]http.Handler{"booking-2": says("second"), "catalog": hangsUp, "catalog-2": says("second")})
	for range 20 {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			res, body := e.ask("127.0.0.1", method, "/api/v1/bookings")
			require.Equal(t, http.StatusOK, res.StatusCode, "%s: %s", method, body)
			require.Equal(t, "second", body)
		}
		res, _ := e.ask("127.0.0.1", http.MethodGet, "/api/v1/venues")
		require.Equal(t, http.StatusOK, res.StatusCode, "a read is asked again")
	}
	require.Positive(t, asked.Load())
	before := asked.Load()
	refused := int64(0)
	for range 20 {
		if res, _ := e.ask("127.0.0.1", http.MethodPost, "/api/v1/venues"); res.StatusCode == http.StatusServiceUnavailable {
			refused++
		}
	}
	assert.Equal(t, asked.Load()-before, refused, "what may have been done is not done again")
	assert.Positive(t, refused)
}

// The limits hold behind a proxy on the same machine, also when nobody told us of it.
func TestLimitsHoldBehindAProxy(t *testing.T) {
	refusals := func(e *edge, header ...string) (n int) {
		for range 60 {
			if res, _ := e.ask("127.0.0.1", http.MethodPost, "/api/v1/accounts", header...); res.StatusCode == http.StatusTooManyRequests {
				n++
			}
		}
		return n
	}
	services := map[string]http.Handler{"auth": says("ok")}
	public := func(c *Config) { c.PublicURL = "https://tickets.example" }
	trusting := func(c *Config) { public(c); c.TrustedProxies = []string{"127.0.0.1"} }

	assert.Zero(t, refusals(gatewayWith(t, nil, services)), "developers and tests on this machine")
	assert.Positive(t, refusals(gatewayWith(t, nil, services), "X-Forwarded-For", "203.0.113.9"), "a proxy that nobody told of")
	assert.Positive(t, refusals(gatewayWith(t, public, services)), "a platform for the public spares nobody")
	e := gatewayWith(t, trusting, services)
	assert.Positive(t, refusals(e, "X-Forwarded-For", "127.0.0.1, 203.0.113.9"), "what a client claims is not believed")
	assert.Zero(t, refusals(gatewayWith(t, trusting, services), "X-Forwarded-For", "203.0.113.9")/60, "and each client has limits of its own")
	res, _ := e.ask("127.0.0.1", http.MethodPost, "/api/v1/accounts", "X-Forwarded-For", "203.0.113.10")
	assert.Equal(t, http.StatusOK, res.StatusCode, "another client is not limited by the first one's requests")
}

// One password on many names trips no account's lock: the client's network is slowed down, wherever a
// guess may be sent, and nobody else.
func TestOnePasswordOnManyNamesIsSlow(t *testing.T) {
	const many = 120
	var asked atomic.Int64
	keycloak := map[string]http.Handler{"keycloak": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, "wrong")
	})}
	trusting := func(c *Config) { c.TrustedProxies = []string{"127.0.0.1"} }
	for _, path := range []string{
		"/realms/foyer/login-actions/authenticate?session_code=x&execution=y", "/realms/foyer/protocol/openid-connect/token",
		"/realms/foyer/login-actions/required-action", "/realms/foyer/protocol/openid-connect/token/introspect", "/realms/foyer/account/",
	} {
		t.Run(strings.Trim(strings.SplitN(path, "?", 2)[0], "/"), func(t *testing.T) {
			e := gatewayWith(t, trusting, keycloak)
			spray := func(from string, header ...string) (passed int) {
				for i := range many {
					method := http.MethodPost
					if i%10 == 0 {
						method = http.MethodGet // a form's fields may come with any method
					}
					res, _ := e.send(from, method, e.signIn()+path, fmt.Sprintf("username=load-%04d@foyer.test&password=autumn-2026", i), header...)
					if res.StatusCode == http.StatusOK {
						passed++
						continue
					}
					require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
					require.Equal(t, "10", res.Header.Get("Retry-After"))
				}
				return passed
			}
			before := asked.Load()
			passed := spray("127.0.0.1") // this machine is not spared
			assert.Less(t, passed, many/2)
			assert.Greater(t, passed, 40, "a family, an office")
			assert.EqualValues(t, passed, asked.Load()-before)
			other, _ := e.send("127.0.0.2", http.MethodPost, e.signIn()+path, "username=x")
			assert.Equal(t, http.StatusOK, other.StatusCode, "somebody else signs in")
			behind, _ := e.send("127.0.0.1", http.MethodPost, e.signIn()+path, "username=x", "X-Forwarded-For", "203.0.113.9")
			assert.Equal(t, http.StatusOK, behind.StatusCode, "also from behind a proxy")
			page, _ := e.send("127.0.0.1", http.MethodGet, e.signIn()+path, "")
			assert.Equal(t, http.StatusOK, page.StatusCode, "looking at a page is no guess")

			// A network of IPv6 has more addresses than limits have room for.
			refused := 0
			for i := range many {
				res, _ := e.send("127.0.0.1", http.MethodPost, e.signIn()+path, "username=x", "X-Forwarded-For", fmt.Sprintf("2001:db8:1:2::%x", i+1))
				if res.StatusCode == http.StatusTooManyRequests {
					refused++
				}
			}
			assert.Greater(t, refused, many/2)
			next, _ := e.send("127.0.0.1", http.MethodPost, e.signIn()+path, "username=x", "X-Forwarded-For", "2001:db8:1:3::1")
			assert.Equal(t, http.StatusOK, next.StatusCode, "the network next door")
		})
	}
	t.Run("told in words", func(t *testing.T) {
		e := gatewayWith(t, nil, keycloak)
		token := e.signIn() + "/realms/foyer/login-actions/authenticate"
		var res *http.Response
		var body string
		for range many {
			res, body = e.send("127.0.0.1", http.MethodPost, token, "username=x")
		}
		require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
		assert.Equal(t, "application/problem+json", res.Header.Get("Content-Type"))
		assert.Contains(t, body, "too_many_requests")
		for _, c := range []struct{ accepts, chosen, lang, says string }{
			{"", "", `lang="en" dir="ltr"`, "Too many sign-in attempts"},
			{"de-AT,de;q=0.9", "", `lang="de" dir="ltr"`, "Zu viele Anmeldeversuche"},
			{"de", "ar", `lang="ar" dir="rtl"`, "محاولات"},
			{"xx", "<script>", `lang="en" dir="ltr"`, "Wait a minute"},
		} {
			res, body = e.send("127.0.0.1", http.MethodPost, token, "username=x",
				"Accept", "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language", c.accepts, "Cookie", "KEYCLOAK_LOCALE="+c.chosen)
			assert.Equal(t, http.StatusTooManyRequests, res.StatusCode)
			assert.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
			assert.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'none'")
			assert.Contains(t, body, c.lang)
			assert.Contains(t, body, c.says)
			assert.NotContains(t, body, "<script>")
		}
	})
}

// What guesses or mails by the API stays as limited as it was.
func TestAccountsAreLimited(t *testing.T) {
	for _, path := range []string{"/api/v1/accounts", "/api/v1/accounts/password-reset", "/api/v1/accounts/password", "/api/v1/accounts/confirmation", "/api/v1/me/confirmation"} {
		e := gatewayWith(t, nil, map[string]http.Handler{"auth": says("ok")})
		refused := 0
		for range 60 {
			if res, _ := e.ask("127.0.0.2", http.MethodPost, path); res.StatusCode == http.StatusTooManyRequests {
				refused++
			}
		}
		assert.Positive(t, refused, path)
	}
}

// Of Keycloak, the public address has what people need. No spelling of a path leads elsewhere, and nothing
// that a client says of itself reaches it.
func TestTheSignInAddressHasNothingElse(t *testing.T) {
	var seen atomic.Value
	e := gatewayWith(t, nil, map[string]http.Handler{"keycloak": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Clone(context.WithoutCancel(r.Context())))
		fmt.Fprint(w, r.RequestURI)
	})})
	for _, path := range []string{
		"/realms/foyer/protocol/openid-connect/auth?client_id=foyer-web", "/realms/foyer/protocol/openid-connect/certs", "/realms/foyer/protocol/openid-connect/logout",
		"/realms/foyer/login-actions/authenticate?session_code=a%2Fb", "/realms/foyer/.well-known/openid-configuration", "/realms/foyer/account/", "/resources/1a2b/login/foyer/css/foyer.css",
	} {
		res, body := e.send("127.0.0.1", http.MethodGet, e.signIn()+path, "")
		assert.Equal(t, http.StatusOK, res.StatusCode, path)
		assert.Equal(t, path, body)
	}
	raw := func(path string) (status int, reached string) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(e.signIn(), "http://"))
		require.NoError(t, err)
		defer conn.Close()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		if res.StatusCode == http.StatusOK {
			reached = string(body)
		}
		return res.StatusCode, reached
	}
	for _, path := range []string{
		"/admin", "/admin/", "/admin/master/console/", "/admin/realms", "/admin/realms/foyer/users", "/realms/master", "/realms/master/", "/realms/master/protocol/openid-connect/token",
		"/realms/master/login-actions/authenticate", "/realms/master/.well-known/openid-configuration", "/realms/foyer", "/realms/foyer/clients-registrations/default",
		"/realms/foyer/protocol/saml", "/realms/foyer/broker/x/login", "/realms", "/metrics", "/health", "/health/ready", "/resources/1a2b/admin/keycloak.v2/assets/index.js", "/robots.txt",
		"/realms/foyer/../master/protocol/openid-connect/token", "/realms/foyer/%2e%2e/master/protocol/openid-connect/token", "/realms/foyer/login-actions/..%2f..%2fmaster/login-actions/authenticate",
		"/realms/foyer/login-actions/..;/..;/master/login-actions/authenticate", "/realms/foyer/login-actions/%2e%2e%3b/%2e%2e%3b/master", "/resources/..%2fadmin/", "//admin/", "/resources/x/%61dmin/y",
		"/realms/foyer;/login-actions/authenticate",
	} {
		status, reached := raw(path)
		assert.Contains(t, []int{400, 404}, status, path)
		assert.Empty(t, reached, path)
	}
	// Keycloak gets the path that was judged.
	for path, want := range map[string]string{
		"/realms/master/..%2ffoyer/login-actions/authenticate":      "/realms/foyer/login-actions/authenticate",
		"/admin/%2e%2e/realms/foyer/protocol/openid-connect/token":  "/realms/foyer/protocol/openid-connect/token",
		"/realms/foyer/protocol//openid-connect/auth?x=%2e%2e%2f;y": "/realms/foyer/protocol/openid-connect/auth?x=%2e%2e%2f;y",
	} {
		_, reached := raw(path)
		assert.Equal(t, want, reached, path)
	}
	res, _ := e.send("127.0.0.1", http.MethodGet, e.signIn()+"/", "", "Host", "evil.example")
	assert.Equal(t, e.cfg.PublicURL+"/", res.Header.Get("Location"))

	claims := []string{"X-Forwarded-For", "203.0.113.9", "X-Forwarded-Host", "evil.example", "X-Forwarded-Port", "1", "X-Forwarded-Prefix", "/x", "X-Forwarded-Proto", "https", "Forwarded", "for=203.0.113.9"}
	e.send("127.0.0.5", http.MethodGet, e.signIn()+"/realms/foyer/account/", "", claims...)
	got, _ := seen.Load().(*http.Request)
	require.NotNil(t, got)
	assert.Equal(t, "127.0.0.5", got.Header.Get("X-Forwarded-For"))
	assert.Equal(t, "http", got.Header.Get("X-Forwarded-Proto"))
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "Forwarded"} {
		assert.Empty(t, got.Header.Get(name), name)
	}
}

// The client's address reaches the services as the trusted proxy said it, and as no other did.
func TestTheClientsAddress(t *testing.T) {
	shows := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-Forwarded-For")) })
	services := map[string]http.Handler{"auth": shows}
	_, plain := gatewayWith(t, nil, services).ask("127.0.0.5", http.MethodGet, "/auth/x", "X-Forwarded-For", "203.0.113.9")
	assert.Equal(t, "127.0.0.5", plain)
	trusting := gatewayWith(t, func(c *Config) { c.TrustedProxies = []string{"127.0.0.5", "10.0.0.0/8"} }, services)
	_, behind := trusting.ask("127.0.0.5", http.MethodGet, "/auth/x", "X-Forwarded-For", "192.0.2.1, 203.0.113.9, 10.1.2.3")
	assert.Equal(t, "203.0.113.9", behind)
	_, direct := trusting.ask("127.0.0.6", http.MethodGet, "/auth/x", "X-Forwarded-For", "203.0.113.9")
	assert.Equal(t, "127.0.0.6", direct)

	e := gatewayWith(t, func(c *Config) { c.TrustedProxies, c.ProxyProtocol = []string{"127.0.0.1"}, true }, services)
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.url(), "http://"))
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprint(conn, "PROXY TCP4 203.0.113.9 127.0.0.1 4000 80\r\nGET /auth/x HTTP/1.1\r\nHost: x\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, "203.0.113.9", string(body))

	for _, bad := range []func(*Config){
		func(c *Config) { c.TrustedProxies = []string{"everybody; deny all"} },
		func(c *Config) { c.ProxyProtocol = true },
	} {
		cfg, err := Load()
		require.NoError(t, err)
		bad(&cfg)
		require.Error(t, cfg.complete())
	}
}

// What the cache is asked for is bounded: a parameter that a public read does not know is refused
// before it reaches a service, and on a page it changes nothing.
func TestUnknownParametersDoNotPassTheCache(t *testing.T) {
	var asked atomic.Int64
	counts := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "public, max-age=60")
		fmt.Fprint(w, "{}")
	})
	e := gatewayWith(t, nil, map[string]http.Handler{"catalog": counts, "booking": counts, "search": counts})
	for i, path := range []string{
		"/api/v1/events?x=%d", "/api/v1/events?limit=5&x=%d", "/api/v1/events/0190?x=%d", "/api/v1/events/0190/plan?%d", "/api/v1/events/0190?limit=%d",
		"/api/v1/events/0190/seats?x=%d", "/api/v1/search?q=a&x=%d", "/api/v1/search?%%71=%d", "/api/v1/search/suggest?q=a&x=%d",
	} {
		res, _ := e.ask("127.0.0.1", http.MethodGet, fmt.Sprintf(path, i))
		assert.Equal(t, http.StatusBadRequest, res.StatusCode, path)
	}
	assert.Zero(t, asked.Load())
	for i := range 10 {
		for _, page := range []string{"/events/0190?utm_source=%d", "/sitemap.xml?%d", "/robots.txt?x=%d"} {
			res, _ := e.ask("127.0.0.1", http.MethodGet, fmt.Sprintf(page, i))
			assert.Equal(t, http.StatusOK, res.StatusCode, page)
		}
	}
	assert.EqualValues(t, 3, asked.Load(), "each page once")
	res, _ := e.ask("127.0.0.1", http.MethodGet, "/search?q=a&utm_source=b")
	assert.NotEqual(t, http.StatusBadRequest, res.StatusCode, "a link from elsewhere works")
	assert.EqualValues(t, 3, asked.Load(), "and brings the application alone")
	for _, known := range []string{"/api/v1/search?q=a&city=Wien&city=Graz&limit=3", "/search?q=a&view=map", "/api/v1/events?limit=3&from=x", "/api/v1/events/0190/seats?units=runs"} {
		before := asked.Load()
		res, _ := e.ask("127.0.0.1", http.MethodGet, known)
		assert.Equal(t, http.StatusOK, res.StatusCode, known)
		assert.Equal(t, before+1, asked.Load(), known)
	}
}

// The parameters that the gateway lets through are those of the services' contracts.
func TestKnownParametersAreTheContracts(t *testing.T) {
	cfg, err := Load()
	require.NoError(t, err)
	raw, err := os.ReadFile(filepath.Join(cfg.Root, "gateway", "nginx.conf"))
	require.NoError(t, err)
	for place, want := range map[string][2]string{
		`location /api/v1/search {`: {"search", "/api/v1/search"},
		`location /api/v1/events  `: {"catalog", "/api/v1/events"},
	} {
		_, rest, ok := strings.Cut(string(raw), place)
		require.True(t, ok, place)
		names := regexp.MustCompile(`\^\(\(([^)]*)\)=`).FindStringSubmatch(rest)
		require.NotNil(t, names)
		have := strings.Split(names[1], "|")
		spec, err := os.ReadFile(filepath.Join(cfg.Root, "services", want[0], "rest", "openapi.yaml"))
		require.NoError(t, err)
		assert.ElementsMatch(t, queryParameters(t, spec, want[1]), have, place)
	}
}

func queryParameters(t *testing.T, spec []byte, path string) (names []string) {
	t.Helper()
	type parameter struct {
		Ref      string `yaml:"$ref"`
		Name, In string
	}
	var doc struct {
		Paths map[string]struct {
			Get struct{ Parameters []parameter }
		}
		Components struct{ Parameters map[string]parameter }
	}
	require.NoError(t, yaml.Unmarshal(spec, &doc))
	for _, p := range doc.Paths[path].Get.Parameters {
		if p.Ref != "" {
			p = doc.Components.Parameters[p.Ref[strings.LastIndex(p.Ref, "/")+1:]]
		}
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	return names
}
