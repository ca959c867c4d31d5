package actor

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// The bodies of calls to the actor and its replies. During a rolling deployment a replica of one
// version calls the actor on a replica of another, so these structs are a format of their own,
// version 1, and do not follow the domain's names: the capital keys are what version 1 has always
// sent. Within a version a field is only ever added, with a zero value that means what its absence
// meant before. What cannot be said so is version 2: a method of a new name beside the old one
// (take2), which callers use once every replica has it. wire_test.go holds the bytes.
//
// A refusal is a reply, not an error: of an error Dapr passes on only that there was one. Its form is
// fault.Wire.
type (
	takeRequest struct {
		Asks  []joinRequest `json:"asks"`
		Terms saleTerms     `json:"terms"`
	}
	joinRequest struct {
		Account string `json:"Account"`
		After   int64  `json:"After"`
	}
	takeReply struct {
		Places  []joinResult `json:"places"`
		Refusal *fault.Wire  `json:"refusal,omitempty"`
	}
	joinResult struct {
		Arrival int64 `json:"Arrival"`
		Fresh   bool  `json:"Fresh"`
	}
	accountsRequest struct {
		Accounts []string `json:"accounts"`
	}
	seekReply struct {
		Arrivals []int64 `json:"arrivals"`
	}
	claimReply struct {
		Answers []claimed `json:"answers"`
	}
	claimed struct {
		Arrival int64     `json:"Arrival"`
		Answer  answer    `json:"Answer"`
		Until   time.Time `json:"Until"`
	}
	eraseRequest struct {
		Account   string  `json:"account"`
		Tombstone string  `json:"tombstone"`
		Pages     []int64 `json:"pages"`
	}
	finishRequest struct {
		Passes []finished `json:"passes"`
	}
	finished struct {
		Until time.Time `json:"Until"`
		Units int       `json:"Units"`
	}
	configureRequest struct {
		Settings settings  `json:"settings"`
		Terms    saleTerms `json:"terms"`
	}
	configureReply struct {
		Line json.RawMessage `json:"line"` // as it is stored
	}
	saleTerms struct {
		Merchant    string    `json:"merchant"`
		HighDemand  bool      `json:"highDemand"`
		Published   bool      `json:"published"`
		SalesStart  time.Time `json:"salesStart"`
		SalesEnd    time.Time `json:"salesEnd"`
		MaxPerOrder int       `json:"maxPerOrder"`
	}
	settings struct {
		Rate        float64           `json:"rate"` // people per second
		Concurrency int               `json:"concurrency"`
		Open        bool              `json:"open"`
		Paused      bool              `json:"paused,omitempty"`
		Order       waitingroom.Order `json:"order"`
		OpensAt     time.Time         `json:"opensAt,omitzero"`
		ClaimWindow time.Duration     `json:"claimWindow"` // nanoseconds
	}
	inventory struct {
		Available int       `json:"available"`
		Held      int       `json:"held"`
		Booked    int       `json:"booked"`
		Total     int       `json:"total"`
		At        time.Time `json:"at"`
	}
	reply struct {
		Refusal *fault.Wire     `json:"refusal,omitempty"`
		Value   json.RawMessage `json:"value,omitempty"`
	}
)

// answer is a waitingroom.Answer as a number that does not depend on the order of the constants.
type answer int

const (
	answerNotYet answer = 0
	answerCome   answer = 1
	answerMissed answer = 2
)

func answerOf(a waitingroom.ClaimOutcome) answer {
	switch a {
	case waitingroom.Granted:
		return answerCome
	case waitingroom.Missed:
		return answerMissed
	default:
		return answerNotYet
	}
}

func (a answer) answer() waitingroom.ClaimOutcome {
	switch a {
	case answerCome:
		return waitingroom.Granted
	case answerMissed:
		return waitingroom.Missed
	default:
		return waitingroom.NotYet
	}
}

func termsOf(t waitingroom.SaleTerms) saleTerms {
	return saleTerms{
		Merchant: t.Merchant, HighDemand: t.HighDemand, Published: t.Published,
		SalesStart: t.SalesStart, SalesEnd: t.SalesEnd, MaxPerOrder: t.MaxPerOrder,
	}
}

func (t saleTerms) terms(event uuid.UUID) waitingroom.SaleTerms {
	return waitingroom.SaleTerms{
		Event: event, Merchant: t.Merchant, HighDemand: t.HighDemand, Published: t.Published,
		SalesStart: t.SalesStart, SalesEnd: t.SalesEnd, MaxPerOrder: t.MaxPerOrder,
	}
}

func settingsOf(s waitingroom.Settings) settings {
	return settings{
		Rate: s.Rate, Concurrency: s.Concurrency, Open: s.Open, Paused: s.Paused,
		Order: s.Order, OpensAt: s.OpensAt, ClaimWindow: s.ClaimWindow,
	}
}

func (s settings) settings() waitingroom.Settings {
	return waitingroom.Settings{
		Rate: s.Rate, Concurrency: s.Concurrency, Open: s.Open, Paused: s.Paused,
		Order: s.Order, OpensAt: s.OpensAt, ClaimWindow: s.ClaimWindow,
	}
}

func inventoryOf(i waitingroom.Inventory) inventory {
	return inventory{Available: i.Available, Held: i.Held, Booked: i.Booked, Total: i.Total, At: i.At}
}

func (i inventory) inventory() waitingroom.Inventory {
	return waitingroom.Inventory{Available: i.Available, Held: i.Held, Booked: i.Booked, Total: i.Total, At: i.At}
}

// each converts a list. An empty list stays one, and no list stays none: they differ in JSON.
func each[A, B any](all []A, convert func(A) B) []B {
	if all == nil {
		return nil
	}
	out := make([]B, len(all))
	for i, a := range all {
		out[i] = convert(a)
	}
	return out
}

func joinRequestOf(r waitingroom.JoinRequest) joinRequest {
	return joinRequest{Account: r.Account, After: r.After}
}

func (r joinRequest) request() waitingroom.JoinRequest {
	return waitingroom.JoinRequest{Account: r.Account, After: r.After}
}

func joinResultOf(r waitingroom.JoinResult) joinResult {
	return joinResult{Arrival: r.Arrival, Fresh: r.Fresh}
}

func (r joinResult) result() waitingroom.JoinResult {
	return waitingroom.JoinResult{Arrival: r.Arrival, Fresh: r.Fresh}
}

func claimedOf(c waitingroom.ClaimResult) claimed {
	return claimed{Arrival: c.Arrival, Answer: answerOf(c.Outcome), Until: c.Until}
}

func (c claimed) claimed() waitingroom.ClaimResult {
	return waitingroom.ClaimResult{Arrival: c.Arrival, Outcome: c.Answer.answer(), Until: c.Until}
}

func finishedOf(f waitingroom.FinishedPass) finished { return finished{Until: f.Until, Units: f.Units} }

func (f finished) finished() waitingroom.FinishedPass {
	return waitingroom.FinishedPass{Until: f.Until, Units: f.Units}
}
