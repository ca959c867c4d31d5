package catalog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/data"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/catalog"
)

func read(t *testing.T, file string) (good []catalog.Imported, bad map[int]string, err error) {
	t.Helper()
	bad = map[int]string{}
	err = catalog.ReadImport(strings.NewReader(file), func(r catalog.Record) error {
		if r.Err != nil {
			bad[r.Line] = fault.CodeOf(r.Err)
		} else {
			good = append(good, r.Imported)
		}
		return nil
	})
	return good, bad, err
}

func TestImportKeepsGoodLinesAndNamesBadOnes(t *testing.T) {
	good, bad, err := read(t, strings.Join([]string{
		`{"name":"FooConf","url":"https://foo.test","startDate":"2027-03-01","endDate":"2027-03-02","city":"Zürich","country":"Switzerland","topics":["go"]}`,
		`{"name":"broken`,
		``,
		`{"name":"No date","url":"https://x.test"}`,
		`{"name":"Backwards","startDate":"2027-03-02","endDate":"2027-03-01"}`,
		`{"name":"Odd","startDate":"2027-13-45"}`,
		`{"name":7,"startDate":"2027-01-01"}`,
		`{"name":"Elsewhere","startDate":"2027-01-01","city":"X","country":"Atlantis"}`,
		`{"name":"Online only","url":"https://o.test","startDate":"2027-01-01","endDate":"2027-01-01","online":true}`,
		`{"name":"Script","url":"javascript:alert(1)","startDate":"2027-01-01"}`,
		`[1,2]`,
	}, "\n"))
	require.NoError(t, err)
	assert.Equal(t, map[int]string{
		2: "malformed_record", 4: "invalid_start", 5: "ends_before_start", 6: "invalid_start", 7: "invalid_record",
		8: "unknown_country", 10: "invalid_url", 11: "malformed_record",
	}, bad)
	require.Len(t, good, 2)
	assert.Equal(t, "CH", good[0].Event.Venue.Country)
	assert.Equal(t, "CHF", good[0].Event.TicketTypes[0].Price.Currency)
	assert.Equal(t, "2027-03-01T08:00:00Z", good[0].Event.StartsAt.Format(time.RFC3339), "nine in the morning there")
	assert.True(t, good[1].Event.Online)
}

func TestImportReadsEveryForm(t *testing.T) {
	ld := `{"@context":"https://schema.org","@type":"MusicEvent","name":"Gig","startDate":"2027-05-01T20:00:00+02:00","endDate":"2027-05-01T23:00:00+02:00",
		"performer":[{"@type":"MusicGroup","name":"Band"}],"location":{"@type":"Place","name":"Hall","address":{"addressLocality":"Paris","addressCountry":"FR"}}}`
	line := strings.ReplaceAll(ld, "\n", "")
	pretty := "{\n" + ld[1:]
	for name, file := range map[string]string{
		"json-ld": line, "array": "[" + ld + "]", "bom": "\xef\xbb\xbf[" + ld + "]", "over many lines": pretty,
		"graph": `{"@context":"https://schema.org","@graph":[` + line + `]}`, "after blank lines": "\n\n" + line + "\n\n",
		"in a list of types": strings.Replace(line, `"MusicEvent"`, `["Thing","https://schema.org/MusicEvent"]`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			good, bad, err := read(t, file)
			require.NoError(t, err)
			require.Empty(t, bad)
			require.Len(t, good, 1)
			e := good[0].Event
			assert.Equal(t, "music", e.Category)
			assert.Equal(t, []string{"Band"}, e.Performers)
			assert.Equal(t, "Hall", e.Venue.Name)
			assert.Equal(t, "FR", e.Venue.Country)
			assert.NotNil(t, e.Venue.Location)
			assert.Equal(t, "2027-05-01T18:00:00Z", e.StartsAt.Format(time.RFC3339))
			assert.NotEmpty(t, good[0].SourceID)
		})
	}
}

func TestImportTellsWhatIsNoFile(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		good int
		code string
	}{
		"empty": {"", 0, "empty_import"}, "blank": {"  \n ", 0, "empty_import"}, "empty array": {"[]", 0, "empty_import"},
		"empty calendar": {"BEGIN:VCALENDAR\nEND:VCALENDAR\n", 0, "empty_import"},
		"cut off":        {`[{"name":"a","startDate":"2027-01-01"},{"na`, 1, "malformed_import"},
		"no end":         {`[{"name":"a","startDate":"2027-01-01"}`, 1, "malformed_import"},
		"no comma":       {`[{"name":"a","startDate":"2027-01-01"} {"name":"b","startDate":"2027-01-01"}]`, 1, "malformed_import"},
		"calendar cut":   {"BEGIN:VCALENDAR\r\n" + vevent("1", "") + "BEGIN:VEVENT\r\nUID:2\r\n", 1, "malformed_import"},
	} {
		t.Run(name, func(t *testing.T) {
			good, _, err := read(t, c.file)
			assert.Equal(t, c.code, fault.CodeOf(err))
			assert.Len(t, good, c.good, "what was good before stays")
		})
	}
}

func TestImportReadsOffers(t *testing.T) {
	with := func(offers string) string {
		return `{"@type":"Event","name":"Gig","startDate":"2027-05-01","offers":` + offers + `}`
	}
	good, bad, err := read(t, strings.Join([]string{
		with(`[{"name":"Parkett","price":"45.50","priceCurrency":"EUR"},{"price":12,"priceCurrency":"EUR"}]`),
		with(`{"@type":"AggregateOffer","lowPrice":"1500","priceCurrency":"JPY"}`),
		with(`{"url":"https://x.test"}`),
		with(`{"price":"45.505","priceCurrency":"EUR"}`),
		with(`{"price":"1e99","priceCurrency":"EUR"}`),
		with(`{"price":"-5","priceCurrency":"EUR"}`),
		with(`{"price":"5","priceCurrency":"euro"}`),
		with(`[{"price":"5","priceCurrency":"EUR"},{"price":"5","priceCurrency":"USD"}]`),
		with(`{"price":"5","priceCurrency":"ZAR"}`),
		with(`{"price":"5000","priceCurrency":"IQD"}`),
	}, "\n"))
	require.NoError(t, err)
	assert.Equal(t, map[int]string{4: "invalid_price", 5: "invalid_price", 6: "invalid_amount", 7: "invalid_currency", 8: "currency_mismatch", 9: "amount_too_small", 10: "currency_not_chargeable"}, bad)
	require.Len(t, good, 3)
	first := good[0].Event.TicketTypes
	assert.Equal(t, []string{"Parkett", "Ticket"}, []string{first[0].Name, first[1].Name})
	assert.Equal(t, []money.Money{{Amount: 4550, Currency: "EUR"}, {Amount: 1200, Currency: "EUR"}}, []money.Money{first[0].Price, first[1].Price})
	assert.Equal(t, money.Money{Amount: 1500, Currency: "JPY"}, good[1].Event.TicketTypes[0].Price)
	assert.NotEmpty(t, good[2].Event.TicketTypes, "an offer of ours")
}

func vevent(uid, lines string) string {
	return "BEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Talk " + uid + "\r\n" +
		"DTSTART:20270601T180000Z\r\n" + lines + "END:VEVENT\r\n"
}

func TestImportReadsCalendars(t *testing.T) {
	at := func(start, end string) string {
		return "BEGIN:VEVENT\nUID:x\nSUMMARY:Long\n name\n" + start + "\n" + end + "\nLOCATION:Hall\\, Street 1\\, Berlin\\, Germany\nCATEGORIES:Jazz,Music\n" +
			"BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT1H\nEND:VALARM\nEND:VEVENT\n"
	}
	for name, c := range map[string]struct{ start, end, from, to string }{
		"in UTC":         {"DTSTART:20270601T180000Z", "DTEND:20270601T200000Z", "2027-06-01T18:00:00Z", "2027-06-01T20:00:00Z"},
		"in a zone":      {"DTSTART;TZID=America/New_York:20270601T180000", "DTEND;TZID=America/New_York:20270601T200000", "2027-06-01T22:00:00Z", "2027-06-02T00:00:00Z"},
		"at the place":   {"DTSTART:20270601T180000", "DTEND:20270601T200000", "2027-06-01T16:00:00Z", "2027-06-01T18:00:00Z"},
		"whole days":     {"DTSTART;VALUE=DATE:20270601", "DTEND;VALUE=DATE:20270603", "2027-06-01T07:00:00Z", "2027-06-02T16:00:00Z"},
		"for a while":    {"DTSTART:20270601T180000Z", "DURATION:P1DT2H30M", "2027-06-01T18:00:00Z", "2027-06-02T20:30:00Z"},
		"there for long": {"DTSTART:20270601T180000", "DURATION:PT90M", "2027-06-01T16:00:00Z", "2027-06-01T17:30:00Z"},
		"no duration":    {"DTSTART:20270601T180000Z", "DURATION:-PT1H", "2027-06-01T18:00:00Z", "2027-06-01T20:00:00Z"},
		"without an end": {"DTSTART:20270601T180000Z", "X-NOTHING:1", "2027-06-01T18:00:00Z", "2027-06-01T20:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			good, bad, err := read(t, "BEGIN:VCALENDAR\nVERSION:2.0\n"+at(c.start, c.end)+"END:VCALENDAR\n")
			require.NoError(t, err)
			require.Empty(t, bad)
			require.Len(t, good, 1)
			e := good[0].Event
			assert.Equal(t, "Longname", e.Name, "folded lines are one")
			assert.Equal(t, c.from, e.StartsAt.Format(time.RFC3339))
			assert.Equal(t, c.to, e.EndsAt.Format(time.RFC3339))
			assert.Equal(t, []string{"Hall", "Berlin", "DE"}, []string{e.Venue.Name, e.Venue.City, e.Venue.Country})
			assert.Equal(t, "music", e.Category)
			assert.Equal(t, []string{"Jazz", "Music"}, e.Topics)
		})
	}
}

func TestABadLineOfACalendarCostsItsEventOnly(t *testing.T) {
	file := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + // 2 lines
		vevent("1", "") + // from line 3, of 6
		vevent("2", "this is no property\r\n") + // 9, of 7
		vevent("3", "") + // 16
		"BEGIN:VEVENT\r\nUID:4\r\nSUMMARY:No end\r\n" + // 22, of 3
		vevent("5", "DTEND:20270501T100000Z\r\n") + // 25, of 7
		vevent("6", "DTEND;TZID=Mars/Olympus:20270601T200000\r\n") + // 32
		vevent("7", "STATUS:CANCELLED\r\n") + // 39
		vevent("8", "URL:javascript:alert(1)\r\n") + // 46
		vevent("9", "LOCATION:\xff\xfe\r\n") + // 53
		vevent("10", "DESCRIPTION:"+strings.Repeat("long ", 60_000)+"\r\n") + // 60
		vevent("11", "") +
		"END:VCALENDAR\r\n"
	good, bad, err := read(t, file)
	require.NoError(t, err)
	var names []string
	for _, g := range good {
		names = append(names, g.Event.Name)
	}
	assert.Equal(t, []string{"Talk 1", "Talk 3", "Talk 11"}, names)
	assert.Equal(t, map[int]string{
		9: "malformed_record", 22: "malformed_record", 25: "ends_before_start", 32: "unknown_time_zone", 39: "event_cancelled",
		46: "invalid_url", 53: "invalid_utf8", 60: "record_too_large",
	}, bad)
}

func TestImportBoundsWhatItKeeps(t *testing.T) {
	record := func(field, value string) string {
		raw, err := json.Marshal(map[string]any{"name": "x", "startDate": "2027-01-01", field: value})
		require.NoError(t, err)
		return string(raw)
	}
	words := strings.TrimSuffix(strings.Repeat(`"w",`, 51), ",")
	good, bad, err := read(t, strings.Join([]string{
		record("name", strings.Repeat("a", 201)), record("name", "a\x00b"), record("url", "https://"+strings.Repeat("a", 500)),
		record("city", strings.Repeat("a", 201)), record("country", "\xff"), record("name", strings.Repeat("a", 300<<10)),
		`{"name":"x","startDate":"2027-01-01","topics":[` + words + `]}`,
		record("name", strings.Repeat("ä", 200)),
	}, "\n"))
	require.NoError(t, err)
	assert.Len(t, good, 1)
	assert.Equal(t, map[int]string{
		1: "name_too_long", 2: "invalid_text", 3: "invalid_url", 4: "word_too_long", 5: "unknown_country", 6: "record_too_large", 7: "too_many_words",
	}, bad)
}

// endless gives lines without end and counts how far ahead it was read.
type endless struct {
	line  string
	given int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.line[e.given%len(e.line):])
	e.given += n
	return n, nil
}

func TestImportStreams(t *testing.T) {
	enough := errors.New("enough")
	for name, file := range map[string]struct{ head, line string }{
		"lines":    {"", `{"name":"x","startDate":"2027-01-01"}` + "\n"},
		"array":    {"[", `{"name":"x","startDate":"2027-01-01"},`},
		"calendar": {"BEGIN:VCALENDAR\r\n", vevent("1", "")},
	} {
		t.Run(name, func(t *testing.T) {
			source, n := &endless{line: file.line}, 0
			err := catalog.ReadImport(io.MultiReader(strings.NewReader(file.head), source), func(r catalog.Record) error {
				require.NoError(t, r.Err)
				if n++; n == 1000 {
					return enough
				}
				return nil
			})
			assert.ErrorIs(t, err, enough)
			assert.Less(t, source.given, 1000*len(file.line)+256<<10, "it reads little ahead of what it gives")
		})
	}
}

func TestTheSameRecordIsReadAlike(t *testing.T) {
	line := `{"name":"x","startDate":"2027-01-01","city":"Oslo","country":"Norway"%s}`
	good, _, err := read(t, fmt.Sprintf(line, "")+"\n"+fmt.Sprintf(line, `,"topics":["css"]`)+"\n"+fmt.Sprintf(line, ""))
	require.NoError(t, err)
	assert.Equal(t, good[0], good[2])
	assert.NotEqual(t, good[0], good[1])
	assert.Equal(t, good[0].SourceID, good[1].SourceID, "the same event, changed")
	assert.Equal(t, "x is a conference on CSS in Oslo, Norway.", good[1].Event.Description)
}

func TestEveryShippedConferenceIsGood(t *testing.T) {
	good, bad, err := read(t, string(data.Conferences))
	require.NoError(t, err)
	assert.Empty(t, bad)
	assert.Len(t, good, 1106)
	ids, located := map[string]bool{}, 0
	for _, g := range good {
		ids[g.SourceID] = true
		if g.Event.Venue.Location != nil {
			located++
		}
	}
	assert.Greater(t, located, 935, "of 941 in a city")
	assert.Greater(t, len(ids), 1090)
}

func FuzzImport(f *testing.F) {
	f.Add(`{"name":"FooConf","startDate":"2027-03-01"}`)
	f.Add("BEGIN:VCALENDAR\nEND:VCALENDAR")
	f.Add(`[{"@type":"Event"}]`)
	f.Add("BEGIN:VCALENDAR\r\n" + vevent("1", "DTEND;TZID=Europe/Berlin:20270601T200000\r\n") + "END:VCALENDAR")
	f.Add(`{"@type":["Event"],"name":"x","startDate":"2027-01-01T10:00","offers":[{"price":"1.5","priceCurrency":"EUR"}],"location":{"address":{"addressLocality":"Rome","addressCountry":"IT"}}}`)
	f.Fuzz(func(t *testing.T, file string) {
		_ = catalog.ReadImport(strings.NewReader(file), func(r catalog.Record) error {
			if r.Line < 1 {
				t.Error("a record without a line")
			}
			if r.Err != nil {
				if fault.CodeOf(r.Err) == "" {
					t.Errorf("refused without a code: %v", r.Err)
				}
				return nil
			}
			// What is good can be stored and sold.
			if _, err := r.Event.Draftable(now); err != nil {
				t.Errorf("good, but no draft: %v", err)
			}
			return nil
		})
	})
}
