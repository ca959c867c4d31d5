package main

import (
	"context"
	"fmt"

	"github.com/foyer-tickets/foyer/internal/stack"
)

// doctor says what this machine lacks and how to get it.
func (c *cli) doctor(ctx context.Context) error {
	bad := 0
	for _, finding := range stack.Examine(ctx, c.cfg) {
		mark := "ok     "
		if finding.Problem != "" {
			mark = "MISSING"
			bad++
		}
		fmt.Fprintf(c.out, "%s  %-14s %s\n", mark, finding.Subject, finding.Found)
		if finding.Problem != "" {
			fmt.Fprintf(c.out, "         %s\n", finding.Problem)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of these need attention", bad)
	}
	return nil
}

// env prints what `dapr run -f dapr` needs beside dapr/dapr.yaml.
func (c *cli) env() error {
	exports, err := stack.Exports(c.cfg)
	if err != nil {
		return err
	}
	fmt.Fprint(c.out, exports)
	return nil
}

// install fills the cache and says what it is doing, a line per step.
func (c *cli) install(ctx context.Context) error {
	var last string
	return stack.Install(ctx, c.cfg, func(name string, step stack.Step) {
		text := step.Text
		if step.Total > 0 {
			text += fmt.Sprintf(" %d%%", 10*(10*step.Done/step.Total))
		}
		if text != last {
			fmt.Fprintf(c.out, "  %-14s %s\n", name, text)
		}
		last = text
	})
}
