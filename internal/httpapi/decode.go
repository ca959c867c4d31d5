package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/text"
)

// errMalformedBody means that the body is not JSON.
var errMalformedBody = fault.New(fault.Malformed, "malformed_body", "The request body is not valid JSON.")

// Decode decodes a request's JSON body into v, which is a pointer. Names are case-sensitive. Names unknown to
// v, duplicate names in an object, invalid UTF-8 and content after the value are rejected. For operations of
// the contract it decodes the bytes that were validated.
//
// encoding/json would ignore case and use the last of two equal names, and so could interpret the document
// differently from the validator.
func Decode(r *http.Request, v any) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return Unreadable(err)
	}
	return refuseJSON(json.Unmarshal(raw, v, json.RejectUnknownMembers(true)))
}

// DecodeInternal is Decode for requests of our other services: unknown names are ignored, since a newer
// service may send more.
func DecodeInternal(r *http.Request, v any) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return Unreadable(err)
	}
	return refuseJSON(json.Unmarshal(raw, v))
}

// Body is Decode of a new T.
func Body[T any](r *http.Request) (body T, err error) {
	err = Decode(r, &body)
	return body, err
}

// InternalBody is DecodeInternal of a new T.
func InternalBody[T any](r *http.Request) (body T, err error) {
	err = DecodeInternal(r, &body)
	return body, err
}

// strict checks that raw is one JSON value in the strict syntax that Decode requires.
func strict(raw []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if err := d.SkipValue(); err != nil {
		if errors.Is(err, io.EOF) { // nothing but space
			err = io.ErrUnexpectedEOF
		}
		return refuseJSON(err)
	}
	switch _, err := d.ReadToken(); {
	case err == nil:
		return errMalformedBody
	case errors.Is(err, io.EOF):
		return nil
	default:
		return refuseJSON(err)
	}
}

// refuseJSON converts a decoder's error into a fault.
func refuseJSON(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		rule := text.Format
		if errors.Is(err, json.ErrUnknownName) {
			rule = "additionalProperties"
		}
		return invalid(violation{Field: pointer(e.JSONPointer), Rule: rule}).Because(redacted(err))
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return invalid(violation{Field: pointer(e.JSONPointer), Rule: text.Repeated}).Because(redacted(err))
		}
		return errMalformedBody.Because(redacted(err))
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	return errMalformedBody.Because(redacted(err))
}

// redacted removes the decoder's message, which may quote the request, from logs.
func redacted(err error) error {
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return json.ErrUnknownName
	case errors.Is(err, jsontext.ErrDuplicateName):
		return jsontext.ErrDuplicateName
	case errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	}
	return nil
}

// pointer formats a JSON pointer as violations name fields.
func pointer(p jsontext.Pointer) string { return fieldName(slices.Collect(p.Tokens())) }
