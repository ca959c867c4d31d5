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
		var form struct {
			Tombstone string                 `json:"tombstone"`
			To        notification.Recipient `json:"to"`
		}
		if err := httpapi.DecodeInternal(r, &form); err != nil {
			httpapi.BadRequest(w, r, err)
			return
		}
		if err := i.Farewells.Send(r.Context(), form.Tombstone, form.To); err != nil {
			httpapi.WriteProblem(w, r, err)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}).Methods(http.MethodPost)
}
