package dapr

import (
	"context"

	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/services/search"
)

var indexed = telemetry.NewCounter("foyer.search.changes", "{change}", "Changes of events that were brought into the index, by outcome.", "foyer.outcome", "error.type")

// index has the indexer apply changes, and measures it.
func index(ctx context.Context, indexer search.Indexer, changes []search.Change) []error {
	ctx, span := telemetry.Start(ctx, "search.index")
	span.Set("foyer.changes", len(changes))
	errs := indexer.Apply(ctx, changes)
	var first error
	for _, err := range errs {
		outcome, errorType := telemetry.Outcome(err)
		indexed.Add(ctx, 1, outcome, errorType)
		if first == nil {
			first = err
		}
	}
	span.End(first)
	return errs
}
