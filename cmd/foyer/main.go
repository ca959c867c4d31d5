// Command foyer starts, stops and inspects the local stack: third-party infrastructure, Dapr sidecars,
// services and gateway on one machine. It also imports events, verifies tickets and replays dead letters;
// see `foyer help`. Package devstack has the logic of starting and stopping.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/foyer-tickets/foyer/internal/devstack"
)

const usage = `Foyer: the whole ticketing platform on this machine.

  foyer up [NAME...]    start everything, or some parts and their dependencies, and show the
                        addresses (--foreground runs until Ctrl-C)
  foyer down            stop everything (--wipe also deletes all data)
  foyer status          list every part: state, start time, memory
  foyer logs NAME       follow the log of one part (--tail prints only its end)
  foyer restart NAME    rebuild and restart one part; several replicas of a service
                        (FOYER_REPLICAS=booking=2) one after the other
  foyer stop NAME       stop one part until restart or up
  foyer seed            create sample venues, events and users
  foyer import FILE     import events from NDJSON, JSON, JSON-LD or iCalendar
  foyer verify CODE [KEY]
                        check that a ticket's code was signed by this platform's key, without
                        network; with KEY (GET /api/v1/tickets/key) without a platform too
  foyer dlq list [TOPIC] | replay TOPIC
                        list messages that consumers could not handle; replay publishes them again
  foyer reindex         rebuild the search index, while queries use the old one
  foyer env             print addresses and tokens as shell exports, for dapr run -f dapr
  foyer install         download and build what up needs, without starting anything
  foyer doctor          list what this machine lacks
  foyer help            show this help; so does -h or --help after any command

Settings come from the environment and .env; see docs/operations.md.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := command(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "foyer:", err)
		os.Exit(1)
	}
}

// flags lists the flags of each command; a command that is not listed does not exist.
var flags = map[string][]string{
	"up": {"--foreground"}, "supervise": nil, "down": {"--wipe"}, "status": nil, "logs": {"--tail"}, "restart": nil, "stop": nil,
	"seed": nil, "import": nil, "verify": nil, "dlq": nil, "reindex": nil, "env": nil, "install": nil, "release-sums": nil, "doctor": nil,
}

// check reports whether help is requested, and rejects unknown commands and arguments before anything is done.
func check(args []string) (help bool, err error) {
	if len(args) == 0 || args[0] == "help" || slices.Contains(args, "-h") || slices.Contains(args, "--help") {
		return true, nil
	}
	known, ok := flags[args[0]]
	if !ok {
		return false, unknown(args[0])
	}
	for _, arg := range args[1:] {
		if strings.HasPrefix(arg, "-") && !slices.Contains(known, arg) {
			return false, fmt.Errorf("foyer %s does not accept %s; see foyer help", args[0], arg)
		}
	}
	return false, nil
}

func command(ctx context.Context, args []string) error {
	help, err := check(args)
	if err != nil {
		return err
	}
	if help {
		fmt.Print(usage)
		return nil
	}
	if args[0] == "verify" && len(args) == 3 { // at a door, far from any tree
		return verify(os.Stdout, args[2], args[1])
	}
	cfg, err := devstack.Load()
	if err != nil {
		return err
	}
	c := &cli{cfg: cfg, client: devstack.NewClient(cfg), out: os.Stdout}
	name, args := args[0], args[1:]
	var names []string
	for _, arg := range args {
		if !strings.HasPrefix(arg, "-") {
			names = append(names, arg)
		}
	}
	switch name {
	case "up":
		if slices.Contains(args, "--foreground") {
			if err := c.provide(ctx, names); err != nil {
				return err
			}
			return devstack.Supervise(ctx, cfg, names...)
		}
		return c.up(ctx, names)
	case "supervise": // what up starts in the background
		return devstack.Supervise(ctx, cfg, names...)
	case "down":
		return c.down(ctx, slices.Contains(args, "--wipe"))
	case "status":
		return c.status(ctx)
	case "logs", "restart", "stop", "import", "verify":
		if len(names) != 1 {
			return fmt.Errorf("foyer %s takes %s", name, map[string]string{
				"logs": "a part's name", "restart": "a part's name", "stop": "a part's name",
				"import": "a file", "verify": "a ticket's code",
			}[name])
		}
		what := names[0]
		switch name {
		case "logs":
			return c.logs(ctx, what, slices.Contains(args, "--tail"))
		case "restart":
			return c.restart(ctx, what)
		case "stop":
			return c.client.Halt(ctx, what)
		case "verify":
			return c.verify(what)
		default:
			return c.importFile(ctx, what)
		}
	case "seed":
		return c.seed(ctx)
	case "dlq":
		return c.deadLetters(ctx, names)
	case "reindex":
		return c.reindex(ctx)
	case "env":
		return c.env()
	case "install":
		return c.install(ctx)
	case "release-sums": // for who changes a version: make release-sums
		return c.releaseSums(ctx)
	case "doctor":
		return c.doctor(ctx)
	}
	return unknown(name)
}

func unknown(name string) error { return fmt.Errorf("unknown command %s; see foyer help", name) }
