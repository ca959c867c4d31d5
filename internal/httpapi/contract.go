package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
)

// contract is a service's OpenAPI document in force.
//
// Three extensions on an operation: `x-max-body: 16777216` raises the body limit in bytes;
// `x-stream-body: true` leaves the body unread for the handler to stream and check;
// `x-shared: true` says that everyone gets the same answer, so that the gateway may keep it.
type contract struct {
	doc     *openapi3.T
	dialect *openapi3.T // names the validator; see newContract
	options *openapi3filter.Options
}

// The library checks no format of ids by itself.
func init() {
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewCallbackValidator(func(id string) error {
		if len(id) != 36 {
			return errors.New("not a UUID in its usual form")
		}
		return uuid.Validate(id)
	}))
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
	return &contract{doc: doc, dialect: &dialect, options: &openapi3filter.Options{MultiError: true}}, nil
}

// secured tells whether an operation is for signed-in callers only: its own word, or the document's.
func (c *contract) secured(op *openapi3.Operation) bool {
	required := op.Security
	if required == nil {
		required = &c.doc.Security
	}
	for _, alternative := range *required {
		if len(alternative) == 0 {
			return false
		}
	}
	return len(*required) > 0
}

// operation finds the matched route's entry. The router's templates are those of the document,
// since both servers and document come from one file.
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

func (c *contract) limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxBody)
		if _, _, op := c.operation(r); op != nil {
			if n, ok := op.Extensions["x-max-body"].(float64); ok {
				limit = int64(n)
			}
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

func (c *contract) validate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, item, op := c.operation(r)
		if op == nil {
			next.ServeHTTP(w, r)
			return
		}
		if shared, _ := op.Extensions["x-shared"].(bool); shared && r.Header.Get("Authorization") == "" {
			w.Header().Set("Cache-Control", Shared)
		}
		if c.secured(op) {
			if _, err := identity.Require(r.Context()); err != nil {
				WriteProblem(w, r, err)
				return
			}
		}
		// Who is calling is settled. The library would read the whole body before it asked that.
		open := *op
		open.Security = openapi3.NewSecurityRequirements()
		options := *c.options
		if stream, _ := op.Extensions["x-stream-body"].(bool); stream {
			options.ExcludeRequestBody = true
		}
		err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
			Request:    r,
			PathParams: mux.Vars(r),
			Options:    &options,
			Route:      &routers.Route{Spec: c.dialect, Path: path, PathItem: item, Method: r.Method, Operation: &open},
		})
		if err != nil {
			WriteProblem(w, r, refusal(err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Shared is the Cache-Control of answers that everyone may share: a second old without asking, one
// more while asking, and for a day while the service is away. The gateway goes by it; to browsers
// it says that they ask each time.
const Shared = "public, s-maxage=1, stale-while-revalidate=1, stale-if-error=86400"

// violation is one thing wrong with a request. It names the place and the rule, never the
// value: what people type by mistake is often a secret or a name.
type violation struct {
	Field string `json:"field"`
	Rule  string `json:"rule"`
}

// refusal turns a validation error into the fault a client can act on.
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
			return fault.New(fault.Unsupported, "unsupported_media_type", "This endpoint does not read that content type.")
		default:
			if _, ok := errors.AsType[*openapi3filter.ParseError](e); ok {
				return fault.New(fault.Malformed, "malformed_body", "The request body is not well-formed JSON.")
			}
			if _, ok := errors.AsType[*json.SyntaxError](e); ok {
				return fault.New(fault.Malformed, "malformed_body", "The request body is not well-formed JSON.")
			}
			found = append(found, bodyViolations(re)...)
		}
	}
	if len(found) == 0 {
		return fault.New(fault.Malformed, "malformed_request", "The request could not be read.").Because(err)
	}
	return fault.New(fault.Invalid, "invalid_request", "The request breaks a rule: "+found[0].Field+" ("+found[0].Rule+").").
		With("violations", found).Because(err)
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

func parameterRule(re *openapi3filter.RequestError) string {
	if errors.Is(re.Err, openapi3filter.ErrInvalidRequired) {
		return "required"
	}
	for _, e := range leaves(re.Err) {
		if e.SchemaField != "" {
			return e.SchemaField
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
		field := strings.Join(e.JSONPointer(), ".")
		if field == "" {
			field = "body"
		}
		found = append(found, violation{Field: field, Rule: e.SchemaField})
	}
	return found
}

// leaves gives the innermost schema errors: the outer ones only say that something inside is wrong.
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
