package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/internal/worker"
)

type cli struct {
	cfg    devstack.Config
	client *devstack.Client
	out    io.Writer
}

// up starts the supervisor in the background unless it runs, and shows how the parts come up.
// Interrupted on the way, it takes down what it started.
func (c *cli) up(ctx context.Context, names []string) error {
	began := time.Now()
	started := false
	switch err := c.client.Start(ctx, names...); {
	case errors.Is(err, devstack.ErrNotRunning):
		if err := c.provide(ctx, names); err != nil {
			return err
		}
		if err := c.launch(ctx, names); err != nil {
			return err
		}
		started = true
	case err != nil:
		return err
	}
	final, err := c.watch(ctx, began)
	if ctx.Err() != nil {
		if !started {
			return errors.New("interrupted; what was asked for still comes up")
		}
		fmt.Fprintln(c.out, "\ninterrupted: stopping what was started")
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return cmp.Or(c.client.Stop(stopCtx), errInterrupted)
	}
	if err != nil {
		return err
	}
	var failed []string
	for _, s := range final {
		if s.State == devstack.Failed || s.State == devstack.Retrying || s.State == devstack.Starting {
			failed = append(failed, s.Name)
			fmt.Fprintf(c.out, "\n%s %s: %s\n    log: %s\n", s.Name, s.State, s.Error, s.Log)
		}
	}
	if len(failed) == 0 && healthy(final, "catalog", "gateway", "keycloak") {
		err = c.seedOnce(ctx)
	}
	c.table(final)
	if len(failed) > 0 {
		return fmt.Errorf("%d parts are not well: %s", len(failed), strings.Join(failed, ", "))
	}
	return err
}

var errInterrupted = errors.New("interrupted; nothing is left running")

func healthy(all []devstack.Status, names ...string) bool {
	for _, s := range all {
		if slices.Contains(names, s.Name) && s.State != devstack.Healthy {
			return false
		}
	}
	return true
}

// provide installs what Debian has and this machine lacks. Where that cannot be, or something else is
// missing, nobody should wait for the whole stack's build to hear of it; who asked for some parts
// gets those that do without.
func (c *cli) provide(ctx context.Context, names []string) error {
	err := devstack.Provide(ctx, func(s devstack.Step) { fmt.Fprintln(c.out, s.Text) })
	err = errors.Join(err, devstack.Toolchains())
	if err == nil || ctx.Err() != nil || len(names) == 0 {
		return err
	}
	fmt.Fprintln(c.out, err)
	return nil
}

// launch starts the supervisor as a process of its own session and waits for its socket.
func (c *cli) launch(ctx context.Context, names []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// `go run` removes its executable when it ends; the supervisor needs one that stays.
	kept := filepath.Join(c.cfg.Data, "bin", "foyer")
	if err := copyProgram(self, kept); err != nil {
		return err
	}
	logPath := c.cfg.LogFile("foyer")
	if err := os.MkdirAll(filepath.Dir(logPath), 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(kept, append([]string{"supervise"}, names...)...)
	cmd.Dir = c.cfg.Root
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its log says why
		close(ended)
	}()
	for {
		if _, err := c.client.Status(ctx); err == nil {
			return nil
		}
		select {
		case <-ended:
			tail, _ := devstack.Tail(logPath, 3)
			return fmt.Errorf("the supervisor ended: %s", strings.Join(tail, "\n"))
		case <-ctx.Done():
			_ = cmd.Process.Signal(syscall.SIGTERM)
			<-ended
			return errInterrupted
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func copyProgram(from, to string) error {
	if from == to {
		return nil
	}
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return devstack.ReplaceFile(to, raw, 0o755)
}

// watch shows the parts until all have settled.
func (c *cli) watch(ctx context.Context, began time.Time) ([]devstack.Status, error) {
	view := newView(c.out)
	for {
		all, err := c.client.Status(ctx)
		if err != nil {
			return nil, err
		}
		view.show(all, time.Since(began))
		if !slices.ContainsFunc(all, func(s devstack.Status) bool { return !s.Settled() }) {
			view.done(all, time.Since(began))
			return all, nil
		}
		if err := worker.Sleep(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func (c *cli) down(ctx context.Context, wipe bool) error {
	err := c.client.Stop(ctx)
	switch {
	case errors.Is(err, devstack.ErrNotRunning):
		fmt.Fprintln(c.out, "nothing runs")
	case err != nil:
		return err
	default:
		fmt.Fprintln(c.out, "stopped")
	}
	if wipe {
		return devstack.Wipe(c.cfg)
	}
	return nil
}

func (c *cli) restart(ctx context.Context, name string) error {
	began := time.Now()
	if err := c.client.Restart(ctx, name); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s is healthy again after %s\n", name, time.Since(began).Round(100*time.Millisecond))
	return nil
}

func (c *cli) logs(ctx context.Context, name string, tailOnly bool) error {
	path := c.cfg.LogFile(name)
	tail, err := devstack.Tail(path, 200)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s has no log; names are in `foyer status`", name)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out, strings.Join(tail, "\n"))
	if tailOnly {
		return nil
	}
	return devstack.Follow(ctx, c.out, path)
}
