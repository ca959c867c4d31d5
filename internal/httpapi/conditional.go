package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// Errors of conditional requests (RFC 9110, 13) and of cursors.
var (
	ErrVersionRequired = fault.New(fault.PreconditionRequired, "if_match_required", "The If-Match header is missing; send the ETag of the version that you changed.")
	ErrVersionStale    = fault.New(fault.PreconditionFailed, "version_stale", "This was changed after you read it. Read it again.")
	ErrInvalidCursor   = fault.New(fault.Invalid, "invalid_cursor", "The cursor is not valid.")
)

// ETag formats versions as a strong entity tag. The first is the version of the resource itself; the others
// are versions of related data in the response.
func ETag(version int64, shown ...int64) string {
	tag := strconv.AppendInt([]byte{'"'}, version, 10)
	for _, v := range shown {
		tag = strconv.AppendInt(append(tag, '.'), v, 10)
	}
	return string(append(tag, '"'))
}

// IfMatch returns the version that a client's change is based on: the first number of the entity tag. It
// returns ErrVersionRequired if the header is missing, and ErrVersionStale if it is not one of our tags.
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

// NotModified responds 304 and returns true if the client's copy is current. Call it before writing a body.
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

// EncodeCursor returns an opaque cursor for the sort key of a page's last row.
func EncodeCursor(key any) (string, error) {
	raw, err := json.Marshal(key)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// DecodeCursor decodes a cursor of EncodeCursor into key. It returns ErrInvalidCursor for anything else.
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
