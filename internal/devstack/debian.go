package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// debianNeed is a program that comes as a Debian package, and what makes it tell its version.
type debianNeed struct{ program, pkg, version string }

// toolchains are the programs that the stack is built with and that Debian's packages of may be too
// old, and where they are.
var toolchains = []struct{ program, remedy, version string }{
	{"go", "install Go 1.26 or later: https://go.dev/doc/install", "version"},
	{"node", "install Node.js 20 or later: https://nodejs.org", "--version"},
	{"npm", "comes with Node.js", "--version"},
}

// Toolchains says which of them are missing, and where to get them.
func Toolchains() error {
	var missing []error
	for _, tool := range toolchains {
		if _, err := exec.LookPath(tool.program); err != nil {
			missing = append(missing, fmt.Errorf("%s is missing: %s", tool.program, tool.remedy))
		}
	}
	return errors.Join(missing...)
}

// debianNeeds are the programs that the stack takes from Debian. PostgreSQL is looked for apart:
// Debian keeps its programs out of the PATH.
func debianNeeds() []debianNeed {
	return []debianNeed{
		{"javac", "openjdk-17-jdk-headless", "-version"}, {"mvn", "maven", "-v"},
		{"redis-server", "redis-server", "--version"}, {"nginx", "nginx", "-v"},
	}
}

// missingPackages are the Debian packages whose programs look does not find.
func missingPackages(look func(program string) error, postgres error) []string {
	var missing []string
	for _, need := range debianNeeds() {
		if look(need.program) != nil {
			missing = append(missing, need.pkg)
		}
	}
	if postgres != nil {
		missing = append(missing, "postgresql")
	}
	return missing
}

// Provide installs the Debian packages that are missing, as root or by a sudo that asks for no
// password. Where neither is to be had, or there is no apt, the error says what a person is to do.
// The packages' own services are not started: each stack runs its own.
func Provide(ctx context.Context, report func(Step)) error {
	_, postgres := postgresBin()
	missing := missingPackages(func(program string) error {
		_, err := exec.LookPath(program)
		return err
	}, postgres)
	if len(missing) == 0 {
		return nil
	}
	apt := []string{"env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"}
	byHand := errors.New("please install: sudo apt-get install " + strings.Join(missing, " "))
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("%w (in this system's own way)", byHand)
	}
	if os.Geteuid() != 0 {
		if exec.CommandContext(ctx, "sudo", "-n", "true").Run() != nil {
			return byHand
		}
		apt = append([]string{"sudo", "-n"}, apt...)
	}
	report(Step{Text: "installing " + strings.Join(missing, " ")})
	apt = apt[:len(apt):len(apt)]
	if err := run(ctx, "", apt[0], append(apt[1:], "update", "-q")...); err != nil {
		return fmt.Errorf("%w: %w", byHand, err)
	}
	// Packages half installed would be worse than the wait.
	whole := context.WithoutCancel(ctx)
	if err := run(whole, "", apt[0], append(apt[1:], append([]string{"install", "-q", "-y", "--no-install-recommends"}, missing...)...)...); err != nil {
		return fmt.Errorf("%w: %w", byHand, err)
	}
	return ctx.Err()
}
