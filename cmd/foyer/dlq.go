package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/internal/messages"
)

// deadLetters lists what consumers could not handle, or sends it to them again.
func (c *cli) deadLetters(ctx context.Context, args []string) error {
	if len(args) == 0 || len(args) > 2 || (args[0] != "list" && args[0] != "replay") {
		return errors.New("foyer dlq list [TOPIC], foyer dlq replay TOPIC")
	}
	topics := messages.Topics()
	if len(args) == 2 {
		if !slices.Contains(topics, args[1]) {
			return fmt.Errorf("no topic is named %q; they are %v", args[1], topics)
		}
		topics = args[1:]
	} else if args[0] == "replay" {
		return errors.New("foyer dlq replay takes a topic")
	}
	if c.cfg.Components != "kafka" {
		return errors.New("dead letters are read from Kafka, which this stack does not use")
	}
	broker := fmt.Sprintf("127.0.0.1:%d", c.cfg.Ports.Kafka)
	letters, err := devstack.DeadLetters(ctx, broker, topics...)
	if err != nil {
		return err
	}
	if args[0] == "replay" {
		if err := devstack.Replay(ctx, broker, letters); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%d replayed\n", len(letters))
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, l := range letters {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.At.UTC().Format(time.RFC3339), l.Topic, l.About, l.ID)
	}
	w.Flush()
	fmt.Fprintf(c.out, "%d dead letters\n", len(letters))
	return nil
}
