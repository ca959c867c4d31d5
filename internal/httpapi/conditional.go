package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// Refusals of conditional requests (RFC 9110, 13) and of cursors.
var (
	ErrVersionRequired = fault.New(fault.PreconditionRequired, "if_match_required", "The If-Match header is missing; send the ETag of the version that you changed.")
	ErrVersionStale    = fault.New(fault.PreconditionFailed, "version_stale", "This was changed after you read it. Read it again.")
	ErrInvalidCursor   = fault.New(fault.Invalid, "invalid_cursor", "The cursor is not valid.")
)

// ETag writes a version as a strong entity tag. A representation that also shows what changes
// without the thing itself has those versions behind the first.
func ETag(version int64, shown ...int64) string {
	tag := strconv.AppendInt([]byte{'"'}, version, 10)
	for _, v := range shown {
		tag = strconv.AppendInt(append(tag, '.'), v, 10)
	}
	return string(append(tag, '"'))
}

// IfMatch reads the version a client changed: the first of its entity tag. ErrVersionRequired when
// it does not say, ErrVersionStale for what was never a tag of ours.
func IfMatch(header string) (int64, error) {
	if header == "" {
		return 0, ErrVersionRequired
	}
	tag, _, _ := strings.Cut(strings.Trim(strings.TrimPrefix(header, "W/"), `"`), ".")
	version, err := strconv.ParseInt(tag, 10, 64)
	if err != nil || version < 1 {
		return 0, ErrVersionStale
	}
	return version, nil
}

// NotModified answers 304 when the client's copy is current. Call it before writing a body.
func NotModified(w http.ResponseWriter, r *http.Request, etag string) bool {
	w.Header().Set("ETag", etag)
	for tag := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		tag = strings.TrimSpace(tag)
		// Compression in the gateway weakens tags; comparison for GET is weak anyway.
		if tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}

// EncodeCursor makes an opaque cursor of the last row's sort key.
func EncodeCursor(key any) (string, error) {
	raw, err := json.Marshal(key)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// DecodeCursor reads a cursor made by EncodeCursor into key. ErrInvalidCursor for anything else.
func DecodeCursor(cursor string, key any) error {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return ErrInvalidCursor.Because(err)
	}
	if err := json.Unmarshal(raw, key); err != nil {
		return ErrInvalidCursor.Because(err)
	}
	return nil
}
