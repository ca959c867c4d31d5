// Package contract checks every service's OpenAPI document against common rules, and that every operation
// enforces who may call it.
package contract_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
)

// access is who may call an operation.
type access string

const (
	anyone   access = "anyone"
	signedIn access = "signed in"
	merchant access = "merchant or admin"
	admin    access = "admin"
)

// who says it for every operation there is. A new one is entered here by whoever adds it.
var who = map[string]access{
	"login": anyone, "callback": anyone, "logout": anyone, "backchannelLogout": anyone, "getSession": signedIn,
	"register": anyone, "requestPasswordReset": anyone, "confirmEmail": anyone, "resetPassword": anyone,
	"getMe": signedIn, "updateMe": signedIn, "requestConfirmation": signedIn, "deleteMe": signedIn, "previewDeletion": signedIn, "exportMe": signedIn,
	"listUsers": admin, "updateUser": admin, "listAudit": admin, "listDeletions": admin,

	"getSeats": anyone, "streamSeats": anyone, "getTicketKey": anyone,
	"createHold": signedIn, "getHold": signedIn, "changeHold": signedIn, "releaseHold": signedIn,
	"createBooking": signedIn, "getBooking": signedIn, "streamBooking": signedIn, "cancelBooking": signedIn, "refundBooking": signedIn,
	"listMyBookings": signedIn, "getTicketPdf": signedIn, "getTicketCalendar": signedIn,
	"listBookings": admin, "listSetAsideBookings": admin, "retryBooking": admin, "getSales": merchant,

	"listEvents": anyone, "getEvent": anyone, "getEventPlan": anyone, "getSeatingPlan": anyone,
	"createEvent": merchant, "importEvents": merchant, "updateEvent": merchant, "publishEvent": merchant, "cancelEvent": merchant,
	"listMerchantEvents": merchant, "getMerchantEvent": merchant,
	"listVenues": merchant, "createVenue": merchant, "getVenue": merchant, "putSeatingPlan": merchant,

	"listNotifications": signedIn, "markNotificationsRead": signedIn, "streamNotifications": signedIn,

	"receiveWebhook": anyone, "getPaymentProvider": anyone,
	"getReconciliation": admin, "runReconciliation": admin, "listOwingRefunds": admin, "retryRefund": admin, "resolveRefund": admin,

	"searchEvents": anyone, "suggest": anyone,

	"joinQueue": signedIn, "getQueuePlace": signedIn, "leaveQueue": signedIn, "claimAdmission": signedIn,
	"streamQueue": anyone, "getQueueDraw": anyone, "listQueueDrawEntries": anyone,
	"getQueueSettings": merchant, "changeQueueSettings": merchant,
}

// operation is one of a document.
type operation struct {
	service, path, method string
	doc                   *openapi3.T
	item                  *openapi3.PathItem
	*openapi3.Operation
}

func (o operation) String() string { return o.service + " " + o.method + " " + o.path }

func documents(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../../services/*/rest/openapi.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	specs := map[string][]byte{}
	for _, file := range files {
		raw, err := os.ReadFile(file) //nolint:gosec // of this repository
		require.NoError(t, err)
		specs[strings.Split(filepath.ToSlash(file), "/")[3]] = raw
	}
	return specs
}

func operations(t *testing.T) []operation {
	t.Helper()
	var all []operation
	for service, raw := range documents(t) {
		doc, err := openapi3.NewLoader().LoadFromData(raw)
		require.NoError(t, err, service)
		for path, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				all = append(all, operation{service, path, method, doc, item, op})
			}
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.String(), b.String()) })
	return all
}

func TestEveryRequestIsBounded(t *testing.T) {
	for _, op := range operations(t) {
		for _, parameters := range []openapi3.Parameters{op.item.Parameters, op.Parameters} {
			for _, p := range parameters {
				require.NotNil(t, p.Value.Schema, "%s: %s has no schema", op, p.Value.Name)
				bounded(t, fmt.Sprintf("%s: parameter %s", op, p.Value.Name), p.Value.Schema, p.Value.In)
			}
		}
		if op.RequestBody == nil {
			continue
		}
		for media, content := range op.RequestBody.Value.Content {
			where := fmt.Sprintf("%s: %s", op, media)
			if content.Schema == nil { // a file that the handler reads record by record
				assert.Equal(t, true, op.Extensions["x-stream-body"], "%s has no schema", where)
				assert.NotNil(t, op.Extensions["x-max-body"], where)
				continue
			}
			bounded(t, where, content.Schema, "body")
		}
	}
}

// bounded checks a schema of what comes from outside. `x-foreign` says why an object has members that
// are not ours to list.
func bounded(t *testing.T, where string, ref *openapi3.SchemaRef, in string) {
	t.Helper()
	s := ref.Value
	for _, part := range slices.Concat(s.AllOf, s.AnyOf, s.OneOf) {
		bounded(t, where, part, in)
	}
	switch {
	case s.Type.Includes("string"):
		fixed := len(s.Enum) > 0 || slices.Contains([]string{"uuid", "date-time", "date"}, s.Format)
		assert.True(t, fixed || s.MaxLength != nil, "%s: a string without maxLength", where)
		if in == "body" { // what is stored and shown
			ruled := slices.Contains([]string{"line", "text", "email", "password"}, s.Format) || strings.HasPrefix(s.Pattern, "^") && strings.HasSuffix(s.Pattern, "$")
			assert.True(t, fixed || ruled, "%s: a string of any characters; its format is line, text, email or password, or it has a pattern", where)
		}
	case s.Type.Includes("integer"), s.Type.Includes("number"):
		assert.True(t, (s.Min != nil && s.Max != nil) || len(s.Enum) > 0, "%s: a number without minimum and maximum", where)
	case s.Type.Includes("boolean"):
	case s.Type.Includes("array"):
		assert.NotNil(t, s.MaxItems, "%s: an array without maxItems", where)
		bounded(t, where+"[]", s.Items, in)
	case s.Type.Includes("object"):
		why, foreign := s.Extensions["x-foreign"].(string)
		closed := s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has
		assert.True(t, closed || foreign && why != "", "%s: an object without additionalProperties: false", where)
		for name, property := range s.Properties {
			bounded(t, where+"."+name, property, in)
		}
	default:
		t.Errorf("%s: a schema without a type", where)
	}
}

// verifier reads a token as the role it stands for.
type verifier struct{}

func (verifier) Verify(_ context.Context, raw string) (identity.Account, error) {
	return identity.Account{ID: raw, Roles: []identity.Role{identity.Role(raw)}}, nil
}

// unreadable is a body that must not be read.
type unreadable struct{ read bool }

func (u *unreadable) Read([]byte) (int, error) { u.read = true; return 0, errors.New("read") }

func TestWhoMayCallIsAskedBeforeTheBodyIsRead(t *testing.T) {
	seen := map[string]bool{}
	for _, op := range operations(t) {
		allowed, known := who[op.OperationID]
		if !assert.True(t, known, "%s (%s): say in this test who may call it", op, op.OperationID) {
			continue
		}
		seen[op.OperationID] = true
		call := func(role string) (status int, code string, read bool) {
			raw, err := op.doc.MarshalJSON()
			require.NoError(t, err)
			router, err := httpapi.NewRouter(httpapi.Options{Service: op.service, Spec: raw, Verifier: verifier{}})
			require.NoError(t, err)
			router.HandleFunc(op.path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }).Methods(op.method)
			body := &unreadable{}
			path := op.path
			for _, part := range strings.Split(op.path, "/") {
				if strings.HasPrefix(part, "{") {
					_, rest, _ := strings.Cut(part, "}")
					path = strings.Replace(path, part, "018f3f5e-0000-7000-8000-000000000001"+rest, 1)
				}
			}
			r := httptest.NewRequest(op.method, path, body)
			r.Header.Set("Content-Type", "application/json")
			if role != "" {
				r.Header.Set("Authorization", "Bearer "+role)
			}
			w := httptest.NewRecorder()
			router.ServeHTTP(w, r)
			var problem struct{ Code string }
			_ = json.Unmarshal(w.Body.Bytes(), &problem)
			if allowed != anyone {
				assert.Equal(t, "no-store", w.Header().Get("Cache-Control"), "%s: what is somebody's own is kept by nobody", op)
			}
			return w.Code, problem.Code, body.read
		}
		refused := map[access]map[string]int{
			anyone:   {},
			signedIn: {"": 401},
			merchant: {"": 401, "customer": 403},
			admin:    {"": 401, "customer": 403, "merchant": 403},
		}[allowed]
		for _, role := range []string{"", "customer", "merchant", "admin"} {
			status, code, read := call(role)
			if want := refused[role]; want != 0 {
				assert.Equal(t, want, status, "%s as %q: %s", op, role, code)
				assert.False(t, read, "%s as %q: the body was read", op, role)
				continue
			}
			assert.NotContains(t, []int{401, 403}, status, "%s as %q: %s", op, role, code)
		}
	}
	for id := range who {
		assert.True(t, seen[id], "%s is no operation", id)
	}
}

func TestEveryAnswerIsDeclared(t *testing.T) {
	for _, op := range operations(t) {
		assert.NotEmpty(t, op.OperationID, "%s", op)
		for status, response := range op.Responses.Map() {
			for media, content := range response.Value.Content {
				assert.NotNil(t, content.Schema, "%s %s %s has no schema", op, status, media)
			}
		}
	}
}
