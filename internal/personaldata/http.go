package personaldata

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
)

// Paths of the contract, relative to the service. Only the auth service calls them, through both sidecars.
const base = "/internal/personal-data/"

var (
	errInvalidCursor = fault.New(fault.Malformed, "invalid_cursor", "The cursor is not valid.")
	errNoAccount     = fault.New(fault.Malformed, "malformed_request", "The account id is missing.")
	errTooManySteps  = fault.New(fault.Internal, "erasure_without_end", "The erasure did not finish within the allowed number of steps.")
	errNoTombstone   = fault.New(fault.Malformed, "malformed_request", "The tombstone is missing.")
)

type erasure struct {
	Tombstone string `json:"tombstone"`
	Cursor    string `json:"cursor,omitempty"`
}

type erased struct {
	Next string `json:"next,omitempty"` // there is more to erase, from this cursor on
}

type obstacles struct {
	Items []Obstacle `json:"items"`
}

// Mount adds a holder's routes to a router that only the process's own sidecar may call.
func Mount(guarded *mux.Router, h Holder) {
	handle := func(method, path string, f func(r *http.Request, account string) (any, error)) {
		guarded.HandleFunc(base+"{account}"+path, httpapi.Handle(func(w http.ResponseWriter, r *http.Request) error {
			account := mux.Vars(r)["account"]
			if account == "" || identity.IsTombstone(account) {
				return errNoAccount
			}
			v, err := f(r, account)
			if err != nil {
				return err
			}
			w.Header().Set("Cache-Control", "no-store")
			return httpapi.WriteJSON(w, r, http.StatusOK, v)
		})).Methods(method)
	}
	handle(http.MethodGet, "", func(r *http.Request, account string) (any, error) {
		return h.Export(r.Context(), account, r.URL.Query().Get("cursor"))
	})
	handle(http.MethodGet, "/obstacles", func(r *http.Request, account string) (any, error) {
		found, err := h.Obstacles(r.Context(), account)
		return obstacles{found}, err
	})
	handle(http.MethodPost, "/erasure", func(r *http.Request, account string) (any, error) {
		var in erasure
		if err := httpapi.DecodeInternal(r, &in); err != nil || !identity.IsTombstone(in.Tombstone) {
			return nil, errNoTombstone.Because(err)
		}
		if steps, ok := h.(Stepwise); ok {
			next, err := steps.EraseStep(r.Context(), account, in.Tombstone, in.Cursor)
			return erased{next}, err
		}
		return erased{}, h.Erase(r.Context(), account, in.Tombstone)
	})
}

// Invoker calls another service.
type Invoker interface {
	Invoke(ctx context.Context, app, method, path string, in, out any) error
}

// Remote is the holder of another service.
type Remote struct {
	App     string
	Invoker Invoker
}

var _ Holder = Remote{}

// NewRemote returns the Holder of the service app. dapr/access must allow its calls.
func NewRemote(app string, invoker Invoker) Remote { return Remote{App: app, Invoker: invoker} }

// Export implements Holder.
func (r Remote) Export(ctx context.Context, account, cursor string) (page Page, err error) {
	path := base + url.PathEscape(account)
	if cursor != "" {
		path += "?" + url.Values{"cursor": {cursor}}.Encode()
	}
	// Records are passed on undecoded; decoded they are several times as large.
	var raw struct {
		Sections map[string][]json.RawMessage `json:"sections"`
		Next     string                       `json:"next"`
	}
	if err := r.Invoker.Invoke(ctx, r.App, http.MethodGet, path, nil, &raw); err != nil {
		return page, err
	}
	page = Page{Sections: make(map[string][]any, len(raw.Sections)), Next: raw.Next}
	for name, items := range raw.Sections {
		page.Sections[name] = make([]any, len(items))
		for i, item := range items {
			page.Sections[name][i] = item
		}
	}
	return page, nil
}

// Obstacles implements Holder.
func (r Remote) Obstacles(ctx context.Context, account string) ([]Obstacle, error) {
	var found obstacles
	err := r.Invoker.Invoke(ctx, r.App, http.MethodGet, base+url.PathEscape(account)+"/obstacles", nil, &found)
	return found.Items, err
}

// Erase implements Holder: in steps, each with the deadline of one call.
func (r Remote) Erase(ctx context.Context, account, tombstone string) error {
	return Steps(func(cursor string) (string, error) {
		var done erased
		err := r.Invoker.Invoke(ctx, r.App, http.MethodPost, base+url.PathEscape(account)+"/erasure", erasure{tombstone, cursor}, &done)
		return done.Next, err
	})
}
