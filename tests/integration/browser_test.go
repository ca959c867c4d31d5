package integration

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/tests/harness"
)

// password is what the seeded accounts of the local realm sign in with. Nobody may choose it.
const password = "foyer-local"

// newAccount registers an account of its own through the API, and waits until it can sign in: it is
// made after the answer. harness.NewPassword is its password.
func newAccount(t testing.TB) (email, id string) {
	t.Helper()
	email = "t-" + uuid.NewString() + "@foyer.test"
	as(t, nobody).call(http.MethodPost, "/api/v1/accounts", map[string]any{
		"email": email, "password": harness.NewPassword, "name": "Tess Test", "locale": "de",
	}).as(202, nil)
	p := harness.Everything(t)
	harness.Eventually(t, time.Minute, "the account is made", func() error {
		_, err := p.SignIn(email)
		return err
	})
	var me struct{ Account string }
	as(t, email).call(http.MethodGet, "/api/v1/me", nil).as(200, &me)
	return email, me.Account
}

var formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)

// signedIn is a browser's cookies after a sign-in on the hosted page, without its pictures.
func signedIn(t testing.TB, email string) caller {
	t.Helper()
	p := harness.Everything(t)
	form := fetchForm(t, p.URL()+"/auth/login?return_to=/healthz")
	require.Empty(t, form.submit(t, email, harness.Password(email)), "the health page has no text")
	return caller{t: t, p: p, email: nobody, client: form.client}
}

func fetch(t testing.TB, client *http.Client, address string) string {
	t.Helper()
	res, err := client.Get(address)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(body)
}

// chromium is a real browser with an empty profile.
func chromium(t testing.TB) context.Context {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		program, err = exec.LookPath("google-chrome")
	}
	require.NoError(t, err, "Chromium is needed (Debian: apt-get install chromium)")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Run(ctx), "Chromium starts") // here, lest it ends with the first steps
	return ctx
}

// drive takes the browser through steps; where it gets stuck, the test says what it showed.
func drive(browser context.Context, t testing.TB, steps ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(browser, time.Minute)
	defer cancel()
	if err := chromedp.Run(ctx, steps...); err != nil {
		var shown string
		_ = chromedp.Run(browser, chromedp.Evaluate("location.origin + location.pathname + ': ' + document.body.innerText", &shown))
		t.Fatalf("%v\nthe browser shows %s", err, shown)
	}
}

// arrive waits until the browser shows a page whose address starts so.
func arrive(prefix string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			var there bool
			script := fmt.Sprintf("location.href.startsWith(%q) && document.readyState === 'complete'", prefix)
			if err := chromedp.Evaluate(script, &there).Do(ctx); err == nil && there { // on the way a page may be gone
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("not at %s: %w", prefix, ctx.Err())
			case <-tick.C:
			}
		}
	})
}

// ask lets the page itself call our API, cookies and all, and gives status and text.
func ask(method, path string, status *int, text *string) chromedp.Action {
	script := fmt.Sprintf(`fetch(%q, {method: %q}).then(async r => ({status: r.status, text: await r.text()}))`, path, method)
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var answer struct {
			Status int
			Text   string
		}
		if err := chromedp.Evaluate(script, &answer, awaitPromise).Do(ctx); err != nil {
			return err
		}
		*status, *text = answer.Status, answer.Text
		return nil
	})
}

// mail waits for the newest mail to an address whose subject holds a word, and gives its text.
func mail(t testing.TB, to, subject string) string {
	t.Helper()
	p := harness.Everything(t)
	var id string
	harness.Eventually(t, time.Minute, "mail arrives", func() error {
		var found struct {
			Messages []struct{ ID, Subject string }
		}
		a, err := (caller{t: t, p: p, email: nobody, client: http.DefaultClient}).mailpit("/api/v1/search?query=" + url.QueryEscape("to:"+to))
		if err != nil {
			return err
		}
		a.as(200, &found)
		for _, m := range found.Messages {
			if strings.Contains(m.Subject, subject) {
				id = m.ID
				return nil
			}
		}
		return fmt.Errorf("not among %v", found.Messages)
	})
	var message struct{ Text string }
	a, err := (caller{t: t, p: p, email: nobody, client: http.DefaultClient}).mailpit("/api/v1/message/" + id)
	require.NoError(t, err)
	a.as(200, &message)
	return message.Text
}

func (c caller) mailpit(path string) (answer, error) {
	res, err := c.client.Get(c.p.MailpitURL() + path)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{c.t, res.StatusCode, res.Header, body}, err
}

// form is Keycloak's sign-in form with the cookies it came with.
type form struct {
	client *http.Client
	action string
}

func fetchForm(t testing.TB, address string) form {
	t.Helper()
	return fetchFormBy(t, &http.Client{Timeout: time.Minute}, address)
}

// fetchFormBy does it as another client, who gets cookies.
func fetchFormBy(t testing.TB, client *http.Client, address string) form {
	t.Helper()
	var err error
	client.Jar, err = cookiejar.New(nil)
	require.NoError(t, err)
	page := fetch(t, client, address)
	action := formAction.FindStringSubmatch(page)
	require.NotNil(t, action, "a form: %s", page)
	return form{client, html.UnescapeString(action[1])}
}

// withHeader adds a header to all requests.
type withHeader struct {
	http.RoundTripper
	name, value string
}

func (h withHeader) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(h.name, h.value)
	return h.RoundTripper.RoundTrip(r)
}

func (f form) submit(t testing.TB, email, password string) string {
	t.Helper()
	res, err := f.client.PostForm(f.action, url.Values{"username": {email}, "password": {password}})
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(body)
}
