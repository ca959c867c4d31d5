package process

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a main defers runs before the tasks have ended, which may need what it closes: everything
// is closed by OnClose.
func TestNoMainDefers(t *testing.T) {
	var mains []string
	for _, pattern := range []string{"../../services/*/cmd/*/*.go", "../../cmd/stripesim/*.go"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		mains = append(mains, found...)
	}
	require.Greater(t, len(mains), 9)
	for _, path := range mains {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit: // what runs later, a metric's look for one, ends by itself
				return false
			case *ast.DeferStmt:
				assert.Fail(t, "use process.OnClose", "%s defers", files.Position(n.Pos()))
			}
			return true
		})
	}
}

// TestGaugesOfStoresAreServed: what a store counts for alarms is registered by a process of its service.
func TestGaugesOfStoresAreServed(t *testing.T) {
	stores, err := filepath.Glob("../../services/*/postgres/*.go")
	require.NoError(t, err)
	gauge, found := regexp.MustCompile(`(?m)^func \(s Store\) (\w+Gauge)\(`), 0
	for _, path := range stores {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, match := range gauge.FindAllStringSubmatch(string(text), -1) {
			found++
			mains, err := filepath.Glob(filepath.Join(filepath.Dir(path), "../cmd/*/main.go"))
			require.NoError(t, err)
			served := regexp.MustCompile(`Metrics\.MustRegister\(.*\.` + match[1] + `\(`)
			assert.True(t, slices.ContainsFunc(mains, func(main string) bool {
				text, err := os.ReadFile(main)
				return err == nil && served.Match(text)
			}), "%s of %s", match[1], path)
		}
	}
	require.GreaterOrEqual(t, found, 2)
}
