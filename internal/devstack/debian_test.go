package devstack

import (
	"errors"
	"os/exec"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMissingPackages(t *testing.T) {
	absent := errors.New("no postgres")
	for name, tc := range map[string]struct {
		have     []string
		postgres error
		want     []string
	}{
		"all there":         {have: []string{"javac", "mvn", "redis-server", "nginx"}},
		"no database":       {have: []string{"javac", "mvn", "redis-server", "nginx"}, postgres: absent, want: []string{"postgresql"}},
		"only a JDK":        {have: []string{"javac"}, postgres: absent, want: []string{"maven", "redis-server", "nginx", "postgresql"}},
		"nothing whatever":  {postgres: absent, want: []string{"openjdk-17-jdk-headless", "maven", "redis-server", "nginx", "postgresql"}},
		"one of the others": {have: []string{"javac", "mvn", "nginx"}, want: []string{"redis-server"}},
	} {
		t.Run(name, func(t *testing.T) {
			look := func(program string) error {
				if slices.Contains(tc.have, program) {
					return nil
				}
				return exec.ErrNotFound
			}
			assert.Equal(t, tc.want, missingPackages(look, tc.postgres))
		})
	}
}
