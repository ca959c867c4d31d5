package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// debianNeed is a program from a Debian package, and the arguments that print its version.
type debianNeed struct{ program, pkg, version string }

// toolchains are the build tools whose Debian packages may be too old, with their download pages.
var toolchains = []struct{ program, remedy, version string }{
	{"go", "install Go 1.26 or later: https://go.dev/doc/install", "version"},
	{"node", "install Node.js 20 or later: https://nodejs.org", "--version"},
	{"npm", "comes with Node.js", "--version"},
}

// Toolchains returns the missing build tools, and where to get them.
func Toolchains() error {
	var missing []error
	for _, tool := range toolchains {
		if _, err := exec.LookPath(tool.program); err != nil {
			missing = append(missing, fmt.Errorf("%s is missing: %s", tool.program, tool.remedy))
		}
	}
	return errors.Join(missing...)
}

// debianNeeds are the programs that the stack takes from Debian. PostgreSQL is handled separately, because
// Debian installs its programs outside of the PATH.
func debianNeeds() []debianNeed {
	return []debianNeed{
		{"javac", "openjdk-17-jdk-headless", "-version"}, {"mvn", "maven", "-v"},
		{"redis-server", "redis-server", "--version"}, {"nginx", "nginx", "-v"},
	}
}

// missingPackages returns the Debian packages whose programs look does not find.
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

// Provide installs the missing Debian packages, as root or with a sudo that asks for no password. If it
// cannot, the error says what to install. The packages' own services are not started, since each stack runs
// its own.
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
	// Do not cancel: partly installed packages would be worse than waiting.
	whole := context.WithoutCancel(ctx)
	if err := run(whole, "", apt[0], append(apt[1:], append([]string{"install", "-q", "-y", "--no-install-recommends"}, missing...)...)...); err != nil {
		return fmt.Errorf("%w: %w", byHand, err)
	}
	return ctx.Err()
}
