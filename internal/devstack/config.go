package devstack

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Config has all settings of a stack. It is read once, from the environment and then from the file .env at the
// tree's root; other code reads neither.
type Config struct {
	Root  string `env:"FOYER_ROOT"`  // the tree; found upwards from the working directory
	Data  string `env:"FOYER_DATA"`  // databases, logs, secrets, binaries of this stack; default ROOT/.foyer
	Cache string `env:"FOYER_CACHE"` // downloaded and built parts, shared by all stacks; default under the user's cache directory

	Releases string `env:"FOYER_RELEASES"` // where to look for the archives of tools/releases.yaml instead of the projects' pages; none: nowhere

	Components string `env:"PUBSUB" envDefault:"kafka"` // kafka, redis or jetstream: which components folder the sidecars read

	PublicURL string `env:"FOYER_PUBLIC_URL"`  // default http://localhost:FOYER_PORT
	SignInURL string `env:"FOYER_SIGN_IN_URL"` // of the hosted pages, and so the issuer's; default http://localhost:FOYER_KEYCLOAK_PORT
	Ports     Ports

	// In front of the gateway, where there is anything.
	TrustedProxies []string `env:"FOYER_TRUSTED_PROXIES"` // addresses or networks whose X-Forwarded-For is believed
	ProxyProtocol  bool     `env:"FOYER_PROXY_PROTOCOL"`  // they speak the PROXY protocol

	PortOffset int `env:"FOYER_PORT_OFFSET"` // added to every port, those of dapr.yaml too: a second stack beside the first

	DatabaseUser     string `env:"FOYER_DATABASE_USER" envDefault:"foyer"`
	DatabasePassword string `env:"FOYER_DATABASE_PASSWORD" envDefault:"foyer-local"`
	RedisPassword    string `env:"FOYER_REDIS_PASSWORD" envDefault:"foyer-local"`
	AdminPassword    string `env:"FOYER_KEYCLOAK_ADMIN_PASSWORD" envDefault:"foyer-local"`

	StripeSecretKey      string `env:"STRIPE_SECRET_KEY"` // a real one switches the simulator off
	StripePublishableKey string `env:"STRIPE_PUBLISHABLE_KEY"`
	StripeWebhookSecret  string `env:"STRIPE_WEBHOOK_SECRET"`

	Replicas map[string]int `env:"FOYER_REPLICAS" envKeyValSeparator:"="` // of services, for instance booking=2,catalog=2; one where nothing is said

	LogLevel     string `env:"FOYER_LOG_LEVEL" envDefault:"INFO"`
	OTLPEndpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`

	ExtraEnv map[string]string `env:"-"` // for tests: given to every service
	NextPort func() int        `env:"-"` // for tests: where services and sidecars listen, instead of dapr.yaml's ports
}

// Ports of the parts that are not services; services have theirs in dapr/dapr.yaml. All are below the
// ephemeral port range of the system.
type Ports struct {
	Gateway             int `env:"FOYER_PORT" envDefault:"8080"`
	Keycloak            int `env:"FOYER_KEYCLOAK_PORT" envDefault:"8081"`      // the gateway's, for what people need of it
	KeycloakHTTP        int `env:"FOYER_KEYCLOAK_HTTP_PORT" envDefault:"8083"` // its own, with the console and for the services
	KeycloakManagement  int `env:"FOYER_KEYCLOAK_MANAGEMENT_PORT" envDefault:"8082"`
	Mailpit             int `env:"FOYER_MAILPIT_PORT" envDefault:"8025"`
	SMTP                int `env:"FOYER_SMTP_PORT" envDefault:"1025"`
	StripeAPI           int `env:"FOYER_STRIPESIM_PORT" envDefault:"12111"`
	StripeForm          int `env:"FOYER_STRIPESIM_FORM_PORT" envDefault:"12112"`
	Postgres            int `env:"FOYER_POSTGRES_PORT" envDefault:"15432"`
	Redis               int `env:"FOYER_REDIS_PORT" envDefault:"16379"`
	Kafka               int `env:"FOYER_KAFKA_PORT" envDefault:"19092"`
	KafkaController     int `env:"FOYER_KAFKA_CONTROLLER_PORT" envDefault:"19093"`
	Elasticsearch       int `env:"FOYER_ELASTICSEARCH_PORT" envDefault:"19200"`
	ElasticsearchNode   int `env:"FOYER_ELASTICSEARCH_NODE_PORT" envDefault:"19300"`
	NATS                int `env:"FOYER_NATS_PORT" envDefault:"14222"`
	Sentry              int `env:"FOYER_SENTRY_PORT" envDefault:"15004"`
	SentryHealth        int `env:"FOYER_SENTRY_HEALTH_PORT" envDefault:"15014"`
	Placement           int `env:"FOYER_PLACEMENT_PORT" envDefault:"15005"`
	PlacementHealth     int `env:"FOYER_PLACEMENT_HEALTH_PORT" envDefault:"15015"`
	PlacementMetrics    int `env:"FOYER_PLACEMENT_METRICS_PORT" envDefault:"15025"`
	PlacementRaft       int `env:"FOYER_PLACEMENT_RAFT_PORT" envDefault:"15035"`
	Scheduler           int `env:"FOYER_SCHEDULER_PORT" envDefault:"15006"`
	SchedulerHealth     int `env:"FOYER_SCHEDULER_HEALTH_PORT" envDefault:"15016"`
	SchedulerMetrics    int `env:"FOYER_SCHEDULER_METRICS_PORT" envDefault:"15026"`
	SchedulerEtcd       int `env:"FOYER_SCHEDULER_ETCD_PORT" envDefault:"15036"`
	SchedulerEtcdClient int `env:"FOYER_SCHEDULER_ETCD_CLIENT_PORT" envDefault:"15046"`
}

// host is the address on which every part listens.
const host = "127.0.0.1"

// Load reads the configuration for the tree around the working directory.
func Load() (Config, error) {
	root := os.Getenv("FOYER_ROOT")
	if root == "" {
		var err error
		if root, err = findRoot(); err != nil {
			return Config{}, err
		}
	}
	vars, err := dotenv(filepath.Join(root, ".env"))
	if err != nil {
		return Config{}, err
	}
	for name, value := range env.ToMap(os.Environ()) {
		vars[name] = value
	}
	cfg, err := env.ParseAsWithOptions[Config](env.Options{Environment: vars})
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	cfg.Root = root
	ports := reflect.ValueOf(&cfg.Ports).Elem()
	for i := range ports.NumField() {
		ports.Field(i).SetInt(ports.Field(i).Int() + int64(cfg.PortOffset))
	}
	return cfg, cfg.complete()
}

// complete sets fields that depend on others, and rejects invalid settings.
func (c *Config) complete() error {
	if c.Data == "" {
		c.Data = filepath.Join(c.Root, ".foyer")
	}
	if c.Cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("no cache directory, set FOYER_CACHE: %w", err)
		}
		c.Cache = filepath.Join(dir, "foyer")
	}
	for _, dir := range []*string{&c.Data, &c.Cache} {
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return err
		}
		*dir = abs
	}
	if c.PublicURL == "" {
		c.PublicURL = fmt.Sprintf("http://localhost:%d", c.Ports.Gateway)
	}
	if c.SignInURL == "" {
		c.SignInURL = fmt.Sprintf("http://localhost:%d", c.Ports.Keycloak)
	}
	c.PublicURL, c.SignInURL = strings.TrimSuffix(c.PublicURL, "/"), strings.TrimSuffix(c.SignInURL, "/")
	switch c.Components {
	case "kafka", "redis", "jetstream":
	default:
		return fmt.Errorf("PUBSUB is kafka, redis or jetstream, not %q", c.Components)
	}
	if key := c.StripeSecretKey; key != "" && !c.Simulated() && (c.StripePublishableKey == "" || c.StripeWebhookSecret == "") {
		return errors.New("STRIPE_SECRET_KEY needs STRIPE_PUBLISHABLE_KEY and STRIPE_WEBHOOK_SECRET beside it")
	}
	for _, proxy := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(proxy); err != nil {
			if _, err := netip.ParseAddr(proxy); err != nil {
				return fmt.Errorf("FOYER_TRUSTED_PROXIES: %q is neither an address nor a network", proxy)
			}
		}
	}
	if c.ProxyProtocol && len(c.TrustedProxies) == 0 {
		return errors.New("FOYER_PROXY_PROTOCOL needs FOYER_TRUSTED_PROXIES: anybody could claim any address otherwise")
	}
	for app, n := range c.Replicas {
		if n < 1 || n > maxReplicas {
			return fmt.Errorf("FOYER_REPLICAS: %s=%d is not between 1 and %d", app, n, maxReplicas)
		}
	}
	return c.Ports.check()
}

// maxReplicas is the maximum number of replicas of a service: so many fit between the ports of dapr/dapr.yaml.
const maxReplicas = 4

// simulatedKey is the secret key that the payment simulator accepts.
const simulatedKey = "sk_test_foyer_local"

// Simulated reports whether payments go to the simulator.
func (c *Config) Simulated() bool {
	return c.StripeSecretKey == "" || c.StripeSecretKey == simulatedKey
}

// componentsDir is the folder of Dapr components that this stack's sidecars read.
func (c *Config) componentsDir() string {
	name := map[string]string{"kafka": "local", "redis": "redis", "jetstream": "jetstream"}[c.Components]
	return filepath.Join(c.Root, "components", name)
}

// issuer is the issuer of every token. Only browsers make requests to this address.
func (c *Config) issuer() string { return c.SignInURL + "/realms/foyer" }

// KeycloakURL is Keycloak's own address, not through the gateway: the console, the admin API, and the
// endpoints that services use.
func (c *Config) KeycloakURL() string {
	return fmt.Sprintf("http://localhost:%d", c.Ports.KeycloakHTTP)
}

// DatabaseURL returns the address of a database.
func (c *Config) DatabaseURL(database string) string {
	return fmt.Sprintf("postgres://%s:%s@%s:%d/%s?sslmode=disable", c.DatabaseUser, c.DatabasePassword, host, c.Ports.Postgres, database)
}

func (c *Config) path(elem ...string) string {
	return filepath.Join(append([]string{c.Data}, elem...)...)
}

// LogFile returns the path of a part's log.
func (c *Config) LogFile(name string) string { return c.path("logs", name+".log") }

func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "dapr", "dapr.yaml")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("not inside the Foyer tree (no dapr/dapr.yaml upwards); set FOYER_ROOT")
		}
		dir = parent
	}
}

// dotenv reads NAME=value lines; # starts a comment line, and quotes around a value are dropped.
func dotenv(path string) (map[string]string, error) {
	vars := map[string]string{}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return vars, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(lines.Text()), "export "))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("%s:%d: not NAME=value", path, n)
		}
		vars[strings.TrimSpace(name)] = strings.Trim(strings.TrimSpace(value), `"'`)
	}
	return vars, lines.Err()
}
