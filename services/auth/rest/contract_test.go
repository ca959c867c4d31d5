package rest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/auth/rest"
)

// A contract that is not valid keeps the service from starting.
func TestContractIsValid(t *testing.T) {
	_, err := httpapi.NewRouter(httpapi.Options{Service: "auth", Spec: rest.Spec})
	require.NoError(t, err)
}
