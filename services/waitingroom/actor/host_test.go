package actor

import (
	"testing"
	"time"

	"github.com/foyer-tickets/foyer/services/waitingroom/daprstore"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// Requests for more and more events must not fill the memory, and all requests for one event use the
// same room.
func TestRoomsAreForgotten(t *testing.T) {
	a := NewHost(daprstore.LineStore{}, nil, time.Now)
	ticks := &TickPublisher{}
	id := uuid.New()
	require.Same(t, a.Room(id), a.Room(id))
	require.Same(t, ticks.state(id), ticks.state(id))
	for range 2 * maxRooms {
		a.Room(uuid.New())
		ticks.state(uuid.New())
	}
	a.rooms.CleanUp()
	ticks.rooms.CleanUp()
	require.LessOrEqual(t, a.rooms.EstimatedSize(), maxRooms)
	require.LessOrEqual(t, ticks.rooms.EstimatedSize(), maxRooms)
}
