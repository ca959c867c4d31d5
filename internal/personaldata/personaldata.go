// Package personaldata implements the rights of account owners over their data: a declaration of what
// each service stores, its export, and its erasure. A service that stores anything has a file
// personaldata.yaml, and serves a Holder, which the auth service calls.
package personaldata

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"gopkg.in/yaml.v3"
)

// Holder is a service's part in the export and erasure of an account.
type Holder interface {
	// Export returns one page of all data stored about an account. cursor is "" for the first page.
	Export(ctx context.Context, account, cursor string) (Page, error)
	// Obstacles returns the reasons that prevent erasing the account now.
	Obstacles(ctx context.Context, account string) ([]Obstacle, error)
	// Erase deletes the account's data, and replaces the account id with tombstone in records that must be
	// kept. It is called until it succeeds, and once more after that.
	Erase(ctx context.Context, account, tombstone string) error
}

// Stepwise is a Holder that erases in steps, each short enough for the deadline of one call. Erase runs all
// steps.
type Stepwise interface {
	Holder
	// EraseStep erases one part, starting at cursor ("" at first), and returns the cursor of the next step, or
	// "" after the last.
	EraseStep(ctx context.Context, account, tombstone, cursor string) (next string, err error)
}

// More is the cursor of an erasure that finds the remaining data by itself.
const More = "more"

// Steps calls step until there is no next cursor.
func Steps(step func(cursor string) (next string, err error)) error {
	cursor := ""
	for range eraseSteps {
		next, err := step(cursor)
		if err != nil || next == "" {
			return err
		}
		cursor = next
	}
	return errTooManySteps
}

// eraseSteps limits the steps of an erasure.
const eraseSteps = 100_000

// CursorID decodes a cursor that is an id; it returns uuid.Nil for "".
func CursorID(cursor string) (uuid.UUID, error) {
	id, err := uuid.Parse(cursor)
	if err != nil && cursor != "" {
		return uuid.Nil, errInvalidCursor
	}
	return id, nil
}

// Page is one page of an export: records by section, as they are shown to the account's owner.
type Page struct {
	Sections map[string][]any `json:"sections"`
	Next     string           `json:"next,omitempty"` // cursor of the next page, "" after the last
}

// Obstacle is a reason not to erase an account yet. The owner can override a Waivable one.
type Obstacle struct {
	Code     string `json:"code"`
	Count    int    `json:"count"`
	Waivable bool   `json:"waivable,omitempty"`
}

// Codes of obstacles. They are part of the public API.
const (
	OpenBookings    = "open_bookings"    // bookings or refunds on their way
	UpcomingTickets = "upcoming_tickets" // waivable: the tickets are given up
	EventsOnSale    = "events_on_sale"   // a merchant's events that have not ended
	AdminRole       = "admin_role"       // an admin's account is deleted once the role was taken away
)

// Declaration is a service's personaldata.yaml.
type Declaration struct {
	Service  string           `yaml:"service"`
	Database string           `yaml:"database"` // where its tables are, "" for none
	Tables   map[string]Place `yaml:"tables"`
	State    []Key            `yaml:"state"`
	Topics   map[string]Place `yaml:"topics"` // those it publishes to
	External map[string]Place `yaml:"external"`
}

// Key is one kind of key in a state component.
type Key struct {
	Component string `yaml:"component"`
	Prefix    string `yaml:"prefix"`
	Place     `yaml:",inline"`
}

// Place is a table, a kind of key, a topic, or a record kept by another system. Each of its fields is declared
// as personal or as not personal.
type Place struct {
	Personal map[string]Rule `yaml:"personal"`
	Plain    []string        `yaml:"plain"`
}

// Rule declares which data of a person is kept and what happens to it.
type Rule struct {
	What     string   `yaml:"what"`     // category of data
	Why      string   `yaml:"why"`      // purpose
	Kept     string   `yaml:"kept"`     // how long, while the account lives
	Deletion Deletion `yaml:"deletion"` // with the account
	Reason   string   `yaml:"reason"`   // for keeping it
	Export   string   `yaml:"export"`   // section of the export, or "no" and why not
}

// Deletion is what happens to personal data when its account is deleted.
type Deletion string

// The kinds of Deletion.
const (
	Delete    Deletion = "delete"
	Anonymise Deletion = "anonymise" // a tombstone takes the account's place
	Expire    Deletion = "expire"    // it ends by itself, within the time that Kept says
	Keep      Deletion = "keep"      // for the reason that Reason says
)

// Parse decodes a declaration and rejects unknown fields.
func Parse(raw []byte) (Declaration, error) {
	var d Declaration
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&d); err != nil {
		return d, fmt.Errorf("personal data: %w", err)
	}
	for name, p := range d.places() {
		if err := p.check(); err != nil {
			return d, fmt.Errorf("personal data of %s: %s: %w", d.Service, name, err)
		}
	}
	return d, nil
}

func (d Declaration) places() map[string]Place {
	all := map[string]Place{}
	for name, p := range d.Tables {
		all["table "+name] = p
	}
	for _, k := range d.State {
		all["key "+k.Component+" "+k.Prefix] = k.Place
	}
	for name, p := range d.Topics {
		all["topic "+name] = p
	}
	for name, p := range d.External {
		all["external "+name] = p
	}
	return all
}

func (p Place) check() error {
	for _, name := range p.Plain {
		if _, both := p.Personal[name]; both {
			return fmt.Errorf("%s cannot be both personal and not", name)
		}
	}
	for name, r := range p.Personal {
		if r.What == "" || r.Why == "" || r.Kept == "" || r.Export == "" {
			return fmt.Errorf("%s needs what, why, kept and export", name)
		}
		switch r.Deletion {
		case Delete, Anonymise, Expire:
		case Keep:
			if r.Reason == "" {
				return fmt.Errorf("%s is kept without a reason", name)
			}
		default:
			return fmt.Errorf("%s: deletion %q", name, r.Deletion)
		}
	}
	return nil
}

// Declared reports whether the place declares a field, as personal or not.
func (p Place) Declared(field string) bool {
	if _, ok := p.Personal[field]; ok {
		return true
	}
	return slices.Contains(p.Plain, field)
}

// Fields returns the names of all declared fields.
func (p Place) Fields() []string {
	return slices.AppendSeq(slices.Clone(p.Plain), maps.Keys(p.Personal))
}
