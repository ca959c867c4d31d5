package keycloak

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/auth"
)

// Events are read in pages, and no more pages at a time than these. Pages without an event to keep do
// not count: the next reading begins at the latest event that was kept, and would find the same again.
const (
	eventPage  = 200
	eventPages = 25
)

// Events implements auth.Events: what people did, and what admins did in the console.
func (d *Directory) Events(ctx context.Context, since time.Time) ([]auth.Event, error) {
	own, err := d.ownID(ctx)
	if err != nil {
		return nil, err
	}
	var found []auth.Event
	var horizon time.Time // when not everything was read of a source: how far it was
	for _, source := range []struct {
		path string
		read func(json.RawMessage) (auth.Event, bool)
	}{
		{"events", userEvent},
		{"admin-events", func(raw json.RawMessage) (auth.Event, bool) { return consoleEvent(raw, own) }},
	} {
		for page, full := 0, 0; ; page++ {
			query := url.Values{"direction": {"asc"}, "max": {strconv.Itoa(eventPage)}, "first": {strconv.Itoa(page * eventPage)}}
			if since.Unix() > 0 {
				query.Set("dateFrom", strconv.FormatInt(since.UnixMilli(), 10))
			}
			var events []json.RawMessage
			if err := d.call(ctx, http.MethodGet, d.cfg.URL+"/admin/realms/"+url.PathEscape(d.cfg.Realm)+"/"+source.path, query, nil, &events); err != nil {
				return nil, err
			}
			before := len(found)
			for _, raw := range events {
				if e, ok := source.read(raw); ok {
					found = append(found, e)
				}
			}
			if len(events) < eventPage {
				break
			}
			if len(found) > before {
				full++
			}
			if full < eventPages {
				continue
			}
			last, err := eventTime(events[len(events)-1])
			if err != nil {
				return nil, err
			}
			if horizon.IsZero() || last.Before(horizon) {
				horizon = last
			}
			break
		}
	}
	if !horizon.IsZero() {
		// The next reading begins at the latest event that is known. One source must not take it past
		// what the other has not told yet.
		found = slices.DeleteFunc(found, func(e auth.Event) bool { return e.At.After(horizon) })
	}
	slices.SortStableFunc(found, func(a, b auth.Event) int { return a.At.Compare(b.At) })
	return found, nil
}

// eventTime is when an event happened, whether it is one to keep or not.
func eventTime(raw json.RawMessage) (time.Time, error) {
	var e struct {
		Time int64 `json:"time"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return time.Time{}, fmt.Errorf("time of an event: %w", err)
	}
	return time.UnixMilli(e.Time).UTC(), nil
}

// ownID is the user that stands for this service: what it does is recorded here already.
func (d *Directory) ownID(ctx context.Context) (string, error) {
	token, err := d.admin(ctx)
	if err != nil {
		return "", err
	}
	_, claims, _ := strings.Cut(token, ".")
	claims, _, _ = strings.Cut(claims, ".")
	raw, err := base64.RawURLEncoding.DecodeString(claims)
	if err != nil {
		return "", err
	}
	var body struct {
		Subject string `json:"sub"`
	}
	err = json.Unmarshal(raw, &body)
	return body.Subject, err
}

// kindOf says which of Keycloak's events are kept (enabledEventTypes of the realm).
var kindOf = map[string]auth.AuditKind{
	"LOGIN": auth.AuditSignIn, "LOGIN_ERROR": auth.AuditSignInFailed, "LOGOUT": auth.AuditSignOut,
	"USER_DISABLED_BY_TEMPORARY_LOCKOUT": auth.AuditLockedOut, "USER_DISABLED_BY_PERMANENT_LOCKOUT": auth.AuditLockedOut,
	"UPDATE_PASSWORD": auth.AuditCredentialChanged, "UPDATE_CREDENTIAL": auth.AuditCredentialChanged, "REMOVE_CREDENTIAL": auth.AuditCredentialChanged,
	"UPDATE_TOTP": auth.AuditCredentialChanged, "REMOVE_TOTP": auth.AuditCredentialChanged,
	"REFRESH_TOKEN_ERROR": auth.AuditTokenRefused, "CODE_TO_TOKEN_ERROR": auth.AuditTokenRefused, "CLIENT_LOGIN_ERROR": auth.AuditTokenRefused,
}

func userEvent(raw json.RawMessage) (auth.Event, bool) {
	var e struct {
		ID      string            `json:"id"`
		Time    int64             `json:"time"`
		Type    string            `json:"type"`
		Client  string            `json:"clientId"`
		User    string            `json:"userId"`
		Address string            `json:"ipAddress"`
		Error   string            `json:"error"`
		Details map[string]string `json:"details"`
	}
	if json.Unmarshal(raw, &e) != nil {
		return auth.Event{}, false
	}
	kind, ok := kindOf[e.Type]
	if !ok {
		return auth.Event{}, false
	}
	id, err := uuid.Parse(e.ID)
	if err != nil {
		return auth.Event{}, false
	}
	// What somebody typed as a name may be a password: of the details only these are kept.
	detail := map[string]string{}
	for key, value := range map[string]string{
		"client": e.Client, "error": e.Error, "credential": e.Details["credential_type"], "method": cmp.Or(e.Details["auth_method"], e.Details["grant_type"]),
	} {
		if value != "" {
			detail[key] = value
		}
	}
	text, _ := json.Marshal(detail) // strings
	credential := e.Details["credential_type"]
	return auth.Event{
		Entry:      auth.Entry{ID: id, At: time.UnixMilli(e.Time).UTC(), Kind: kind, Account: e.User, Address: e.Address, Detail: text},
		EndsBefore: e.User != "" && (e.Type == "UPDATE_PASSWORD" || e.Type == "UPDATE_CREDENTIAL" && credential == "password"),
	}, true
}

func consoleEvent(raw json.RawMessage, own string) (auth.Event, bool) {
	var e struct {
		ID        string `json:"id"`
		Time      int64  `json:"time"`
		Operation string `json:"operationType"`
		Resource  string `json:"resourceType"`
		Path      string `json:"resourcePath"`
		By        struct {
			User    string `json:"userId"`
			Address string `json:"ipAddress"`
		} `json:"authDetails"`
	}
	if json.Unmarshal(raw, &e) != nil || e.By.User == own {
		return auth.Event{}, false
	}
	id, err := uuid.Parse(e.ID)
	if err != nil {
		return auth.Event{}, false
	}
	event := auth.Event{Entry: auth.Entry{ID: id, At: time.UnixMilli(e.Time).UTC(), Kind: auth.AuditConsole, Actor: e.By.User, Address: e.By.Address}}
	event.Detail, _ = json.Marshal(map[string]string{"operation": e.Operation, "resource": e.Resource, "path": e.Path}) // strings
	if parts := strings.Split(e.Path, "/"); len(parts) >= 2 && parts[0] == "users" && uuid.Validate(parts[1]) == nil {
		event.Account = parts[1]
		what := strings.Join(parts[2:], "/")
		// Locking is an update like others, and the event does not tell; a person signs in once more.
		event.EndsAll = e.Operation != "CREATE" && what == "" || what == "reset-password" || strings.HasPrefix(what, "role-mappings")
	}
	return event, true
}
