package sim

import (
	"cmp"
	"slices"
	"time"
)

// record is an object of the books, kept under its kind and id.
type record interface {
	place() (kind, id string)
	number() int64
}

// head is what every object has. Seq orders objects of one second.
type head struct {
	Seq     int64 `json:"seq"`
	Created int64 `json:"created"`
}

func (h head) number() int64 { return h.Seq }

// The statuses of a PaymentIntent (https://docs.stripe.com/payments/paymentintents/lifecycle).
const (
	requiresPaymentMethod = "requires_payment_method"
	requiresConfirmation  = "requires_confirmation"
	requiresAction        = "requires_action"
	requiresCapture       = "requires_capture"
	succeeded             = "succeeded"
	canceled              = "canceled"
	failed                = "failed"
	pending               = "pending"
)

// Intent is a PaymentIntent.
type Intent struct {
	head
	ID            string            `json:"id"`
	Secret        string            `json:"secret"`
	Amount        int64             `json:"amount"`
	Received      int64             `json:"received"`
	Currency      string            `json:"currency"`
	Status        string            `json:"status"`
	Manual        bool              `json:"manual"` // capture_method
	Automatic     bool              `json:"automatic"`
	Redirects     string            `json:"redirects,omitempty"`
	Customer      string            `json:"customer,omitempty"`
	Description   string            `json:"description,omitempty"`
	ReceiptEmail  string            `json:"receipt_email,omitempty"`
	Descriptor    string            `json:"descriptor,omitempty"`
	SetupFuture   string            `json:"setup_future,omitempty"`
	TransferGroup string            `json:"transfer_group,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"`
	Types         []string          `json:"types"`
	Method        string            `json:"method,omitempty"`
	Charge        string            `json:"charge,omitempty"`
	CanceledAt    int64             `json:"canceled_at,omitempty"`
	CancelReason  string            `json:"cancel_reason,omitempty"`
	LastError     *refusal          `json:"last_error,omitempty"`
	Challenge     *Challenge        `json:"challenge,omitempty"`
}

// Challenge is a 3-D Secure check under way.
type Challenge struct {
	ID        string `json:"id"`
	ReturnURL string `json:"return_url,omitempty"`
}

// Charge is an attempt to take money.
type Charge struct {
	head
	ID            string    `json:"id"`
	Intent        string    `json:"intent"`
	Amount        int64     `json:"amount"`
	Captured      int64     `json:"captured"`
	Refunded      int64     `json:"refunded"`
	Currency      string    `json:"currency"`
	Status        string    `json:"status"`
	Method        string    `json:"method"`
	Transaction   string    `json:"transaction,omitempty"`
	Released      bool      `json:"released,omitempty"` // authorisation let go
	Disputed      bool      `json:"disputed,omitempty"`
	Authenticated bool      `json:"authenticated,omitempty"`
	Failure       *refusal  `json:"failure,omitempty"`
	AuthorizedAt  time.Time `json:"authorized_at,omitzero"`
}

// Refund gives money back.
type Refund struct {
	head
	ID                 string            `json:"id"`
	Charge             string            `json:"charge"`
	Intent             string            `json:"intent"`
	Amount             int64             `json:"amount"`
	Currency           string            `json:"currency"`
	Status             string            `json:"status"`
	Reason             string            `json:"reason,omitempty"`
	FailureReason      string            `json:"failure_reason,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"`
	Transaction        string            `json:"transaction,omitempty"`
	FailureTransaction string            `json:"failure_transaction,omitempty"`
	Matures            time.Time         `json:"matures,omitzero"` // when it turns into Becomes
	Becomes            string            `json:"becomes,omitempty"`
}

// Transaction is a movement on the account's balance.
type Transaction struct {
	head
	ID       string `json:"id"`
	Type     string `json:"type"`
	Amount   int64  `json:"amount"`
	Fee      int64  `json:"fee"`
	Currency string `json:"currency"`
	Source   string `json:"source"`
}

// Dispute is a payment that the card's holder contests.
type Dispute struct {
	head
	ID          string `json:"id"`
	Charge      string `json:"charge"`
	Intent      string `json:"intent"`
	Amount      int64  `json:"amount"`
	Currency    string `json:"currency"`
	Reason      string `json:"reason"`
	Transaction string `json:"transaction"`
}

// Customer is somebody who pays more than once.
type Customer struct {
	head
	ID          string            `json:"id"`
	Name        string            `json:"name,omitempty"`
	Email       string            `json:"email,omitempty"`
	Phone       string            `json:"phone,omitempty"`
	Description string            `json:"description,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Deleted     bool              `json:"deleted,omitempty"`
}

// Method is a card. The number is a test number: what it does is all that is kept of it.
type Method struct {
	head
	ID       string            `json:"id"`
	Number   string            `json:"number"`
	Month    int64             `json:"month"`
	Year     int64             `json:"year"`
	Customer string            `json:"customer,omitempty"`
	Name     string            `json:"name,omitempty"`
	Email    string            `json:"email,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Event says that something happened to an object, as it was then.
type Event struct {
	head
	ID       string    `json:"id"`
	Type     string    `json:"type"`
	Object   object    `json:"object"`
	Request  string    `json:"request,omitempty"`
	Key      string    `json:"key,omitempty"`
	Pending  bool      `json:"pending,omitempty"` // still to be delivered
	Attempts int       `json:"attempts,omitempty"`
	At       time.Time `json:"at"`
}

// Answer is what an idempotency key was answered with.
type Answer struct {
	head
	Key     string `json:"key"`
	Print   string `json:"print"` // of the request
	Status  int    `json:"status"`
	Body    []byte `json:"body"`
	Request string `json:"request"`
}

func (r *Intent) place() (kind, id string)      { return "intents", r.ID }
func (r *Charge) place() (kind, id string)      { return "charges", r.ID }
func (r *Refund) place() (kind, id string)      { return "refunds", r.ID }
func (r *Transaction) place() (kind, id string) { return "transactions", r.ID }
func (r *Dispute) place() (kind, id string)     { return "disputes", r.ID }
func (r *Customer) place() (kind, id string)    { return "customers", r.ID }
func (r *Method) place() (kind, id string)      { return "methods", r.ID }
func (r *Event) place() (kind, id string)       { return "events", r.ID }
func (r *Answer) place() (kind, id string)      { return "answers", r.Key }

type timed struct {
	id string
	at time.Time
}

// state is all there is, in memory. Indexes are rebuilt when it is read from disk.
type state struct {
	Seq          int64
	Intents      map[string]*Intent
	Charges      map[string]*Charge
	Refunds      map[string]*Refund
	Transactions map[string]*Transaction
	Disputes     map[string]*Dispute
	Customers    map[string]*Customer
	Methods      map[string]*Method
	Events       map[string]*Event
	Answers      map[string]*Answer

	order    map[string][]record  // by kind, oldest first
	refunds  map[string][]*Refund // by charge
	attempts map[string][]*Charge // by intent
	maturing map[string]bool      // refunds
	expiring []timed              // uncaptured intents, oldest first
}

func newState() *state {
	return &state{
		Intents: map[string]*Intent{}, Charges: map[string]*Charge{}, Refunds: map[string]*Refund{}, Transactions: map[string]*Transaction{},
		Disputes: map[string]*Dispute{}, Customers: map[string]*Customer{}, Methods: map[string]*Method{}, Events: map[string]*Event{},
		Answers: map[string]*Answer{}, order: map[string][]record{}, refunds: map[string][]*Refund{}, attempts: map[string][]*Charge{},
		maturing: map[string]bool{},
	}
}

// add takes a new object in.
func (s *state) add(r record) {
	kind, id := r.place()
	s.order[kind] = append(s.order[kind], r)
	s.Seq = max(s.Seq, r.number())
	switch r := r.(type) {
	case *Intent:
		s.Intents[id] = r
	case *Charge:
		s.Charges[id] = r
		s.attempts[r.Intent] = append(s.attempts[r.Intent], r)
		if !r.AuthorizedAt.IsZero() {
			s.expiring = append(s.expiring, timed{r.Intent, r.AuthorizedAt})
		}
	case *Refund:
		s.Refunds[id] = r
		s.refunds[r.Charge] = append(s.refunds[r.Charge], r)
		if r.Becomes != "" {
			s.maturing[id] = true
		}
	case *Transaction:
		s.Transactions[id] = r
	case *Dispute:
		s.Disputes[id] = r
	case *Customer:
		s.Customers[id] = r
	case *Method:
		s.Methods[id] = r
	case *Event:
		s.Events[id] = r
	case *Answer:
		s.Answers[id] = r
	}
}

func (s *state) sort() {
	for _, list := range s.order {
		slices.SortFunc(list, func(a, b record) int { return cmp.Compare(a.number(), b.number()) })
	}
	for _, list := range s.refunds {
		slices.SortFunc(list, func(a, b *Refund) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	for _, list := range s.attempts {
		slices.SortFunc(list, func(a, b *Charge) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	slices.SortFunc(s.expiring, func(a, b timed) int { return a.at.Compare(b.at) })
}
