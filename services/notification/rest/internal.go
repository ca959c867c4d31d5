package rest

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/notification"
)

// Internal serves the other services. Its routes are only for the process's own sidecar.
type Internal struct{ Farewells notification.Farewells }

// Mount adds the routes to a guarded router.
func (i Internal) Mount(router *mux.Router) {
	router.HandleFunc("/internal/mails/account-deleted", func(w http.ResponseWriter, r *http.Request) {
		var to notification.Recipient
		if err := httpapi.DecodeInternal(r, &to); err != nil {
			httpapi.BadRequest(w, r, err)
			return
		}
		if err := i.Farewells.Send(r.Context(), to); err != nil {
			httpapi.WriteProblem(w, r, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}).Methods(http.MethodPost)
}
