package seat_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/seat"
)

func TestIn(t *testing.T) {
	stalls := seat.Place{Zone: "Stalls", Row: "1", Number: "8"}
	noted := stalls
	noted.Note = "restricted view"
	for _, c := range []struct {
		place    seat.Place
		language string
		want     string
	}{
		{stalls, "en", "Stalls, row 1, seat 8"},
		{stalls, "de-AT,de;q=0.9,en;q=0.5", "Stalls, Reihe 1, Platz 8"},
		{stalls, "ja", "Stalls 1列 8番"},
		{stalls, "ar", "Stalls، الصف 1، المقعد 8"},
		{stalls, "nb", "Stalls, row 1, seat 8"},
		{stalls, "", "Stalls, row 1, seat 8"},
		{stalls, "not a language;;", "Stalls, row 1, seat 8"},
		{noted, "fr", "Stalls, rang 1, place 8 (restricted view)"},
		{seat.Place{}, "de", "Standing"},
	} {
		assert.Equal(t, c.want, c.place.In(c.language, "Standing"), c.language)
	}
}

// TestTheWebSaysTheSame compares with the catalogues of the web application.
func TestTheWebSaysTheSame(t *testing.T) {
	catalogues, err := filepath.Glob("../../web/src/i18n/locales/??.json")
	require.NoError(t, err)
	require.Len(t, catalogues, 7)
	for _, name := range catalogues {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		var texts struct{ Seats struct{ Place string } }
		require.NoError(t, json.Unmarshal(raw, &texts))
		locale := strings.TrimSuffix(filepath.Base(name), ".json")
		ours := seat.Place{Zone: "{section}", Row: "{row}", Number: "{seat}"}.In(locale, "")
		assert.Equal(t, texts.Seats.Place, ours, locale)
	}
}
