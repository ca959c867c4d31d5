package catalog

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// Imported is one event read from a file, in our own terms.
type Imported struct {
	Source   string // who published it: a host name, for attribution
	SourceID string // the natural key within a merchant's imports
	Event    Event
	City     string
	Country  string // as the file says it, for people to read
}

// Record is one entry of an import file: Imported, or why it was not good.
type Record struct {
	Line int // where it begins, from 1; in a JSON array, the element's number
	Imported
	Err error
}

// maxRecord bounds one record in memory, in bytes.
const maxRecord = 256 << 10

// Refusals of one record, and of what is left of a file.
var (
	errRecordTooLarge  = fault.New(fault.Invalid, "record_too_large", fmt.Sprintf("A record has at most %d KiB.", maxRecord>>10))
	errMalformedRecord = fault.New(fault.Malformed, "malformed_record", "The record is not a JSON object.")
	errWrongType       = fault.New(fault.Invalid, "invalid_record", "A field of the record has the wrong type.")
	errNotUTF8         = fault.New(fault.Invalid, "invalid_utf8", "The record is not valid UTF-8.")
	errEmptyImport     = fault.New(fault.Invalid, "empty_import", "The file contains no records.")
	errMalformedImport = fault.New(fault.Malformed, "malformed_import", "The file is truncated or not valid JSON from this line on.")
)

// ReadImport reads a file record by record, whatever its size: iCalendar (RFC 5545), a JSON array,
// or JSON lines; each JSON record a conference in the form of the conference-data collection or a
// schema.org Event. A bad record is yielded with its error and reading goes on; a file that is
// broken beyond its records yields one last error.
func ReadImport(r io.Reader, yield func(Record) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	opening, err := peekLine(br)
	if err != nil {
		return err
	}
	records := 0
	count := func(rec Record) error {
		records++
		return yield(rec)
	}
	switch {
	case strings.EqualFold(opening, "BEGIN:VCALENDAR"):
		err = readCalendar(br, count)
	case opening[0] == '[':
		err = readArray(br, count)
	case opening == "{": // written over many lines
		err = readObjects(br, count)
	default:
		err = readLines(br, count)
	}
	if err == nil && records == 0 {
		return errEmptyImport
	}
	return err
}

// peekLine gives the first line that has something on it, and takes only a byte order mark away.
func peekLine(br *bufio.Reader) (string, error) {
	if bom, err := br.Peek(3); err == nil && bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		if _, err := br.Discard(3); err != nil {
			return "", err
		}
	}
	seen, err := br.Peek(br.Size())
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(seen, " \t\r\n"), []byte("\n"))
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return "", errEmptyImport
	}
	return string(line), nil
}

func readLines(br *bufio.Reader, yield func(Record) error) error {
	for line := 1; ; line++ {
		raw, tooLong, err := readLine(br)
		done := errors.Is(err, io.EOF)
		if err != nil && !done {
			return err
		}
		text := bytes.TrimSpace(raw)
		switch {
		case tooLong:
			if err := yield(Record{Line: line, Err: errRecordTooLarge}); err != nil {
				return err
			}
		case len(text) > 0:
			if err := parseRecord(line, text, yield); err != nil {
				return err
			}
		}
		if done {
			return nil
		}
	}
}

// readLine reads to the end of the line and keeps at most maxRecord of it. io.EOF comes with the
// last line.
func readLine(br *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := br.ReadSlice('\n')
		if len(line)+len(part) <= maxRecord {
			line = append(line, part...)
		} else {
			tooLong = true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

func readArray(br *bufio.Reader, yield func(Record) error) error {
	dec := json.NewDecoder(br)
	if _, err := dec.Token(); err != nil {
		return broken(err)
	}
	for n := 1; dec.More(); n++ {
		if err := readElement(dec, n, yield); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return broken(err)
	}
	return nil
}

// readObjects reads JSON objects one after another, however they are laid out.
func readObjects(br *bufio.Reader, yield func(Record) error) error {
	dec := json.NewDecoder(br)
	for n := 1; ; n++ {
		err := readElement(dec, n, yield)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func readElement(dec *json.Decoder, n int, yield func(Record) error) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		if errors.Is(err, io.EOF) {
			return err
		}
		return broken(err) // what follows cannot be told apart
	}
	if len(raw) > maxRecord {
		return yield(Record{Line: n, Err: errRecordTooLarge})
	}
	return parseRecord(n, raw, yield)
}

// broken tells a file that is not JSON from one that could not be read to its end.
func broken(err error) error {
	if _, ok := errors.AsType[*json.SyntaxError](err); ok || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errMalformedImport.Because(err)
	}
	return err
}

// parseRecord yields what is in one JSON value: a conference, a schema.org Event, or a graph of these.
func parseRecord(line int, raw []byte, yield func(Record) error) error {
	rec := Record{Line: line}
	var form struct {
		Type  json.RawMessage   `json:"@type"`
		Graph []json.RawMessage `json:"@graph"`
	}
	switch err := json.Unmarshal(raw, &form); {
	case !utf8.Valid(raw):
		rec.Err = errNotUTF8
	case err != nil:
		rec.Err = errMalformedRecord.Because(err)
	case len(form.Graph) > 0 && len(form.Type) == 0:
		for _, node := range form.Graph {
			rec.Imported, rec.Err = parseJSONLD(node)
			if err := yield(rec); err != nil {
				return err
			}
		}
		return nil
	case len(form.Type) > 0:
		rec.Imported, rec.Err = parseJSONLD(raw)
	default:
		rec.Imported, rec.Err = parseConference(raw)
	}
	return yield(rec)
}

func key(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(h[:16])
}
