package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// keycloak runs from a home of its own, whose programs are links to the installed and already
// augmented distribution: realm files and scratch data then belong to this stack alone.
// Realm files may use ${NAME} for the variables of its environment.
func (s *Stack) keycloak(secrets *Secrets) Part {
	cfg := &s.Config
	home := cfg.path("keycloak")
	return Part{
		Name: "keycloak", Tier: Platform, After: []string{"postgres"},
		Ports: []int{cfg.Ports.KeycloakHTTP, cfg.Ports.KeycloakManagement},
		URL:   cfg.KeycloakURL(),
		Prepare: func(ctx context.Context, report func(Step)) error {
			dist, err := cfg.keycloakDist(ctx, report)
			if err != nil {
				return err
			}
			for _, name := range []string{"lib", "conf", "providers", "bin"} {
				if err := replaceLink(filepath.Join(dist, name), filepath.Join(home, name)); err != nil {
					return err
				}
			}
			themes := filepath.Join(cfg.Root, "keycloak", "themes")
			if !exists(themes) {
				themes = filepath.Join(dist, "themes")
			}
			if err := replaceLink(themes, filepath.Join(home, "themes")); err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Join(home, "data"), 0o755); err != nil {
				return err
			}
			// Compressed theme files, which Keycloak would go on serving after the theme has changed.
			if err := os.RemoveAll(filepath.Join(home, "data", "tmp", "kc-gzip-cache")); err != nil {
				return err
			}
			if err := replaceLink(filepath.Join(cfg.Root, "keycloak", "password-blacklists"), filepath.Join(home, "data", "password-blacklists")); err != nil {
				return err
			}
			return writeRealm(cfg.Root, home)
		},
		Command: func() (*exec.Cmd, error) {
			cmd := keycloakJava(home, "start", "--optimized", "--import-realm", "--cache=local",
				"--db-url", fmt.Sprintf("jdbc:postgresql://%s:%d/keycloak", host, cfg.Ports.Postgres), "--db-username", cfg.DatabaseUser,
				"--db-pool-initial-size=1", "--db-pool-max-size=40",
				// A request has one connection, two for a moment where it writes what must stay if it fails. With more
				// threads than that, simultaneous sign-ins wait for connections and get a 500 after five seconds. They should wait
				// for a thread instead, if it need not for longer than the gateway does.
				"--http-pool-max-threads=16", "--http-max-queued-requests=300",
				"--http-enabled=true", "--http-host", host, fmt.Sprintf("--http-port=%d", cfg.Ports.KeycloakHTTP),
				"--http-management-port", fmt.Sprint(cfg.Ports.KeycloakManagement),
				// People come through the gateway, and from nobody else is the client's address taken.
				"--hostname", cfg.SignInURL, "--hostname-admin", cfg.KeycloakURL(), "--proxy-headers=xforwarded", "--proxy-trusted-addresses", host,
				"--log-level=info,org.keycloak.events:off,io.smallrye.health:error", "--spi-theme--static-max-age=60")
			cmd.Env = append(os.Environ(),
				"KC_DB_PASSWORD="+cfg.DatabasePassword,
				"QUARKUS_DATASOURCE_JDBC_VALIDATE_ON_BORROW=true", // a database that was away must not cost a sign-in for each old connection
				"KC_BOOTSTRAP_ADMIN_USERNAME=admin", "KC_BOOTSTRAP_ADMIN_PASSWORD="+cfg.AdminPassword,
				"KEYCLOAK_ADMIN_CLIENT_SECRET="+secrets.KeycloakAdminClient, "KEYCLOAK_WEB_CLIENT_SECRET="+secrets.KeycloakWebClient,
				"FOYER_PUBLIC_URL="+cfg.PublicURL, "FOYER_KEYCLOAK_ADMIN_URL="+cfg.KeycloakURL(), "FOYER_SMTP_HOST="+host, fmt.Sprintf("FOYER_SMTP_PORT=%d", cfg.Ports.SMTP))
			return cmd, nil
		},
		Ready:   answers(fmt.Sprintf("http://%s:%d/health/ready", host, cfg.Ports.KeycloakManagement)),
		Timeout: 10 * time.Minute, // the first start, on a busy machine
	}
}

func replaceLink(target, link string) error {
	if have, err := os.Readlink(link); err == nil && have == target {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(link); err != nil {
		return err
	}
	return os.Symlink(target, link)
}

// keycloakDist unpacks the distribution and augments it once for our choice of build options,
// which makes later starts several times faster.
func (c *Config) keycloakDist(ctx context.Context, report func(Step)) (string, error) {
	key, err := c.mavenKey("keycloak")
	if err != nil {
		return "", err
	}
	versions, err := c.versions()
	if err != nil {
		return "", err
	}
	options := []string{"--db=postgres", "--health-enabled=true", "--metrics-enabled=true", "--cache=local", "--features-disabled=kerberos"}
	dir, err := c.installed(ctx, "keycloak-dist-"+digest([]byte(filepath.Join(c.Cache, key)), []byte(strings.Join(options, " "))), report, func(dir string) error {
		reason := &unreleasedError{"there already"}
		if !exists(filepath.Join(c.Cache, key)) {
			err := c.release(ctx, "keycloak", versions["keycloak"], dir, report)
			if err != nil && !errors.As(err, &reason) {
				return err
			}
			if err == nil {
				reason = nil
			}
		}
		if reason != nil {
			zips, err := c.maven(ctx, "keycloak", because(reason, report))
			if err != nil {
				return err
			}
			archives, err := filepath.Glob(filepath.Join(zips, "*.zip"))
			if err != nil || len(archives) != 1 {
				return fmt.Errorf("one archive expected in %s, found %v", zips, archives)
			}
			report(Step{Text: "unpacking Keycloak"})
			if err := construct(ctx, dir, "jar", "xf", archives[0]); err != nil {
				return err
			}
		}
		homes, err := filepath.Glob(filepath.Join(dir, "keycloak-*"))
		if err != nil || len(homes) != 1 {
			return fmt.Errorf("one directory expected in Keycloak's archive, found %v", homes)
		}
		if err := os.Rename(homes[0], filepath.Join(dir, "home")); err != nil {
			return err
		}
		report(Step{Text: "augmenting Keycloak for PostgreSQL", Work: workOf["keycloak-dist"]})
		return runCmd(ctx, keycloakJava(filepath.Join(dir, "home"), append([]string{"build"}, options...)...), builders())
	})
	return filepath.Join(dir, "home"), err
}

// keycloakJava does what bin/kc.sh does, without the shell that would stay in between and
// swallow signals.
func keycloakJava(home string, args ...string) *exec.Cmd {
	cmd := exec.Command("java", append([]string{
		"-Xms64m", "-Xmx384m", "-XX:MetaspaceSize=96M", "-XX:MaxMetaspaceSize=256m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Xshare:auto",
		"-Dfile.encoding=UTF-8", "-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
		"--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
		"--add-opens=java.base/java.security=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED", "--enable-native-access=ALL-UNNAMED",
		"-Duser.language=en", "-Duser.country=US", "-Dkc.home.dir=" + home, "-Djboss.server.config.dir=" + filepath.Join(home, "conf"),
		"-Djava.util.logging.manager=org.jboss.logmanager.LogManager", "-Dpicocli.disable.closures=true",
		"-cp", filepath.Join(home, "lib", "quarkus-run.jar"), "io.quarkus.bootstrap.runner.QuarkusEntryPoint",
	}, args...)...)
	cmd.Dir = home
	return cmd
}
