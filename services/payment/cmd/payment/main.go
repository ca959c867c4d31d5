// Command payment authorises, captures and refunds, receives the provider's webhooks, and reconciles.
package main

import (
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/services/payment/app"
)

func main() { process.Main("payment", app.Run) }
