package search

import (
	"crypto/md5" // a checksum that Postgres knows too
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Event is what the catalog says about an event.
type Event struct {
	ID           uuid.UUID
	Slug         string
	Name         string
	Description  string
	Category     string
	Performers   []string
	Topics       []string
	Image        string
	URL          string
	Online       bool
	StartsAt     time.Time
	EndsAt       time.Time
	TimeZone     string
	Venue        Venue
	TicketTypes  []TicketType
	HighDemand   bool
	Status       string
	Availability Availability

	Versions
}

// Versions are those of all that a document is made of.
type Versions struct {
	Event        int64
	Venue        int64
	Availability int64
}

// Venue is where.
type Venue struct {
	ID       uuid.UUID
	Name     string
	City     string
	Country  string
	Location *Point
}

// TicketType is what search needs of one: what it costs.
type TicketType struct {
	Price Money
}

// Money is an amount in minor units.
type Money struct {
	Amount   int64
	Currency string
}

// Availability is what is left.
type Availability struct {
	Available int
	Held      int
	Booked    int
	Status    string
}

// Published tells whether people may find it.
func (e Event) Published() bool { return e.Status == "published" }

// Prices lists what tickets cost, cheapest first, without repeats, and the currency.
func (e Event) Prices() (amounts []int64, currency string) {
	for _, t := range e.TicketTypes {
		amounts = append(amounts, t.Price.Amount)
		currency = t.Price.Currency
	}
	slices.Sort(amounts)
	return slices.Compact(amounts), currency
}

// Popularity grows with what is sold and with high demand; at least 1.
func (e Event) Popularity() float64 {
	p := 1 + float64(e.Availability.Booked) + float64(e.Availability.Held)
	if e.HighDemand {
		p += 200
	}
	return p
}

// Start is when it starts, in the time of its place.
func (e Event) Start() time.Time {
	zone, err := time.LoadLocation(e.TimeZone)
	if err != nil {
		return e.StartsAt.UTC()
	}
	return e.StartsAt.In(zone)
}

// Day is the calendar day of its start at its place, as 2027-05-01.
func (e Event) Day() string { return e.Start().Format(time.DateOnly) }

// Month is the month of its start, as people there would say.
func (e Event) Month() string { return e.Start().Format("2006-01") }

// Checksum of an event's id and versions. The sum over all events tells whether two copies of
// them are equal; Postgres computes the same.
func Checksum(id uuid.UUID, v Versions) int64 {
	sum := md5.Sum(fmt.Appendf(nil, "%s:%d:%d:%d", id, v.Event, v.Venue, v.Availability))
	return int64(binary.BigEndian.Uint32(sum[:4]))
}

// Words are those that people search with and that no field has: month, country and category
// in the languages we index.
func (e Event) Words() []string {
	words := slices.Clone(categoryWords[e.Category])
	start := e.Start()
	words = append(words, start.Format("2006"))
	for _, names := range monthNames {
		words = append(words, names[start.Month()-1])
	}
	if region, err := language.ParseRegion(e.Venue.Country); err == nil {
		for _, tag := range languages {
			words = append(words, display.Regions(tag).Name(region))
		}
	}
	if e.Online {
		words = append(words, "online", "livestream", "virtual", "remote")
	}
	return words
}

var languages = []language.Tag{language.English, language.German, language.French, language.Spanish, language.Vietnamese, language.Japanese}

var monthNames = [][12]string{
	{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
	{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
	{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
	{"tháng 1", "tháng 2", "tháng 3", "tháng 4", "tháng 5", "tháng 6", "tháng 7", "tháng 8", "tháng 9", "tháng 10", "tháng 11", "tháng 12"},
	{"1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"},
}

var categoryWords = map[string][]string{
	"conference": {"conference", "Konferenz", "Tagung", "conférence", "conferencia", "congreso", "hội nghị", "カンファレンス", "会議"},
	"music":      {"music", "concert", "gig", "Musik", "Konzert", "musique", "música", "concierto", "âm nhạc", "hòa nhạc", "音楽", "コンサート"},
	"theatre":    {"theatre", "theater", "play", "show", "Schauspiel", "Bühne", "théâtre", "spectacle", "teatro", "espectáculo", "kịch", "nhà hát", "演劇", "舞台"},
	"sports":     {"sports", "sport", "match", "game", "Spiel", "deporte", "partido", "thể thao", "スポーツ", "試合"},
	"exhibition": {"exhibition", "art", "Ausstellung", "Kunst", "exposition", "exposición", "triển lãm", "展覧会"},
	"comedy":     {"comedy", "Comedy", "Kabarett", "humour", "comedia", "hài kịch", "コメディ"},
	"festival":   {"festival", "Festival", "fête", "fiesta", "lễ hội", "フェスティバル", "祭り"},
	"film":       {"film", "movie", "cinema", "Kino", "cinéma", "cine", "película", "phim", "映画"},
	"dance":      {"dance", "ballet", "Tanz", "Ballett", "danse", "danza", "baile", "múa", "ダンス"},
	"family":     {"family", "kids", "children", "Familie", "Kinder", "famille", "enfants", "familia", "niños", "gia đình", "家族"},
}

// Language guesses what a text is written in, among those we index; "" when it cannot tell.
func Language(text string) string {
	if CJK(text) {
		return "ja"
	}
	tones := 0
	counts := map[string]int{}
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if strings.ContainsAny(word, "ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ") {
			tones++
		}
		for _, l := range frequent[word] {
			counts[l]++
		}
	}
	if tones > 1 {
		return "vi"
	}
	best, most := "", 1
	for _, l := range []string{"en", "de", "fr", "es"} {
		if counts[l] > most {
			best, most = l, counts[l]
		}
	}
	return best
}

// CJK tells whether a text has Chinese or Japanese characters.
func CJK(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) })
}

// frequent words tell a language.
var frequent = func() map[string][]string {
	of := map[string]string{
		"en": "the of and to in is with for on at by from this that you your our an are it as or be all takes place",
		"de": "der die das und in den von zu mit sich auf für ist im dem nicht ein eine als auch es an werden aus bei zum zur wir ihr",
		"fr": "le la les des et en du un une est pour que dans qui par sur au aux plus avec ce il ne pas vous nous leur ses",
		"es": "el la los las de y en un una es que por con para del al se su lo más como este esta no son sus nos",
	}
	words := map[string][]string{}
	for l, list := range of {
		for word := range strings.FieldsSeq(list) {
			words[word] = append(words[word], l)
		}
	}
	return words
}()
