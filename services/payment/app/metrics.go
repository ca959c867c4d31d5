package app

import "github.com/foyer-tickets/foyer/internal/telemetry"

var looksFailed = telemetry.NewCounter("payment.looks.failed", "{look}", "Looks at payments that came to nothing.")
