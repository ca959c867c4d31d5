package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/services/catalog/seed"
)

// The merchant who owns what is seeded and imported from the command line.
const merchant, localPassword = "merchant@foyer.test", "foyer-local"

func (c *cli) merchantToken(ctx context.Context) (string, error) {
	return c.cfg.Token(ctx, merchant, localPassword)
}

func (c *cli) gateway() string { return fmt.Sprintf("http://localhost:%d", c.cfg.Ports.Gateway) }

// seed fills the catalogue through the public API; running it again changes nothing.
func (c *cli) seed(ctx context.Context) error {
	began := time.Now()
	report, err := seed.Run(ctx, seed.Config{BaseURL: c.gateway(), Token: c.merchantToken, Now: began, HTTP: http.DefaultClient})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "seeded in %s: conferences %d new, %d changed, %d as they were, %d refused; events at three venues %d new, %d as they were\n", seconds(time.Since(began)),
		report.Conferences.Created, report.Conferences.Updated, report.Conferences.Unchanged, report.Conferences.Rejected, report.Events, report.Unchanged)
	return os.WriteFile(c.seededMark(), []byte(began.UTC().Format(time.RFC3339)+"\n"), 0o644)
}

func (c *cli) seededMark() string { return filepath.Join(c.cfg.Data, "seeded") }

// seedOnce seeds a stack that has never been seeded, so that a first visitor finds events.
func (c *cli) seedOnce(ctx context.Context) error {
	if _, err := os.Stat(c.seededMark()); err == nil {
		return nil
	}
	fmt.Fprintln(c.out, "seeding the catalogue (once)")
	if err := c.seed(ctx); err != nil {
		return fmt.Errorf("everything runs, but seeding failed; `foyer seed` tries again: %w", err)
	}
	return nil
}

// reindex returns when people search an index that was built anew.
func (c *cli) reindex(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	began := time.Now()
	if err := devstack.ReindexRunning(ctx, c.cfg); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "indexed anew in %s\n", seconds(time.Since(began)))
	return nil
}

// importFile sends a file of events and prints what became of each record that was not fine.
func (c *cli) importFile(ctx context.Context, path string) error {
	types := map[string]string{".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson", ".json": "application/json", ".jsonld": "application/ld+json", ".ics": "text/calendar"}
	contentType, ok := types[strings.ToLower(filepath.Ext(path))]
	if !ok {
		return errors.New("a file's name ends in .ndjson, .json, .jsonld or .ics")
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	token, err := c.merchantToken(ctx)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.gateway()+"/api/v1/events/import", file)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("import answered %s: %s", resp.Status, body)
	}
	var report struct {
		Created, Updated, Unchanged, Rejected int
		Error                                 string
		Results                               []struct {
			Line                       int
			Status, Code, Name, Detail string
		}
	}
	if err := json.Unmarshal(body, &report); err != nil {
		return err
	}
	for _, r := range report.Results {
		if r.Status == "rejected" {
			fmt.Fprintf(c.out, "record %d refused: %s %s (%s)\n", r.Line, r.Name, r.Detail, r.Code)
		}
	}
	fmt.Fprintf(c.out, "%d new, %d changed, %d as they were, %d refused\n", report.Created, report.Updated, report.Unchanged, report.Rejected)
	if report.Error != "" {
		return errors.New(report.Error)
	}
	return nil
}
