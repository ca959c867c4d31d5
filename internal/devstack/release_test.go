package devstack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shop is a local server with release archives, and a tree whose tools/ name them.
type shop struct {
	cfg      Config
	archives map[string][]byte // by path
	server   *httptest.Server
	steps    []string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{archives: map[string][]byte{}}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, ok := s.archives[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(raw)
	}))
	t.Cleanup(s.server.Close)
	root := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(root, "tools"), os.DirFS(filepath.Join("..", "..", "tools"))))
	s.cfg = Config{Root: root, Cache: t.TempDir(), Releases: s.server.URL}
	return s
}

// sells puts an archive where the table says that the named release is, and pins sum.
func (s *shop) sells(t *testing.T, name string, raw []byte, sum string) {
	t.Helper()
	releases, _, err := s.cfg.releases()
	require.NoError(t, err)
	versions, err := s.cfg.versions()
	require.NoError(t, err)
	address := releases[name].at(versions[name])
	local, err := elsewhere(address, "")
	require.NoError(t, err)
	s.archives["/"+strings.TrimPrefix(local, "/")] = raw
	file, err := os.OpenFile(filepath.Join(s.cfg.Root, "tools", "releases.sums"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	defer file.Close()
	_, err = fmt.Fprintf(file, "%s  %s\n", sum, address)
	require.NoError(t, err)
}

func (s *shop) report(step Step) { s.steps = append(s.steps, step.Text) }

func tgz(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	compressed := gzip.NewWriter(&out)
	archive := tar.NewWriter(compressed)
	for name, text := range files {
		require.NoError(t, archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg}))
		_, err := archive.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	require.NoError(t, compressed.Close())
	return out.Bytes()
}

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for name, text := range files {
		w, err := archive.Create(name)
		require.NoError(t, err)
		_, err = w.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	return out.Bytes()
}

func sum256(raw []byte) string { sum := sha256.Sum256(raw); return hex.EncodeToString(sum[:]) }
func sum512(raw []byte) string { sum := sha512.Sum512(raw); return hex.EncodeToString(sum[:]) }

func TestReleasesAreTaken(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  []byte
		want map[string]string
	}{
		"daprd":       {tgz(t, map[string]string{"daprd": "a sidecar", "LICENSE": "no"}), map[string]string{"daprd": "a sidecar"}},
		"kafka":       {tgz(t, map[string]string{"kafka_2.13-1/libs/kafka.jar": "a broker", "kafka_2.13-1/bin/run.sh": "no"}), map[string]string{"kafka.jar": "a broker"}},
		"keycloak":    {zipped(t, map[string]string{"keycloak-1/lib/quarkus-run.jar": "accounts"}), map[string]string{"keycloak-1/lib/quarkus-run.jar": "accounts"}},
		"mailpit":     {tgz(t, map[string]string{"mailpit": "a mailbox", "README.md": "no"}), map[string]string{"mailpit": "a mailbox"}},
		"nats-server": {tgz(t, map[string]string{"nats-server-1/nats-server": "a broker"}), map[string]string{"nats-server": "a broker"}},
	} {
		for kind, sum := range map[string]string{"SHA-256": sum256(tc.raw), "SHA-512": sum512(tc.raw)} {
			t.Run(name+" "+kind, func(t *testing.T) {
				s := newShop(t)
				s.sells(t, name, tc.raw, sum)
				versions, err := s.cfg.versions()
				require.NoError(t, err)
				dir := t.TempDir()
				require.NoError(t, s.cfg.release(t.Context(), name, versions[name], dir, s.report))
				have := map[string]string{}
				for path := range tc.want {
					raw, err := os.ReadFile(filepath.Join(dir, path))
					require.NoError(t, err)
					have[path] = string(raw)
				}
				assert.Equal(t, tc.want, have)
				entries, err := os.ReadDir(dir)
				require.NoError(t, err)
				assert.Len(t, entries, 1, "nothing else")
				assert.Contains(t, strings.Join(s.steps, "\n"), "downloading")
			})
		}
	}
}

func TestReleasesAreRefused(t *testing.T) {
	raw := tgz(t, map[string]string{"mailpit": "a mailbox"})
	outside := tgz(t, map[string]string{"../../keycloak": "elsewhere"})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(slow.Close)
	stalls := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write(raw[:10])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(stalls.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	before, beforeStalled := answerWithin, stalledAfter
	answerWithin, stalledAfter = 100*time.Millisecond, 100*time.Millisecond
	t.Cleanup(func() { answerWithin, stalledAfter = before, beforeStalled })

	for name, tc := range map[string]struct {
		prepare func(t *testing.T, s *shop)
		want    string
	}{
		"another checksum": {func(t *testing.T, s *shop) { s.sells(t, "mailpit", raw, sum256([]byte("another"))) }, "refused, its checksum is"},
		"no checksum":      {func(*testing.T, *shop) {}, "no checksum is pinned"},
		"not wanted":       {func(t *testing.T, s *shop) { s.sells(t, "mailpit", raw, sum256(raw)); s.cfg.Releases = "none" }, "not wanted"},
		"not there": {func(t *testing.T, s *shop) {
			s.sells(t, "mailpit", raw, sum256(raw))
			clear(s.archives)
		}, "404"},
		"nobody listens": {func(t *testing.T, s *shop) { s.sells(t, "mailpit", raw, sum256(raw)); s.cfg.Releases = gone.URL }, "connection refused"},
		"no answer":      {func(t *testing.T, s *shop) { s.sells(t, "mailpit", raw, sum256(raw)); s.cfg.Releases = slow.URL }, "no answer"},
		"stops midway":   {func(t *testing.T, s *shop) { s.sells(t, "mailpit", raw, sum256(raw)); s.cfg.Releases = stalls.URL }, "no answer"},
		"something else": {func(t *testing.T, s *shop) { s.sells(t, "mailpit", outside, sum256(outside)) }, "matches"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			tc.prepare(t, s)
			dir := t.TempDir()
			err := s.cfg.release(t.Context(), "mailpit", mailpitVersion, dir, s.report)
			require.ErrorContains(t, err, tc.want)
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			assert.Empty(t, entries, "all or nothing")
			left, err := os.ReadDir(s.cfg.Cache)
			require.NoError(t, err)
			assert.Empty(t, left, "no half download")
		})
	}
}

// A whole archive is unpacked under its names, but never beside its directory.
func TestNothingIsUnpackedOutside(t *testing.T) {
	s := newShop(t)
	raw := zipped(t, map[string]string{"../outside": "x"})
	s.sells(t, "keycloak", raw, sum256(raw))
	versions, err := s.cfg.versions()
	require.NoError(t, err)
	require.Error(t, s.cfg.release(t.Context(), "keycloak", versions["keycloak"], t.TempDir(), s.report))
}

// What cannot be taken is built, and who waits is told why; what was taken or built once is not
// asked for again.
func TestARefusedReleaseIsBuilt(t *testing.T) {
	s := newShop(t)
	raw := tgz(t, map[string]string{"mailpit": "a mailbox"})
	s.sells(t, "mailpit", raw, sum256([]byte("another")))
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\necho built >$GOBIN/mailpit\n"), 0o755))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for range 2 {
		program, err := s.cfg.mailpitProgram(t.Context(), s.report)
		require.NoError(t, err)
		have, err := os.ReadFile(program)
		require.NoError(t, err)
		assert.Equal(t, "built\n", string(have))
	}
	assert.Len(t, s.steps, 3, "the second finds it: %v", s.steps)
	assert.Regexp(t, `building mailpit .*not its release archive: refused, its checksum is `, s.steps[2])
}

func TestATakenSidecarLeavesTheOthersToBuild(t *testing.T) {
	s := newShop(t)
	raw := tgz(t, map[string]string{"daprd": "#!/bin/sh\n"})
	s.sells(t, "daprd", raw, sum256(raw))
	t.Setenv("HOME", t.TempDir()) // no Dapr CLI
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "go"), []byte(`#!/bin/sh
case "$*" in
"mod download"*) echo "{\"Dir\":\"$FAKE/dapr\"}";;
build*) echo "$*" >$FAKE/built; out=$(echo "$*" | sed 's/.* -o \([^ ]*\).*/\1/'); for p in placement scheduler sentry; do echo x >$out$p; done;;
esac
`), 0o755))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	fake := t.TempDir()
	t.Setenv("FAKE", fake)
	for _, change := range daprChanges {
		file := filepath.Join(fake, "dapr", change.file)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(change.from), 0o444))
	}
	programs, err := s.cfg.daprTools(context.Background(), s.report)
	require.NoError(t, err, "%v", s.steps)
	have, err := os.ReadFile(programs.path("daprd"))
	require.NoError(t, err)
	assert.Equal(t, "#!/bin/sh\n", string(have))
	for _, program := range []string{"placement", "scheduler", "sentry"} {
		assert.FileExists(t, programs.path(program))
	}
	built, err := os.ReadFile(filepath.Join(fake, "built"))
	require.NoError(t, err)
	assert.NotContains(t, string(built), "daprd")
	for _, change := range daprChanges {
		sources, err := filepath.Glob(filepath.Join(s.cfg.Cache, "dapr-source-*", "dapr", change.file))
		require.NoError(t, err)
		require.Len(t, sources, 1)
		changed, err := os.ReadFile(sources[0])
		require.NoError(t, err)
		assert.Equal(t, change.to, string(changed))
	}
}

// Whoever changes a version gets the lines that pin it, where the project's own checksum agrees.
func TestReleaseSums(t *testing.T) {
	s := newShop(t)
	raws := map[string][]byte{}
	releases, _, err := s.cfg.releases()
	require.NoError(t, err)
	versions, err := s.cfg.versions()
	require.NoError(t, err)
	for name, entry := range releases {
		raws[name] = tgz(t, map[string]string{"x": name})
		s.sells(t, name, raws[name], sum256(raws[name]))
		address, err := elsewhere(entry.at(versions[name]), "")
		require.NoError(t, err)
		switch entry.Published {
		case ".sha256":
			s.archives["/"+address+".sha256"] = []byte(sum256(raws[name]) + "  file\n")
		case ".sha512":
			upper := strings.ToUpper(sum512(raws[name]))
			s.archives["/"+address+".sha512"] = []byte("file: " + upper[:60] + "\n   " + upper[60:])
		}
	}
	var out bytes.Buffer
	require.NoError(t, ReleaseSums(t.Context(), s.cfg, &out))
	for name, entry := range releases {
		assert.Contains(t, out.String(), sum256(raws[name])+"  "+entry.at(versions[name])+"\n")
	}
	address, err := elsewhere(releases["daprd"].at(versions["daprd"]), "")
	require.NoError(t, err)
	s.archives["/"+address+".sha256"] = []byte(sum256([]byte("another")))
	out.Reset()
	require.ErrorContains(t, ReleaseSums(t.Context(), s.cfg, &out), "published checksum")
	assert.NotContains(t, out.String(), sum256(raws["daprd"]))
}

func TestTheTableOfReleasesIsWhole(t *testing.T) {
	cfg := Config{Root: filepath.Join("..", "..")}
	releases, sums, err := cfg.releases()
	require.NoError(t, err)
	versions, err := cfg.versions()
	require.NoError(t, err)
	pinned := map[string]bool{}
	for name, entry := range releases {
		require.NotEmpty(t, versions[name], name)
		address := entry.at(versions[name])
		assert.NotContains(t, address, "{")
		assert.True(t, strings.HasPrefix(address, "https://"), address)
		pinned[strings.NewReplacer(runtime.GOOS, "", runtime.GOARCH, "").Replace(address)] = true
	}
	for address := range sums {
		plain := strings.NewReplacer("linux", "", "darwin", "", "amd64", "", "arm64", "").Replace(address)
		assert.True(t, pinned[plain], "a checksum of another version: %s", address)
	}
}
