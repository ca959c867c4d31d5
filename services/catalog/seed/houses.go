package seed

import (
	"time"

	"github.com/foyer-tickets/foyer/services/catalog/seating"
)

// houses are three invented venues of different sizes, with what is on in them. Sales have begun.
func houses(now time.Time) []house {
	club, theatre, arena := seating.Club(), seating.Theatre(), seating.Arena()
	evening := func(zone string, days, hour int) time.Time {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			loc = time.UTC
		}
		d := now.In(loc).AddDate(0, 0, days)
		return time.Date(d.Year(), d.Month(), d.Day(), hour, 0, 0, 0, loc)
	}
	const berlin, lyon, oslo = "Europe/Berlin", "Europe/Paris", "Europe/Oslo"
	clubTickets := []ticket{
		seated("Balcony", 3200, "Balcony"), seated("Gallery", 2800, "Gallery"),
		standing("Standing", 2200, seating.FloorCapacity(club, 200)),
	}
	theatreTickets := []ticket{
		seated("Stalls", 7800, "Stalls"), seated("Dress circle", 6200, "Circle"),
		seated("Balcony", 3900, "Balcony"), seated("Balcony, restricted view", 1900, "Restricted view"),
	}
	arenaTickets := []ticket{
		seated("Lower ring", 11900, "Lower ring"), seated("Middle ring", 8900, "Middle ring"),
		seated("Upper ring", 5900, "Upper ring"), standing("Floor", 9900, seating.FloorCapacity(arena, 20_000)),
	}
	return []house{
		{
			name: "Kellerbühne", city: "Berlin", country: "DE", zone: berlin, lat: 52.4990, lon: 13.4180, plan: club,
			events: []show{
				{
					name: "Blaue Stunde", category: "music", performers: []string{"Mara Lindqvist Trio"}, hours: 3,
					description: "Late jazz in a small room: piano, bass and brushes, and the bar stays open.",
					starts:      evening(berlin, 35, 21), tickets: clubTickets,
				},
				{
					name: "Wortwechsel", category: "comedy", performers: []string{"Jonas Ebert", "Aylin Doğan"}, hours: 2,
					description: "Two comedians, one microphone, no script. In German with English detours.",
					starts:      evening(berlin, 49, 20), tickets: clubTickets,
				},
			},
		},
		{
			name: "Théâtre des Brotteaux", city: "Lyon", country: "FR", zone: lyon, lat: 45.7676, lon: 4.8590, plan: theatre,
			events: []show{
				{
					name: "La Mouette", category: "theatre", performers: []string{"Compagnie du Quai"}, hours: 3,
					description: "Chekhov's The Seagull in a new French translation, played around a lake that is only light.",
					starts:      evening(lyon, 42, 19), tickets: theatreTickets,
				},
				{
					name: "Winterreise", category: "music", performers: []string{"Elias Brandt", "Noémie Faure"}, hours: 2,
					description: "Schubert's song cycle for baritone and piano, without an interval.",
					starts:      evening(lyon, 56, 20), tickets: theatreTickets,
				},
			},
		},
		{
			name: "Nordlicht Arena", city: "Oslo", country: "NO", zone: oslo, lat: 59.9127, lon: 10.7461, plan: arena,
			events: []show{
				{
					name: "Aurora Sessions", category: "music", performers: []string{"Ylva Storm", "The Long Dusk"}, hours: 4,
					description: "Two headliners in the round, the whole floor standing.",
					starts:      evening(oslo, 70, 19), tickets: arenaTickets,
				},
				{
					name: "Ylva Storm: Farewell", category: "music", performers: []string{"Ylva Storm"}, hours: 3, highDemand: true,
					description: "The last concert of the last tour. Everyone waits in one line, and everyone has one place in it.",
					starts:      evening(oslo, 98, 20), tickets: arenaTickets,
				},
			},
		},
	}
}
