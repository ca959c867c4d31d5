package integration

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/auth"
	"github.com/foyer-tickets/foyer/services/auth/keycloak"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// A person signs in by the hosted page in a real browser, is known to the site without its
// pages ever seeing a token, and signs out everywhere.
func TestIdentitySignInThroughTheHostedPage(t *testing.T) {
	p, ctx := harness.Everything(t), chromium(t)
	var cookies []*network.Cookie
	var script, session, after, lang string
	var known, out, unknown int
	drive(ctx, t,
		chromedp.Navigate(p.URL()+"/auth/login?return_to="+url.QueryEscape("/robots.txt?from=sign-in")+"&locale=de"),
		chromedp.WaitVisible("#username"),
		chromedp.Evaluate("document.documentElement.lang", &lang),
		chromedp.SendKeys("#username", customer),
		chromedp.SendKeys("#password", password),
		chromedp.Click("#kc-login"),
		arrive(p.URL()+"/robots.txt?from=sign-in"),
		chromedp.ActionFunc(func(ctx context.Context) (err error) {
			cookies, err = network.GetCookies().WithURLs([]string{p.URL()}).Do(ctx)
			return err
		}),
		chromedp.Evaluate("document.cookie", &script),
		ask("GET", "/auth/session", &known, &session),
		ask("POST", "/auth/logout", &out, &after),
		ask("GET", "/auth/session", &unknown, &after),
		// Signed out at Keycloak as well: it asks for the password again.
		chromedp.Navigate(p.URL()+"/auth/login"),
		chromedp.WaitVisible("#password"),
	)
	assert.Equal(t, "de", lang)
	assert.Equal(t, 200, known)
	assert.Contains(t, session, `"email":"`+customer+`"`)
	assert.Equal(t, 204, out)
	assert.Equal(t, 401, unknown)
	assert.NotContains(t, script, "foyer_session", "no script reads the session")
	found := false
	for _, c := range cookies {
		assert.NotContains(t, c.Value, "eyJ", "no token in cookie %s", c.Name)
		if c.Name == "foyer_session" {
			found = true
			assert.True(t, c.HTTPOnly)
			assert.Equal(t, network.CookieSameSiteLax, c.SameSite)
		}
	}
	assert.True(t, found)
}

func TestIdentitySignInGoesNowhereElse(t *testing.T) {
	p := harness.Everything(t)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(p.URL() + "/auth/login?return_to=https://evil.example/")
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusFound, res.StatusCode)
	to, err := url.Parse(res.Header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprintf("localhost:%d", p.Config.Ports.Keycloak), to.Host)
	assert.Equal(t, "S256", to.Query().Get("code_challenge_method"))
	assert.NotEmpty(t, to.Query().Get("nonce"))
	assert.Equal(t, p.URL()+"/auth/callback", to.Query().Get("redirect_uri"))

	// A callback that no sign-in of this browser waits for (a planted code) signs nobody in.
	res, err = client.Get(p.URL() + "/auth/callback?code=planted&state=" + to.Query().Get("state"))
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, "/?sign_in=failed", res.Header.Get("Location"))
	for _, c := range res.Cookies() {
		assert.NotEqual(t, "foyer_session", c.Name)
	}
}

// The cookie opens the API through the gateway, and only for our own pages.
func TestIdentitySessionCookieIsABearerToken(t *testing.T) {
	browser := signedIn(t, merchant)
	var me struct {
		Email string
		Roles []string
	}
	browser.call(http.MethodGet, "/api/v1/me", nil).as(200, &me)
	assert.Equal(t, merchant, me.Email)
	assert.Contains(t, me.Roles, "merchant")
	var venue struct{ ID string }
	form := map[string]any{"name": "Cookiehaus", "city": "Wien", "country": "AT", "timeZone": "Europe/Vienna"}
	browser.call(http.MethodPost, "/api/v1/venues", form, "Sec-Fetch-Site", "same-origin").as(201, &venue)
	browser.call(http.MethodPost, "/api/v1/venues", form, "Origin", browser.p.URL()).as(201, &venue)

	browser.call(http.MethodPost, "/api/v1/venues", form, "Sec-Fetch-Site", "cross-site").refused(403, "forbidden")
	browser.call(http.MethodPost, "/api/v1/venues", form, "Sec-Fetch-Site", "same-site").refused(403, "forbidden")
	browser.call(http.MethodPost, "/api/v1/venues", form, "Origin", "https://evil.example").refused(403, "forbidden")
	browser.call(http.MethodPost, "/api/v1/venues", form).refused(403, "forbidden")
	browser.call(http.MethodPost, "/auth/logout", nil, "Sec-Fetch-Site", "cross-site").as(403, nil)
	browser.call(http.MethodGet, "/auth/session", nil).as(200, nil)

	// No other origin may read what we answer, and none may ask for more.
	for _, method := range []string{http.MethodGet, http.MethodOptions} {
		a := browser.call(method, "/api/v1/me", nil, "Origin", "https://evil.example", "Access-Control-Request-Method", "PATCH")
		assert.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))
	}
	// A cookie that nobody was given is nobody's.
	as(t, nobody).call(http.MethodGet, "/api/v1/me", nil, "Cookie", "foyer_session=AAAAAAAAAAAAAAAAAAAAAAAAAA").refused(401, "unauthenticated")
}

// Whoever ends a session at Keycloak ends it here (OpenID Connect Back-Channel Logout).
func TestIdentityBackChannelLogout(t *testing.T) {
	email, account := newAccount(t)
	browser := signedIn(t, email)
	browser.call(http.MethodGet, "/auth/session", nil).as(200, nil)

	keycloak := browser.p.Config.KeycloakURL()
	token := grant(t, "master", url.Values{"client_id": {"admin-cli"}, "username": {"admin"}, "password": {browser.p.Config.AdminPassword}}).Access
	req, err := http.NewRequest(http.MethodPost, keycloak+"/admin/realms/foyer/users/"+account+"/logout", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusNoContent, res.StatusCode)
	harness.Eventually(t, 20*time.Second, "the session ends", func() error {
		if a := browser.call(http.MethodGet, "/auth/session", nil); a.Status != 401 {
			return fmt.Errorf("%d", a.Status)
		}
		return nil
	})
	as(t, nobody).call(http.MethodPost, "/auth/backchannel-logout", []byte("logout_token="+token), "Content-Type", "application/x-www-form-urlencoded").refused(400, "invalid_logout_token")
}

func TestIdentityRegisterAndProfile(t *testing.T) {
	email, account := newAccount(t)
	require.NotEmpty(t, link.FindString(mail(t, email, "Bestätige")), "a link, in the account's language")

	me := as(t, email)
	var p struct {
		Account, Email, Name, Locale string
		Roles                        []string
	}
	me.call(http.MethodGet, "/api/v1/me", nil).as(200, &p)
	assert.Equal(t, []string{account, email, "Tess Test", "de"}, []string{p.Account, p.Email, p.Name, p.Locale})
	assert.Equal(t, []string{"customer"}, p.Roles)
	me.call(http.MethodPatch, "/api/v1/me", map[string]any{"locale": "ja"}).as(200, &p)
	assert.Equal(t, []string{"Tess Test", "ja", email}, []string{p.Name, p.Locale, p.Email})
	me.call(http.MethodPatch, "/api/v1/me", map[string]any{"name": "Thea Test"}).as(200, &p)
	assert.Equal(t, []string{"Thea Test", "ja", email}, []string{p.Name, p.Locale, p.Email})
	me.call(http.MethodPatch, "/api/v1/me", map[string]any{"locale": "xx"}).refused(422, "invalid_request")
	me.call(http.MethodPatch, "/api/v1/me", map[string]any{"name": "Thea\u202eTest"}).refused(422, "invalid_name")
	// What only an admin may give is refused.
	me.call(http.MethodPatch, "/api/v1/me", map[string]any{"roles": []string{"admin"}}).as(422, nil)
	me.call(http.MethodGet, "/api/v1/me", nil).as(200, &p)
	assert.Equal(t, []string{"customer"}, p.Roles)
	as(t, nobody).call(http.MethodGet, "/api/v1/me", nil).refused(401, "unauthenticated")
}

// The answer to a registration is the same whether or not there is an account; only the mail tells.
func TestIdentityRegisteringTellsNothing(t *testing.T) {
	email, _ := newAccount(t)
	anyone := as(t, nobody)
	register := func(email, name, password string) answer {
		return anyone.call(http.MethodPost, "/api/v1/accounts", map[string]any{"email": email, "name": name, "password": password, "locale": "de"})
	}
	const fine = "another quiet lamp"
	taken, free := register(strings.ToUpper(email), "Again", fine).as(202, nil), register("t-"+uuid.NewString()+"@foyer.test", "New", fine).as(202, nil)
	assert.Equal(t, free.Body, taken.Body)
	assert.Equal(t, free.Header.Get("Content-Type"), taken.Header.Get("Content-Type"))
	assert.Contains(t, mail(t, email, "bereits ein Foyer-Konto"), "/password/new#")
	_, err := anyone.p.Config.Token(context.Background(), email, fine)
	assert.Error(t, err, "the account's password stays as it was")

	// What is refused is refused by the form alone.
	for _, address := range []string{email, "t-" + uuid.NewString() + "@foyer.test"} {
		register(address, "<x>", fine).refused(422, "invalid_name")
		register(address, "An\u202ena", fine).refused(422, "invalid_name")
		for _, weak := range []string{"short", "1234567890", "password123", "foyer-local", address} {
			register(address, "Anna", weak).refused(422, "weak_password")
		}
	}
	for _, address := range []string{"not an address", "an\u200bna@foyer.test", "anna@localhost"} {
		register(address, "Anna", fine).refused(422, "invalid_email")
	}
}

// Somebody who is signed in confirms the address in the middle of a rush: the same cookies open the line
// and hold places at once.
func TestIdentityConfirmingRenewsTheSession(t *testing.T) {
	e := rush(t, 4, time.Now().Add(-time.Hour), map[string]any{"rate": 10})
	email, _ := newAccount(t)
	token := linkToken(t, mail(t, email, "Bestätige"))
	browser := signedIn(t, email)
	queue, holds := "/api/v1/events/"+e.ID+"/queue", "/api/v1/events/"+e.ID+"/holds"
	wish := map[string]any{"items": []any{map[string]any{"ticketType": e.TicketTypes[0].ID, "quantity": 1}}}
	post := func(path string, body any, header ...string) answer {
		return browser.call(http.MethodPost, path, body, append(header, "Sec-Fetch-Site", "same-origin")...)
	}
	harness.Eventually(t, time.Minute, "the line is there", func() error {
		if a := post(queue, nil); a.Status != 403 {
			return fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return nil
	})
	post(queue, nil).refused(403, "email_unverified")
	post(holds, wish).refused(403, "email_unverified")

	as(t, nobody).call(http.MethodPost, "/api/v1/accounts/confirmation", map[string]any{"token": token}).as(204, nil)
	var place queuePlace
	post(queue, nil).as(201, &place)
	var admitted struct{ Pass string }
	harness.Eventually(t, 2*time.Minute, "the turn comes", func() error {
		a := post(queue+"/admission", nil, "Queue-Place", place.Place)
		if a.Status != 201 {
			return fmt.Errorf("%d %s", a.Status, a.Body)
		}
		a.as(201, &admitted)
		return nil
	})
	post(holds, wish, "Admission-Pass", admitted.Pass).as(201, nil)
}

var link = regexp.MustCompile(`https?://\S+#\S+`)

func linkToken(t testing.TB, text string) string {
	t.Helper()
	_, token, _ := strings.Cut(link.FindString(text), "#")
	require.NotEmpty(t, token, "a link: %s", text)
	return strings.TrimRight(token, ")>].")
}

// mails counts the mails to an address whose subject holds a word.
func mails(t testing.TB, to, subject string) int {
	t.Helper()
	a, err := as(t, nobody).mailpit("/api/v1/search?query=" + url.QueryEscape("to:"+to))
	require.NoError(t, err)
	var found struct{ Messages []struct{ Subject string } }
	a.as(200, &found)
	n := 0
	for _, m := range found.Messages {
		if strings.Contains(m.Subject, subject) {
			n++
		}
	}
	return n
}

// The reset mail arrives, its link takes a new password once, every session of the account ends, and
// strangers' addresses are not told apart. No more mails go out than an hour's.
func TestIdentityPasswordReset(t *testing.T) {
	email, _ := newAccount(t)
	anyone := as(t, nobody)
	ask := func(address string) answer {
		return anyone.call(http.MethodPost, "/api/v1/accounts/password-reset", map[string]any{"email": address}).as(202, nil)
	}
	browser, bearer := signedIn(t, email), grant(t, "foyer", url.Values{"client_id": {"foyer-cli"}, "username": {email}, "password": {harness.NewPassword}})
	withBearer := func() answer {
		return anyone.call(http.MethodGet, "/api/v1/me", nil, "Authorization", "Bearer "+bearer.Access)
	}
	withBearer().as(200, nil)

	known, unknown := ask(email), ask("t-"+uuid.NewString()+"@foyer.test")
	assert.Equal(t, known.Body, unknown.Body)
	first := linkToken(t, mail(t, email, "Neues Passwort"))
	ask(email) // with the registration's mail, the third
	harness.Eventually(t, time.Minute, "the second mail", func() error {
		if n := mails(t, email, "Neues Passwort"); n != 2 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	second := linkToken(t, mail(t, email, "Neues Passwort"))
	require.NotEqual(t, first, second)

	const fresh = "entirely-fresh-words"
	set := func(token, password string) answer {
		return anyone.call(http.MethodPost, "/api/v1/accounts/password", map[string]any{"token": token, "password": password})
	}
	set(first, fresh).refused(410, "link_expired")
	set(second[:len(second)-1], fresh).refused(410, "link_expired")
	set(second, "1234567890").refused(422, "weak_password")
	set(second, fresh).as(204, nil)
	set(second, "another-fresh-phrase").refused(410, "link_expired")

	browser.call(http.MethodGet, "/auth/session", nil).as(401, nil)
	harness.Eventually(t, 5*time.Second, "the old bearer token ends", func() error {
		if a := withBearer(); a.Status != 401 {
			return fmt.Errorf("%d", a.Status)
		}
		return nil
	})
	assert.Equal(t, http.StatusBadRequest, refresh(t, bearer.Refresh), "the refresh token is over")
	p := harness.Everything(t)
	token, err := p.Config.Token(context.Background(), email, fresh)
	require.NoError(t, err)
	anyone.call(http.MethodGet, "/api/v1/me", nil, "Authorization", "Bearer "+token).as(200, nil)
	_, err = p.Config.Token(context.Background(), email, harness.NewPassword)
	assert.Error(t, err, "the old one is over")
	mail(t, email, "Passwort wurde geändert")

	// An address gets three such mails an hour, whoever asks.
	for range 10 {
		ask(email)
	}
	other, _ := newAccount(t)
	ask(other)
	mail(t, other, "Neues Passwort") // asked for last
	assert.Equal(t, 2, mails(t, email, "Neues Passwort"))
}

// refresh uses a refresh token and gives the status.
func refresh(t testing.TB, token string) int {
	t.Helper()
	p := harness.Everything(t)
	res, err := http.PostForm(p.Config.KeycloakURL()+"/realms/foyer/protocol/openid-connect/token",
		url.Values{"grant_type": {"refresh_token"}, "client_id": {"foyer-cli"}, "refresh_token": {token}})
	require.NoError(t, err)
	res.Body.Close()
	return res.StatusCode
}

// A refresh token works once, and nobody gets one that outlives the session.
func TestIdentityRefreshTokensRotate(t *testing.T) {
	email, _ := newAccount(t)
	form := url.Values{"client_id": {"foyer-cli"}, "username": {email}, "password": {harness.NewPassword}}
	got := grant(t, "foyer", form)
	require.Equal(t, http.StatusOK, refresh(t, got.Refresh))
	assert.Equal(t, http.StatusBadRequest, refresh(t, got.Refresh))

	p := harness.Everything(t)
	res, err := http.PostForm(p.Config.KeycloakURL()+"/realms/foyer/protocol/openid-connect/token",
		url.Values{"grant_type": {"password"}, "scope": {"openid offline_access"}, "client_id": {"foyer-cli"}, "username": {email}, "password": {harness.NewPassword}})
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, http.StatusBadRequest, res.StatusCode, "no offline tokens")
}

// A second sign-in in one browser ends the first session, and signing out ends both, here and at Keycloak.
func TestIdentityASecondSignInEndsTheFirst(t *testing.T) {
	email, _ := newAccount(t)
	browser := signedIn(t, email)
	old := sessionOf(t, browser)
	first := as(t, nobody)
	fetch(t, browser.client, browser.p.URL()+"/auth/login?return_to=/healthz") // Keycloak knows them
	require.NotEqual(t, old, sessionOf(t, browser))
	first.call(http.MethodGet, "/auth/session", nil, "Cookie", "foyer_session="+old).as(401, nil)
	browser.call(http.MethodGet, "/auth/session", nil).as(200, nil)

	current := sessionOf(t, browser)
	out := browser.call(http.MethodPost, "/auth/logout", nil, "Sec-Fetch-Site", "same-origin").as(204, nil)
	assert.Contains(t, out.Header.Get("Set-Cookie"), "Max-Age=0")
	first.call(http.MethodGet, "/auth/session", nil, "Cookie", "foyer_session="+current).as(401, nil)
	assert.Contains(t, fetch(t, browser.client, browser.p.URL()+"/auth/login"), "kc-login", "Keycloak asks again")
}

func sessionOf(t testing.TB, c caller) string {
	t.Helper()
	u, err := url.Parse(c.p.URL())
	require.NoError(t, err)
	for _, cookie := range c.client.Jar.Cookies(u) {
		if cookie.Name == "foyer_session" {
			return cookie.Value
		}
	}
	t.Fatal("no session cookie")
	return ""
}

// Streams of a signed-in person end with their session.
func TestIdentityStreamsEndWithTheSession(t *testing.T) {
	email, _ := newAccount(t)
	browser := signedIn(t, email)
	req, err := http.NewRequest(http.MethodGet, browser.p.URL()+"/api/v1/notifications/stream", nil)
	require.NoError(t, err)
	streaming := &http.Client{Jar: browser.client.Jar} // without a deadline
	res, err := streaming.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, res.Body)
	}()
	browser.call(http.MethodPost, "/auth/logout", nil, "Sec-Fetch-Site", "same-origin").as(204, nil)
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the stream goes on after signing out")
	}
}

// Locked means locked: sessions, tokens and profile; and nobody locks or demotes themselves.
func TestIdentityLockingEndsEverything(t *testing.T) {
	email, account := newAccount(t)
	boss, anyone := as(t, admin), as(t, nobody)
	browser := signedIn(t, email)
	bearer := grant(t, "foyer", url.Values{"client_id": {"foyer-cli"}, "username": {email}, "password": {harness.NewPassword}})
	users := "/api/v1/admin/users/" + account
	boss.call(http.MethodPatch, users, map[string]any{"enabled": false}).as(200, nil)
	browser.call(http.MethodGet, "/auth/session", nil).as(401, nil)
	harness.Eventually(t, 5*time.Second, "the bearer token ends", func() error {
		if a := anyone.call(http.MethodPatch, "/api/v1/me", map[string]any{"name": "Still Here"}, "Authorization", "Bearer "+bearer.Access); a.Status != 401 {
			return fmt.Errorf("%d", a.Status)
		}
		return nil
	})
	assert.Equal(t, http.StatusBadRequest, refresh(t, bearer.Refresh))
	_, err := boss.p.Config.Token(context.Background(), email, harness.NewPassword)
	require.Error(t, err, "what they tried has not unlocked it")

	var me struct{ Account string }
	boss.call(http.MethodGet, "/api/v1/me", nil).as(200, &me)
	own := "/api/v1/admin/users/" + me.Account
	boss.call(http.MethodPatch, own, map[string]any{"enabled": false}).refused(409, "own_account")
	boss.call(http.MethodPatch, own, map[string]any{"roles": []string{"merchant"}}).refused(409, "own_account")

	// The trail has it, and says who did it.
	var trail struct {
		Items []struct {
			Kind           string
			Account, Actor *struct{ ID, Email string }
		}
	}
	harness.Eventually(t, 20*time.Second, "the audit trail", func() error {
		boss.call(http.MethodGet, "/api/v1/admin/audit?account="+account, nil).as(200, &trail)
		kinds := map[string]bool{}
		for _, e := range trail.Items {
			kinds[e.Kind] = true
			if e.Kind == "account_locked" {
				require.NotNil(t, e.Actor)
				assert.Equal(t, admin, e.Actor.Email)
			}
		}
		for _, kind := range []string{"registered", "sign_in", "sign_in_failed", "account_locked"} {
			if !kinds[kind] {
				return fmt.Errorf("%s is not in it", kind)
			}
		}
		return nil
	})
	boss.call(http.MethodGet, "/api/v1/admin/audit?kind=account_locked&limit=1", nil).as(200, &trail)
	require.Len(t, trail.Items, 1)
	as(t, customer).call(http.MethodGet, "/api/v1/admin/audit", nil).refused(403, "forbidden")
}

// Who may do what: each kind of account, on each other's ground.
func TestIdentityRights(t *testing.T) {
	event := newEvent(as(t, merchant), "Rights")
	path := "/api/v1/events/" + event.ID
	for _, c := range []struct {
		who    string
		status int
		code   string
	}{{nobody, 401, "unauthenticated"}, {customer, 403, "forbidden"}} {
		who := as(t, c.who)
		who.call(http.MethodPost, "/api/v1/events", standingEvent(event.Venue.ID, "No")).refused(c.status, c.code)
		who.call(http.MethodPost, "/api/v1/venues", map[string]any{"name": "No", "city": "Wien", "country": "AT", "timeZone": "Europe/Vienna"}).refused(c.status, c.code)
		who.call(http.MethodGet, "/api/v1/admin/users", nil).refused(c.status, c.code)
		who.call(http.MethodPatch, "/api/v1/admin/users/"+uuid.NewString(), map[string]any{"roles": []string{"admin"}}).refused(c.status, c.code)
	}
	as(t, merchant).call(http.MethodGet, "/api/v1/admin/users", nil).refused(403, "forbidden")
	other := as(t, "merchant2@foyer.test")
	for _, what := range []string{"/publish", "/cancel"} {
		a := other.call(http.MethodPost, path+what, nil)
		assert.Contains(t, []int{403, 404}, a.Status, "another merchant's event: %s", a.Body)
	}
}

func TestIdentityAdminGivesAndTakesRoles(t *testing.T) {
	email, account := newAccount(t)
	boss := as(t, admin)
	var page struct {
		Items []struct {
			Account, Email string
			Roles          []string
		}
	}
	boss.call(http.MethodGet, "/api/v1/admin/users?q="+url.QueryEscape(email), nil).as(200, &page)
	require.Len(t, page.Items, 1)
	assert.Equal(t, []string{"customer"}, page.Items[0].Roles)

	users := "/api/v1/admin/users/" + account
	boss.call(http.MethodPatch, users, map[string]any{"roles": []string{"merchant"}}).as(200, nil)
	boss.p.Forget(email)
	newVenue(as(t, email))
	boss.call(http.MethodPatch, users, map[string]any{"roles": []string{}, "enabled": false}).as(200, nil)
	_, err := boss.p.Config.Token(context.Background(), email, harness.NewPassword)
	assert.Error(t, err, "a locked account cannot sign in")
	boss.call(http.MethodPatch, users, map[string]any{"enabled": true}).as(200, nil)
	_, err = boss.p.Config.Token(context.Background(), email, harness.NewPassword)
	assert.NoError(t, err)
	boss.call(http.MethodPatch, "/api/v1/admin/users/"+uuid.NewString(), map[string]any{"enabled": true}).refused(404, "account_not_found")
}

// totp is the code of a secret at a moment (RFC 6238, as Keycloak's policy has it).
func totp(secret string, at time.Time) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(at.Unix()/30))
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:offset+4])&0x7fffffff%1_000_000)
}

// A new admin sets up a second factor at the first sign-in, and shows it at the next.
func TestIdentityAdminsShowASecondFactor(t *testing.T) {
	email, account := newAccount(t)
	as(t, admin).call(http.MethodPatch, "/api/v1/admin/users/"+account, map[string]any{"roles": []string{"admin"}}).as(200, nil)
	p := harness.Everything(t)
	password := func() chromedp.Tasks {
		return chromedp.Tasks{
			chromedp.Navigate(p.URL() + "/auth/login?return_to=" + url.QueryEscape("/robots.txt?from=sign-in")),
			chromedp.WaitVisible("#username"),
			chromedp.SendKeys("#username", email),
			chromedp.SendKeys("#password", harness.NewPassword),
			chromedp.Click("#kc-login"),
		}
	}
	var secret string
	first := chromium(t)
	drive(first, t, password(), chromedp.WaitVisible("#totp"), chromedp.Value("#totpSecret", &secret))
	require.NotEmpty(t, secret)
	now := time.Now()
	drive(first, t, chromedp.SendKeys("#totp", totp(secret, now)), chromedp.Click("#saveTOTPBtn"), arrive(p.URL()+"/robots.txt?from=sign-in"))

	second := chromium(t)
	var status int
	var text string
	drive(second, t, password(), chromedp.WaitVisible("#otp"), chromedp.Navigate(p.URL()+"/robots.txt"), ask("GET", "/auth/session", &status, &text))
	assert.Equal(t, 401, status, "the password alone signs nobody in")
	// A code works once: the next one, which Keycloak takes up to a step early.
	drive(second, t, password(), chromedp.WaitVisible("#otp"), chromedp.SendKeys("#otp", totp(secret, now.Add(30*time.Second))),
		chromedp.Click("#kc-login"), arrive(p.URL()+"/robots.txt?from=sign-in"), ask("GET", "/auth/session", &status, &text))
	assert.Equal(t, 200, status)
}

// withPasskeys gives the browser an authenticator of its own, as a phone or a laptop has, and takes the name
// that Keycloak's page proposes for a new passkey.
func withPasskeys(browser context.Context) chromedp.Action {
	chromedp.ListenTarget(browser, func(event any) {
		if _, ok := event.(*page.EventJavascriptDialogOpening); ok {
			go func() { _ = chromedp.Run(browser, page.HandleJavaScriptDialog(true).WithPromptText("Laptop")) }()
		}
	})
	return chromedp.Tasks{
		webauthn.Enable(),
		chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
				Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
				HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
			}).Do(ctx)
			return err
		}),
	}
}

// An admin registers a passkey, and from then on shows it in place of the code. Nobody gets in without it.
func TestIdentityAdminsShowAPasskey(t *testing.T) {
	email, account := newAccount(t)
	as(t, admin).call(http.MethodPatch, "/api/v1/admin/users/"+account, map[string]any{"roles": []string{"admin"}}).as(200, nil)
	p := harness.Everything(t)
	there := p.URL() + "/robots.txt?from=sign-in"
	password := func(more string) chromedp.Tasks {
		return chromedp.Tasks{
			chromedp.Navigate(p.URL() + "/auth/login?return_to=" + url.QueryEscape("/robots.txt?from=sign-in") + more),
			chromedp.WaitVisible("#username"),
			chromedp.SendKeys("#username", email),
			chromedp.SendKeys("#password", harness.NewPassword),
			chromedp.Click("#kc-login"),
		}
	}
	// The buttons do something once the page's script has run.
	press := func(button string) chromedp.Tasks {
		return chromedp.Tasks{chromedp.WaitVisible(button), arrive(p.Config.SignInURL + "/"), chromedp.Click(button)}
	}
	var secret, text string
	var status, out int
	owner := chromium(t)
	drive(owner, t, withPasskeys(owner), password("&add_passkey=true"), chromedp.WaitVisible("#totp"), chromedp.Value("#totpSecret", &secret))
	drive(owner, t, chromedp.SendKeys("#totp", totp(secret, time.Now())), chromedp.Click("#saveTOTPBtn"),
		press("#registerWebAuthn"), arrive(there),
		ask("GET", "/auth/session", &status, &text), ask("POST", "/auth/logout", &out, &text))
	assert.Equal(t, []int{200, 204}, []int{status, out})

	// Whoever has the password alone is asked for the passkey, and has none to show.
	thief := chromium(t)
	drive(thief, t, withPasskeys(thief), password(""), chromedp.WaitVisible("#authenticateWebAuthnButton"),
		chromedp.Navigate(p.URL()+"/robots.txt"), ask("GET", "/auth/session", &status, &text))
	assert.Equal(t, 401, status, "the password alone signs nobody in")

	var codes int
	drive(owner, t, password(""), chromedp.WaitVisible("#authenticateWebAuthnButton"),
		chromedp.Evaluate("document.querySelectorAll('#otp').length", &codes),
		press("#authenticateWebAuthnButton"), arrive(there), ask("GET", "/auth/session", &status, &text))
	assert.Zero(t, codes)
	assert.Equal(t, 200, status)
	assert.Contains(t, text, `"admin"`)
}

// The realm refuses by itself what is guessed first, so its own pages do too; and what it says of a form is
// understood.
func TestIdentityKeycloakRefusesWeakPasswords(t *testing.T) {
	p := harness.Everything(t)
	d := keycloak.NewDirectory(keycloak.Config{URL: p.Config.KeycloakURL(), Realm: "foyer", ClientID: "foyer-admin", ClientSecret: p.Secrets.KeycloakAdminClient})
	email := "t-" + uuid.NewString() + "@foyer.test"
	form := auth.Registration{Email: email, Name: "Tess Test", Password: harness.NewPassword, Locale: "en", Job: uuid.NewString()}
	weak := map[string]string{
		"too short": "nine-lett", "too long": strings.Repeat("long words ", 12), "common": "password123", "common in capitals": "PASSWORD123", "the address": email,
	}
	for name, password := range weak {
		r := form
		r.Password = password
		_, err := d.Register(t.Context(), r)
		assert.Equal(t, "weak_password", fault.CodeOf(err), "%s: %v", name, err)
	}
	for _, c := range []struct{ email, name, code string }{
		{"no address", "Tess", "invalid_email"},
		{strings.Repeat("e", 300) + "@foyer.test", "Tess", "invalid_email"},
		{email, strings.Repeat("n", 300), "invalid_name"},
	} {
		r := form
		r.Email, r.Name = c.email, c.name
		_, err := d.Register(t.Context(), r)
		assert.Equal(t, c.code, fault.CodeOf(err), "%v", err)
	}

	account, err := d.Register(t.Context(), form)
	require.NoError(t, err)
	_, err = d.Register(t.Context(), form)
	require.ErrorIs(t, err, auth.ErrEmailTaken)
	for name, password := range weak {
		err := d.SetPassword(t.Context(), account, password)
		assert.Equal(t, "weak_password", fault.CodeOf(err), "%s: %v", name, err)
	}
	const second, third = "a fine long phrase 2", "a fine long phrase 3"
	for _, password := range []string{second, third} {
		require.NoError(t, d.SetPassword(t.Context(), account, password))
	}
	for _, password := range []string{harness.NewPassword, second, third} {
		err := d.SetPassword(t.Context(), account, password)
		assert.Equal(t, "weak_password", fault.CodeOf(err), "%s: %v", password, err)
		assert.ErrorContains(t, err, "used before")
	}
}

type grantAnswer struct {
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error_description"`
}

func grant(t testing.TB, realm string, form url.Values) (a grantAnswer) {
	t.Helper()
	form.Set("grant_type", "password")
	form.Set("scope", "openid")
	p := harness.Everything(t)
	res, err := http.PostForm(p.Config.KeycloakURL()+"/realms/"+realm+"/protocol/openid-connect/token", form)
	require.NoError(t, err)
	defer res.Body.Close()
	require.NoError(t, json.NewDecoder(res.Body).Decode(&a))
	return a
}

// Every service refuses every token but a present access token of our realm for our audience.
func TestIdentityForgedTokensAreRefused(t *testing.T) {
	p := harness.Everything(t)
	good := grant(t, "foyer", url.Values{"client_id": {"foyer-cli"}, "username": {customer}, "password": {password}})
	require.NotEmpty(t, good.Access)
	parts := strings.Split(good.Access, ".")
	part := func(v any) string {
		raw, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	header := func(kv ...any) string {
		h := map[string]any{"typ": "JWT"}
		for i := 0; i < len(kv); i += 2 {
			h[kv[i].(string)] = kv[i+1]
		}
		return part(h)
	}
	var claims map[string]any
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &claims))
	var realHeader struct{ Kid string }
	raw, err = base64.RawURLEncoding.DecodeString(parts[0])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &realHeader))
	claims["realm_access"] = map[string]any{"roles": []string{"admin", "merchant"}}
	forged := part(claims)

	keys := fetch(t, http.DefaultClient, p.Config.KeycloakURL()+"/realms/foyer/protocol/openid-connect/certs")
	hs256 := func(secret string) string {
		text := header("alg", "HS256", "kid", realHeader.Kid) + "." + forged
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(text))
		return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	signed := func(extra map[string]any) string {
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims(claims))
		for k, v := range extra {
			token.Header[k] = v
		}
		text, err := token.SignedString(own)
		require.NoError(t, err)
		return text
	}
	master := grant(t, "master", url.Values{"client_id": {"admin-cli"}, "username": {"admin"}, "password": {p.Config.AdminPassword}})
	elsewhere := grant(t, "foyer", url.Values{"client_id": {"admin-cli"}, "username": {customer}, "password": {password}})
	bad := map[string]string{
		"no algorithm":              header("alg", "none") + "." + forged + ".",
		"HMAC with the public keys": hs256(keys),
		"edited claims":             parts[0] + "." + forged + "." + parts[2],
		"our own key, their key id": signed(map[string]any{"kid": realHeader.Kid}),
		"unknown key id":            signed(map[string]any{"kid": "unknown"}),
		"a key set of our own":      signed(map[string]any{"kid": "own", "jku": "https://evil.example/keys"}),
		"a key of our own":          signed(map[string]any{"jwk": map[string]any{"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(own.N.Bytes())}}),
		"another realm's":           master.Access,
		"for another audience":      elsewhere.Access,
		"an ID token":               good.ID,
		"a refresh token":           good.Refresh,
		"no token at all":           "x",
		"a megabyte's start":        strings.Repeat("e", 8000),
	}
	for what, token := range bad {
		require.NotEmpty(t, token, what)
		for _, path := range []string{"/api/v1/me", "/api/v1/merchant/events", "/api/v1/notifications"} {
			a := as(t, nobody).call(http.MethodGet, path, nil, "Authorization", "Bearer "+token)
			assert.Equal(t, 401, a.Status, "%s on %s: %s", what, path, a.Body)
		}
	}
	as(t, nobody).call(http.MethodGet, "/api/v1/me", nil, "Authorization", "Bearer "+good.Access).as(200, nil)
	as(t, nobody).call(http.MethodGet, "/api/v1/me", nil, "Authorization", "Basic "+good.Access).refused(401, "invalid_token")
}

// Guessing is slowed down, and neither guessing nor asking tells whether there is such an account.
func TestIdentityGuessingPasswords(t *testing.T) {
	email, _ := newAccount(t)
	guess := func(who, password string) string {
		return grant(t, "foyer", url.Values{"client_id": {"foyer-cli"}, "username": {who}, "password": {password}}).Error
	}
	require.Empty(t, guess(email, harness.NewPassword))
	unknown := guess("nobody-"+email, "wrong-wrong-wrong")
	for range 12 {
		require.Equal(t, unknown, guess(email, "wrong-wrong-wrong"))
	}
	require.Equal(t, unknown, guess(email, harness.NewPassword), "locked for a while, and not told so")

	p := harness.Everything(t)
	page := func(who string) string {
		form := fetchForm(t, p.URL()+"/auth/login")
		return form.submit(t, who, "wrong-wrong-wrong")
	}
	feedback := regexp.MustCompile(`(?s)<span class="[^"]*kc-feedback-text[^"]*"[^>]*>(.*?)</span>`)
	a, b := feedback.FindStringSubmatch(page(customer)), feedback.FindStringSubmatch(page("nobody-"+email))
	require.NotNil(t, a)
	require.NotNil(t, b)
	assert.Equal(t, a[1], b[1])
}

// One password on many names locks no account; it is slowed down by where it comes from, and somebody
// elsewhere signs in meanwhile. Keycloak knows where from, whatever the client claims.
func TestIdentityOnePasswordOnManyNames(t *testing.T) {
	const many = 120
	p := harness.Everything(t)
	attacker, refused := from("127.0.0.41"), make([]string, many)
	attacker.Transport = withHeader{attacker.Transport, "Accept", "text/html"}
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			res, err := attacker.PostForm(p.Config.SignInURL+"/realms/foyer/protocol/openid-connect/token", url.Values{
				"grant_type": {"password"}, "client_id": {"foyer-cli"}, "username": {fmt.Sprintf("t-nobody-%d@foyer.test", i)}, "password": {"autumn-in-vienna"},
			})
			if !assert.NoError(t, err) {
				return
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			assert.NoError(t, err)
			if res.StatusCode == http.StatusTooManyRequests {
				refused[i] = string(body)
			} else {
				assert.Contains(t, string(body), "Invalid user credentials")
			}
		})
	}
	all.Wait()
	n := 0
	for _, said := range refused {
		if said != "" {
			n++
			assert.Contains(t, said, "Too many sign-in attempts", "in words that people read")
		}
	}
	assert.Greater(t, n, many/2)

	email, account := newAccount(t)
	home := from("127.0.0.42")
	home.Transport = withHeader{home.Transport, "X-Forwarded-For", "203.0.113.9"}
	page := fetchFormBy(t, home, p.URL()+"/auth/login?return_to=/healthz")
	require.Empty(t, page.submit(t, email, harness.NewPassword), "the health page has no text")
	browser := caller{t: t, p: p, email: nobody, client: page.client}
	browser.call(http.MethodGet, "/auth/session", nil).as(200, nil)

	boss := grant(t, "master", url.Values{"client_id": {"admin-cli"}, "username": {"admin"}, "password": {p.Config.AdminPassword}}).Access
	req, err := http.NewRequest(http.MethodGet, p.Config.KeycloakURL()+"/admin/realms/foyer/events?client=foyer-web&type=LOGIN&user="+account, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+boss)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	var events []struct {
		IP string `json:"ipAddress"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&events))
	require.Len(t, events, 1)
	assert.Equal(t, "127.0.0.42", events[0].IP)
}

// Keycloak's console is at an address of its own and works there; where people sign in, there is neither it
// nor the realm of its admins.
func TestIdentityTheConsoleIsNotPublic(t *testing.T) {
	p := harness.Everything(t)
	for _, path := range []string{"/admin/", "/admin/master/console/", "/admin/realms/foyer/users", "/realms/master/", "/realms/master/.well-known/openid-configuration", "/metrics", "/health"} {
		res, err := http.Get(p.Config.SignInURL + path)
		require.NoError(t, err)
		res.Body.Close()
		assert.Equal(t, http.StatusNotFound, res.StatusCode, path)
	}
	res, err := http.PostForm(p.Config.SignInURL+"/realms/master/protocol/openid-connect/token",
		url.Values{"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {"admin"}, "password": {p.Config.AdminPassword}})
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
	drive(chromium(t), t,
		chromedp.Navigate(p.Config.KeycloakURL()+"/admin/"),
		chromedp.WaitVisible("#username"),
		chromedp.SendKeys("#username", "admin"),
		chromedp.SendKeys("#password", p.Config.AdminPassword),
		chromedp.Click("#kc-login"),
		arrive(p.Config.KeycloakURL()+"/admin/master/console/"),
		chromedp.WaitVisible(`[data-testid="realmSelector"], #nav-toggle, [data-testid="nav-item-realms"], .pf-v5-c-page__sidebar`),
	)
}

// What identifies a person is in no log.
func TestIdentityLeavesNoTraceInLogs(t *testing.T) {
	email, _ := newAccount(t)
	browser := signedIn(t, email)
	browser.call(http.MethodGet, "/api/v1/me", nil).as(200, nil)
	grant(t, "foyer", url.Values{"client_id": {"foyer-cli"}, "username": {email}, "password": {"wrong"}})
	as(t, nobody).call(http.MethodPost, "/api/v1/accounts/password-reset", map[string]any{"email": email}).as(202, nil)
	mail(t, email, "Neues Passwort")
	canary := strings.TrimSuffix(email, "@foyer.test")
	p := harness.Everything(t)
	askTooOften(t, "/api/v1/admin/users?q="+email, "/auth/callback?code="+canary+"-code&state=x")
	breakRules(t, p, email)
	logs, err := filepath.Glob(p.Config.LogFile("*"))
	require.NoError(t, err)
	read := 0
	for _, path := range logs {
		name := strings.TrimSuffix(filepath.Base(path), ".log")
		if name == "mailpit" {
			continue // it is where local mails are read
		}
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		read++
		for _, secret := range []string{canary, "Tess Test", harness.NewPassword} {
			assert.False(t, strings.Contains(string(raw), secret), "%q is in the log of %s", secret, name)
		}
	}
	require.Greater(t, read, 8)
}
