package devstack

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"
)

func (s *Stack) redis() Part {
	cfg := &s.Config
	dir := cfg.path("redis")
	return Part{
		Name: "redis", Tier: Infrastructure, Ports: []int{cfg.Ports.Redis},
		Prepare: func(context.Context, func(Step)) error {
			if _, err := exec.LookPath("redis-server"); err != nil {
				return fmt.Errorf("redis is not installed (Debian: apt-get install redis-server): %w", err)
			}
			// A file, since the password would show in the process list.
			return writeConfig(filepath.Join(dir, "redis.conf"), fmt.Sprintf(
				"bind %s\nport %d\ndir %s\nappendonly yes\nsave \"\"\nrequirepass %s\ndaemonize no\n", host, cfg.Ports.Redis, dir, cfg.RedisPassword))
		},
		Command: func() (*exec.Cmd, error) { return exec.Command("redis-server", filepath.Join(dir, "redis.conf")), nil },
		Ready: func(ctx context.Context) error {
			reply, err := exchange(ctx, cfg.Ports.Redis, []byte("AUTH "+cfg.RedisPassword+"\r\nPING\r\n"), len("+OK\r\n+PONG\r\n"))
			if err == nil && !strings.Contains(string(reply), "PONG") {
				err = fmt.Errorf("redis answered %q", reply)
			}
			return err
		},
	}
}

func (s *Stack) kafka() Part {
	cfg := &s.Config
	dir := cfg.path("kafka")
	properties := filepath.Join(dir, "server.properties")
	var libs string
	return Part{
		Name: "kafka", Tier: Infrastructure, Ports: []int{cfg.Ports.Kafka, cfg.Ports.KafkaController},
		Prepare: func(ctx context.Context, report func(Step)) (err error) {
			if libs, err = cfg.kafkaLibs(ctx, report); err != nil {
				return err
			}
			text, err := render(filepath.Join(cfg.Root, "tools", "kafka", "server.properties"), map[string]string{
				"BROKER": fmt.Sprintf("%s:%d", host, cfg.Ports.Kafka), "CONTROLLER": fmt.Sprintf("%s:%d", host, cfg.Ports.KafkaController), "DATA": filepath.Join(dir, "data"),
			})
			if err != nil {
				return err
			}
			if err := writeConfig(properties, text); err != nil {
				return err
			}
			if exists(filepath.Join(dir, "data", "meta.properties")) {
				return nil
			}
			report(Step{Text: "formatting the log directory"})
			return run(ctx, dir, "java", "-Xmx64m", "-cp", libs+"/*", "kafka.tools.StorageTool", "format", "-t", "Zm95ZXItbG9jYWwtMDAwMQ", "-c", properties)
		},
		Command: func() (*exec.Cmd, error) {
			// The second compiler costs more in a broker's first minutes than it ever earns here.
			return java(cfg, "-XX:TieredStopAtLevel=1", "-Xms128m", "-Xmx320m", "-XX:+ExitOnOutOfMemoryError", "-cp", libs+"/*", "kafka.Kafka", properties), nil
		},
		Ready:   func(ctx context.Context) error { return kafkaAnswers(ctx, cfg.Ports.Kafka) },
		Timeout: 3 * time.Minute, // while others are built
	}
}

// kafkaAnswers asks the broker for its API versions, which it tells once it serves requests.
func kafkaAnswers(ctx context.Context, port int) error {
	request := []byte{0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff} // ApiVersions v0, correlation 1, no client id
	reply, err := exchange(ctx, port, append(binary.BigEndian.AppendUint32(nil, uint32(len(request))), request...), 10)
	if err == nil && binary.BigEndian.Uint16(reply[8:]) != 0 {
		err = fmt.Errorf("kafka answered with error %d", binary.BigEndian.Uint16(reply[8:]))
	}
	return err
}

func (s *Stack) elasticsearch() Part {
	cfg := &s.Config
	home := cfg.path("elasticsearch")
	var libs, classes string
	return Part{
		Name: "elasticsearch", Tier: Infrastructure, Ports: []int{cfg.Ports.Elasticsearch, cfg.Ports.ElasticsearchNode},
		Prepare: func(ctx context.Context, report func(Step)) (err error) {
			if libs, err = cfg.maven(ctx, "elasticsearch", report); err != nil {
				return err
			}
			if classes, err = cfg.javac(ctx, "elasticsearch", libs, report); err != nil {
				return err
			}
			return os.MkdirAll(filepath.Join(home, "config"), 0o755)
		},
		Command: func() (*exec.Cmd, error) {
			return java(cfg, "-Xms384m", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError", "-Dlog4j2.disable.jmx=true", "-Des.networkaddress.cache.ttl=60",
				"-Djava.security.manager=allow", "-cp", classes+":"+libs+"/*", "Search", home, strconv.Itoa(cfg.Ports.Elasticsearch), strconv.Itoa(cfg.Ports.ElasticsearchNode)), nil
		},
		Ready:   answers(fmt.Sprintf("http://%s:%d/_cluster/health", host, cfg.Ports.Elasticsearch)),
		Timeout: 3 * time.Minute, // while others are built
	}
}

// javac compiles tools/NAME/*.java against libs.
func (c *Config) javac(ctx context.Context, name, libs string, report func(Step)) (string, error) {
	sources, err := filepath.Glob(filepath.Join(c.Root, "tools", name, "*.java"))
	if err != nil {
		return "", err
	}
	var texts [][]byte
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	return c.installed(ctx, name+"-classes-"+digest(append(texts, []byte(libs))...), report, func(dir string) error {
		report(Step{Text: "compiling " + name})
		return construct(ctx, "", "javac", append([]string{"-nowarn", "-d", dir, "-cp", libs + "/*"}, sources...)...)
	})
}

func (s *Stack) mailpit() Part {
	cfg := &s.Config
	var program string
	return Part{
		Name: "mailpit", Tier: Infrastructure, Turn: behind, Ports: []int{cfg.Ports.Mailpit, cfg.Ports.SMTP},
		URL: fmt.Sprintf("http://localhost:%d", cfg.Ports.Mailpit),
		Prepare: func(ctx context.Context, report func(Step)) (err error) {
			program, err = cfg.mailpitProgram(ctx, report)
			return err
		},
		Command: func() (*exec.Cmd, error) {
			return exec.Command(program, "--listen", fmt.Sprintf("%s:%d", host, cfg.Ports.Mailpit), "--smtp", fmt.Sprintf("%s:%d", host, cfg.Ports.SMTP),
				"--max", "5000", "--disable-version-check", "--quiet"), nil
		},
		Ready: answers(fmt.Sprintf("http://%s:%d/readyz", host, cfg.Ports.Mailpit)),
	}
}

// daprTools is no process: it is there once Dapr's programs are, on which placement, scheduler and
// every sidecar lean.
func (s *Stack) daprTools() Part {
	return Part{
		Name: "dapr", Tier: Infrastructure,
		Prepare: func(ctx context.Context, report func(Step)) error {
			programs, err := s.Config.daprTools(ctx, report)
			s.dapr.Store(programs)
			return err
		},
	}
}

func (s *Stack) placement() Part {
	cfg := &s.Config
	p := cfg.Ports
	return Part{
		Name: "placement", Tier: Platform, After: []string{"sentry"}, Ports: []int{p.Placement, p.PlacementHealth, p.PlacementMetrics, p.PlacementRaft},
		Command: func() (*exec.Cmd, error) {
			return s.identified("dapr-placement", lean(cfg, exec.Command(s.dapr.Load().path("placement"), append(s.controlPlaneTLS(),
				"--listen-address", host, "--port", strconv.Itoa(p.Placement),
				"--healthz-listen-address", host, "--healthz-port", strconv.Itoa(p.PlacementHealth),
				"--metrics-listen-address", host, "--metrics-port", strconv.Itoa(p.PlacementMetrics),
				"--initial-cluster", fmt.Sprintf("dapr-placement-0=%s:%d", host, p.PlacementRaft))...)))
		},
		Ready: answers(fmt.Sprintf("http://%s:%d/healthz", host, p.PlacementHealth)),
	}
}

func (s *Stack) scheduler() Part {
	cfg := &s.Config
	p := cfg.Ports
	return Part{
		Name: "scheduler", Tier: Platform, After: []string{"sentry"}, Ports: []int{p.Scheduler, p.SchedulerHealth, p.SchedulerMetrics, p.SchedulerEtcd, p.SchedulerEtcdClient},
		Command: func() (*exec.Cmd, error) {
			return s.identified("dapr-scheduler", lean(cfg, exec.Command(s.dapr.Load().path("scheduler"), append(s.controlPlaneTLS(),
				"--listen-address", host, "--port", strconv.Itoa(p.Scheduler),
				"--override-broadcast-host-port", fmt.Sprintf("%s:%d", host, p.Scheduler),
				"--healthz-listen-address", host, "--healthz-port", strconv.Itoa(p.SchedulerHealth),
				"--metrics-listen-address", host, "--metrics-port", strconv.Itoa(p.SchedulerMetrics),
				"--etcd-data-dir", cfg.path("scheduler"), "--etcd-client-port", strconv.Itoa(p.SchedulerEtcdClient), "--etcd-client-listen-address", host,
				"--etcd-initial-cluster", fmt.Sprintf("dapr-scheduler-server-0=https://%s:%d", host, p.SchedulerEtcd),
				"--etcd-space-quota", "2Gi", "--identity-directory-write", cfg.path("scheduler", "identity"))...)))
		},
		Ready: answers(fmt.Sprintf("http://%s:%d/healthz", host, p.SchedulerHealth)),
	}
}

// java prepares a Java process tuned for starting fast on few cores and staying small.
func java(cfg *Config, args ...string) *exec.Cmd {
	cmd := exec.Command("java", append([]string{"-XX:+UseSerialGC", "-XX:ReservedCodeCacheSize=96m", "-Xshare:auto"}, args...)...)
	cmd.Dir = cfg.Data
	return cmd
}

// lean gives a Go process that is not ours a soft memory limit.
func lean(cfg *Config, cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = cfg.Data
	cmd.Env = append(os.Environ(), "GOMEMLIMIT=160MiB", "GOGC=100")
	return cmd
}

// answers is a readiness check: any 2xx from url.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode/100 != 2 {
			text, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
			return fmt.Errorf("%s answers %s: %s", url, resp.Status, strings.TrimSpace(string(text)))
		}
		return nil
	}
}

// exchange sends bytes to a local port and reads n bytes back.
func exchange(ctx context.Context, port int, send []byte, n int) ([]byte, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(2 * time.Second)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if _, err := conn.Write(send); err != nil {
		return nil, err
	}
	reply := make([]byte, n)
	_, err = io.ReadFull(conn, reply)
	return reply, err
}

// render fills {{.NAME}} in a file of the tree.
func render(path string, values map[string]string) (string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	tmpl, err := template.New(filepath.Base(path)).Option("missingkey=error").Parse(string(raw))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = tmpl.Execute(&out, values)
	return out.String(), err
}

func writeConfig(path, text string) error { return ReplaceFile(path, []byte(text), 0o600) }

// ReplaceFile puts a file in place whole, with its directory: a process that is just starting may be
// reading, or running, the one before.
func ReplaceFile(path string, raw []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", raw, mode); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
