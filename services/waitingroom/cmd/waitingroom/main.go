// Command waitingroom runs the waiting rooms of events in high demand.
package main

import (
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/services/waitingroom/app"
)

func main() { process.Main("waitingroom", app.Run) }
