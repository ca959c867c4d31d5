// Package rolling tests that processes of a running platform can be stopped and started anew,
// one after the other, without anybody noticing who uses it.
package rolling

import (
	"testing"

	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) {
	harness.Replicas(map[string]int{"auth": 2, "catalog": 2, "search": 2, "booking": 2, "booking-consumer": 2, "highdemand-consumer": 2, "waitingroom": 2, "payment": 2, "notification": 2})
	harness.Main(m)
}
