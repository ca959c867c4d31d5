package telemetry_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// root is the tree whose code is read; listed is where its measurements are listed.
const (
	root   = "../.."
	listed = root + "/docs/metrics-internal.md"
)

// The list of metrics, queues and spans names exactly what the code measures.
func TestWhatIsMeasuredIsListed(t *testing.T) {
	text, err := os.ReadFile(listed)
	require.NoError(t, err)
	found := measured(t, root)
	require.Greater(t, len(found.metrics), 10, "the code is read")
	for heading, want := range map[string]map[string]bool{"Metrics": found.metrics, "Queues": found.queues, "Spans": found.spans} {
		columns := 6
		if heading != "Metrics" {
			columns = 2
		}
		have := rows(t, string(text), heading, columns)
		if missing := without(want, have); len(missing) > 0 {
			t.Errorf("the code measures these, and docs/metrics-internal.md does not list them under %s:\n%s", heading, strings.Join(missing, "\n"))
		}
		if surplus := without(have, want); len(surplus) > 0 {
			t.Errorf("docs/metrics-internal.md lists these under %s, and the code does not measure them:\n%s", heading, strings.Join(surplus, "\n"))
		}
	}
}

// without gives the rows of all that are not in others.
func without(all, others map[string]bool) (rows []string) {
	for _, row := range slices.Sorted(maps.Keys(all)) {
		if !others[row] {
			rows = append(rows, row)
		}
	}
	return rows
}

// A measurement that the list does not have, or that cannot be read from the code, is found.
func TestMeasurementsAreFoundInCode(t *testing.T) {
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600))
	}
	write("services/x/a.go", `package x
const queue = "mails"
var (
	a = telemetry.NewCounter("foyer.a", "{thing}", "What " + "a is.", "foyer.outcome", "error.type")
	b = telemetry.NewDuration("foyer.b", "What b is.")
)
func f() {
	telemetry.ObserveQueue("mails", nil)
	ctx, span := telemetry.Start(ctx, "f")
}`)
	write("services/x/a_test.go", `package x
var c = telemetry.NewCounter("foyer.c", "{thing}", "Not the product's.")`)
	found := measured(t, dir)
	assert.Equal(t, map[string]bool{
		"| `foyer.a` | counter | `{thing}` | `foyer.outcome`, `error.type` | What a is. | `services/x` |": true,
		"| `foyer.b` | histogram | `s` | | What b is. | `services/x` |":                                   true,
	}, found.metrics)
	assert.Equal(t, map[string]bool{"| `mails` | `services/x` |": true}, found.queues)
	assert.Equal(t, map[string]bool{"| `f` | `services/x` |": true}, found.spans)

	for _, hidden := range []string{`var a = telemetry.NewCounter(name, "{thing}", "What a is.")`, `var a = prometheus.NewGauge(prometheus.GaugeOpts{Name: "a"})`} {
		write("services/x/b.go", "package x\n"+hidden)
		_, problems := read(dir)
		assert.Len(t, problems, 1, hidden)
	}
}

// measurements are rows of the lists.
type measurements struct{ metrics, queues, spans map[string]bool }

func measured(t *testing.T, dir string) measurements {
	t.Helper()
	found, problems := read(dir)
	require.Empty(t, problems)
	return found
}

// read finds what the product's code measures. problems are measurements that cannot be listed.
func read(dir string) (found measurements, problems []string) {
	found = measurements{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for _, top := range []string{"internal", "services", "cmd"} {
		err := filepath.WalkDir(filepath.Join(dir, top), func(path string, entry fs.DirEntry, err error) error {
			if os.IsNotExist(err) || err == nil && (entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go")) {
				return nil
			}
			if err != nil {
				return err
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			where, err := filepath.Rel(dir, filepath.Dir(path))
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if err := found.add(where, call); err != nil {
						problems = append(problems, fmt.Sprintf("%s: %v", set.Position(call.Pos()), err))
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	return found, problems
}

// kinds of metrics by their constructors.
var kinds = map[string]string{"NewCounter": "counter", "NewUpDownCounter": "up-down counter", "NewDuration": "histogram", "NewGauge": "gauge"}

// add takes in a call, if it is one that measures.
func (m measurements) add(where string, call *ast.CallExpr) error {
	of, name := callee(call)
	home := where == "internal/telemetry"
	switch {
	case of == "prometheus" && strings.HasPrefix(name, "New") && name != "NewRegistry" && !home:
		if where == "internal/httpapi" && name == "NewHistogramVec" {
			return nil // listed by hand: see the test of the router
		}
		return fmt.Errorf("prometheus.%s: measure with package telemetry", name)
	case of != "telemetry" && (of != "" || !home):
		return nil
	case kinds[name] != "":
		texts, err := literals(call.Args)
		if err != nil {
			return err
		}
		if name == "NewDuration" {
			texts = slices.Insert(texts, 1, "s")
		}
		var attributes []string
		for _, a := range texts[3:] {
			attributes = append(attributes, "`"+a+"`")
		}
		m.metrics[row("`"+texts[0]+"`", kinds[name], "`"+texts[1]+"`", strings.Join(attributes, ", "), texts[2], "`"+where+"`")] = true
	case name == "ObserveQueue":
		texts, err := literals(call.Args[:1])
		if err != nil {
			return err
		}
		m.queues[row("`"+texts[0]+"`", "`"+where+"`")] = true
	case name == "Start" && !home:
		texts, err := literals(call.Args[1:])
		if err != nil {
			return err
		}
		m.spans[row("`"+texts[0]+"`", "`"+where+"`")] = true
	}
	return nil
}

func callee(call *ast.CallExpr) (of, name string) {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return "", f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name, f.Sel.Name
		}
	}
	return "?", ""
}

// literals gives the texts of string literals, also of those that are joined by +.
func literals(args []ast.Expr) ([]string, error) {
	var all []string
	for _, arg := range args {
		text, err := literal(arg)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, nil
}

func literal(e ast.Expr) (string, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strconv.Unquote(e.Value)
	case *ast.BinaryExpr:
		left, err := literal(e.X)
		if err != nil {
			return "", err
		}
		right, err := literal(e.Y)
		return left + right, err
	}
	return "", fmt.Errorf("names, units and descriptions are string literals, so that they can be listed: %T", e)
}

func row(cells ...string) string {
	var b strings.Builder
	for _, cell := range cells {
		b.WriteString("|")
		if cell != "" {
			b.WriteString(" " + cell)
		}
		b.WriteString(" ")
	}
	return b.String() + "|"
}

// rows gives the first columns of the table under a heading.
func rows(t *testing.T, text, heading string, columns int) map[string]bool {
	t.Helper()
	_, section, ok := strings.Cut(text, "\n## "+heading+"\n")
	require.True(t, ok, heading)
	section, _, _ = strings.Cut(section, "\n## ")
	found := map[string]bool{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		require.GreaterOrEqual(t, len(cells), columns, line)
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		r := row(cells[:columns]...)
		assert.False(t, found[r], "listed twice: %s", r)
		found[r] = true
	}
	return found
}
