package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/text"
)

// contract is a service's OpenAPI document, used to validate and authorize requests.
//
// `security` of an operation declares who may call it, as OpenAPI defines it: each alternative lists a role,
// as in `security: [{bearer: [merchant]}, {bearer: [admin]}]`; an alternative without roles admits everyone
// who is signed in.
//
// Three extensions of an operation: `x-max-body: 16777216` sets the body limit in bytes; `x-stream-body: true`
// leaves the body unread, for the handler to stream and validate; `x-shared: true` declares that everyone gets
// the same response, so that the gateway may cache it.
type contract struct {
	doc     *openapi3.T
	dialect *openapi3.T // names the validator; see newContract
	options *openapi3filter.Options
}

// The library checks few formats by itself. line and text are ours: text of one line, or of many.
func init() {
	format := func(name string, check func(string) error) {
		openapi3.DefineStringFormatValidator(name, openapi3.NewCallbackValidator(check))
	}
	format("uuid", func(id string) error {
		if len(id) != 36 {
			return errors.New("not a UUID in its usual form")
		}
		return uuid.Validate(id)
	})
	format("date-time", checkTime)
	format("line", func(s string) error { return broken(text.Check(s, false)) })
	format("text", func(s string) error { return broken(text.Check(s, true)) })
	format("email", checkEmail)
}

func broken(rule text.Rule) error {
	if rule == "" {
		return nil
	}
	return errors.New(string(rule))
}

// The years that a time may be in. Others are mistakes, and RFC 3339 cannot represent the year 10000.
const firstYear, lastYear = 1900, 2200

func checkTime(s string) error {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return errors.New("not a time in RFC 3339")
	}
	if year := t.UTC().Year(); year < firstYear || year > lastYear {
		return errors.New("a year out of range")
	}
	return nil
}

func checkEmail(s string) error {
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s {
		return errors.New("not an email address")
	}
	return broken(text.Check(s, false))
}

func newContract(spec []byte) (*contract, error) {
	if len(spec) == 0 {
		return &contract{doc: &openapi3.T{Paths: openapi3.NewPaths()}}, nil
	}
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(spec)
	if err != nil {
		return nil, fmt.Errorf("load contract: %w", err)
	}
	if err := doc.Validate(loader.Context); err != nil {
		return nil, fmt.Errorf("contract is not valid: %w", err)
	}
	// Labelled 3.1, the library compiles a JSON Schema anew for each request (seven times the
	// whole router's cost). Its own validator knows every keyword that our documents use.
	dialect := *doc
	dialect.OpenAPI = "3.0.3"
	return &contract{doc: doc, dialect: &dialect, options: &openapi3filter.Options{MultiError: true, SkipSettingDefaults: true}}, nil
}

// access returns the operation's security, or else the document's: the roles are alternatives; with none,
// everyone who is signed in is admitted.
func (c *contract) access(op *openapi3.Operation) (roles []identity.Role, secured bool) {
	required := op.Security
	if required == nil {
		required = &c.doc.Security
	}
	anyone := false
	for _, alternative := range *required {
		if len(alternative) == 0 {
			return nil, false
		}
		for _, names := range alternative {
			anyone = anyone || len(names) == 0
			for _, name := range names {
				roles = append(roles, identity.Role(name))
			}
		}
	}
	if anyone {
		roles = nil
	}
	return roles, len(*required) > 0
}

// operation returns the matched route's operation. Router and document use the same path templates, since both
// are generated from one file.
func (c *contract) operation(r *http.Request) (template string, item *openapi3.PathItem, op *openapi3.Operation) {
	route := mux.CurrentRoute(r)
	if route == nil {
		return "", nil, nil
	}
	template, err := route.GetPathTemplate()
	if err != nil {
		return "", nil, nil
	}
	item = c.doc.Paths.Value(template)
	if item == nil {
		return "", nil, nil
	}
	return template, item, item.GetOperation(r.Method)
}

// permit checks who may call the operation before the body is read, and sets the response's cache policy.
func (c *contract) permit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, op := c.operation(r)
		if op == nil {
			next.ServeHTTP(w, r)
			return
		}
		roles, secured := c.access(op)
		shared, _ := op.Extensions["x-shared"].(bool)
		switch own := r.Header.Get("Authorization") != ""; {
		case secured:
			w.Header().Set("Cache-Control", "no-store")
		case shared && own:
			w.Header().Set("Cache-Control", "private, no-cache")
		case shared:
			w.Header().Set("Cache-Control", Shared)
		}
		if secured {
			if _, err := identity.Require(r.Context(), roles...); err != nil {
				WriteProblem(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// bodyKey is the context key of a request's original body, without its limit.
type bodyKey struct{}

// exact rejects a method that a fixed path does not support, such as PATCH /events/import, which the router
// would match with /events/{id}. Fixed paths take precedence (OpenAPI 3.1, 4.8.8.2).
func (c *contract) exact(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		item := c.doc.Paths.Value(r.URL.Path)
		if item != nil && template(r) != r.URL.Path {
			notAllowed(w, r, slices.Sorted(maps.Keys(item.Operations())))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *contract) limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxInternalBody)
		if _, _, op := c.operation(r); op != nil {
			limit = maxBody
			if n, ok := op.Extensions["x-max-body"].(float64); ok {
				limit = int64(n)
			}
			// What a handler streams has its effect up to there.
			if stream, _ := op.Extensions["x-stream-body"].(bool); !stream && r.ContentLength > limit {
				WriteProblem(w, r, &http.MaxBytesError{Limit: limit})
				return
			}
		}
		r = r.WithContext(context.WithValue(r.Context(), bodyKey{}, r.Body))
		LimitBody(w, r, limit)
		next.ServeHTTP(w, r)
	})
}

// LimitBody limits the body of a request in bytes, for routes that are not in the contract, such as
// deliveries. Operations of the contract use `x-max-body`.
func LimitBody(w http.ResponseWriter, r *http.Request, limit int64) {
	body, ok := r.Context().Value(bodyKey{}).(io.ReadCloser)
	if !ok {
		body = r.Body
	}
	r.Body = http.MaxBytesReader(w, body, limit)
}

func (c *contract) validate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, item, op := c.operation(r)
		if op == nil {
			next.ServeHTTP(w, r)
			return
		}
		if err := c.check(r, path, item, op); err != nil {
			WriteProblem(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *contract) check(r *http.Request, path string, item *openapi3.PathItem, op *openapi3.Operation) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return errMalformedQuery.Because(err)
	}
	if err := checkParameters(r, query, item, op); err != nil {
		return err
	}
	// Who is calling is settled.
	open := *op
	open.Security = openapi3.NewSecurityRequirements()
	options := *c.options
	var body []byte
	media, plain := announced(r.Header)
	if op.RequestBody != nil && !plain {
		return errUnsupportedMediaType
	}
	if stream, _ := op.Extensions["x-stream-body"].(bool); stream || op.RequestBody == nil {
		options.ExcludeRequestBody = true
	} else {
		if body, err = io.ReadAll(r.Body); err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if media == "application/json" && len(body) > 0 {
			if err := strict(body); err != nil {
				return err
			}
		}
	}
	err = openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request:     r,
		PathParams:  mux.Vars(r),
		QueryParams: query,
		Options:     &options,
		Route:       &routers.Route{Spec: c.dialect, Path: path, PathItem: item, Method: r.Method, Operation: &open},
	})
	if err != nil {
		return refusal(err)
	}
	if body != nil { // what was validated, to the byte
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return nil
}

var errUnsupportedMediaType = fault.New(fault.Unsupported, "unsupported_media_type", "This endpoint does not support the request's content type.")

// announced returns the media type of a body according to its headers, and whether they declare a supported
// encoding: UTF-8, not compressed.
func announced(header http.Header) (media string, plain bool) {
	media, parameters, _ := mime.ParseMediaType(header.Get("Content-Type"))
	charset, coding := parameters["charset"], header.Get("Content-Encoding")
	return media, (coding == "" || strings.EqualFold(coding, "identity")) &&
		(charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "us-ascii"))
}

var errMalformedQuery = fault.New(fault.Malformed, "malformed_query", "The query string is malformed.")

// checkParameters rejects control characters in the parameters that the operation declares, since no column or
// index accepts a NUL. Undeclared parameters are ignored.
func checkParameters(r *http.Request, query url.Values, item *openapi3.PathItem, op *openapi3.Operation) error {
	vars := mux.Vars(r)
	for _, parameters := range []openapi3.Parameters{item.Parameters, op.Parameters} {
		for _, p := range parameters {
			var values []string
			switch p.Value.In {
			case openapi3.ParameterInQuery:
				values = query[p.Value.Name]
			case openapi3.ParameterInPath:
				values = []string{vars[p.Value.Name]}
			case openapi3.ParameterInHeader:
				values = r.Header.Values(p.Value.Name)
			}
			for _, v := range values {
				if rule := text.Check(v, true); rule == text.Control || rule == text.UTF8 {
					return invalid(violation{Field: p.Value.Name, Rule: rule})
				}
			}
		}
	}
	return nil
}

// Shared is the Cache-Control of responses that are the same for everyone: fresh for one second,
// stale-while-revalidate for one more, stale-if-error for a day. The gateway applies it; browsers must
// revalidate.
const Shared = "public, s-maxage=1, stale-while-revalidate=1, stale-if-error=86400"

// violation is one error in a request. Its rule is a JSON Schema keyword or a rule of package text.
type violation = text.Violation

// maxViolations limits the violations of one response.
const maxViolations = 20

func invalid(found ...violation) *fault.Error {
	if len(found) > maxViolations {
		found = found[:maxViolations]
	}
	return fault.New(fault.Invalid, "invalid_request", "The request is not valid: "+found[0].Field+" ("+string(found[0].Rule)+").").
		With("violations", found)
}

// fieldName formats the location of a value, "body" for the whole body. Names may come from the client, so
// they are truncated.
func fieldName(parts []string) string {
	const longest = 60
	for i, part := range parts {
		if text.Check(part, false) != "" {
			part = "?"
		}
		if runes := []rune(part); len(runes) > longest {
			part = string(runes[:longest])
		}
		parts[i] = part
	}
	return cmp.Or(strings.Join(parts, "."), "body")
}

// refusal converts a validation error into a fault that a client can act on.
func refusal(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	all := flatten(err)
	var found []violation
	for _, e := range all {
		re, ok := errors.AsType[*openapi3filter.RequestError](e)
		if !ok {
			continue
		}
		switch {
		case re.Parameter != nil:
			found = append(found, violation{Field: re.Parameter.Name, Rule: parameterRule(re)})
		case strings.HasPrefix(re.Reason, "header Content-Type"):
			return errUnsupportedMediaType
		default:
			if _, ok := errors.AsType[*openapi3filter.ParseError](e); ok {
				return errMalformedBody
			}
			if _, ok := errors.AsType[*json.SyntaxError](e); ok {
				return errMalformedBody
			}
			found = append(found, bodyViolations(re)...)
		}
	}
	if len(found) == 0 {
		return fault.New(fault.Malformed, "malformed_request", "The request could not be read.").Because(err)
	}
	return invalid(found...)
}

func flatten(err error) []error {
	if many, ok := err.(openapi3.MultiError); ok { //nolint:errorlint // the list itself, not something that wraps one
		var all []error
		for _, e := range many {
			all = append(all, flatten(e)...)
		}
		return all
	}
	return []error{err}
}

func parameterRule(re *openapi3filter.RequestError) text.Rule {
	if errors.Is(re.Err, openapi3filter.ErrInvalidRequired) {
		return "required"
	}
	for _, e := range leaves(re.Err) {
		if e.SchemaField != "" {
			return ruleOf(e)
		}
	}
	return "type"
}

func bodyViolations(re *openapi3filter.RequestError) []violation {
	if errors.Is(re.Err, openapi3filter.ErrInvalidRequired) {
		return []violation{{Field: "body", Rule: "required"}}
	}
	var found []violation
	for _, e := range leaves(re.Err) {
		at := e.JSONPointer()
		if name, ok := unknownProperty(e); ok {
			at = append(slices.Clone(at), name)
		}
		found = append(found, violation{Field: fieldName(at), Rule: ruleOf(e)})
	}
	return found
}

// ruleOf returns the violated schema keyword or, for text, the violated rule of package text.
func ruleOf(e *openapi3.SchemaError) text.Rule {
	if s, ok := e.Value.(string); ok && e.Schema != nil && (e.Schema.Format == "line" || e.Schema.Format == "text") && e.SchemaField == "format" {
		return cmp.Or(text.Check(s, e.Schema.Format == "text"), text.Format)
	}
	if _, ok := unknownProperty(e); ok {
		return "additionalProperties"
	}
	return text.Rule(e.SchemaField)
}

// unknownProperty returns the property that the schema does not have, if that is the error.
func unknownProperty(e *openapi3.SchemaError) (string, bool) {
	quoted, ok := strings.CutSuffix(e.Reason, " is unsupported")
	if !ok || e.SchemaField != "properties" {
		return "", false
	}
	name, err := strconv.Unquote(strings.TrimPrefix(quoted, "property "))
	return name, err == nil
}

// leaves returns the innermost schema errors; the outer ones only say that something inside is invalid.
func leaves(err error) []*openapi3.SchemaError {
	var found []*openapi3.SchemaError
	for _, e := range flatten(err) {
		se, ok := errors.AsType[*openapi3.SchemaError](e)
		if !ok {
			continue
		}
		if inner, ok := errors.AsType[openapi3.MultiError](se.Origin); ok {
			found = append(found, leaves(inner)...)
			continue
		}
		found = append(found, se)
	}
	return found
}
