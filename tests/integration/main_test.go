// Package integration tests the whole platform through its public interfaces. All tests share one
// platform and leave it healthy.
package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/catalog/seed"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// The local realm's accounts.
const (
	customer = "customer@foyer.test"
	merchant = "merchant@foyer.test"
	admin    = "admin@foyer.test"
	nobody   = ""
)

// caller speaks to the gateway as one account, or as nobody.
type caller struct {
	t testing.TB
	p *harness.Platform
	// email of the account whose token goes with each call
	email  string
	client *http.Client
	token  string // sent instead of a fresh one, by those who ask very often
}

// as gives a caller on the running platform.
func as(t testing.TB, email string) caller {
	t.Helper()
	return caller{t: t, p: harness.Everything(t), email: email, client: http.DefaultClient}
}

// answer is a response, read to its end.
type answer struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   []byte
}

// call sends body, as it is when it is []byte and as JSON otherwise; header is pairs of name and value.
func (c caller) call(method, path string, body any, header ...string) answer {
	c.t.Helper()
	a, err := c.try(method, path, body, header...)
	require.NoError(c.t, err)
	return a
}

// try is call for when no answer is an answer too.
func (c caller) try(method, path string, body any, header ...string) (answer, error) {
	c.t.Helper()
	raw, isRaw := body.([]byte)
	if body != nil && !isRaw {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return answer{}, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.p.URL()+path, bytes.NewReader(raw))
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	switch {
	case c.token != "":
		req.Header.Set("Authorization", "Bearer "+c.token)
	case c.email != nobody:
		req.Header.Set("Authorization", "Bearer "+c.p.Token(c.t, c.email))
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{c.t, res.StatusCode, res.Header, text}, err
}

// as reads the answer's body into v after checking its status.
func (a answer) as(status int, v any) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.Status, "%s", a.Body)
	if v != nil {
		require.NoError(a.t, json.Unmarshal(a.Body, v), "%s", a.Body)
	}
	return a
}

// refused checks that the answer is a problem with that status and code.
func (a answer) refused(status int, code string) {
	a.t.Helper()
	var problem struct {
		Type, Title, Code, Detail string
		Status                    int
	}
	a.as(status, &problem)
	require.Equal(a.t, "application/problem+json", a.Header.Get("Content-Type"))
	require.Equal(a.t, code, problem.Code, "%s", a.Body)
	require.Equal(a.t, status, problem.Status)
	require.NotEmpty(a.t, problem.Title)
	require.NotEmpty(a.t, problem.Detail)
}

var seedOnce struct {
	sync.Once
	err error
}

// seeded makes sure that the platform has what `foyer seed` makes.
func seeded(t testing.TB) {
	t.Helper()
	p := harness.Everything(t)
	seedOnce.Do(func() {
		_, seedOnce.err = seed.Run(context.Background(), seed.Config{
			BaseURL: p.URL(), Now: time.Now(), HTTP: http.DefaultClient,
			Token: func(context.Context) (string, error) { return p.Token(t, merchant), nil },
		})
	})
	require.NoError(t, seedOnce.err)
}
