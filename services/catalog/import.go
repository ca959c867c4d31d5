package catalog

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
	"github.com/gosimple/slug"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
)

// Imported is one event read from a file, in our own terms.
type Imported struct {
	Source   string // who published it: a host name, for attribution
	SourceID string // the natural key within a merchant's imports
	Event    Event
	City     string
	Country  string // as the file says it, for people to read
}

// Fingerprint changes when, and only when, what was imported changed.
func (i Imported) Fingerprint() string {
	raw, err := json.Marshal(i)
	if err != nil {
		return "" // never equal to a stored one
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// Record is one entry of an import file: Imported, or why it was not good.
type Record struct {
	Line int // where it begins, from 1; in a JSON array, the element's number
	Imported
	Err error
}

// maxRecord bounds one record in memory, in bytes.
const maxRecord = 256 << 10

// ReadImport reads a file record by record, whatever its size: iCalendar (RFC 5545), a JSON array,
// or JSON lines; each JSON record a conference in the form of the conference-data collection or a
// schema.org Event. A bad record is yielded with its error and reading goes on; a file that is
// broken beyond its records yields one last error.
func ReadImport(r io.Reader, yield func(Record) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	first, err := firstByte(br)
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "empty_import", "The file is empty.")
	}
	if err != nil {
		return err
	}
	switch first {
	case 'B', 'b':
		return readCalendar(br, yield)
	case '[':
		return readArray(br, yield)
	default:
		return readLines(br, yield)
	}
}

// firstByte looks past white space and a byte order mark.
func firstByte(br *bufio.Reader) (byte, error) {
	if bom, err := br.Peek(3); err == nil && bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		if _, err := br.Discard(3); err != nil {
			return 0, err
		}
	}
	for n := 1; n <= br.Size(); n++ {
		p, err := br.Peek(n)
		if err != nil {
			return 0, err
		}
		if c := p[n-1]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, nil
		}
	}
	return 0, fault.New(fault.Malformed, "malformed_import", "The file begins with nothing but white space.")
}

func readLines(br *bufio.Reader, yield func(Record) error) error {
	for line := 1; ; line++ {
		raw, tooLong, err := readLine(br)
		done := errors.Is(err, io.EOF)
		if err != nil && !done {
			return err
		}
		if text := bytes.TrimSpace(raw); len(text) > 0 || tooLong {
			rec := Record{Line: line}
			if tooLong {
				rec.Err = fault.New(fault.Invalid, "record_too_large", "This line is longer than a record may be.")
			} else {
				rec.Imported, rec.Err = parseRecord(text)
			}
			if err := yield(rec); err != nil {
				return err
			}
		}
		if done {
			return nil
		}
	}
}

// readLine reads to the end of the line and keeps at most maxRecord of it.
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
		return malformedImport(err)
	}
	for n := 1; dec.More(); n++ {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return malformedImport(err) // what follows cannot be told apart
		}
		rec := Record{Line: n}
		if len(raw) > maxRecord {
			rec.Err = fault.New(fault.Invalid, "record_too_large", "This element is larger than a record may be.")
		} else {
			rec.Imported, rec.Err = parseRecord(raw)
		}
		if err := yield(rec); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return malformedImport(err)
	}
	return nil
}

func malformedImport(err error) error {
	return fault.New(fault.Malformed, "malformed_import", "The file breaks off or is not JSON from here on.").Because(err)
}

func parseRecord(raw []byte) (Imported, error) {
	if !utf8.Valid(raw) {
		return Imported{}, fault.New(fault.Invalid, "invalid_utf8", "This record is not UTF-8.")
	}
	var kind struct {
		Type json.RawMessage `json:"@type"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return Imported{}, fault.New(fault.Malformed, "malformed_record", "This record is not a JSON object.").Because(err)
	}
	if len(kind.Type) > 0 {
		return parseJSONLD(raw)
	}
	return parseConference(raw)
}

// conference is a record of github.com/tech-conferences/conference-data.
type conference struct {
	Name      string   `json:"name"`
	URL       string   `json:"url"`
	StartDate string   `json:"startDate"`
	EndDate   string   `json:"endDate"`
	City      string   `json:"city"`
	Country   string   `json:"country"`
	Online    bool     `json:"online"`
	Locales   string   `json:"locales"`
	Topics    []string `json:"topics"`
	SignCC    bool     `json:"offersSignLanguageOrCC"`
}

func parseConference(raw []byte) (Imported, error) {
	var c conference
	if err := json.Unmarshal(raw, &c); err != nil {
		return Imported{}, fault.New(fault.Invalid, "invalid_record", "A field of this record has the wrong type.").Because(err)
	}
	i := Imported{Source: "confs.tech", City: strings.TrimSpace(c.City), Country: strings.TrimSpace(c.Country)}
	i.SourceID = key(c.Name, c.StartDate, c.City, c.URL)
	e := Event{Name: strings.TrimSpace(c.Name), URL: c.URL, Topics: c.Topics, Category: "conference", Online: c.Online}
	i.Event = e
	return i.complete(c.StartDate, c.EndDate, conferenceText(c))
}

func conferenceText(c conference) string {
	var b strings.Builder
	where := c.City
	if c.Country != "" && c.Country != c.City {
		where = strings.TrimPrefix(where+", "+c.Country, ", ")
	}
	switch {
	case where == "":
		fmt.Fprintf(&b, "%s takes place online.", c.Name)
	case c.Online:
		fmt.Fprintf(&b, "%s takes place in %s and online.", c.Name, where)
	default:
		fmt.Fprintf(&b, "%s takes place in %s.", c.Name, where)
	}
	if len(c.Topics) > 0 {
		fmt.Fprintf(&b, " Topics: %s.", strings.Join(c.Topics, ", "))
	}
	if c.Locales != "" {
		fmt.Fprintf(&b, " Languages: %s.", c.Locales)
	}
	if c.SignCC {
		b.WriteString(" Sign language or closed captions are offered.")
	}
	return b.String()
}

// parseJSONLD reads a schema.org Event (https://schema.org/Event), as pages embed it.
func parseJSONLD(raw []byte) (Imported, error) {
	var e struct {
		ID          string          `json:"@id"`
		Type        oneOrMany       `json:"@type"`
		Name        string          `json:"name"`
		Description string          `json:"description"`
		URL         string          `json:"url"`
		StartDate   string          `json:"startDate"`
		EndDate     string          `json:"endDate"`
		Mode        string          `json:"eventAttendanceMode"`
		Keywords    json.RawMessage `json:"keywords"`
		Performer   json.RawMessage `json:"performer"`
		Location    json.RawMessage `json:"location"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return Imported{}, fault.New(fault.Invalid, "invalid_record", "A field of this record has the wrong type.").Because(err)
	}
	if !slices.ContainsFunc(e.Type, func(t string) bool { return strings.HasSuffix(t, "Event") || t == "Festival" }) {
		return Imported{}, fault.New(fault.Invalid, "not_an_event", "This record's @type is not an Event.")
	}
	i := Imported{Source: host(e.URL), SourceID: e.ID}
	if i.SourceID == "" {
		i.SourceID = key(e.Name, e.StartDate, e.URL)
	}
	i.Event = Event{
		Name: strings.TrimSpace(e.Name), URL: e.URL, Performers: names(e.Performer), Topics: names(e.Keywords),
		Category: schemaCategory(e.Type), Online: strings.Contains(e.Mode, "Online") || strings.Contains(e.Mode, "Mixed"),
	}
	var place struct {
		Name    string          `json:"name"`
		Address json.RawMessage `json:"address"`
	}
	if first := firstOf(e.Location); first != nil && json.Unmarshal(first, &place) == nil {
		i.Event.Venue.Name = place.Name
		var address struct {
			City    string          `json:"addressLocality"`
			Region  string          `json:"addressRegion"`
			Country json.RawMessage `json:"addressCountry"`
		}
		if json.Unmarshal(place.Address, &address) == nil {
			i.City = address.City
			if country := names(address.Country); len(country) > 0 {
				i.Country = country[0]
			}
		}
	}
	return i.complete(e.StartDate, e.EndDate, e.Description)
}

func schemaCategory(types []string) string {
	for _, t := range types {
		switch t {
		case "MusicEvent", "Festival":
			return "music"
		case "TheaterEvent", "DanceEvent", "ComedyEvent":
			return "theatre"
		case "SportsEvent":
			return "sports"
		case "ExhibitionEvent", "VisualArtsEvent":
			return "exhibition"
		}
	}
	return "conference"
}

func readCalendar(r io.Reader, yield func(Record) error) error {
	cal, err := ics.ParseCalendar(r)
	if err != nil {
		return fault.New(fault.Malformed, "malformed_import", "This calendar could not be read.").Because(err)
	}
	for n, v := range cal.Events() {
		rec := Record{Line: n + 1}
		rec.Imported, rec.Err = parseVEvent(v)
		if err := yield(rec); err != nil {
			return err
		}
	}
	return nil
}

func parseVEvent(v *ics.VEvent) (Imported, error) {
	text := func(p ics.ComponentProperty) string {
		if prop := v.GetProperty(p); prop != nil {
			return strings.TrimSpace(ics.FromText(prop.Value))
		}
		return ""
	}
	i := Imported{Source: host(text(ics.ComponentPropertyUrl)), SourceID: v.Id()}
	i.Event = Event{Name: text(ics.ComponentPropertySummary), URL: text(ics.ComponentPropertyUrl), Category: "conference"}
	if c := text(ics.ComponentPropertyCategories); c != "" {
		for topic := range strings.SplitSeq(c, ",") {
			i.Event.Topics = append(i.Event.Topics, strings.TrimSpace(topic))
		}
	}
	if parts := strings.Split(text(ics.ComponentPropertyLocation), ","); parts[0] != "" {
		last := len(parts) - 1
		i.Event.Venue.Name = strings.TrimSpace(parts[0])
		i.City, i.Country = strings.TrimSpace(parts[max(0, last-1)]), strings.TrimSpace(parts[last])
	}
	if i.SourceID == "" {
		i.SourceID = key(i.Event.Name, text(ics.ComponentPropertyDtStart), i.City)
	}
	start, err := v.GetStartAt()
	if err != nil {
		return i, fault.New(fault.Invalid, "invalid_start", "DTSTART is missing or not a date.").Because(err)
	}
	end, err := v.GetEndAt()
	if err != nil {
		end = start
	}
	return i.complete(start.Format(time.RFC3339), end.Format(time.RFC3339), text(ics.ComponentPropertyDescription))
}

// complete settles place, times and offer, and checks what must be there.
func (i Imported) complete(start, end, description string) (Imported, error) {
	e := &i.Event
	if e.Name == "" {
		return i, fault.New(fault.Invalid, "name_required", "This record has no name.")
	}
	if utf8.RuneCountInString(e.Name) > 200 {
		return i, fault.New(fault.Invalid, "name_too_long", "A name has at most 200 characters.")
	}
	if u, err := url.Parse(e.URL); e.URL != "" && (err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "") {
		return i, fault.New(fault.Invalid, "invalid_url", "The url is not an http address.")
	}
	place, known := Locate(i.City, i.Country)
	if i.Country != "" && !known {
		return i, fault.New(fault.Invalid, "unknown_country", "The country is not one we know.")
	}
	if place.TimeZone == "" {
		place.TimeZone = "UTC"
	}
	zone, err := time.LoadLocation(place.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	if e.StartsAt, err = importTime(start, zone, 9); err != nil {
		return i, fault.New(fault.Invalid, "invalid_start", "startDate is missing or not a date.")
	}
	if end == "" {
		end = start
	}
	if e.EndsAt, err = importTime(end, zone, 18); err != nil {
		return i, fault.New(fault.Invalid, "invalid_end", "endDate is not a date.")
	}
	if e.EndsAt.Equal(e.StartsAt) {
		e.EndsAt = e.StartsAt.Add(2 * time.Hour)
	}
	if e.EndsAt.Before(e.StartsAt) {
		return i, fault.New(fault.Invalid, "ends_before_start", "The event ends before it starts.")
	}
	e.Description, e.TimeZone, e.Source, e.Slug = description, place.TimeZone, i.Source, slug.Make(e.Name)
	e.SalesStart, e.SalesEnd = e.StartsAt.AddDate(-1, 0, 0), e.StartsAt
	e.MaxPerOrder, e.MaxPerAccount = 8, 16
	if e.Venue.Name == "" {
		e.Venue.Name = i.City
	}
	if i.City == "" {
		e.Online, e.Venue.Name = true, "Online"
	}
	e.Venue.City, e.Venue.Country, e.Venue.Location, e.Venue.TimeZone = cityName(i.City), place.Country, place.Location, place.TimeZone
	e.TicketTypes = []TicketType{offer(*e, place.Currency, i.SourceID)}
	return i, nil
}

// cityName drops the state that American records carry.
func cityName(city string) string {
	name, _, _ := strings.Cut(city, ",")
	return strings.TrimSpace(name)
}

// importTime reads a date or a time. A date means the given hour at the place.
func importTime(s string, zone *time.Location, hour int) (time.Time, error) {
	s = strings.TrimSpace(s)
	if t, err := time.ParseInLocation(time.DateOnly, s, zone); err == nil {
		return t.Add(time.Duration(hour) * time.Hour).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	t, err := time.ParseInLocation("2006-01-02T15:04", strings.TrimSuffix(s, ":00"), zone)
	return t.UTC(), err
}

// perEuro gives roughly how many of a currency's minor units buy one euro cent. Imported events
// in other countries are priced in US dollars.
var perEuro = map[string]float64{
	"EUR": 1, "USD": 1.1, "GBP": .85, "CHF": .95, "CAD": 1.5, "AUD": 1.65, "NZD": 1.8, "SGD": 1.45, "SEK": 11, "NOK": 11.5,
	"DKK": 7.5, "PLN": 4.3, "CZK": 25, "HUF": 400, "RON": 5, "BRL": 6, "INR": 95, "ZAR": 20, "ILS": 4, "JPY": 1.6, "AED": 4,
}

// offer makes up a ticket type: the sources have no prices. The same event always gets the same.
func offer(e Event, currency, seed string) TicketType {
	h := fnv.New64a()
	h.Write([]byte(seed))
	n := h.Sum64()
	cents := []float64{1900, 4900, 9900, 14900, 19900, 29900, 49900, 79900}[n%8]
	capacity := []int{40, 80, 120, 200, 300, 500}[n/8%6]
	name := "Conference pass"
	if e.Online && e.Venue.City == "" {
		name, cents = "Online pass", cents/5
	}
	rate, ok := perEuro[currency]
	if !ok {
		currency, rate = "USD", perEuro["USD"]
	}
	return TicketType{Name: name, Price: money.Money{Amount: int64(math.Round(cents*rate/10) * 10), Currency: currency}, Capacity: capacity}
}

func key(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(h[:16])
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// oneOrMany reads a JSON string or a list of them.
type oneOrMany []string

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMany) UnmarshalJSON(raw []byte) error {
	*o = names(raw)
	return nil
}

// names reads what schema.org allows for names: text, an object with a name, or a list of either.
func names(raw json.RawMessage) []string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if text == "" {
			return nil
		}
		return []string{text}
	}
	var thing struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(raw, &thing) == nil {
		if thing.Name == "" {
			return nil
		}
		return []string{thing.Name}
	}
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil {
		return nil
	}
	var all []string
	for _, one := range many {
		all = append(all, names(one)...)
	}
	return all
}

func firstOf(raw json.RawMessage) json.RawMessage {
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) == nil {
		if len(many) == 0 {
			return nil
		}
		return many[0]
	}
	return raw
}
