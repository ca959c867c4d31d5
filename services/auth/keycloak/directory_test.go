package keycloak_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/auth"
	"github.com/foyer-tickets/foyer/services/auth/keycloak"
)

// TestErrorsNameNobody: while Keycloak is away, the error of a search does not say what was searched
// for; it is logged.
func TestErrorsNameNobody(t *testing.T) {
	const canary = "kanari@foyer.test"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"access_token": "t", "expires_in": 60}`))
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			assert.NoError(t, conn.(*net.TCPConn).Close())
		}
	}))
	defer server.Close()
	d := keycloak.NewDirectory(keycloak.Config{URL: server.URL, Realm: "foyer", ClientID: "c", ClientSecret: "s"})
	_, err := d.Search(t.Context(), canary, 0, 1)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "kanari")
	_, _, err = d.ByEmail(t.Context(), canary)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "kanari")
}

// answering is a Keycloak that gives the service account its token, and answers the rest as said.
func answering(t *testing.T, rest http.HandlerFunc) keycloak.Config {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/token") {
			_, _ = w.Write([]byte(`{"access_token": "t.e30.t", "expires_in": 60}`))
			return
		}
		rest(w, r)
	}))
	t.Cleanup(server.Close)
	return keycloak.Config{URL: server.URL, Realm: "foyer", ClientID: "c", ClientSecret: "s"}
}

// An account that was deleted has no sessions left: ending them has succeeded.
func TestSessionsOfAnAccountThatIsGoneHaveEnded(t *testing.T) {
	status := http.StatusNotFound
	d := keycloak.NewDirectory(answering(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	require.NoError(t, d.EndSessions(t.Context(), "gone"))
	require.NoError(t, d.EndSessionsBefore(t.Context(), "gone", time.Now()))
	sessions, err := d.SignIns(t.Context(), "gone")
	require.NoError(t, err)
	require.Empty(t, sessions)
	status = http.StatusForbidden
	require.Error(t, d.EndSessions(t.Context(), "refused"))
	require.Error(t, d.EndSessionsBefore(t.Context(), "refused", time.Now()))
	_, err = d.SignIns(t.Context(), "refused")
	require.Error(t, err)
}

// More sign-ins than one reading takes: what the console did later waits, since the next reading
// begins at the latest event that is known.
func TestEventsEndWhereASourceWasNotReadToItsEnd(t *testing.T) {
	const fullPages = 25 * 200
	d := keycloak.NewDirectory(answering(t, func(w http.ResponseWriter, r *http.Request) {
		first, _ := strconv.Atoi(r.URL.Query().Get("first"))
		list := []map[string]any{}
		if strings.HasSuffix(r.URL.Path, "/admin-events") {
			list = append(list, map[string]any{"id": uuid.NewString(), "time": fullPages + 1000, "operationType": "UPDATE", "resourceType": "USER", "resourcePath": "x", "authDetails": map[string]any{"userId": "admin"}})
		} else {
			for i := range 200 {
				list = append(list, map[string]any{"id": uuid.NewString(), "time": first + i, "type": "LOGIN", "userId": "u"})
			}
		}
		assert.NoError(t, json.NewEncoder(w).Encode(list))
	}))
	events, err := d.Events(t.Context(), time.Unix(0, 0))
	require.NoError(t, err)
	require.Len(t, events, fullPages)
	assert.Equal(t, time.UnixMilli(fullPages-1).UTC(), events[len(events)-1].At)
}

// A deletion that is asked for again is the one that is there, and nothing is written over it.
func TestADeletionIsNotBegunOverAnother(t *testing.T) {
	user, writes := json.RawMessage(`{"id": "anna", "email": "anna@foyer.example", "enabled": true}`), 0
	d := keycloak.NewDirectory(answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			writes++
			assert.NoError(t, json.NewDecoder(r.Body).Decode(&user))
			w.WriteHeader(http.StatusNoContent)
			return
		}
		assert.NoError(t, json.NewEncoder(w).Encode(user))
	}))
	first, err := d.Begin(t.Context(), auth.Deletion{Account: "anna", Tombstone: "deleted-1", RequestedAt: time.Now()})
	require.NoError(t, err)
	again, err := d.Begin(t.Context(), auth.Deletion{Account: "anna", Tombstone: "deleted-2", RequestedAt: time.Now()})
	require.NoError(t, err)
	assert.Equal(t, first.Tombstone, again.Tombstone)
	assert.Equal(t, "anna", again.Account)
	assert.Equal(t, 1, writes)
}

// However much this service did itself, what an admin did in the console after it is found, and so is
// what comes up to where reading ended.
func TestOwnEventsHideNoOthers(t *testing.T) {
	const many = 25 * 200
	for name, c := range map[string]struct {
		byAdmin func(i int) bool
		total   int
		want    []int64 // the last times
	}{
		"only own events at first": {func(i int) bool { return i == many }, many + 1, []int64{many - 1, many}},
		"one of an admin a page":   {func(i int) bool { return i%200 == 0 }, 2 * many, []int64{many - 200, many - 1}},
	} {
		t.Run(name, func(t *testing.T) {
			d := keycloak.NewDirectory(answering(t, func(w http.ResponseWriter, r *http.Request) {
				first, _ := strconv.Atoi(r.URL.Query().Get("first"))
				list := []map[string]any{}
				if strings.HasSuffix(r.URL.Path, "/admin-events") {
					for i := first; i < min(first+200, c.total); i++ {
						by := "" // this service
						if c.byAdmin(i) {
							by = "admin"
						}
						list = append(list, map[string]any{"id": uuid.NewString(), "time": i, "operationType": "UPDATE", "resourceType": "USER", "resourcePath": "x", "authDetails": map[string]any{"userId": by}})
					}
				} else {
					list = append(list, map[string]any{"id": uuid.NewString(), "time": many - 1, "type": "LOGIN", "userId": "u"})
				}
				assert.NoError(t, json.NewEncoder(w).Encode(list))
			}))
			events, err := d.Events(t.Context(), time.Unix(0, 0))
			require.NoError(t, err)
			var times []int64
			for _, e := range events {
				times = append(times, e.At.UnixMilli())
			}
			require.GreaterOrEqual(t, len(times), len(c.want))
			assert.Equal(t, c.want, times[len(times)-len(c.want):])
		})
	}
}

// While Keycloak does not answer, nobody waits longer than they want to, and nothing that is known
// already waits at all. One signs in for all.
func TestNobodyWaitsForALoginThatHangs(t *testing.T) {
	logins, answer := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/token") {
			logins <- struct{}{}
			<-answer
			_, _ = w.Write([]byte(`{"access_token": "t.e30.t", "expires_in": 60}`))
			return
		}
		_, _ = w.Write([]byte(`{"id": "anna"}`))
	}))
	defer server.Close()
	d := keycloak.NewDirectory(keycloak.Config{URL: server.URL, Realm: "foyer", ClientID: "c", ClientSecret: "s"})
	first := make(chan error, 1)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		_, err := d.Profile(ctx, "anna")
		first <- err
	}()
	<-logins
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.Profile(gone, "anna")
	require.ErrorIs(t, err, context.Canceled, "it did not wait for the login")
	assert.Zero(t, d.Ahead())
	leave()
	require.ErrorIs(t, <-first, context.Canceled)

	patient := make(chan error, 1)
	go func() {
		_, err := d.Profile(t.Context(), "anna")
		patient <- err
	}()
	close(answer)
	require.NoError(t, <-patient, "who began the login has left, and it goes on for the others")
	assert.Empty(t, logins)
}

// TestThePasswordIsSetLast: when setting a password fails, no step after it is to blame, so the
// sessions that the old one opened need not end.
func TestThePasswordIsSetLast(t *testing.T) {
	for _, broken := range []string{"PUT /admin/realms/foyer/users/anna", "DELETE /admin/realms/foyer/attack-detection/brute-force/users/anna", ""} {
		set := false
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/token"):
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"access_token": "t", "expires_in": 60}`))
			case r.Method+" "+r.URL.Path == broken:
				w.WriteHeader(http.StatusInternalServerError)
			default:
				set = set || strings.HasSuffix(r.URL.Path, "/reset-password")
				w.WriteHeader(http.StatusNoContent)
			}
		}))
		d := keycloak.NewDirectory(keycloak.Config{URL: server.URL, Realm: "foyer", ClientID: "c", ClientSecret: "s"})
		err := d.SetPassword(t.Context(), "anna", "a fine long phrase 7")
		assert.Equal(t, broken == "", err == nil, "%q: %v", broken, err)
		assert.Equal(t, broken == "", set, "%q", broken)
		server.Close()
	}
}

// What Keycloak refuses is the password's fault only where it says so: most of it would be ours. What
// somebody typed is not in the error, which is logged. The answers are those of Keycloak 26.
func TestWhatKeycloakRefuses(t *testing.T) {
	const typed = "kanari"
	for name, c := range map[string]struct {
		status int
		body   string
		code   string
	}{
		"a new account's password":  {400, `{"errorMessage": "Password policy not met"}`, "weak_password"},
		"a short password":          {400, `{"error": "invalidPasswordMinLengthMessage", "error_description": "Invalid password: minimum length 10."}`, "weak_password"},
		"a common password":         {400, `{"error": "invalidPasswordBlacklistedMessage", "error_description": "Invalid password: password is blacklisted."}`, "weak_password"},
		"the address as a password": {400, `{"error": "invalidPasswordNotEmailMessage", "error_description": "Invalid password: must not be equal to the email."}`, "weak_password"},
		"a password used before":    {400, `{"error": "invalidPasswordHistoryMessage", "error_description": "Invalid password: must not be equal to any of last 3 passwords."}`, "weak_password"},
		"an address":                {400, `{"field": "email", "errorMessage": "error-invalid-email", "params": ["email", "kanari"]}`, "invalid_email"},
		"a long address":            {400, `{"errors": [{"field": "username", "errorMessage": "error-invalid-length", "params": ["username", 3, 255]}, {"field": "email", "errorMessage": "error-invalid-length-too-long", "params": ["email", "kanari", 255]}]}`, "invalid_email"},
		"a name":                    {400, `{"field": "firstName", "errorMessage": "error-person-name-invalid-character", "params": ["firstName", "kanari, whose mail is of History, invalidPassword"]}`, "invalid_name"},
		"a long name":               {400, `{"field": "firstName", "errorMessage": "error-invalid-length-too-long", "params": ["firstName", 0, 255]}`, "invalid_name"},
		"another field":             {400, `{"field": "locale", "errorMessage": "error-invalid-value", "params": ["locale", "kanari"]}`, "invalid_request"},
		"the request":               {400, `{"error": "unknown_error", "error_description": "For more on this error consult the server log."}`, "invalid_request"},
		"the form":                  {400, `{"error": "Cannot parse the JSON"}`, "invalid_request"},
		"without a word":            {400, ``, "invalid_request"},
		"not in its own words":      {400, `<h1>kanari's password</h1>`, "invalid_request"},
		"a taken address":           {409, `{"errorMessage": "User exists with same email"}`, "email_taken"},
		"nobody":                    {404, `{"error": "User not found", "error_description": "invalidPassword"}`, "account_not_found"},
		"our own rights":            {403, `{"error": "invalidPassword"}`, "dependency_unavailable"},
		"nothing, it fails":         {500, `{"errorMessage": "Password policy not met"}`, "dependency_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			d := keycloak.NewDirectory(answering(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost || strings.HasSuffix(r.URL.Path, "/reset-password") {
					w.WriteHeader(c.status)
					_, _ = w.Write([]byte(c.body))
					return
				}
				w.WriteHeader(http.StatusNoContent)
			}))
			_, err := d.Register(t.Context(), auth.Registration{Email: typed + "@foyer.example", Password: typed, Name: typed})
			assert.Equal(t, c.code, fault.CodeOf(err), "%v", err)
			assert.NotContains(t, err.Error(), typed)
			set := d.SetPassword(t.Context(), "anna", typed)
			assert.Equal(t, c.code, fault.CodeOf(set), "%v", set)
			assert.NotContains(t, set.Error(), typed)
		})
	}
}

func TestANewAccountHasItsID(t *testing.T) {
	d := keycloak.NewDirectory(answering(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "POST /admin/realms/foyer/users", r.Method+" "+r.URL.Path)
		w.Header().Set("Location", "http://"+r.Host+"/admin/realms/foyer/users/0b7e5c1e-3d5f-4a7e-9d2b-0f8f1d8f5a11")
		w.WriteHeader(http.StatusCreated)
	}))
	id, err := d.Register(t.Context(), auth.Registration{Email: "anna@foyer.example"})
	require.NoError(t, err)
	assert.Equal(t, "0b7e5c1e-3d5f-4a7e-9d2b-0f8f1d8f5a11", id)
}
