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
	clock := &TickPublisher{}
	id := uuid.New()
	require.Same(t, a.Room(id), a.Room(id))
	require.Same(t, clock.state(id), clock.state(id))
	for range 2 * maxRooms {
		a.Room(uuid.New())
		clock.state(uuid.New())
	}
	a.rooms.CleanUp()
	clock.rooms.CleanUp()
	require.LessOrEqual(t, a.rooms.EstimatedSize(), maxRooms)
	require.LessOrEqual(t, clock.rooms.EstimatedSize(), maxRooms)
}
