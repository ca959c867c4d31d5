package personaldata_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const services = "../../services"

// declarations reads every service's file. A service without one keeps nothing, or forgot to say so.
func declarations(t *testing.T) map[string]personaldata.Declaration {
	t.Helper()
	entries, err := os.ReadDir(services)
	require.NoError(t, err)
	all := map[string]personaldata.Declaration{}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(services, e.Name(), "personaldata.yaml"))
		require.NoError(t, err, "every service declares what it keeps about people")
		d, err := personaldata.Parse(raw)
		require.NoError(t, err)
		require.Equal(t, e.Name(), d.Service)
		all[d.Service] = d
	}
	require.GreaterOrEqual(t, len(all), 7)
	return all
}

// TestEveryColumnIsDeclared migrates every database for real and asks it for its columns.
func TestEveryColumnIsDeclared(t *testing.T) {
	for name, d := range declarations(t) {
		files := filepath.Join(services, name, "postgres", "migrations")
		if _, err := os.Stat(files); os.IsNotExist(err) {
			assert.Empty(t, d.Database, "%s has no migrations", name)
			assert.Empty(t, d.Tables, "%s has no migrations", name)
			continue
		}
		require.NotEmpty(t, d.Database, "%s has a database", name)
		pool, err := database.Open(t.Context(), harness.Postgres(t), os.DirFS(files))
		require.NoError(t, err)
		defer pool.Close()
		rows, err := pool.Query(t.Context(), `SELECT table_name || '.' || column_name FROM information_schema.columns
			WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_name <> 'goose_db_version'`)
		require.NoError(t, err)
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.NotEmpty(t, found)
		for _, problem := range compare(d, found) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// compare tells where a declaration and the columns of a database differ.
func compare(d personaldata.Declaration, columns []string) (problems []string) {
	for _, column := range columns {
		table, name, _ := strings.Cut(column, ".")
		if !d.Tables[table].Declared(name) {
			problems = append(problems, column+" is not declared: is it personal data?")
		}
	}
	for table, place := range d.Tables {
		for _, name := range place.Fields() {
			if !slices.Contains(columns, table+"."+name) {
				problems = append(problems, table+"."+name+" is declared, and not there")
			}
		}
	}
	return problems
}

// The check can fail.
func TestAnUndeclaredColumnIsFound(t *testing.T) {
	d := personaldata.Declaration{Tables: map[string]personaldata.Place{"messages": {Plain: []string{"id", "gone"}}}}
	assert.Equal(t, []string{"messages.phone is not declared: is it personal data?", "messages.gone is declared, and not there"},
		compare(d, []string{"messages.id", "messages.phone"}))
}

func TestParseRefusesHalfDeclarations(t *testing.T) {
	for name, text := range map[string]string{
		"no purpose":          "service: x\ntables: {t: {personal: {c: {what: name, kept: always, deletion: delete, export: x}}}}",
		"unknown deletion":    "service: x\ntables: {t: {personal: {c: {what: name, why: y, kept: always, deletion: maybe, export: x}}}}",
		"kept for no reason":  "service: x\ntables: {t: {personal: {c: {what: name, why: y, kept: always, deletion: keep, export: x}}}}",
		"both":                "service: x\ntables: {t: {personal: {c: {what: name, why: y, kept: always, deletion: delete, export: x}}, plain: [c]}}",
		"a field we not know": "service: x\ntabels: {}",
	} {
		_, err := personaldata.Parse([]byte(text))
		assert.Error(t, err, name)
	}
}

// payloads are what the topics carry, as far as the types are shared.
var payloads = map[string]any{
	messages.CatalogChanges: messages.CatalogChanged{}, messages.AvailabilityChanges: messages.CatalogChanged{},
	messages.BookingRequests: messages.BookingRequested{}, messages.BookingRequestsPriority: messages.BookingRequested{},
	messages.BookingEvents: messages.BookingChanged{}, messages.PaymentEvents: messages.PaymentChanged{}, messages.InventorySummary: messages.Inventory{},
	messages.Notices: messages.Notice{}, messages.SeatChanges: messages.SeatsChanged{}, messages.LineTicks: messages.LineTick{}, messages.Messages: messages.Notice{},
}

func TestEveryTopicIsDeclared(t *testing.T) {
	declared := map[string]personaldata.Place{}
	for _, d := range declarations(t) {
		for topic, place := range d.Topics {
			require.NotContains(t, declared, topic, "a topic is declared once")
			declared[topic] = place
		}
	}
	for _, topic := range append(messages.Topics(), messages.BroadcastTopics()...) {
		place, ok := declared[topic]
		if !assert.True(t, ok, "topic %s is not declared", topic) {
			continue
		}
		delete(declared, topic)
		message, shared := payloads[topic]
		if !shared {
			continue
		}
		var fields []string
		for f := range fieldsOf(reflect.TypeOf(message)) {
			fields = append(fields, f)
			assert.True(t, place.Declared(f), "%s of %s is not declared: is it personal data?", f, topic)
		}
		for _, f := range place.Fields() {
			assert.Contains(t, fields, f, "declared for %s, and not there", topic)
		}
	}
	assert.Empty(t, declared, "declared, and no topics")
}

func fieldsOf(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names[name] = true
	}
	return names
}

// prefix is how every key of a state component begins.
var prefix = regexp.MustCompile(`^[a-z][a-z-]*:`)

// TestEveryKindOfKeyIsDeclared finds the keys where they are made: functions and constants of
// adapters that are named Key, and the kinds of the catalog's cache.
func TestEveryKindOfKeyIsDeclared(t *testing.T) {
	declared := map[string]bool{}
	for _, d := range declarations(t) {
		for _, k := range d.State {
			declared[k.Prefix] = true
		}
	}
	found := 0
	for _, root := range []string{services, "../daprclient"} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			for _, key := range keysIn(file) {
				found++
				assert.True(t, declared[key], "%s makes keys %s…, which no personaldata.yaml declares", path, key)
			}
			return nil
		})
		require.NoError(t, err)
	}
	require.Greater(t, found, 12, "keys are not found any more")
}

func keysIn(file *ast.File) (keys []string) {
	add := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			switch {
			case err != nil:
			case strings.HasPrefix(text, "identity:"): // single keys, not a kind of them
				keys = append(keys, text)
			case prefix.MatchString(text):
				keys = append(keys, prefix.FindString(text))
			}
			return true
		})
	}
	named := func(name string) bool { return strings.HasSuffix(strings.ToLower(name), "key") }
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if named(d.Name.Name) {
				add(d.Body)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.CONST && named(v.Names[0].Name) {
					add(v)
				}
			}
		}
	}
	return keys
}
