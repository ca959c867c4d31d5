package devstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// gateway runs nginx with gateway/nginx.conf. All files of gateway/ are copied to the data directory with
// ${FOYER_…} replaced by this stack's values, so one configuration serves every environment.
func (s *Stack) gateway() Part {
	cfg := &s.Config
	dir := cfg.path("gateway")
	args := []string{"-e", "stderr", "-p", dir + "/", "-c", filepath.Join(dir, "nginx.conf"), "-g", "daemon off;"}
	return Part{
		Name: "gateway", Tier: Edge, Turn: ahead, Ports: []int{cfg.Ports.Gateway, cfg.Ports.Keycloak}, URL: cfg.PublicURL,
		Hold: true, Handover: syscall.SIGQUIT,
		Prepare: func(ctx context.Context, _ func(Step)) error {
			source := filepath.Join(cfg.Root, "gateway")
			if !exists(filepath.Join(source, "nginx.conf")) {
				return ErrAbsent
			}
			if _, err := exec.LookPath("nginx"); err != nil {
				return fmt.Errorf("nginx is not installed (Debian: apt-get install nginx): %w", err)
			}
			for _, name := range []string{"tmp", "cache"} {
				if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
					return err
				}
			}
			if err := substitute(source, dir, s.gatewayValues()); err != nil {
				return err
			}
			if text, err := exec.CommandContext(ctx, "nginx", append(args, "-t", "-q")...).CombinedOutput(); err != nil {
				return fmt.Errorf("nginx -t: %w\n%s", err, text)
			}
			return nil
		},
		Command: func() (*exec.Cmd, error) { return exec.Command("nginx", args...), nil },
		Ready: func(ctx context.Context) error {
			request := "GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"
			if cfg.ProxyProtocol {
				request = "PROXY UNKNOWN\r\n" + request
			}
			_, err := exchange(ctx, cfg.Ports.Gateway, []byte(request), len("HTTP/1."))
			return err
		},
	}
}

func (s *Stack) gatewayValues() map[string]string {
	cfg := &s.Config
	address := func(port int) string { return fmt.Sprintf("%s:%d", host, port) }
	values := map[string]string{
		"FOYER_HOST":               host,
		"FOYER_PORT":               fmt.Sprint(cfg.Ports.Gateway),
		"FOYER_PUBLIC_URL":         cfg.PublicURL,
		"FOYER_WEB_ROOT":           filepath.Join(cfg.Root, "web", "dist"),
		"FOYER_GATEWAY_DIR":        cfg.path("gateway"),
		"FOYER_KEYCLOAK_ADDR":      address(cfg.Ports.KeycloakHTTP),
		"FOYER_SIGN_IN_PORT":       fmt.Sprint(cfg.Ports.Keycloak),
		"FOYER_SIGN_IN_URL":        cfg.SignInURL,
		"FOYER_STRIPESIM_FORM_URL": "",
		"FOYER_USER":               "nobody",
		"FOYER_LISTEN_OPTIONS":     "",
		"FOYER_TRUSTED_PROXIES":    trusted(cfg.TrustedProxies, cfg.ProxyProtocol),
		"FOYER_UNLIMITED":          "",
		"FOYER_OPEN_FILES":         fmt.Sprint(openFiles()),
		"FOYER_CONNECTIONS":        fmt.Sprint(openFiles() / 4),
	}
	if cfg.Simulated() {
		values["FOYER_STRIPESIM_FORM_URL"] = fmt.Sprintf("http://localhost:%d", cfg.Ports.StripeForm)
	}
	if cfg.ProxyProtocol {
		values["FOYER_LISTEN_OPTIONS"] = " proxy_protocol"
	}
	// Developers and tests come from this machine, and for nobody else. Where the platform has a public
	// address, so may a proxy.
	if u, err := url.Parse(cfg.PublicURL); err == nil && slices.Contains([]string{"localhost", host}, u.Hostname()) && !cfg.ProxyProtocol {
		values["FOYER_UNLIMITED"] = `"127.0.0.1|" ""; "::1|" "";`
	}
	if me, err := user.Current(); err == nil {
		values["FOYER_USER"] = me.Username
	}
	for _, app := range s.Apps {
		name := "FOYER_" + strings.ToUpper(strings.ReplaceAll(app.ID, "-", "_")) + "_SERVERS"
		values[name] += "server " + address(app.Port) + " max_fails=0; "
	}
	return values
}

// trusted returns the addresses whose forwarded client address the gateway trusts.
func trusted(proxies []string, proxyProtocol bool) string {
	if len(proxies) == 0 {
		return ""
	}
	var lines strings.Builder
	for _, address := range proxies {
		fmt.Fprintf(&lines, "set_real_ip_from %s; ", address)
	}
	if proxyProtocol {
		return lines.String() + "real_ip_header proxy_protocol;"
	}
	return lines.String() + "real_ip_header X-Forwarded-For; real_ip_recursive on;"
}

// openFiles is the limit of open files of an nginx worker: enough for one machine, and no more than the system
// allows.
func openFiles() uint64 {
	const plenty = 65536
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Max > plenty {
		return plenty
	}
	return limit.Max
}

var placeholder = regexp.MustCompile(`\$\{(FOYER_[A-Z0-9_]+)\}`)

// substitute copies a directory, replacing ${FOYER_…}; an unknown name is an error.
func substitute(source, target string, values map[string]string) error {
	return filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var unknown error
		text := placeholder.ReplaceAllStringFunc(string(raw), func(found string) string {
			value, ok := values[found[2:len(found)-1]]
			if !ok {
				unknown = fmt.Errorf("%s: %s is not known", path, found)
			}
			return value
		})
		if unknown != nil {
			return unknown
		}
		relative, err := filepath.Rel(source, path)
		if err != nil {
			return err
		}
		return writeConfig(filepath.Join(target, relative), text)
	})
}

// web builds the web application. It consists of files; there is no process.
func (s *Stack) web() Part {
	cfg := &s.Config
	dir := filepath.Join(cfg.Root, "web")
	return Part{
		Name: "web", Tier: Edge,
		Prepare: func(ctx context.Context, report func(Step)) error {
			if !exists(filepath.Join(dir, "package.json")) {
				return ErrAbsent
			}
			stamp := filepath.Join(dir, "dist", ".built-from")
			sources, err := fingerprint(dir, "node_modules", "dist")
			if err != nil {
				return err
			}
			if have, err := os.ReadFile(stamp); err == nil && string(have) == sources {
				return nil
			}
			// npm writes its own copy of the lock file, which tells when it last installed.
			if !newer(filepath.Join(dir, "node_modules", ".package-lock.json"), filepath.Join(dir, "package-lock.json")) {
				report(Step{Text: "installing the web application's packages", Work: workOf["web"]})
				if err := construct(ctx, dir, "npm", "ci", "--no-audit", "--no-fund"); err != nil {
					return err
				}
			}
			report(Step{Text: "building the web application", Work: workOf["web"]})
			if err := construct(ctx, dir, "npm", "run", "bundle"); err != nil { // types are lint's to check
				return err
			}
			return os.WriteFile(stamp, []byte(sources), 0o644)
		},
	}
}

// newer reports whether both files exist and a is not older than b.
func newer(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && !infoA.ModTime().Before(infoB.ModTime())
}

// fingerprint returns a digest of the names, sizes and times of the files below dir.
func fingerprint(dir string, skip ...string) (string, error) {
	hash := sha256.New()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		for _, name := range skip {
			if entry.IsDir() && entry.Name() == name {
				return fs.SkipDir
			}
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() && filepath.Ext(path) != ".tsbuildinfo" { // the type checker's notes
			fmt.Fprintln(hash, path, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
	return hex.EncodeToString(hash.Sum(nil)), err
}
