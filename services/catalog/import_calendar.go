package catalog

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"

	"github.com/foyer-tickets/foyer/internal/fault"
)

var (
	errUnfinishedEvent = fault.New(fault.Malformed, "malformed_record", "The VEVENT has no END.")
	errMalformedEvent  = fault.New(fault.Malformed, "malformed_record", "A line of the VEVENT is not valid iCalendar.")
	errUnfinished      = fault.New(fault.Malformed, "malformed_import", "The calendar file is truncated.")
)

// readCalendar reads a calendar event by event: a line that is not iCalendar costs the event it is
// in, and a large file is never held in memory.
func readCalendar(br *bufio.Reader, yield func(Record) error) error {
	var (
		event   []byte // the lines of the VEVENT being read
		began   int    // its first line; 0 outside of one
		tooLong bool
		ended   bool // END:VCALENDAR was the last that said anything
	)
	finish := func(refusal error) error {
		rec := Record{Line: began, Err: refusal}
		switch {
		case refusal != nil:
		case tooLong:
			rec.Err = errRecordTooLarge
		default:
			rec.Imported, rec.Err = parseVEvent(event)
		}
		event, began, tooLong = nil, 0, false
		return yield(rec)
	}
	for line := 1; ; line++ {
		raw, long, readErr := readLine(br)
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return readErr
		}
		text := strings.ToUpper(string(bytes.TrimSpace(raw)))
		var err error
		switch {
		case text == "BEGIN:VEVENT":
			if began > 0 {
				err = finish(errUnfinishedEvent)
			}
			began = line
		case text == "END:VEVENT" && began > 0:
			err = finish(nil)
		case text == "END:VCALENDAR" && began > 0:
			err = finish(errUnfinishedEvent)
			ended = true
		case began > 0 && (long || len(event)+len(raw) > maxRecord):
			tooLong = true
		case began > 0:
			event = append(event, raw...)
		case text != "":
			ended = text == "END:VCALENDAR"
		}
		if err != nil {
			return err
		}
		if readErr == nil {
			continue
		}
		if began > 0 {
			if err := finish(errUnfinishedEvent); err != nil {
				return err
			}
		}
		if !ended {
			return errUnfinished
		}
		return nil
	}
}

func parseVEvent(lines []byte) (Imported, error) {
	if !utf8.Valid(lines) {
		return Imported{}, errNotUTF8
	}
	cal, err := ics.ParseCalendar(strings.NewReader("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + string(lines) + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"))
	if err != nil || len(cal.Events()) != 1 {
		return Imported{}, errMalformedEvent.Because(err)
	}
	v := cal.Events()[0]
	text := func(p ics.ComponentProperty) string {
		if prop := v.GetProperty(p); prop != nil {
			return strings.TrimSpace(ics.FromText(prop.Value))
		}
		return ""
	}
	i := Imported{Source: host(text(ics.ComponentPropertyUrl)), SourceID: text(ics.ComponentPropertyUniqueId)}
	i.Event = Event{
		Name: text(ics.ComponentPropertySummary), Description: text(ics.ComponentPropertyDescription),
		URL: text(ics.ComponentPropertyUrl), Category: "other",
	}
	for topic := range strings.SplitSeq(text(ics.ComponentPropertyCategories), ",") {
		if topic = strings.TrimSpace(topic); topic == "" {
			continue
		}
		i.Event.Topics = append(i.Event.Topics, topic)
		if c := strings.ToLower(topic); i.Event.Category == "other" && slices.Contains(categories, c) {
			i.Event.Category = c
		}
	}
	// "Hall, Street 1, Berlin, Germany": the last two say where, the first what it is called.
	if parts := strings.Split(text(ics.ComponentPropertyLocation), ","); len(parts) > 1 {
		last := len(parts) - 1
		i.City, i.Country = strings.TrimSpace(parts[last-1]), strings.TrimSpace(parts[last])
		i.Event.Venue.Name = strings.TrimSpace(parts[0])
	}
	if i.SourceID == "" {
		i.SourceID = key(i.Event.Name, text(ics.ComponentPropertyDtStart), i.City)
	}
	if strings.EqualFold(text(ics.ComponentPropertyStatus), "CANCELLED") {
		return i, errCalledOff
	}
	when := span{}
	if when.start, when.zone, err = calendarTime(v.GetProperty(ics.ComponentPropertyDtStart)); err != nil {
		return i, err
	}
	if when.end, _, err = calendarTime(v.GetProperty(ics.ComponentPropertyDtEnd)); err != nil {
		return i, err
	}
	if d, ok := calendarDuration(text(ics.ComponentPropertyDuration)); ok && when.end == "" {
		if begins, err := time.Parse(time.RFC3339, when.start); err == nil {
			when.end = begins.Add(d).Format(time.RFC3339)
		} else if begins, err := time.Parse(localTime, when.start); err == nil {
			when.end = begins.Add(d).Format(localTime)
		}
	}
	if day, err := time.Parse(time.DateOnly, when.end); err == nil && when.end > when.start {
		when.end = day.AddDate(0, 0, -1).Format(time.DateOnly) // the day after the last
	}
	return i.complete(when)
}

// categories that an event may name among its own words.
var categories = []string{"music", "theatre", "comedy", "sports", "exhibition", "conference", "film", "family"}

// calendarTime reads a DATE or DATE-TIME into what importTime reads: in UTC, at a time zone, or,
// without either, at the place. "" for a property that is not there.
func calendarTime(p *ics.IANAProperty) (when, zone string, err error) {
	if p == nil {
		return "", "", nil
	}
	value := strings.TrimSpace(p.Value)
	if t, err := time.Parse("20060102", value); err == nil {
		return t.Format(time.DateOnly), "", nil
	}
	if t, err := time.Parse("20060102T150405Z", value); err == nil {
		return t.Format(time.RFC3339), "", nil
	}
	t, err := time.Parse("20060102T150405", value)
	if err != nil {
		return "", "", fault.New(fault.Invalid, "invalid_time", "DTSTART or DTEND is not a valid date or time.").Because(err)
	}
	if ids := p.ICalParameters["TZID"]; len(ids) == 1 {
		loc, err := time.LoadLocation(ids[0])
		if err != nil {
			return "", "", fault.New(fault.Invalid, "unknown_time_zone", "The TZID is not in the IANA time zone database.").Because(err)
		}
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, loc)
		return t.Format(time.RFC3339), ids[0], nil
	}
	return t.Format(localTime), "", nil
}

var durationForm = regexp.MustCompile(`^P(?:(\d{1,3})W)?(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?$`)

// calendarDuration reads a DURATION such as P1DT2H30M.
func calendarDuration(value string) (time.Duration, bool) {
	parts := durationForm.FindStringSubmatch(value)
	if parts == nil {
		return 0, false
	}
	var d time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi("0" + parts[i+1])
		d += time.Duration(n) * unit
	}
	return d, d > 0
}
