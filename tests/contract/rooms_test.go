package contract_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

const (
	repository = "../.."
	module     = "github.com/foyer-tickets/foyer/"
)

// importRule is a rule of depguard in .golangci.yaml.
type importRule struct {
	Files []string
	Deny  []struct{ Pkg string }
}

func (r importRule) denied() []string {
	denied := make([]string, len(r.Deny))
	for i, d := range r.Deny {
		denied[i] = strings.TrimPrefix(strings.TrimSuffix(d.Pkg, "$"), module)
	}
	return denied
}

func importRules(t *testing.T) map[string]importRule {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(repository, ".golangci.yaml"))
	require.NoError(t, err)
	var file struct {
		Linters struct {
			Settings struct {
				Depguard struct{ Rules map[string]importRule }
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(raw, &file))
	return file.Linters.Settings.Depguard.Rules
}

// room is a row of the table of rooms: packages ("services/<name>/rest") and what they may not import.
type room struct{ packages, denied []string }

var code = regexp.MustCompile("`([^`]*)`")

func spans(cell string) []string {
	var all []string
	for _, m := range code.FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}

// rooms reads the tables of docs/architecture.md, with the names in the last column written out.
func rooms(t *testing.T) map[string]room {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(repository, "docs", "architecture.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(raw), "\n## Rooms\n")
	require.True(t, found, "docs/architecture.md has no section Rooms")
	section, _, _ = strings.Cut(section, "\n## ")
	groups, rows := map[string][]string{}, map[string][]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch len(cells) {
		case 2:
			groups[cells[0]] = spans(cells[1])
		case 4:
			rows[cells[0]] = cells
		}
	}
	all := map[string]room{}
	for name, cells := range rows {
		if name == "room" || strings.Trim(name, "-") == "" {
			continue
		}
		r := room{packages: spans(cells[1]), denied: spans(cells[3])}
		for word := range strings.SplitSeq(cells[3], ", ") {
			if strings.HasPrefix(word, "`") || word == "- (everything)" {
				continue
			}
			require.Contains(t, groups, word, "room %s", name)
			r.denied = append(r.denied, groups[word]...)
		}
		all[name] = r
	}
	require.Greater(t, len(all), 8)
	return all
}

// pattern gives the file patterns that a rule may have for packages of the table.
func pattern(packages string) []string {
	glob := "**/" + strings.ReplaceAll(packages, "<name>", "*")
	if packages == "services/<name>" { // the root alone
		return []string{glob + "/*.go"}
	}
	return []string{glob + "/*.go", glob + "/**"}
}

// The table of rooms and the linter's rules are the same, so that what the table says is enforced.
func TestRoomsAreTheLintersRules(t *testing.T) {
	rules, table := importRules(t), rooms(t)
	services := goDirectories(t, "services", 1)
	require.Greater(t, len(services), 5)
	for name, r := range table {
		rule, ruled := rules[name]
		if len(r.denied) == 0 {
			assert.False(t, ruled, "%s may import everything", name)
			continue
		}
		if !assert.True(t, ruled, ".golangci.yaml has no rule %s", name) {
			continue
		}
		assert.ElementsMatch(t, r.denied, rule.denied(), "what %s may not import", name)
		files := slices.DeleteFunc(slices.Clone(rule.Files), func(f string) bool { return strings.HasPrefix(f, "!") })
		assert.Len(t, files, len(r.packages), "packages of %s", name)
		for _, p := range r.packages {
			assert.True(t, slices.ContainsFunc(pattern(p), func(f string) bool { return slices.Contains(files, f) }), "%s is not in rule %s", p, name)
		}
	}
	for name := range rules {
		service, isService := strings.CutPrefix(name, "service-")
		switch {
		case isService:
			var others []string
			for _, s := range services {
				if s != "services/"+service {
					others = append(others, s)
				}
			}
			assert.Len(t, others, len(services)-1, "service %s", service)
			assert.ElementsMatch(t, others, rules[name].denied(), "%s imports no other service", service)
			assert.Equal(t, []string{"**/services/" + service + "/**", "!$test"}, rules[name].Files)
		case name == "everywhere", strings.HasPrefix(name, "only-"):
		default:
			assert.Contains(t, slices.Collect(maps.Keys(table)), name, "docs/architecture.md does not describe a rule")
		}
	}
	for _, s := range services {
		assert.Contains(t, slices.Collect(maps.Keys(rules)), "service-"+path.Base(s))
	}
}

// Each package is in a room, and each room has packages.
func TestEachPackageIsInARoom(t *testing.T) {
	table := rooms(t)
	used := map[string]bool{}
	for _, top := range []string{"services", "internal", "cmd"} {
		for _, dir := range goDirectories(t, top, -1) {
			found := false
			for name, r := range table {
				for _, p := range r.packages {
					if isIn(dir, p) {
						found, used[p] = true, true
						used[name] = true
					}
				}
			}
			assert.True(t, found, "%s is in no room of docs/architecture.md", dir)
		}
	}
	for name, r := range table {
		for _, p := range r.packages {
			assert.True(t, used[p], "room %s: there is no package %s", name, p)
		}
	}
}

func isIn(dir, packages string) bool {
	expression := "^" + strings.ReplaceAll(regexp.QuoteMeta(packages), "<name>", "[^/]+")
	if packages != "services/<name>" {
		expression += "(/.*)?"
	}
	return regexp.MustCompile(expression + "$").MatchString(dir)
}

// goDirectories lists the directories below top, depth levels down (-1: all), that have Go files other than tests.
func goDirectories(t *testing.T, top string, depth int) []string {
	t.Helper()
	found := map[string]bool{}
	root := filepath.Join(repository, top)
	require.NoError(t, filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		dir, err := filepath.Rel(repository, filepath.Dir(name))
		if dir = filepath.ToSlash(dir); depth < 0 || strings.Count(dir, "/") == depth {
			found[dir] = true
		}
		return err
	}))
	return slices.Sorted(maps.Keys(found))
}
