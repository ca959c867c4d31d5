package seed_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/data"
	"github.com/foyer-tickets/foyer/services/catalog"
	"github.com/foyer-tickets/foyer/services/catalog/seed"
)

func TestEveryConferenceIsStillToComeAndItsOwnEvent(t *testing.T) {
	// Whatever the day, so that no season has its editions fall on one another.
	for day := time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC); day.Year() < 2031; day = day.AddDate(0, 3, 0) {
		file, err := seed.Upcoming(data.Conferences, day)
		require.NoError(t, err)
		ids := map[string]bool{}
		require.NoError(t, catalog.ReadImport(bytes.NewReader(file), func(r catalog.Record) error {
			require.NoError(t, r.Err)
			require.True(t, r.Event.StartsAt.After(day), "%s on %s", r.Event.Name, r.Event.StartsAt)
			require.True(t, r.Event.StartsAt.Before(day.AddDate(2, 6, 0)), "%s on %s", r.Event.Name, r.Event.StartsAt)
			ids[r.SourceID] = true
			return nil
		}))
		assert.Len(t, ids, 1106, "%s", day)
	}
}

func TestSeedingTwiceInASeasonIsTheSame(t *testing.T) {
	first, err := seed.Upcoming(data.Conferences, time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	last, err := seed.Upcoming(data.Conferences, time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(first, last))
}
