package integration

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/tests/harness"
)

// somebody is a new account with a name of its own, signed in a moment ago.
func somebody(t testing.TB) (c caller, email, name, id string) {
	t.Helper()
	email, _ = newAccount(t)
	as(t, nobody).call(http.MethodPost, "/api/v1/accounts/confirmation", map[string]any{"token": linkToken(t, mail(t, email, "Bestätige"))}).as(204, nil)
	c = as(t, nobody)
	c.token = grant(t, "foyer", url.Values{"client_id": {"foyer-cli"}, "username": {email}, "password": {harness.Password(email)}}).Access
	require.NotEmpty(t, c.token)
	name = "Kanari " + strings.ToUpper(uuid.NewString()[:8])
	var me struct{ Account string }
	c.call(http.MethodPatch, "/api/v1/me", map[string]any{"name": name}).as(200, &me)
	return c, email, name, me.Account
}

// bought has somebody buy places of an event.
func (c caller) bought(e concert, places ...string) purchase {
	c.t.Helper()
	b := c.checkOut(e, places...)
	require.Equal(c.t, "requires_capture", confirm(c.t, b, "pm_card_visa"))
	return c.becomes(b, "confirmed")
}

// TestErasureOfAnAccount: somebody buys, gives back, stands in a line and is written to; exports
// all of it; and deletes the account. Nothing leads to them afterwards, the books still balance,
// and their address is free.
func TestErasureOfAnAccount(t *testing.T) {
	p := harness.Everything(t)
	t.Cleanup(func() {
		troubles(t, p, "auth", "waitingroom", "waitingroom.daprd", "catalog", "catalog.daprd", "booking", "payment", "notification")
	})
	e, line := selling(t, "Abschied "+uuid.NewString()), rush(t, 5, time.Now().Add(time.Hour), map[string]any{"rate": 1})
	c, email, name, id := somebody(t)
	b := c.bought(e, e.places(1, 3)...)
	c.call(http.MethodPost, "/api/v1/bookings/"+b.ID.String()+"/refunds", map[string]any{"units": []string{e.place(1)}}).as(202, nil)
	harness.Eventually(t, time.Minute, "the refund is through", func() error {
		var now purchase
		a := c.call(http.MethodGet, "/api/v1/bookings/"+b.ID.String(), nil)
		if err := json.Unmarshal(a.Body, &now); err != nil || now.Status != "confirmed" || len(now.Refunds) != 1 || now.Refunds[0].Status != "succeeded" {
			return fmt.Errorf("%s %w", a.Body, err)
		}
		return nil
	})
	harness.Eventually(t, 30*time.Second, "a place in the line", func() error {
		if a := c.call(http.MethodPost, "/api/v1/events/"+line.ID+"/queue", nil); a.Status != 201 {
			return fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return nil
	})
	harness.Eventually(t, 30*time.Second, "a message", func() error {
		if a := c.call(http.MethodGet, "/api/v1/notifications", nil); !strings.Contains(string(a.Body), b.ID.String()) {
			return errors.New(string(a.Body))
		}
		return nil
	})
	as(t, admin).call(http.MethodGet, "/api/v1/admin/users?q="+url.QueryEscape(email), nil).as(200, nil)
	as(t, nobody).call(http.MethodPost, "/api/v1/accounts/password-reset", map[string]any{"email": email}).as(202, nil)

	var export struct {
		Account string
		Profile struct{ Email, Name string }
		Data    map[string][]map[string]any
	}
	a := c.call(http.MethodGet, "/api/v1/me/export", nil).as(200, &export)
	assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
	assert.Contains(t, a.Header.Get("Content-Disposition"), "attachment")
	assert.Equal(t, id, export.Account)
	assert.Equal(t, email, export.Profile.Email)
	assert.Equal(t, name, export.Profile.Name)
	assert.NotEmpty(t, export.Data["sessions"])
	for section, n := range map[string]int{"bookings": 1, "payments": 1, "waitingRooms": 1, "events": 0, "venues": 0} {
		assert.Len(t, export.Data[section], n, section)
	}
	assert.NotEmpty(t, export.Data["messages"])
	assert.NotContains(t, string(a.Body), "_secret_")
	assert.NotContains(t, string(a.Body), "4242424242424242", "no card")

	var preview struct{ Obstacles []map[string]any }
	c.call(http.MethodGet, "/api/v1/me/deletion", nil).as(200, &preview)
	assert.Equal(t, []map[string]any{{"code": "upcoming_tickets", "count": 2.0, "waivable": true}}, preview.Obstacles)
	c.call(http.MethodDelete, "/api/v1/me", map[string]any{"confirm": "else@foyer.test"}).refused(422, "confirmation_differs")
	c.call(http.MethodDelete, "/api/v1/me", map[string]any{"confirm": email}).refused(409, "deletion_blocked")
	c.call(http.MethodDelete, "/api/v1/me", map[string]any{"confirm": email, "forfeitTickets": true}).as(202, nil)

	harness.Eventually(t, 10*time.Second, "the token is of no use", func() error {
		if a := c.call(http.MethodGet, "/api/v1/me", nil); a.Status != 401 {
			return fmt.Errorf("%d", a.Status)
		}
		return nil
	})
	assert.Contains(t, mail(t, email, "gelöscht"), "gelöscht")
	harness.Eventually(t, 2*time.Minute, "the account is gone", func() error {
		var pending struct{ Items []map[string]any }
		a := as(t, admin).call(http.MethodGet, "/api/v1/admin/deletions", nil).as(200, &pending)
		if strings.Contains(string(a.Body), id) {
			return fmt.Errorf("%s", a.Body)
		}
		return nil
	})
	for where, found := range traces(t, p, email, name, id) {
		t.Errorf("%s has %v", where, found)
	}

	// The books know what was sold, and not to whom.
	var account, status string
	db := connect(t, p, "booking")
	require.NoError(t, db.QueryRow(t.Context(), `SELECT account, status FROM bookings WHERE id = $1`, b.ID).Scan(&account, &status))
	assert.True(t, strings.HasPrefix(account, "deleted-"), account)
	assert.Equal(t, "confirmed", status)
	var amount, refunded int64
	var payer string
	require.NoError(t, connect(t, p, "payment").QueryRow(t.Context(), `SELECT account, captured, refunded FROM payments WHERE booking = $1`, b.ID).Scan(&payer, &amount, &refunded))
	assert.Equal(t, account, payer, "the books still fit together")
	assert.Positive(t, amount)
	assert.Positive(t, refunded)
	// A merchant can still give money back.
	as(t, merchant).call(http.MethodPost, "/api/v1/bookings/"+b.ID.String()+"/refunds", map[string]any{}).as(202, nil)
	as(t, merchant).becomes(b, "refunded")
	harness.Eventually(t, time.Minute, "the provider's word for it was taken", func() error {
		var refused, applied int
		err := connect(t, p, "payment").QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE i.outcome = 'refused'), count(*) FILTER (WHERE i.outcome = 'applied')
			FROM inbox i JOIN payments p ON p.id = i.payment WHERE p.booking = $1`, b.ID).Scan(&refused, &applied)
		require.Zero(t, refused)
		if err != nil || applied == 0 {
			return fmt.Errorf("%d %w", applied, err)
		}
		return nil
	})

	// The address is free, and a new account sees nothing of the old one.
	as(t, nobody).call(http.MethodPost, "/api/v1/accounts", map[string]any{"email": email, "password": harness.Password(email), "name": "Neu", "locale": "de"})
	again := as(t, nobody)
	harness.Eventually(t, 30*time.Second, "the address can be used again", func() error {
		again.token = grant(t, "foyer", url.Values{"client_id": {"foyer-cli"}, "username": {email}, "password": {harness.Password(email)}}).Access
		if again.token == "" {
			return errors.New("no token")
		}
		return nil
	})
	var me struct{ Account, Name string }
	again.call(http.MethodGet, "/api/v1/me", nil).as(200, &me)
	assert.NotEqual(t, id, me.Account)
	for _, path := range []string{"/api/v1/me/bookings", "/api/v1/notifications"} {
		var page struct{ Items []any }
		again.call(http.MethodGet, path, nil).as(200, &page)
		assert.Empty(t, page.Items, path)
	}
	again.call(http.MethodGet, "/api/v1/bookings/"+b.ID.String(), nil).as(404, nil)
}

// TestErasureWaitsForAService: a service that is away makes the export say so, and the deletion
// goes on when it is back.
func TestErasureWaitsForAService(t *testing.T) {
	p := harness.Everything(t)
	t.Cleanup(func() { troubles(t, p, "auth", "auth.daprd", "notification", "notification.daprd") })
	c, email, _, id := somebody(t)
	p.Halt(t, "notification")
	a := c.call(http.MethodGet, "/api/v1/me/export", nil)
	a.refused(503, "dependency_unavailable")
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	p.Resume(t, "notification")
	harness.Eventually(t, time.Minute, "everybody can be asked", func() error {
		if a := c.call(http.MethodGet, "/api/v1/me/deletion", nil); a.Status != 200 {
			return fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return nil
	})
	p.Halt(t, "payment.daprd")
	c.call(http.MethodDelete, "/api/v1/me", map[string]any{"confirm": email}).as(503, nil)
	p.Resume(t, "payment.daprd")
	harness.Eventually(t, time.Minute, "the account is deleted", func() error {
		if a := c.call(http.MethodDelete, "/api/v1/me", map[string]any{"confirm": email}); a.Status != 202 {
			return fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return nil
	})
	p.Halt(t, "catalog.daprd")
	shown := func() string {
		return string(as(t, admin).call(http.MethodGet, "/api/v1/admin/deletions", nil).as(200, nil).Body)
	}
	// It may have been quick enough to be done already; what it waits for must not be lost otherwise.
	if strings.Contains(shown(), id) {
		harness.Eventually(t, time.Minute, "admins see what it waits for", func() error {
			if s := shown(); strings.Contains(s, id) && !strings.Contains(s, "catalog") {
				return errors.New(s)
			}
			return nil
		})
	}
	p.Resume(t, "catalog.daprd")
	harness.Eventually(t, 2*time.Minute, "the deletion goes on", func() error {
		if s := shown(); strings.Contains(s, id) {
			return errors.New(s)
		}
		return nil
	})
}

// troubles shows what parts warned of, when a test failed.
func troubles(t testing.TB, p *harness.Platform, parts ...string) {
	if !t.Failed() {
		return
	}
	for _, part := range parts {
		raw, err := os.ReadFile(p.Config.LogFile(part))
		if err != nil {
			continue
		}
		var lines []string
		for line := range strings.SplitSeq(string(raw), "\n") {
			if strings.Contains(line, `"WARN"`) || strings.Contains(line, `"ERROR"`) || strings.Contains(line, "level=warn") || strings.Contains(line, "level=error") {
				lines = append(lines, line)
			}
		}
		t.Logf("%s:\n%s", part, strings.Join(lines[max(0, len(lines)-8):], "\n"))
	}
}

func connect(t testing.TB, p *harness.Platform, database string) *pgx.Conn {
	t.Helper()
	db, err := pgx.Connect(t.Context(), p.Config.DatabaseURL(database))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	return db
}

// kept is where a deleted account's id may still be, by what personaldata.yaml says of it: it ends
// there by itself. So do Keycloak's events, which also have the address that was typed.
var kept = []string{"redis identity:revocations", "redis email-confirmed:", "redis lease:", "table auth public.audit", "table auth public.links"}

// traces searches everything that stores anything for what identifies somebody.
func traces(t testing.TB, p *harness.Platform, email, name, id string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	note := func(where string, what ...string) {
		if strings.HasPrefix(where, "table keycloak ") && strings.HasSuffix(where, "event_entity") {
			return
		}
		if slices.ContainsFunc(kept, func(prefix string) bool { return strings.HasPrefix(where, prefix) }) {
			what = slices.DeleteFunc(what, func(s string) bool { return s == id })
		}
		if len(what) > 0 {
			found[where] = append(found[where], what...)
		}
	}
	in := func(raw []byte, all ...string) (hits []string) {
		for _, s := range all {
			if bytes.Contains(raw, []byte(s)) {
				hits = append(hits, s)
			}
		}
		return hits
	}
	// Databases: every row of every table, as text, and bytes in hexadecimal.
	admin := connect(t, p, "postgres")
	rows, err := admin.Query(t.Context(), `SELECT datname FROM pg_database WHERE NOT datistemplate`)
	require.NoError(t, err)
	databases, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	tables := 0
	for _, database := range databases {
		if strings.HasPrefix(database, "test_") {
			continue
		}
		db := connect(t, p, database)
		rows, err := db.Query(t.Context(), `SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables
			WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`)
		require.NoError(t, err)
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		for _, table := range names {
			tables++
			for _, s := range []string{email, name, id} {
				var n int
				err := db.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` r WHERE strpos(r::text, $1) > 0 OR strpos(r::text, $2) > 0`, s, hex.EncodeToString([]byte(s))).Scan(&n)
				require.NoError(t, err, table)
				if n > 0 {
					note("table "+database+" "+table, s)
				}
			}
		}
	}
	require.Greater(t, tables, 20)
	for key, value := range redisDump(t, p) {
		note("redis "+key, in([]byte(key+"\n"+value), email, name, id)...)
	}
	for _, s := range []string{email, name, id} {
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/_search?q=%s", p.Config.Ports.Elasticsearch, url.QueryEscape(`"`+s+`"`)))
		require.NoError(t, err)
		var answer struct {
			Hits struct{ Total struct{ Value int } }
		}
		require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
		require.NoError(t, res.Body.Close())
		if answer.Hits.Total.Value > 0 {
			note("elasticsearch", s)
		}
	}
	// Logs, and the broker's: topics have ids until they end by themselves, and nothing else ever.
	files := 0
	for dir, all := range map[string][]string{filepath.Dir(p.Config.LogFile("x")): {email, name, id}, filepath.Join(filepath.Dir(filepath.Dir(p.Config.LogFile("x"))), "kafka"): {email, name}} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return nil //nolint:nilerr // a file that went away has nothing
			}
			raw, err := os.ReadFile(path)
			if err == nil {
				files++
				note("file "+filepath.Base(path), in(raw, all...)...)
			}
			return nil
		})
		require.NoError(t, err)
	}
	require.Greater(t, files, 20)
	return found
}

// redisDump reads every key, by the protocol's own words (https://redis.io/docs/latest/develop/reference/protocol-spec/).
func redisDump(t testing.TB, p *harness.Platform) map[string]string {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.Config.Ports.Redis))
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	r := newRESP(conn)
	_, err = r.do("AUTH", p.Config.RedisPassword)
	require.NoError(t, err)
	keys, err := r.do("KEYS", "*")
	require.NoError(t, err)
	all := map[string]string{}
	for _, key := range keys {
		fields, err := r.do("HGETALL", key)
		if err != nil {
			fields, _ = r.do("GET", key)
		}
		name := key[strings.LastIndex(key, "||")+1:]
		all[strings.TrimPrefix(name, "|")] = strings.Join(fields, "\n")
	}
	require.NotEmpty(t, all)
	return all
}
