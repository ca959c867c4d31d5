package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Databases of the platform, all in one server here; each could move to its own.
var databases = []string{"auth", "catalog", "booking", "payment", "notification", "dapr", "keycloak"}

func (s *Stack) postgres() Part {
	cfg := &s.Config
	var bin string
	return Part{
		Name: "postgres", Tier: Infrastructure, Ports: []int{cfg.Ports.Postgres}, Signal: syscall.SIGINT,
		Prepare: func(ctx context.Context, report func(Step)) (err error) {
			if bin, err = postgresBin(); err != nil {
				return err
			}
			report(Step{Text: "creating the database cluster"})
			return initPostgres(ctx, cfg, bin)
		},
		Command: func() (*exec.Cmd, error) {
			dir := postgresDir(cfg)
			cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", dir,
				"-c", "listen_addresses="+host, "-c", fmt.Sprintf("port=%d", cfg.Ports.Postgres), "-c", "unix_socket_directories=",
				"-c", "wal_level=logical", "-c", "max_replication_slots=20", "-c", "max_wal_senders=20",
				"-c", "max_connections=300", "-c", "shared_buffers=128MB", "-c", "log_line_prefix=%m [%p] %d ",
				// An error's details quote rows, and its statement may have values in it: not for a log.
				"-c", "log_error_verbosity=terse", "-c", "log_min_error_statement=panic", "-c", "log_parameter_max_length=0", "-c", "log_parameter_max_length_on_error=0",
				"-c", "idle_in_transaction_session_timeout=60s", "-c", "hot_standby=off")
			return cmd, asDatabaseUser(cmd, dir)
		},
		Ready: func(ctx context.Context) error {
			conn, err := pgx.Connect(ctx, cfg.DatabaseURL("postgres"))
			if err != nil {
				return err
			}
			return conn.Close(ctx)
		},
		Settle: func(ctx context.Context) error { return createDatabases(ctx, cfg) },
	}
}

// postgresBin finds the server's programs: Debian keeps them out of PATH, by version.
func postgresBin() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int { return postgresMajor(b) - postgresMajor(a) })
	for _, dir := range dirs {
		if exists(filepath.Join(dir, "postgres")) {
			return dir, nil
		}
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("PostgreSQL is not installed (Debian: apt-get install postgresql)")
}

func postgresMajor(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

// postgresDir is in the data directory, unless we are root, since the server then runs as
// another user, who may not be able to reach it.
func postgresDir(cfg *Config) string {
	dir := cfg.path("postgres")
	if os.Getuid() != 0 || reachable(cfg.Data) {
		return dir
	}
	return filepath.Join("/var/tmp", "foyer-"+digest([]byte(cfg.Data)), "postgres")
}

// reachable tells whether every user may walk to dir.
func reachable(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err == nil && info.Mode().Perm()&0o001 == 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

// asDatabaseUser makes a command run as the system's postgres user when we are root: the
// server refuses root.
func asDatabaseUser(cmd *exec.Cmd, dir string) error {
	cmd.Dir = dir
	if os.Getuid() != 0 {
		return nil
	}
	uid, gid, err := databaseUser()
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return nil
}

func databaseUser() (uid, gid int, err error) {
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(account.Uid)
		if err != nil {
			return 0, 0, err
		}
		gid, err := strconv.Atoi(account.Gid)
		return uid, gid, err
	}
	return 0, 0, errors.New("running as root, and no user postgres to run the database as")
}

func initPostgres(ctx context.Context, cfg *Config, bin string) error {
	dir := postgresDir(cfg)
	if exists(filepath.Join(dir, "PG_VERSION")) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	if os.Getuid() == 0 {
		uid, gid, err := databaseUser()
		if err != nil {
			return err
		}
		if err := os.Chown(dir, uid, gid); err != nil {
			return err
		}
	}
	password, err := os.CreateTemp("", "foyer-password")
	if err != nil {
		return err
	}
	defer os.Remove(password.Name())
	defer password.Close()
	if _, err := password.WriteString(cfg.DatabasePassword + "\n"); err != nil {
		return err
	}
	if os.Getuid() == 0 {
		uid, gid, _ := databaseUser()
		if err := password.Chown(uid, gid); err != nil {
			return err
		}
	}
	cmd := exec.Command(filepath.Join(bin, "initdb"), "-D", dir, "-U", cfg.DatabaseUser, "--pwfile="+password.Name(),
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync")
	if err := asDatabaseUser(cmd, dir); err != nil {
		return err
	}
	return runCmd(ctx, cmd, helpers())
}

func createDatabases(ctx context.Context, cfg *Config) error {
	conn, err := pgx.Connect(ctx, cfg.DatabaseURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, name := range databases {
		var there bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil {
			return err
		}
		if there {
			continue
		}
		// WAL_LOG copies the template through the log; FILE_COPY would force two checkpoints.
		if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+" STRATEGY wal_log"); err != nil {
			return err
		}
	}
	return keepLog(ctx, conn)
}

// keepLog bounds what a slot may hold back, where it can be changed while the server runs: what is
// on its command line cannot.
func keepLog(ctx context.Context, conn *pgx.Conn) error {
	var bounded bool
	if err := conn.QueryRow(ctx, `SELECT setting <> '-1' FROM pg_settings WHERE name = 'max_slot_wal_keep_size'`).Scan(&bounded); err != nil || bounded {
		return err
	}
	for _, sql := range []string{`ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'`, `SELECT pg_reload_conf()`} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}
