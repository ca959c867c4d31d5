package search_test

import (
	_ "embed"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/text"
	"github.com/foyer-tickets/foyer/services/search"
)

// judgements.tsv: what is asked and what a person would hope to see.
//
//go:embed judgements.tsv
var judgements string

// floor of the mean nDCG@10. Raise it when the ranking gets better; never lower it.
const floor = 0.96

// judged is one question with what is good about an answer: conditions on an event, each worth a
// grade from 1 (fair) to 3 (exactly this).
type judged struct {
	query  search.Query
	grades []grade
}

type grade struct {
	worth                    float64
	name, city, topic, month string // all that are given must hold; name and city are parts, folded
}

func (g grade) fits(e search.Event) bool {
	has := func(in, part string) bool { return strings.Contains(text.Fold(in), text.Fold(part)) }
	return (g.name == "" || has(e.Name, g.name)) && (g.city == "" || has(e.Venue.City, g.city)) &&
		(g.topic == "" || slices.Contains(e.Topics, g.topic) || e.Category == g.topic) && (g.month == "" || strings.HasSuffix(e.Month(), "-"+g.month))
}

func (j judged) worth(e search.Event) float64 {
	best := 0.0
	for _, g := range j.grades {
		if g.fits(e) {
			best = max(best, g.worth)
		}
	}
	return best
}

func readJudgements(t testing.TB) []judged {
	t.Helper()
	var all []judged
	for line := range strings.Lines(judgements) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		j := judged{query: search.Query{Limit: 10}}
		text, filters, _ := strings.Cut(fields[0], " | ")
		j.query.Text = text
		for filter := range strings.FieldsSeq(filters) {
			name, value, _ := strings.Cut(filter, "=")
			switch name {
			case "city":
				j.query.Cities = []string{strings.ReplaceAll(value, "_", " ")}
			case "topic":
				j.query.Topics = []string{value}
			case "month":
				m, err := time.Parse("2006-01", value)
				require.NoError(t, err, line)
				j.query.From, j.query.To = m, m.AddDate(0, 1, 0).Add(-time.Second)
			case "near":
				lat, lon, _ := strings.Cut(value, ",")
				var p search.Point
				var err error
				p.Lat, err = strconv.ParseFloat(lat, 64)
				require.NoError(t, err, line)
				p.Lon, err = strconv.ParseFloat(lon, 64)
				require.NoError(t, err, line)
				j.query.Near = &p
			default:
				t.Fatalf("unknown filter in %q", line)
			}
		}
		for _, f := range fields[1:] {
			worth, conditions, ok := strings.Cut(f, " ")
			require.True(t, ok, line)
			var g grade
			n, err := strconv.ParseFloat(worth, 64)
			require.NoError(t, err, line)
			g.worth = n
			for c := range strings.SplitSeq(conditions, "; ") {
				name, value, _ := strings.Cut(c, ":")
				switch name {
				case "name":
					g.name = value
				case "city":
					g.city = value
				case "topic":
					g.topic = value
				case "month":
					g.month = value
				default:
					t.Fatalf("unknown condition in %q", line)
				}
			}
			j.grades = append(j.grades, g)
		}
		all = append(all, j)
	}
	return all
}

func dcg(grades []float64) float64 {
	sum := 0.0
	for i, g := range grades[:min(len(grades), 10)] {
		sum += (math.Pow(2, g) - 1) / math.Log2(float64(i)+2)
	}
	return sum
}

// TestRelevance asks what people would ask of the seeded catalogue and keeps the mean nDCG@10
// (https://en.wikipedia.org/wiki/Discounted_cumulative_gain) from falling.
func TestRelevance(t *testing.T) {
	env := newEnvironment(t)
	env.seedConferences(t)
	env.addShows(t)
	env.check(t)
	var everything []search.Event
	page := ask(t, env.index, search.Query{Sort: search.ByDate, Limit: 5000})
	for _, h := range page.Hits {
		everything = append(everything, h.Event)
	}
	require.Greater(t, len(everything), 1000)

	all := readJudgements(t)
	require.GreaterOrEqual(t, len(all), 60)
	for engine, e := range map[string]search.Engine{"index": env.index, "fallback": env.catalog} {
		sum := 0.0
		for _, j := range all {
			var ideal []float64
			for _, event := range everything {
				if g := j.worth(event); g > 0 {
					ideal = append(ideal, g)
				}
			}
			require.NotEmpty(t, ideal, "nothing in the catalogue is what %q asks for", j.query.Text)
			slices.SortFunc(ideal, func(a, b float64) int { return int(b - a) })
			var got []float64
			for _, h := range ask(t, e, j.query).Hits {
				got = append(got, j.worth(h.Event))
			}
			score := dcg(got) / dcg(ideal)
			sum += score
			if engine == "index" {
				t.Logf("%.2f  %s", score, j.query.Text)
			}
		}
		mean := sum / float64(len(all))
		t.Logf("%s: mean nDCG@10 over %d questions: %.3f", engine, len(all), mean)
		if engine == "index" {
			require.GreaterOrEqual(t, mean, floor, "the ranking got worse")
		}
	}
}

// addShows adds to the conferences what is on at venues, in the languages we index.
func (env environment) addShows(t testing.TB) {
	t.Helper()
	day := func(n int) time.Time { return now.AddDate(0, 0, n) }
	for _, e := range []event{
		{name: "Blaue Stunde", category: "music", venue: "Kellerbühne", city: "Berlin", country: "DE", lat: 52.499, lon: 13.418, at: day(35), performers: []string{"Mara Lindqvist Trio"}, description: "Late jazz in a small room: piano, bass and brushes, and the bar stays open."},
		{name: "Wortwechsel", category: "comedy", venue: "Kellerbühne", city: "Berlin", country: "DE", lat: 52.499, lon: 13.418, at: day(49), performers: []string{"Jonas Ebert", "Aylin Doğan"}, description: "Two comedians, one microphone, no script. In German with English detours."},
		{name: "La Mouette", category: "theatre", venue: "Théâtre des Brotteaux", city: "Lyon", country: "FR", lat: 45.7676, lon: 4.859, at: day(42), performers: []string{"Compagnie du Quai"}, description: "Chekhov's The Seagull in a new French translation, played around a lake that is only light."},
		{name: "Winterreise", category: "music", venue: "Théâtre des Brotteaux", city: "Lyon", country: "FR", lat: 45.7676, lon: 4.859, at: day(56), performers: []string{"Elias Brandt", "Noémie Faure"}, description: "Schubert's song cycle for baritone and piano, without an interval."},
		{name: "Aurora Sessions", category: "music", venue: "Nordlicht Arena", city: "Oslo", country: "NO", lat: 59.9127, lon: 10.7461, at: day(70), performers: []string{"Ylva Storm", "The Long Dusk"}, description: "Two headliners in the round, the whole floor standing."},
		{name: "Ylva Storm: Farewell", category: "music", venue: "Nordlicht Arena", city: "Oslo", country: "NO", lat: 59.9127, lon: 10.7461, at: day(98), performers: []string{"Ylva Storm"}, highDemand: true, description: "The last concert of the last tour. Everyone waits in one line, and everyone has one place in it."},
		{name: "Die Zauberflöte", category: "theatre", venue: "Nationaltheater", city: "München", country: "DE", lat: 48.1396, lon: 11.579, at: day(60), performers: []string{"Bayerische Staatsoper"}, description: "Mozarts letzte Oper über die Prüfungen der Liebe, mit dem Orchester und den Sängern des Hauses, für Kinder und Erwachsene."},
		{name: "Märchenabend für Kinder", category: "family", venue: "Puppenbühne", city: "Köln", country: "DE", lat: 50.938, lon: 6.957, at: day(30), description: "Die schönsten Märchen der Brüder Grimm werden mit Puppen und Musik auf der Bühne erzählt."},
		{name: "Nuit de la chanson française", category: "music", venue: "L'Olympia", city: "Paris", country: "FR", lat: 48.8702, lon: 2.3283, at: day(45), performers: []string{"Céline Moreau"}, description: "Une soirée de chansons pour les amoureux de la musique, avec les plus grandes voix de la scène française."},
		{name: "Exposition: Les impressionnistes", category: "exhibition", venue: "Grand Palais", city: "Paris", country: "FR", lat: 48.866, lon: 2.3125, at: day(20), description: "Les tableaux des peintres impressionnistes sont réunis pour la première fois dans une grande exposition."},
		{name: "Noche de flamenco", category: "dance", venue: "Teatro Real", city: "Sevilla", country: "ES", lat: 37.389, lon: -5.984, at: day(38), performers: []string{"Lola Núñez"}, description: "Una noche de baile y guitarra con los mejores artistas de flamenco de Andalucía y sus canciones."}, //nolint:misspell // Spanish
		{name: "El Quijote en escena", category: "theatre", venue: "Teatro Español", city: "Madrid", country: "ES", lat: 40.4148, lon: -3.7003, at: day(66), description: "La obra de Cervantes llevada al teatro con música en directo para toda la familia y los niños."},
		{name: "Đêm nhạc Trịnh Công Sơn", category: "music", venue: "Nhà hát Lớn", city: "Hà Nội", country: "VN", lat: 21.0243, lon: 105.8578, at: day(33), performers: []string{"Hồng Nhung"}, description: "Những bản tình ca bất hủ của nhạc sĩ Trịnh Công Sơn qua giọng hát của các ca sĩ nổi tiếng."},
		{name: "Múa rối nước", category: "theatre", venue: "Nhà hát Thăng Long", city: "Hà Nội", country: "VN", lat: 21.0318, lon: 105.8536, at: day(25), description: "Nghệ thuật múa rối nước truyền thống của đồng bằng Bắc Bộ dành cho cả gia đình."},
		{name: "Lễ hội ẩm thực Sài Gòn", category: "festival", venue: "Công viên Tao Đàn", city: "Hồ Chí Minh", country: "VN", lat: 10.7745, lon: 106.692, at: day(52), description: "Thưởng thức các món ăn đường phố của miền Nam với hơn một trăm gian hàng."},
		{name: "東京交響楽団 新春コンサート", category: "music", venue: "サントリーホール", city: "東京", country: "JP", lat: 35.6667, lon: 139.7413, at: day(64), performers: []string{"東京交響楽団"}, description: "新年を祝うクラシック音楽の夕べ。ドヴォルザークの交響曲第九番を演奏します。"},
		{name: "京都能楽の夜", category: "theatre", venue: "観世会館", city: "京都", country: "JP", lat: 35.0116, lon: 135.7681, at: day(40), description: "伝統芸能の能と狂言を英語字幕つきで上演します。"},
		{name: "Jazz in the Park", category: "music", venue: "Bowl", city: "San Francisco", country: "US", lat: 37.77, lon: -122.42, at: day(44), performers: []string{"Miles Okafor Quartet"}, description: "An open air evening of jazz for the whole family, with food trucks and a view of the city."},
		{name: "Beyoncé Tribute Night", category: "music", venue: "Union", city: "London", country: "GB", lat: 51.5072, lon: -0.1276, at: day(48), description: "All the hits by a ten-piece live band with dancers on stage."},
		{name: "Hamlet", category: "theatre", venue: "Globe", city: "London", country: "GB", lat: 51.508, lon: -0.0972, at: day(58), description: "Shakespeare's tragedy in the round, with the players of the house and a live band."},
	} {
		env.add(t, e)
	}
}
