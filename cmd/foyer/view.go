package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/foyer-tickets/foyer/internal/devstack"
)

// view draws how parts come up: in place on a terminal; elsewhere one line per change, and one now
// and then for how far it all is.
type view struct {
	out      io.Writer
	live     bool
	lines    int                       // drawn last time, to be drawn over
	said     map[string]devstack.State // what a plain output already has
	steps    map[string]string
	progress *progress
	told     time.Duration // when plain output last had how far it is
}

const tellEach = 15 * time.Second

func newView(out io.Writer) *view {
	v := &view{out: out, said: map[string]devstack.State{}, steps: map[string]string{}, progress: newProgress()}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		v.live = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && os.Getenv("CI") == ""
	}
	return v
}

func (v *view) show(all []devstack.Status, elapsed time.Duration) {
	done, left := v.progress.see(all, time.Now())
	if !v.live {
		v.showPlain(all)
		if left > 0 && elapsed-v.told >= tellEach {
			v.told = elapsed
			fmt.Fprintf(v.out, "  %3.0f%% after %s, %s\n", 100*done, seconds(elapsed), about(left))
		}
		return
	}
	var text strings.Builder
	if v.lines > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", v.lines)
	}
	v.lines = 0
	for _, s := range all {
		switch s.State {
		case devstack.Healthy, devstack.Absent, devstack.Stopped, devstack.Waiting:
			continue
		case devstack.Preparing:
			if s.Step.Text == "" { // somebody else's work, which has a line of its own
				continue
			}
		}
		fmt.Fprintf(&text, "\x1b[2K  %-28s %-9s %6s  %s\n", s.Name, s.State, seconds(s.Took), stepText(s))
		v.lines++
	}
	fmt.Fprintf(&text, "\x1b[2K  %s %s %s\x1b[J\n", bar(int64(1000*done), 1000), seconds(elapsed), about(left))
	v.lines++
	io.WriteString(v.out, text.String())
}

func (v *view) showPlain(all []devstack.Status) {
	for _, s := range all {
		unwanted := s.State == devstack.Stopped && v.said[s.Name] == ""
		if v.said[s.Name] != s.State && s.State != devstack.Waiting && s.State != devstack.Preparing && !unwanted {
			fmt.Fprintf(v.out, "  %-28s %-9s %6s  %s\n", s.Name, s.State, seconds(s.Took), firstLine(s.Error))
		}
		if s.Step.Text != "" && v.steps[s.Name] != s.Step.Text {
			fmt.Fprintf(v.out, "  %-28s %-9s %6s  %s\n", s.Name, s.State, seconds(s.Took), s.Step.Text)
			v.steps[s.Name] = s.Step.Text
		}
		v.said[s.Name] = s.State
	}
}

func (v *view) done(all []devstack.Status, elapsed time.Duration) {
	if v.live && v.lines > 0 {
		fmt.Fprintf(v.out, "\x1b[%dA\x1b[J", v.lines)
	}
	slowest := slices.Clone(all)
	slices.SortFunc(slowest, func(a, b devstack.Status) int { return int(b.Took - a.Took) })
	if elapsed > 2*time.Second {
		fmt.Fprintf(v.out, "up after %s; slowest: %s %s\n", seconds(elapsed), slowest[0].Name, seconds(slowest[0].Took))
	}
}

func stepText(s devstack.Status) string {
	text := s.Step.Text
	if s.Step.Total > 0 {
		text = bar(s.Step.Done, s.Step.Total) + " " + text
	}
	if text == "" {
		text = firstLine(s.Error)
	}
	return text
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func bar(done, total int64) string {
	const width = 24
	filled := int(width * done / max(total, 1))
	return strings.Repeat("█", filled) + strings.Repeat("░", width-filled) + fmt.Sprintf(" %3d%%", 100*done/max(total, 1))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// table is what a person needs next: addresses and users.
func (c *cli) table(all []devstack.Status) {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w)
	for _, s := range all {
		if s.URL != "" && s.State == devstack.Healthy {
			fmt.Fprintf(w, "%s\t%s\n", s.Name, s.URL)
		}
	}
	fmt.Fprintf(w, "users\tcustomer@foyer.test, merchant@foyer.test, admin@foyer.test; password foyer-local\n")
	fmt.Fprintf(w, "keycloak admin\tadmin / %s\n", c.cfg.AdminPassword)
	fmt.Fprintf(w, "database\tpsql %s\n", c.cfg.DatabaseURL("catalog"))
	fmt.Fprintf(w, "logs\tfoyer logs NAME, or %s\n", c.cfg.LogFile("NAME"))
	w.Flush()
}

func (c *cli) status(ctx context.Context) error {
	all, err := c.client.Status(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PART\tSTATE\tFOR\tRESTARTS\tPID\tMEMORY\tNOTE")
	var total int64
	for _, s := range all {
		memory := devstack.Memory(s.PID)
		total += memory
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", s.Name, s.State, since(s), s.Restarts, orDash(s.PID), megabytes(memory), firstLine(s.Error))
	}
	fmt.Fprintf(w, "total\t\t\t\t\t%s\t\n", megabytes(total))
	return w.Flush()
}

func since(s devstack.Status) string {
	if s.Since.IsZero() {
		return "-"
	}
	return time.Since(s.Since).Round(time.Second).String()
}

func orDash(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func megabytes(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%d MB", n>>20)
}
