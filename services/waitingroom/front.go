package waitingroom

import (
	"time"

	"github.com/google/uuid"
)

// PersonState is the state of an account in a line.
type PersonState string

// The states.
const (
	InLobby       PersonState = "lobby"
	InLine        PersonState = "waiting"
	YourTurn      PersonState = "your_turn"
	Admitted      PersonState = "admitted"
	TurnOver      PersonState = "missed" // not claimed in time, or the pass ended
	OnPause       PersonState = "paused"
	OnWaitingList PersonState = "sold_out"
	RoomClosed    PersonState = "closed"
)

// Front is the public state of a line: how far it has come.
type Front struct {
	Event    uuid.UUID
	Served   int64
	Expired  int64
	Arrivals int64
	Speed    float64 // recent admissions per second
	Rate     float64 // the setting: admissions per second, at most
	Status   Status
	OpensAt  time.Time
	Drawn    int64 // how many arrivals a draw ordered
	At       time.Time
}

// Front is the line's public state at a moment.
func (l Line) Front(now time.Time) Front {
	return Front{
		Event: l.Event, Served: l.Served, Expired: l.Expired, Arrivals: l.Arrivals, Speed: l.Speed(now), Rate: l.Settings.Rate,
		Status: l.Status(now), OpensAt: l.OpensAt(), Drawn: l.Draw.Count, At: now,
	}
}

// ETA estimates how long a place waits that has so many before it; false: unknown.
func (f Front) ETA(ahead int64, now time.Time) (time.Duration, bool) {
	switch f.Status {
	case Lobby:
		return f.OpensAt.Sub(now) + seconds(float64(ahead)/f.Rate), true
	case Open:
		if f.Speed > 0.001 {
			return seconds(float64(ahead) / f.Speed), true
		}
		return seconds(float64(ahead) / f.Rate), f.Served == 0
	}
	return 0, false
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Standing is what an account is told about its place.
type Standing struct {
	Arrival  int64
	Number   int64 // the place; 0: not drawn yet
	Position int64 // 1 is the next; 0: admitted, or not drawn yet
	Ahead    int64
	ETA      time.Duration
	ETAKnown bool
	State    PersonState
	Until    time.Time // end of the pass, when admitted
	OpensAt  time.Time
}

// Stand returns the standing of an entry. place is its place, 0 while it is not drawn.
func (f Front) Stand(e Entry, place int64, now time.Time) Standing {
	s := Standing{Arrival: e.Arrival, Number: place, Until: e.PassUntil, OpensAt: f.OpensAt}
	switch {
	case !e.PassUntil.IsZero() && (e.Finished || !now.Before(e.PassUntil)):
		s.State = TurnOver
	case !e.PassUntil.IsZero():
		s.State = Admitted
	case f.Status == Closed:
		s.State = RoomClosed
	case place == 0:
		s.State = InLobby
	case place <= f.Expired:
		s.State = TurnOver
	case place <= f.Served:
		s.State = YourTurn
	default:
		s.Position, s.Ahead = place-f.Served, place-f.Served-1
		s.ETA, s.ETAKnown = f.ETA(s.Ahead, now)
		s.State = map[Status]PersonState{Lobby: InLobby, Open: InLine, Paused: OnPause, SoldOut: OnWaitingList}[f.Status]
	}
	return s
}
