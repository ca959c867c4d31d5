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

// errMalformedBody is for what is not JSON at all.
var errMalformedBody = fault.New(fault.Malformed, "malformed_body", "The request body is not valid JSON.")

// Decode reads a request's JSON body into v, which is a pointer. Names are case-sensitive; a name that
// v does not know, a name twice in one object, text that is not UTF-8 and anything after the value are
// refused. On an operation of the contract these are the bytes that were validated.
//
// encoding/json would match names whatever their case and take the last of two: it and the validator
// would read different documents.
func Decode(r *http.Request, v any) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return refuseJSON(json.Unmarshal(raw, v, json.RejectUnknownMembers(true)))
}

// DecodeInternal is Decode for what another of our services sends: a newer one may say more, and names
// that v does not know are passed over.
func DecodeInternal(r *http.Request, v any) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return refuseJSON(json.Unmarshal(raw, v))
}

// strict checks that raw is one JSON value as Decode wants it, whatever it means.
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

// refuseJSON makes a refusal of a decoder's error.
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

// redacted keeps a decoder's words, which may quote what was sent, out of logs.
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

// pointer writes a JSON pointer as violations name fields.
func pointer(p jsontext.Pointer) string { return fieldName(slices.Collect(p.Tokens())) }
