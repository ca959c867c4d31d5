package devstack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// archive is a project's release archive, from tools/releases.yaml.
type archive struct {
	URL       string `yaml:"url"`
	Take      string `yaml:"take"`
	Published string `yaml:"published"`
}

// Timeouts of release pages, after which the part is built instead.
var (
	answerWithin = 5 * time.Second  // until it begins to answer
	stalledAfter = 10 * time.Second // without a byte
)

// unreleasedError says why a release archive could not be used.
type unreleasedError struct{ reason string }

func (e *unreleasedError) Error() string { return "release archive: " + e.reason }

// release extracts the required files of a project's release archive into dir, all or none. If the archive
// cannot be used, the error is an unreleasedError, and the caller builds the part instead.
func (c *Config) release(ctx context.Context, name, version, dir string, report func(Step)) error {
	releases, sums, err := c.releases()
	if err != nil {
		return err
	}
	entry, ok := releases[name]
	if !ok {
		return fmt.Errorf("%s is not in tools/releases.yaml", name)
	}
	address := entry.at(version)
	sum, ok := sums[address]
	switch {
	case c.Releases == "none":
		return &unreleasedError{"not wanted"}
	case !ok:
		return &unreleasedError{"no checksum is pinned"}
	case c.Releases != "":
		if address, err = elsewhere(address, c.Releases); err != nil {
			return err
		}
	}
	file, err := os.CreateTemp(c.Cache, "release-*"+path.Ext(address))
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	step := Step{Text: "downloading " + path.Base(address)}
	report(step)
	hasher := hasherOf(sum)
	if err := download(ctx, address, io.MultiWriter(file, hasher), func(done, total int64) {
		step.Done, step.Total = done, total
		report(step)
	}); err != nil {
		return &unreleasedError{err.Error()}
	}
	if got := hex.EncodeToString(hasher.Sum(nil)); got != sum {
		return &unreleasedError{fmt.Sprintf("refused, its checksum is %s, not %s as pinned", short(got), short(sum))}
	}
	report(Step{Text: "unpacking " + path.Base(address)})
	return unpack(file, dir, entry.Take)
}

func short(sum string) string { return sum[:min(12, len(sum))] + "…" }

// releases has the table of archives, and the checksums by address.
func (c *Config) releases() (map[string]archive, map[string]string, error) {
	var table map[string]archive
	raw, err := os.ReadFile(filepath.Join(c.Root, "tools", "releases.yaml"))
	if err != nil {
		return nil, nil, err
	}
	if err := yaml.Unmarshal(raw, &table); err != nil {
		return nil, nil, fmt.Errorf("tools/releases.yaml: %w", err)
	}
	if raw, err = os.ReadFile(filepath.Join(c.Root, "tools", "releases.sums")); err != nil {
		return nil, nil, err
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#"):
		case len(fields) != 2 || hasherOf(fields[0]) == nil:
			return nil, nil, fmt.Errorf("tools/releases.sums: not a checksum and an address: %s", line)
		default:
			sums[fields[1]] = fields[0]
		}
	}
	return table, sums, nil
}

func (a archive) at(version string) string {
	return strings.NewReplacer("{version}", version, "{os}", runtime.GOOS, "{arch}", runtime.GOARCH).Replace(a.URL)
}

// elsewhere returns the same path below another base URL.
func elsewhere(address, base string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	return url.JoinPath(base, u.Path)
}

// hasherOf returns a hash of the kind that made a hexadecimal checksum, or nil if the kind is not accepted.
func hasherOf(sum string) hash.Hash {
	raw, err := hex.DecodeString(sum)
	switch {
	case err == nil && len(raw) == sha256.Size:
		return sha256.New()
	case err == nil && len(raw) == sha512.Size:
		return sha512.New()
	}
	return nil
}

// download copies the response of an address and reports progress. It gives up if the response does not start
// in time or stalls.
func download(ctx context.Context, address string, to io.Writer, progress func(done, total int64)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(answerWithin, func() { cancel(errors.New("no answer")) })
	defer watchdog.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		var trouble *url.Error
		if errors.As(err, &trouble) {
			err = trouble.Err // the address is long, and known
		}
		return cmp.Or(context.Cause(ctx), err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	var done int64
	chunk := make([]byte, 256<<10)
	for {
		watchdog.Reset(stalledAfter)
		n, err := resp.Body.Read(chunk)
		if _, err := to.Write(chunk[:n]); err != nil {
			return err
		}
		done += int64(n)
		progress(done, max(done, resp.ContentLength))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return cmp.Or(context.Cause(ctx), err)
		}
	}
}

// unpack extracts a .zip or a gzipped tar; with a pattern, only the matching files, into one directory.
// Nothing is written outside of dir, and links are skipped.
func unpack(file *os.File, dir, pattern string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	taken := 0
	put := func(name string, mode fs.FileMode, content io.Reader) error {
		name = path.Clean(name)
		if pattern != "" {
			if ok, err := path.Match(pattern, name); !ok {
				return err
			}
			name = path.Base(name)
		}
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		out, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode.Perm()|0o600)
		if err != nil {
			return err
		}
		taken++
		_, err = io.Copy(out, content) //nolint:gosec // its checksum is pinned: it is no bomb
		return errors.Join(err, out.Close())
	}
	if path.Ext(file.Name()) == ".zip" {
		err = unzip(file, put)
	} else {
		err = untar(file, put)
	}
	if err == nil && taken == 0 {
		err = fmt.Errorf("nothing in %s matches %q", filepath.Base(file.Name()), pattern)
	}
	return err
}

type putter func(name string, mode fs.FileMode, content io.Reader) error

func unzip(file *os.File, put putter) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	entries, err := zip.NewReader(file, info.Size())
	if err != nil {
		return err
	}
	for _, entry := range entries.File {
		if !entry.Mode().IsRegular() {
			continue
		}
		content, err := entry.Open()
		if err != nil {
			return err
		}
		err = put(entry.Name, entry.Mode(), content)
		content.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func untar(file *os.File, put putter) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	plain, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	for entries := tar.NewReader(plain); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if entry.Typeflag != tar.TypeReg {
			continue
		}
		if err := put(entry.Name, entry.FileInfo().Mode(), entries); err != nil {
			return err
		}
	}
}

// ReleaseSums downloads the release archives of the versions in use and writes the lines that pin them in
// tools/releases.sums. A checksum published beside the archive must match.
func ReleaseSums(ctx context.Context, cfg Config, out io.Writer) error {
	releases, _, err := cfg.releases()
	if err != nil {
		return err
	}
	versions, err := cfg.versions()
	if err != nil {
		return err
	}
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(releases)) {
		address := releases[name].at(versions[name])
		if cfg.Releases != "" {
			if address, err = elsewhere(address, cfg.Releases); err != nil {
				return err
			}
		}
		line, err := releaseSum(ctx, releases[name], address)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", address, err))
			continue
		}
		fmt.Fprintf(out, "%s  %s\n", line, releases[name].at(versions[name]))
	}
	return errors.Join(failed...)
}

func releaseSum(ctx context.Context, entry archive, address string) (string, error) {
	all := map[string]hash.Hash{".sha256": sha256.New(), ".sha512": sha512.New()}
	if err := download(ctx, address, io.MultiWriter(all[".sha256"], all[".sha512"]), func(int64, int64) {}); err != nil {
		return "", err
	}
	if entry.Published != "" {
		var text bytes.Buffer
		if err := download(ctx, address+entry.Published, &text, func(int64, int64) {}); err != nil {
			return "", fmt.Errorf("published checksum: %w", err)
		}
		// Apache's come in groups, on several lines, in capitals.
		published := strings.ToLower(strings.Join(strings.Fields(text.String()), ""))
		if !strings.Contains(published, hex.EncodeToString(all[entry.Published].Sum(nil))) {
			return "", errors.New("is not what the project's published checksum says")
		}
	}
	return hex.EncodeToString(all[".sha256"].Sum(nil)), nil
}
