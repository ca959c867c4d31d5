package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// call is one request to the API, inside its transaction.
type call struct {
	*transaction
	params
	id     string // {id} of the path
	public bool   // made with the publishable key
}

type operation func(*call) (object, *refusal)

// API is what api.stripe.com serves, and the simulator's own /_sim.
func (s *Simulator) API() http.Handler {
	mux := http.NewServeMux()
	s.routes(mux)
	s.controls(mux)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t := &transaction{Simulator: s, request: newID("req")}
		e := invalid("", "", "Unrecognized request URL (%s: %s). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.", r.Method, r.URL.Path)
		s.write(w, t.request, http.StatusNotFound, t.body(e))
	})
	return mux
}

func (s *Simulator) routes(mux *http.ServeMux) {
	const secret, either = false, true
	add := func(pattern string, open bool, op operation) { mux.Handle(pattern, s.serve(op, open)) }
	add("POST /v1/payment_intents", secret, (*call).createIntent)
	add("GET /v1/payment_intents", secret, list("intents", "/v1/payment_intents", map[string]filter{
		"customer": func(r record, v string) bool { return r.(*Intent).Customer == v }}))
	add("GET /v1/payment_intents/{id}", either, (*call).getIntent)
	add("POST /v1/payment_intents/{id}", secret, (*call).updateIntent)
	add("POST /v1/payment_intents/{id}/confirm", either, (*call).confirmIntent)
	add("POST /v1/payment_intents/{id}/capture", secret, (*call).captureIntent)
	add("POST /v1/payment_intents/{id}/cancel", secret, (*call).cancelIntent)
	add("GET /v1/charges", secret, list("charges", "", map[string]filter{
		"customer":       func(r record, v string) bool { return s.customerOf(r.(*Charge)) == v },
		"payment_intent": func(r record, v string) bool { return r.(*Charge).Intent == v }}))
	add("GET /v1/charges/{id}", secret, get("charges", "charge"))
	add("POST /v1/refunds", secret, (*call).createRefund)
	add("GET /v1/refunds", secret, list("refunds", "", map[string]filter{
		"charge":         func(r record, v string) bool { return r.(*Refund).Charge == v },
		"payment_intent": func(r record, v string) bool { return r.(*Refund).Intent == v }}))
	add("GET /v1/refunds/{id}", secret, get("refunds", "refund"))
	add("POST /v1/refunds/{id}", secret, (*call).updateRefund)
	add("GET /v1/balance", secret, (*call).getBalance)
	add("GET /v1/balance_transactions", secret, list("transactions", "/v1/balance_transactions", map[string]filter{
		"type":     func(r record, v string) bool { return r.(*Transaction).Type == v },
		"source":   func(r record, v string) bool { return r.(*Transaction).Source == v },
		"currency": func(r record, v string) bool { return r.(*Transaction).Currency == v }}))
	add("GET /v1/balance_transactions/{id}", secret, get("transactions", "balance transaction"))
	add("GET /v1/disputes", secret, list("disputes", "", map[string]filter{
		"charge":         func(r record, v string) bool { return r.(*Dispute).Charge == v },
		"payment_intent": func(r record, v string) bool { return r.(*Dispute).Intent == v }}))
	add("GET /v1/disputes/{id}", secret, get("disputes", "dispute"))
	add("GET /v1/events", secret, list("events", "", map[string]filter{
		"type":  func(r record, v string) bool { return typed(r.(*Event).Type, v) },
		"types": func(r record, v string) bool { return typed(r.(*Event).Type, v) }}))
	add("GET /v1/events/{id}", secret, get("events", "event"))
	add("POST /v1/payment_methods", either, (*call).createMethod)
	add("GET /v1/payment_methods", secret, list("methods", "/v1/payment_methods", map[string]filter{
		"type":     func(_ record, v string) bool { return v == "card" },
		"customer": func(r record, v string) bool { return r.(*Method).Customer == v }}))
	add("GET /v1/payment_methods/{id}", secret, get("methods", "PaymentMethod"))
	add("POST /v1/payment_methods/{id}/attach", secret, (*call).attachMethod)
	add("POST /v1/payment_methods/{id}/detach", secret, (*call).detachMethod)
	add("POST /v1/customers", secret, (*call).createCustomer)
	add("GET /v1/customers", secret, list("customers", "", map[string]filter{
		"email": func(r record, v string) bool { return r.(*Customer).Email == v }}))
	add("GET /v1/customers/{id}", secret, get("customers", "customer"))
	add("POST /v1/customers/{id}", secret, (*call).updateCustomer)
	add("DELETE /v1/customers/{id}", secret, (*call).deleteCustomer)
	add("GET /v1/account", secret, (*call).getAccount)
}

// typed tells whether an event is of a type, which may end in *.
func typed(eventType, pattern string) bool {
	if start, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(eventType, start)
	}
	return eventType == pattern
}

func (s *Simulator) customerOf(c *Charge) string {
	if in := s.state.Intents[c.Intent]; in != nil {
		return in.Customer
	}
	return ""
}

// keyOf finds the API key where Stripe looks for it.
func keyOf(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return key
	}
	return r.FormValue("key")
}

// authorize says whether the request was made with the publishable key, or refuses it.
func (s *Simulator) authorize(r *http.Request, open bool) (public bool, no *refusal) {
	switch key := keyOf(r); {
	case key == s.cfg.SecretKey:
		return false, nil
	case key == s.cfg.PublishableKey && open:
		return true, nil
	case key == s.cfg.PublishableKey:
		return true, &refusal{Status: http.StatusForbidden, Type: "invalid_request_error", Code: "secret_key_required", Message: "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys."}
	case key == "":
		return false, &refusal{Status: http.StatusUnauthorized, Type: "invalid_request_error", Message: "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."}
	default:
		return false, &refusal{Status: http.StatusUnauthorized, Type: "invalid_request_error", Message: "Invalid API Key provided."}
	}
}

// maxForm is the largest request taken.
const maxForm = 256 << 10

func (s *Simulator) serve(op operation, open bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		request := newID("req")
		refuse := func(e *refusal) {
			t := &transaction{Simulator: s, request: request}
			s.write(w, request, e.Status, t.body(&refusal{Type: e.Type, Code: e.Code, Message: e.Message, Param: e.Param}))
		}
		p, bad := readParams(r)
		if bad != nil {
			refuse(bad)
			return
		}
		public, no := s.authorize(r, open)
		if no != nil {
			refuse(no)
			return
		}
		p.Del("key")
		free, done := s.occupy(r)
		if !free {
			refuse(&refusal{Status: http.StatusConflict, Type: "idempotency_error", Code: "idempotency_key_in_use", Message: "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through)."})
			return
		}
		defer done()
		trouble := s.trouble(r)
		if trouble != nil && !trouble.before(w, r) {
			return
		}
		status, body, replayed := s.work(op, request, r, p, public)
		if trouble != nil && !trouble.after(r) {
			panic(http.ErrAbortHandler) // the answer gets lost
		}
		if key := r.Header.Get("Idempotency-Key"); key != "" {
			w.Header().Set("Idempotency-Key", key)
		}
		if replayed != "" {
			w.Header().Set("Idempotent-Replayed", "true")
			w.Header().Set("Original-Request", replayed)
		}
		s.raw(w, request, status, body)
	})
}

// occupy takes a request's idempotency key for as long as it is worked on.
func (s *Simulator) occupy(r *http.Request) (free bool, done func()) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" || r.Method != http.MethodPost {
		return true, func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[key] {
		return false, nil
	}
	s.busy[key] = true
	return true, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.busy, key)
	}
}

// keysLive is how long an idempotency key is remembered.
const keysLive = 24 * time.Hour

// work does a request once, whatever number of times it is sent with one idempotency key
// (https://docs.stripe.com/api/idempotent_requests).
func (s *Simulator) work(op operation, request string, r *http.Request, p params, public bool) (status int, body []byte, replayed string) {
	t := s.begin()
	t.request = request
	var safe <-chan struct{}
	defer func() { <-safe }()
	defer func() { safe = t.end() }()

	key, mark := "", ""
	if r.Method == http.MethodPost {
		key, mark = r.Header.Get("Idempotency-Key"), p.print(r.Method, r.URL.Path)
	}
	if key != "" {
		if have := s.state.Answers[key]; have != nil && s.cfg.Now().Sub(time.Unix(have.Created, 0)) < keysLive {
			if have.Print != mark {
				e := &refusal{Type: "idempotency_error", Message: fmt.Sprintf("Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '%s' if you meant to execute a different request.", key)}
				return http.StatusBadRequest, encode(t.body(e)), ""
			}
			return have.Status, have.Body, have.Request
		}
		t.key = key
	}
	c := &call{transaction: t, params: p, id: r.PathValue("id"), public: public}
	answer, no := op(c)
	for _, path := range p.list("expand") {
		if no == nil {
			no = t.expand(answer, path)
		}
	}
	status = http.StatusOK
	if no != nil {
		status, answer = no.Status, t.body(no)
	} else if public && answer["object"] == "payment_intent" {
		answer = publicIntent(answer)
	}
	body = encode(answer)
	if key != "" && (no == nil || !no.unkept) {
		kept := &Answer{head: t.head(), Key: key, Print: mark, Status: status, Body: body, Request: request}
		s.state.add(kept)
		t.put(kept)
	}
	return status, body, ""
}

func encode(o object) []byte {
	raw, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("stripesim: %v", err)) // all values are plain
	}
	return append(raw, '\n')
}

func (s *Simulator) write(w http.ResponseWriter, request string, status int, o object) {
	s.raw(w, request, status, encode(o))
}

func (s *Simulator) raw(w http.ResponseWriter, request string, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Request-Id", request)
	h.Set("Stripe-Version", apiVersion)
	h.Set("Cache-Control", "no-cache, no-store")
	w.WriteHeader(status)
	w.Write(body)
}
