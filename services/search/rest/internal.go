package rest

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/httpapi"
)

// Internal serves the operators of the platform, through the sidecar or with its token.
type Internal struct {
	Ask  func()                                // for a rebuild, soon
	Name func(context.Context) (string, error) // of the index that people search
}

// Mount adds the routes to a router that only the sidecar may call.
func (i Internal) Mount(router *mux.Router) {
	router.HandleFunc("/internal/index", httpapi.Handle(i.index)).Methods(http.MethodGet)
	router.HandleFunc("/internal/index/rebuild", httpapi.Handle(i.rebuild)).Methods(http.MethodPost)
}

func (i Internal) index(w http.ResponseWriter, r *http.Request) error {
	return i.answer(w, r, http.StatusOK)
}

// rebuild answers with the index's name before: when it has another one, the rebuild is done.
func (i Internal) rebuild(w http.ResponseWriter, r *http.Request) error {
	if err := i.answer(w, r, http.StatusAccepted); err != nil {
		return err
	}
	i.Ask()
	return nil
}

func (i Internal) answer(w http.ResponseWriter, r *http.Request, status int) error {
	name, err := i.Name(r.Context())
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, status, map[string]string{"name": name})
}
