package ticketpdf

import (
	"bytes"
	"testing"

	"github.com/go-text/typesetting/di"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/booking"
)

func TestNoNameIsPrintedAsBoxes(t *testing.T) {
	for _, name := range []string{
		"東京の夜 𠮷野家と𩸽", "北京音乐会", "臺北愛樂", "서울 재즈의 밤", "أمسية عود في القاهرة", "ערב בתל אביב", "हिन्दी संगीत समारोह", "বাংলা গান",
		"தமிழ் இசை", "తెలుగు", "ગુજરાતી", "ਪੰਜਾਬੀ", "ಕನ್ನಡ", "മലയാളം", "සිංහල", "คอนเสิร์ต", "ຄອນເສີດ", "មហោស្រព", "မြန်မာ", "ኢትዮጵያ", "🎷🎺", "𝔘𝔫𝔡",
	} {
		assert.False(t, plain(name), name)
		for _, style := range []string{"", bold} {
			lines, _, err := set(name, style, 24, 500)
			require.NoError(t, err)
			require.NotEmpty(t, lines)
			for _, run := range lines[0] {
				for _, g := range run.Glyphs {
					assert.NotZero(t, g.GlyphID, "%s has a box", name)
				}
			}
		}
	}
	lines, _, err := set("\U000F0000", "", 24, 500) // a character that nobody has
	require.NoError(t, err)
	assert.Zero(t, lines[0][0].Glyphs[0].GlyphID, "this check can fail")
	for _, name := range []string{"Đêm nhạc Trịnh", "Вишнёвый сад · 45 €", "Ωδείο", ""} {
		assert.True(t, plain(name), name)
	}
}

// FuzzAnyTextIsPrinted: whatever is stored, somebody paid for a ticket.
func FuzzAnyTextIsPrinted(f *testing.F) {
	for _, s := range []string{
		"a\nb", "\n", "東京\r\n", "\u202eevil", "a\u200b東", "\x00", "\xff\xfe", "\u2028", "🏴\U000e0067", "\ufeff", "\U0010ffff", "\u0301", "e\u0301\u0301",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := booking.Booking{
			Occasion: booking.EventSnapshot{Name: s, TimeZone: s, VenueName: s},
			Units:    []booking.BookedUnit{{HeldUnit: booking.HeldUnit{ID: "A1", Label: s, TypeName: s}}},
		}
		raw, err := Printer{}.PDF(booking.Ticket{Unit: "A1", Code: "FOYER1.code"}, b, "en")
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(raw, []byte("%PDF-")))
		_, _, _ = set(s, bold, 24, 500) // fails, at worst
		require.True(t, plain(latin(s)))
	})
}

func TestLongNamesBreakAndArabicBeginsAtTheRight(t *testing.T) {
	lines, direction, err := set("أمسية عود في القاهرة مع الموسيقى العربية", bold, 24, 200)
	require.NoError(t, err)
	assert.Greater(t, len(lines), 1)
	assert.Equal(t, di.DirectionRTL, direction)
	for _, line := range lines {
		width := 0
		for _, run := range line {
			width += run.Advance.Ceil()
		}
		assert.LessOrEqual(t, width, 200)
	}
	lines, direction, err = set("北京音乐会春江花月夜与梁祝小提琴协奏曲专场演出", "", 24, 200)
	require.NoError(t, err)
	assert.Greater(t, len(lines), 1, "without spaces too")
	assert.Equal(t, di.DirectionLTR, direction)
}
