package integration

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/tests/harness"
)

// insist repeats a call while the platform does not answer, as a patient client does.
func (c caller) insist(until time.Time, method, path string, body any, header ...string) (answer, error) {
	for {
		a, err := c.try(method, path, body, header...)
		if err == nil && a.Status < 500 && a.Status != http.StatusTooManyRequests {
			return a, nil
		}
		if time.Now().After(until) {
			return a, fmt.Errorf("no answer to %s %s: %d %s %w", method, path, a.Status, a.Body, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// The seat of a linearizability check: who has it.
type (
	seatInput struct {
		op, account string
	}
	seatOutput string // ok, taken, mine, gone; "" when nobody knows
)

// oneSeat is what a single seat may do, as holders see it.
var oneSeat = porcupine.NondeterministicModel{
	Init: func() []any { return []any{""} },
	Step: func(state, input, output any) []any {
		owner, in, out := state.(string), input.(seatInput), output.(seatOutput)
		next := ""
		applies := owner == in.account // a release
		if in.op == "hold" {
			next, applies = in.account, owner == ""
		}
		switch {
		case out == "" && applies:
			return []any{owner, next} // done or not
		case out == "ok" && applies:
			return []any{next}
		case out == "",
			out == "taken" && owner != "" && owner != in.account,
			out == "mine" && owner == in.account,
			out == "gone" && owner != in.account:
			return []any{owner}
		}
		return nil
	},
}

// TestOneSeatIsLinearizable lets six accounts fight for one seat while parts are killed, and
// checks that some order of what happened explains what each of them was told.
func TestOneSeatIsLinearizable(t *testing.T) {
	p := harness.Everything(t)
	e := selling(t, "One seat")
	began := time.Now()
	var mu sync.Mutex
	var history []porcupine.Operation
	note := func(client int, in seatInput, out seatOutput, call time.Time) {
		back := time.Since(began).Nanoseconds()
		if out == "" {
			back = time.Hour.Nanoseconds() // it may still happen
		}
		mu.Lock()
		defer mu.Unlock()
		history = append(history, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: call.Sub(began).Nanoseconds(), Return: back})
	}
	var group sync.WaitGroup
	for client := range 6 {
		c := as(t, loadUser(80+client))
		c.p.Token(t, c.email)
		group.Go(func() {
			var hold uuid.UUID
			for range 25 {
				call := time.Now()
				if hold == uuid.Nil {
					a, err := c.try(http.MethodPost, "/api/v1/events/"+e.ID+"/holds", map[string]any{"units": []string{e.place(1)}})
					var out seatOutput
					out, hold = heldOutput(a, err)
					note(client, seatInput{"hold", c.email}, out, call)
				} else {
					a, err := c.try(http.MethodDelete, "/api/v1/holds/"+hold.String(), nil)
					out := seatOutput("")
					switch {
					case err == nil && a.Status == 204:
						out = "ok"
					case err == nil && (a.Status == 410 || a.Status == 404):
						out = "gone"
					}
					if out != "" {
						hold = uuid.Nil
					}
					note(client, seatInput{"release", c.email}, out, call)
				}
				time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
			}
		})
	}
	for _, victim := range []string{"booking.daprd", "booking"} {
		time.Sleep(400 * time.Millisecond)
		p.Kill(t, victim)
	}
	group.Wait()
	for _, victim := range []string{"booking.daprd", "booking"} {
		p.WaitHealthy(t, victim, time.Minute)
	}
	model := oneSeat.ToModel()
	require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(model, history, 30*time.Second), "%d operations", len(history))

	// The check can fail: two who hold at once have no explanation.
	var twice []porcupine.Operation
	for client, account := range []string{"x", "y"} {
		at := int64(10 * client)
		twice = append(twice, porcupine.Operation{ClientId: client, Input: seatInput{"hold", account}, Output: seatOutput("ok"), Call: at, Return: at + 1})
	}
	require.Equal(t, porcupine.Illegal, porcupine.CheckOperationsTimeout(model, twice, time.Minute))
}

func heldOutput(a answer, err error) (seatOutput, uuid.UUID) {
	var body struct {
		ID   uuid.UUID
		Code string
		Hold json.RawMessage
	}
	if err != nil || json.Unmarshal(a.Body, &body) != nil {
		return "", uuid.Nil
	}
	switch {
	case a.Status == 201:
		return "ok", body.ID
	case body.Code == "units_unavailable":
		return "taken", uuid.Nil
	case body.Code == "hold_exists":
		var h struct{ ID uuid.UUID }
		if json.Unmarshal(body.Hold, &h) != nil {
			_ = json.Unmarshal(body.Hold, &h.ID) // its id alone
		}
		return "mine", h.ID
	}
	return "", uuid.Nil
}
