// Package rolling tests that each process of a running platform can be restarted, one
// after the other, without a failed request or a lost message.
package rolling

import (
	"testing"

	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) {
	harness.Replicas(map[string]int{"auth": 2, "catalog": 2, "search": 2, "booking": 2, "booking-consumer": 2, "highdemand-consumer": 2, "waitingroom": 2, "payment": 2, "notification": 2})
	harness.Main(m)
}
