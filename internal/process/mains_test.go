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

// TestStoresAreObserved: what a store measures for alarms is read by a process of its service.
func TestStoresAreObserved(t *testing.T) {
	stores, err := filepath.Glob("../../services/*/postgres/*.go")
	require.NoError(t, err)
	observe, found := regexp.MustCompile(`(?m)^func \(s Store\) Observe\(`), 0
	called := regexp.MustCompile(`(?m)^\tp\.OnClose\("metrics", process\.Plain\(.*\.Observe\(\)\)\)`)
	for _, path := range stores {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		if !observe.Match(text) {
			continue
		}
		found++
		var wiring []string
		for _, pattern := range []string{"../cmd/*/main.go", "../app/*.go"} {
			files, err := filepath.Glob(filepath.Join(filepath.Dir(path), pattern))
			require.NoError(t, err)
			wiring = append(wiring, files...)
		}
		assert.True(t, slices.ContainsFunc(wiring, func(file string) bool {
			text, err := os.ReadFile(file)
			return err == nil && called.Match(text)
		}), path)
	}
	require.GreaterOrEqual(t, found, 3)
}
