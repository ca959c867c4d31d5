package rest

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/notification"
)

// Internal serves the other services. Its routes are only for the process's own sidecar.
type Internal struct{ DeletionMails notification.DeletionMails }

// Mount adds the routes to a guarded router.
func (i Internal) Mount(router *mux.Router) {
	router.HandleFunc("/internal/mails/account-deleted", httpapi.Handle(func(w http.ResponseWriter, r *http.Request) error {
		var form struct {
			Tombstone string `json:"tombstone"`
			To        struct {
				Email  string `json:"email"`
				Name   string `json:"name"`
				Locale string `json:"locale"`
			} `json:"to"`
		}
		if err := httpapi.DecodeInternal(r, &form); err != nil {
			return err
		}
		if err := i.DeletionMails.Send(r.Context(), form.Tombstone, notification.Recipient{Email: form.To.Email, Name: form.To.Name, Locale: form.To.Locale}); err != nil {
			return err
		}
		w.WriteHeader(http.StatusAccepted)
		return nil
	})).Methods(http.MethodPost)
}
