package postgres_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/catalog"
	"github.com/foyer-tickets/foyer/services/catalog/postgres"
	"github.com/foyer-tickets/foyer/services/catalog/seating"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// As Postgres keeps it: to the microsecond.
var now = time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC)

func open(t *testing.T) postgres.Store {
	t.Helper()
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return postgres.Store{Pool: pool}
}

func newID(t *testing.T) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	return id
}

func venue(t *testing.T, s postgres.Store) catalog.Venue {
	t.Helper()
	v := catalog.Venue{
		ID: newID(t), Merchant: "m", Name: "Haus", City: "Wien", Country: "AT", TimeZone: "Europe/Vienna", Version: 1,
		Location: &catalog.Location{Lat: 48.2, Lon: 16.4},
	}
	require.NoError(t, s.CreateVenue(t.Context(), v))
	return v
}

// draft makes a complete draft that starts in so many days.
func draft(t *testing.T, s postgres.Store, v catalog.Venue, days int) catalog.Event {
	t.Helper()
	starts := now.AddDate(0, 0, days)
	until := starts.AddDate(0, 0, -7)
	e := catalog.Event{
		ID: newID(t), Merchant: "m", Venue: v, Name: "Fest", Description: "Ein Fest", Category: "music",
		Performers: []string{"Band"}, Topics: []string{}, Online: true, URL: "https://x.test", Image: "/x.png",
		StartsAt: starts, EndsAt: starts.Add(time.Hour), TimeZone: "Europe/Vienna", HighDemand: true, RefundableUntil: &until,
		TicketTypes: []catalog.TicketType{
			{ID: newID(t), Name: "Stehplatz", Price: money.Money{Amount: 1234, Currency: "EUR"}, Capacity: 9, Categories: []string{}},
			{ID: newID(t), Name: "Sitz", Price: money.Money{Amount: 99, Currency: "EUR"}, Seated: true, Categories: []string{"Stalls"}},
		},
		Status: catalog.Draft, Version: 1, UpdatedAt: now,
	}
	e, err := e.Draftable(now)
	require.NoError(t, err)
	require.NoError(t, s.Create(t.Context(), e))
	return e
}

// in UTC and with what the store adds, for comparison.
func normal(e catalog.Event) catalog.Event {
	for _, at := range []*time.Time{&e.StartsAt, &e.EndsAt, &e.SalesStart, &e.SalesEnd, &e.UpdatedAt, e.RefundableUntil} {
		if at != nil {
			*at = at.UTC()
		}
	}
	return e
}

func TestAnEventComesBackAsItWent(t *testing.T) {
	s := open(t)
	want := draft(t, s, venue(t, s), 30)
	got, err := s.Event(t.Context(), want.ID)
	require.NoError(t, err)
	want.Availability = catalog.Availability{Available: 9}
	assert.Equal(t, normal(want), normal(got))

	_, err = s.Event(t.Context(), newID(t))
	assert.ErrorIs(t, err, catalog.ErrEventNotFound)
	_, err = s.Venue(t.Context(), newID(t))
	assert.ErrorIs(t, err, catalog.ErrVenueNotFound)
	assert.ErrorIs(t, s.PutPlan(t.Context(), newID(t), []byte("{}")), catalog.ErrVenueNotFound)
	want.ID, want.Venue.ID = newID(t), newID(t)
	assert.ErrorIs(t, s.Create(t.Context(), want), catalog.ErrVenueNotFound)
}

func TestOneOfManyWhoChangeTheSameVersionWins(t *testing.T) {
	s := open(t)
	e := draft(t, s, venue(t, s), 30)
	const writers = 24
	var (
		group sync.WaitGroup
		won   atomic.Int32
		lost  atomic.Int32
	)
	for n := range writers {
		group.Go(func() {
			_, err := s.Change(t.Context(), e.ID, now, func(e catalog.Event, _ *catalog.Plan) (catalog.Event, error) {
				if e.Version != 1 {
					return e, httpapi.ErrVersionStale
				}
				e.Name = fmt.Sprint("by ", n)
				return e, nil
			})
			switch {
			case err == nil:
				won.Add(1)
			case assert.ErrorIs(t, err, httpapi.ErrVersionStale):
				lost.Add(1)
			}
		})
	}
	group.Wait()
	assert.EqualValues(t, 1, won.Load())
	assert.EqualValues(t, writers-1, lost.Load())
	after, err := s.Event(t.Context(), e.ID)
	require.NoError(t, err)
	assert.EqualValues(t, 2, after.Version)
}

func TestNoChangeIsLostWithoutAVersion(t *testing.T) {
	s := open(t)
	e := draft(t, s, venue(t, s), 30)
	const writers = 24
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			_, err := s.Change(t.Context(), e.ID, now, func(e catalog.Event, _ *catalog.Plan) (catalog.Event, error) {
				e.MaxPerAccount++
				return e, nil
			})
			assert.NoError(t, err)
		})
	}
	group.Wait()
	after, err := s.Event(t.Context(), e.ID)
	require.NoError(t, err)
	assert.Equal(t, e.MaxPerAccount+writers, after.MaxPerAccount)
	assert.EqualValues(t, 1+writers, after.Version)
}

func TestARefusalOrNothingNewLeavesNoTrace(t *testing.T) {
	s := open(t)
	e := draft(t, s, venue(t, s), 30)
	same := func(e catalog.Event, _ *catalog.Plan) (catalog.Event, error) { return e, nil }
	after, err := s.Change(t.Context(), e.ID, now.Add(time.Hour), same)
	require.NoError(t, err)
	assert.EqualValues(t, 1, after.Version)
	_, err = s.Change(t.Context(), e.ID, now, func(e catalog.Event, _ *catalog.Plan) (catalog.Event, error) {
		e.Name = "half done"
		return e, catalog.ErrNotOwner
	})
	assert.ErrorIs(t, err, catalog.ErrNotOwner)
	after, err = s.Event(t.Context(), e.ID)
	require.NoError(t, err)
	assert.Equal(t, "Fest", after.Name)
}

func TestTicketTypesOfAnEventFollowIt(t *testing.T) {
	s := open(t)
	e := draft(t, s, venue(t, s), 30)
	other := draft(t, s, e.Venue, 30)
	added := catalog.TicketType{ID: newID(t), Name: "Neu", Price: money.Money{Amount: 1, Currency: "EUR"}, Capacity: 1, Categories: []string{}}
	after, err := s.Change(t.Context(), e.ID, now, func(e catalog.Event, _ *catalog.Plan) (catalog.Event, error) {
		e.TicketTypes = []catalog.TicketType{added, e.TicketTypes[0]}
		return e, nil
	})
	require.NoError(t, err)
	assert.Equal(t, []catalog.TicketType{added, e.TicketTypes[0]}, after.TicketTypes, "one added, one moved, one gone")
	untouched, err := s.Event(t.Context(), other.ID)
	require.NoError(t, err)
	assert.Equal(t, other.TicketTypes, untouched.TicketTypes)
}

func publish(e catalog.Event, p *catalog.Plan) (catalog.Event, error) { return e.Publish(p, now) }

func TestPagesAreStableUnderInserts(t *testing.T) {
	s := open(t)
	v := venue(t, s)
	on := func(days int) uuid.UUID {
		e := draft(t, s, v, days)
		_, err := s.Change(t.Context(), e.ID, now, func(e catalog.Event, _ *catalog.Plan) (catalog.Event, error) {
			e.TicketTypes = e.TicketTypes[:1]
			return e.Publish(nil, now)
		})
		require.NoError(t, err)
		return e.ID
	}
	var first []uuid.UUID
	for n := range 10 {
		first = append(first, on(10+n/2)) // two share each start
	}
	hidden := draft(t, s, v, 11)

	seen := map[uuid.UUID]int{}
	var at catalog.Cursor
	for page := 0; ; page++ {
		events, err := s.Published(t.Context(), time.Time{}, at, 3)
		require.NoError(t, err)
		for _, e := range events {
			seen[e.ID]++
			at = catalog.Cursor{At: e.StartsAt, ID: e.ID}
		}
		if page == 1 {
			seen[on(1)]-- // before the cursor: not seen, and nothing is seen twice for it
			on(60)
		}
		if len(events) < 3 {
			break
		}
	}
	for _, id := range first {
		assert.Equal(t, 1, seen[id])
	}
	assert.NotContains(t, seen, hidden.ID, "a draft is not public")
	assert.Len(t, seen, 12)

	own, err := s.ByMerchant(t.Context(), "m", catalog.Cursor{}, 100)
	require.NoError(t, err)
	assert.Len(t, own, 13, "drafts too")
	foreign, err := s.ByMerchant(t.Context(), "another", catalog.Cursor{}, 100)
	require.NoError(t, err)
	assert.Empty(t, foreign)
	venues, err := s.Venues(t.Context(), "another")
	require.NoError(t, err)
	assert.Empty(t, venues)
}

func TestAPlanIsExportedAsItWasPut(t *testing.T) {
	s := open(t)
	v := venue(t, s)
	raw, err := s.Plan(t.Context(), v.ID)
	require.NoError(t, err)
	assert.Nil(t, raw)
	// What pretix's editor writes and we do not know stays.
	plan := `{"name":"p","size":{"width":10.50,"height":1},"categories":[{"name":"A","color":"#fff"}],"zones":[{"name":"z","uuid":"u","position":{"x":0,"y":0},
		"rows":[{"row_number":"1","row_number_position":"both","position":{"x":0,"y":0},"seats":[{"seat_guid":"s","seat_number":"1","radius":8,"position":{"x":1,"y":1},"category":"A"}]}],
		"areas":[{"shape":"rectangle","rotation":12.25,"text":{"text":"Bühne","size":16}}]}]}`
	require.NoError(t, s.PutPlan(t.Context(), v.ID, []byte(plan)))
	raw, err = s.Plan(t.Context(), v.ID)
	require.NoError(t, err)
	assert.JSONEq(t, plan, string(raw))
	require.NoError(t, s.PutPlan(t.Context(), v.ID, []byte(plan)))
	v, err = s.Venue(t.Context(), v.ID)
	require.NoError(t, err)
	assert.True(t, v.HasPlan)
	assert.EqualValues(t, 2, v.Version, "the same plan again is no change")
}

// A plan cannot change between counting its seats and publishing: whoever comes second is refused,
// or counts the new seats.
func TestAPlanAndAPublicationDoNotCross(t *testing.T) {
	s := open(t)
	theatre, err := json.Marshal(seating.Theatre())
	require.NoError(t, err)
	smaller := seating.Theatre()
	smaller.Zones[0].Rows = smaller.Zones[0].Rows[:1]
	small, err := json.Marshal(smaller)
	require.NoError(t, err)
	for range 12 {
		v := venue(t, s)
		require.NoError(t, s.PutPlan(t.Context(), v.ID, theatre))
		e := draft(t, s, v, 30)
		var group sync.WaitGroup
		group.Go(func() {
			_, err := s.Change(t.Context(), e.ID, now, publish)
			assert.NoError(t, err)
		})
		group.Go(func() {
			if err := s.PutPlan(t.Context(), v.ID, small); err != nil {
				assert.ErrorIs(t, err, catalog.ErrPlanInUse)
			}
		})
		group.Wait()
		e, plan, err := s.Sale(t.Context(), e.ID)
		require.NoError(t, err)
		assert.Equal(t, plan.CountCategories([]string{"Stalls"}), e.TicketTypes[1].Capacity)
	}
}

func imported(t *testing.T, name string) catalog.Imported {
	t.Helper()
	var found catalog.Imported
	line := `{"name":"` + name + `","url":"https://x.test","startDate":"2027-03-01","city":"Berlin","country":"Germany"}`
	require.NoError(t, catalog.ReadImport(strings.NewReader(line), func(r catalog.Record) error {
		found = r.Imported
		return r.Err
	}))
	return found
}

func TestImportsAreIdempotentAndShareAVenue(t *testing.T) {
	s := open(t)
	record := imported(t, "Konf")
	const importers = 8
	var (
		group    sync.WaitGroup
		outcomes sync.Map
		ids      sync.Map
		created  atomic.Int32
	)
	for range importers {
		group.Go(func() {
			id, outcome, err := s.Import(t.Context(), "m", record, now)
			assert.NoError(t, err)
			ids.Store(id, true)
			outcomes.Store(outcome, true)
			if outcome == catalog.ImportCreated {
				created.Add(1)
			}
		})
	}
	group.Wait()
	assert.EqualValues(t, 1, created.Load(), "many imports of one record make one event")
	count := 0
	ids.Range(func(any, any) bool { count++; return true })
	assert.Equal(t, 1, count)

	id, outcome, err := s.Import(t.Context(), "m", record, now)
	require.NoError(t, err)
	assert.Equal(t, catalog.ImportUnchanged, outcome)
	before, err := s.Event(t.Context(), id)
	require.NoError(t, err)
	record.Event.Description = "changed at the source"
	record.Event.TicketTypes[0].Price.Amount = 1
	_, outcome, err = s.Import(t.Context(), "m", record, now)
	require.NoError(t, err)
	assert.Equal(t, catalog.ImportUpdated, outcome)
	after, err := s.Event(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, "changed at the source", after.Description)
	assert.Equal(t, before.TicketTypes, after.TicketTypes, "what is on sale stays")

	second, _, err := s.Import(t.Context(), "m", imported(t, "Andere"), now)
	require.NoError(t, err)
	other, err := s.Event(t.Context(), second)
	require.NoError(t, err)
	assert.Equal(t, after.Venue.ID, other.Venue.ID)
	third, _, err := s.Import(t.Context(), "another", record, now)
	require.NoError(t, err)
	assert.NotEqual(t, id, third, "each merchant's imports are their own")
}

func TestAvailabilityNeverGoesBack(t *testing.T) {
	s := open(t)
	e := draft(t, s, venue(t, s), 30)
	say := func(version int64, available int) {
		require.NoError(t, s.SetAvailability(t.Context(), messages.Inventory{Event: e.ID, Available: available, Version: version}))
	}
	say(2, 5)
	say(1, 7)
	say(2, 8)
	require.NoError(t, s.SetAvailability(t.Context(), messages.Inventory{Event: newID(t), Version: 1}), "an event that is not here is no error")
	got, err := s.Event(t.Context(), e.ID)
	require.NoError(t, err)
	assert.Equal(t, catalog.Availability{Available: 5, Version: 2}, got.Availability)
}

func TestListsByID(t *testing.T) {
	s := open(t)
	v := venue(t, s)
	a, b := draft(t, s, v, 5), draft(t, s, v, 6)
	many, err := s.ByIDs(t.Context(), []uuid.UUID{a.ID, newID(t), b.ID})
	require.NoError(t, err)
	assert.Len(t, many, 2)
	of, err := s.EventsOf(t.Context(), v.ID)
	require.NoError(t, err)
	assert.ElementsMatch(t, []uuid.UUID{a.ID, b.ID}, of)
	ids, err := s.PublishedIDs(t.Context(), uuid.Max, 10)
	require.NoError(t, err)
	assert.Empty(t, ids)
}
