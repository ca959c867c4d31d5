package sim

import (
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// fault has requests to the API go wrong: those of Method (empty: any) whose path fits Path (*
// for one segment), the next Times of them; 0: until it is removed.
type fault struct {
	ID      string `json:"id"`
	Action  string `json:"action"`
	Method  string `json:"method,omitempty"`
	Path    string `json:"path"`
	Times   int    `json:"times,omitempty"`
	Status  int    `json:"status,omitempty"`   // error: the answer's status
	DelayMS int64  `json:"delay_ms,omitempty"` // before the work; with lose: after it

	used int
}

// The things that a fault does.
const (
	failing = "error" // an error instead of the work
	slow    = "delay" // the work later
	losing  = "lose"  // the work, and no answer
)

// trouble finds the fault for a request, and uses it up.
func (s *Simulator) trouble(r *http.Request) *fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if ok, err := path.Match(f.Path, r.URL.Path); err != nil || !ok || f.Method != "" && f.Method != r.Method {
			continue
		}
		if f.used++; f.Times > 0 && f.used >= f.Times {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f
	}
	return nil
}

// before does what a fault does ahead of the work, and tells whether the work is done at all.
func (f *fault) before(w http.ResponseWriter, r *http.Request) bool {
	if f.Action != losing {
		pauseFor(r, f.DelayMS)
	}
	if f.Action != failing {
		return true
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	w.Write(encode(object{"error": object{"type": "api_error", "message": "An unknown error occurred"}}))
	return false
}

// after tells whether the answer is sent.
func (f *fault) after(r *http.Request) bool {
	if f.Action != losing {
		return true
	}
	pauseFor(r, f.DelayMS)
	return false
}

func pauseFor(r *http.Request, ms int64) {
	_ = worker.Sleep(r.Context(), time.Duration(ms)*time.Millisecond)
}

// controls adds what no real provider has: /_sim.
func (s *Simulator) controls(mux *http.ServeMux) {
	add := func(pattern string, f func(r *http.Request) (any, *refusal)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			var answer any
			_, no := s.authorize(r, false)
			if no == nil {
				answer, no = f(r)
			}
			if no != nil {
				s.write(w, newID("req"), no.Status, object{"error": object{"type": no.Type, "message": no.Message, "param": no.Param}})
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer) // the caller has gone
		})
	}
	add("GET /_sim/ledger", s.ledger)
	add("POST /_sim/webhooks", s.addRule)
	add("GET /_sim/webhooks", func(*http.Request) (any, *refusal) {
		s.mail.mu.Lock()
		defer s.mail.mu.Unlock()
		return append([]*rule{}, s.mail.rules...), nil
	})
	add("DELETE /_sim/webhooks", func(*http.Request) (any, *refusal) {
		s.mail.mu.Lock()
		defer s.mail.mu.Unlock()
		s.mail.rules = nil
		return object{}, nil
	})
	add("POST /_sim/webhooks/resend", s.resend)
	add("POST /_sim/faults", s.addFault)
	add("DELETE /_sim/faults", func(*http.Request) (any, *refusal) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults = nil
		return object{}, nil
	})
	add("POST /_sim/intents/{id}/authenticate", s.authenticateIntent)
	add("POST /_sim/intents/{id}/expire", s.expireIntent)
	add("POST /_sim/refunds/{id}/fail", s.failRefund)
}

func decode(r *http.Request, into any) *refusal {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return malformed("", "", "The body is not what this takes: %v", err)
	}
	return nil
}

func (s *Simulator) addRule(r *http.Request) (any, *refusal) {
	var n rule
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	if err := n.check(); err != nil {
		return nil, err
	}
	n.ID = newID("rule")
	s.mail.mu.Lock()
	defer s.mail.mu.Unlock()
	s.mail.rules = append(s.mail.rules, &n)
	return n, nil
}

func (s *Simulator) addFault(r *http.Request) (any, *refusal) {
	var f fault
	if err := decode(r, &f); err != nil {
		return nil, err
	}
	if f.Action != failing && f.Action != slow && f.Action != losing {
		return nil, malformed("", "action", "A fault's action is error, delay or lose.")
	}
	if _, err := path.Match(f.Path, "/"); err != nil || f.Path == "" {
		return nil, malformed("", "path", "A fault needs a path, in which * stands for one segment.")
	}
	if f.Status == 0 {
		f.Status = http.StatusInternalServerError
	}
	f.ID = newID("fault")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	return f, nil
}

// resend delivers an event again, like `stripe events resend`, as often as asked and at once.
func (s *Simulator) resend(r *http.Request) (any, *refusal) {
	var n struct {
		Event string `json:"event"`
		Times int    `json:"times"`
	}
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	s.mu.Lock()
	e := s.state.Events[n.Event]
	s.mu.Unlock()
	if e == nil {
		return nil, noSuch("event", "id", n.Event)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	refused := 0
	for range max(1, n.Times) {
		wg.Go(func() {
			if err := s.mail.send(r.Context(), e); err != nil {
				mu.Lock()
				defer mu.Unlock()
				refused++
			}
		})
	}
	wg.Wait()
	return object{"event": e.ID, "sent": max(1, n.Times), "refused": refused}, nil
}

func (s *Simulator) authenticateIntent(r *http.Request) (any, *refusal) {
	var n struct {
		Outcome string `json:"outcome"` // succeed or fail
	}
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	t := s.begin()
	defer func() { <-t.end() }()
	in := s.state.Intents[r.PathValue("id")]
	if in == nil {
		return nil, noSuch("payment_intent", "id", r.PathValue("id"))
	}
	if in.Status != requiresAction {
		return nil, unexpected(in, "There is nothing to authenticate: the PaymentIntent has a status of "+in.Status+".")
	}
	t.authenticate(in, n.Outcome != "fail")
	return t.intent(in), nil
}

// expireIntent lets an authorisation run out now instead of in a week.
func (s *Simulator) expireIntent(r *http.Request) (any, *refusal) {
	t := s.begin()
	defer func() { <-t.end() }()
	in := s.state.Intents[r.PathValue("id")]
	if in == nil {
		return nil, noSuch("payment_intent", "id", r.PathValue("id"))
	}
	if in.Status != requiresCapture {
		return nil, unexpected(in, "There is no authorisation: the PaymentIntent has a status of "+in.Status+".")
	}
	t.cancel(in, "automatic", "charge.expired")
	return t.intent(in), nil
}

// failRefund has the bank send a refund back, as it may days after the refund succeeded.
func (s *Simulator) failRefund(r *http.Request) (any, *refusal) {
	t := s.begin()
	defer func() { <-t.end() }()
	refund := s.state.Refunds[r.PathValue("id")]
	if refund == nil {
		return nil, noSuch("refund", "id", r.PathValue("id"))
	}
	if refund.Status != succeeded && refund.Status != pending {
		return nil, malformed("", "", "There is nothing to send back: the refund has a status of %s.", refund.Status)
	}
	refund.Becomes = failed
	t.mature(refund)
	return t.refund(refund), nil
}

// LedgerEntry is one PaymentIntent in the ledger, with the sums of its money in minor units.
type LedgerEntry struct {
	Intent     string            `json:"intent"`
	Status     string            `json:"status"`
	Amount     int64             `json:"amount"`
	Currency   string            `json:"currency"`
	Authorized int64             `json:"authorized"` // held on the card and not taken
	Captured   int64             `json:"captured"`
	Refunded   int64             `json:"refunded"` // without what failed
	Disputed   int64             `json:"disputed"`
	Fees       int64             `json:"fees"`
	Refunds    []LedgerRefund    `json:"refunds,omitempty"`
	Metadata   map[string]string `json:"metadata"`
	Created    int64             `json:"created"`
}

// LedgerRefund is one refund in the ledger.
type LedgerRefund struct {
	ID       string            `json:"id"`
	Amount   int64             `json:"amount"`
	Status   string            `json:"status"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Ledger lists all payments of the provider, for tests to compare other services with.
type Ledger struct {
	Intents  []LedgerEntry    `json:"intents"`
	Balances map[string]int64 `json:"balances"` // by currency: all movements with their fees
}

// ledger lists all intents, or those whose metadata has what the query asks for (?booking=…).
func (s *Simulator) ledger(r *http.Request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := Ledger{Intents: []LedgerEntry{}, Balances: map[string]int64{}}
	for _, m := range s.state.Transactions {
		l.Balances[m.Currency] += m.Amount - m.Fee
	}
	for _, rec := range s.state.order["intents"] {
		in := rec.(*Intent)
		wanted := true
		for k := range r.URL.Query() {
			wanted = wanted && in.Metadata[k] == r.URL.Query().Get(k)
		}
		if wanted {
			l.Intents = append(l.Intents, s.ledgerEntry(in))
		}
	}
	sort.Slice(l.Intents, func(i, j int) bool { return l.Intents[i].Intent < l.Intents[j].Intent })
	return l, nil
}

func (s *Simulator) ledgerEntry(in *Intent) LedgerEntry {
	entry := LedgerEntry{Intent: in.ID, Status: in.Status, Amount: in.Amount, Currency: in.Currency, Metadata: in.Metadata, Created: in.Created}
	if in.Status == requiresCapture {
		entry.Authorized = in.Amount
	}
	for _, c := range s.state.attempts[in.ID] {
		entry.Captured += c.Captured
		entry.Refunded += c.Refunded
		if c.Disputed {
			entry.Disputed += c.Captured
		}
		if m := s.state.Transactions[c.Transaction]; m != nil {
			entry.Fees += m.Fee
		}
		for _, r := range s.state.refunds[c.ID] {
			entry.Refunds = append(entry.Refunds, LedgerRefund{ID: r.ID, Amount: r.Amount, Status: r.Status, Metadata: r.Metadata})
		}
	}
	return entry
}
