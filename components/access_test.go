package components

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"
	"gopkg.in/yaml.v3"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/internal/messages"
)

// access is what dapr/access/<app>.yaml says.
type access struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Secrets struct {
			Scopes []struct {
				StoreName, DefaultAccess string
				AllowedSecrets           []string
			}
		}
		AccessControl struct {
			DefaultAction, TrustDomain string
			Policies                   []struct {
				AppID, DefaultAction, TrustDomain, Namespace string
				Operations                                   []struct {
					Name     string
					HTTPVerb []string
					Action   string
				}
			}
		}
	}
}

func loadAccess(t *testing.T, app string) (a access) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "dapr", "access", app+".yaml"))
	require.NoError(t, err)
	var anyCase map[string]any
	require.NoError(t, yaml.Unmarshal(raw, &anyCase))
	lower, err := yaml.Marshal(lowered(anyCase)) // yaml.v3 looks for field names in lower case
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(lower, &a))
	require.Equal(t, "Configuration", a.Kind, app)
	require.Equal(t, app, a.Metadata.Name)
	return a
}

func lowered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for key, value := range v {
			m[strings.ToLower(key)] = lowered(value)
		}
		return m
	case []any:
		for i := range v {
			v[i] = lowered(v[i])
		}
	}
	return v
}

// What the services call of each other is what dapr/access allows, no less and no more.
func TestAccessControlIsWhatTheCodeCalls(t *testing.T) {
	calls := map[string]map[call]bool{} // by callee
	for app, found := range code(t) {
		for c := range found.calls {
			c.caller = app
			if calls[c.callee] == nil {
				calls[c.callee] = map[call]bool{}
			}
			calls[c.callee][c] = true
		}
	}
	require.NotEmpty(t, calls)
	for callee := range code(t) {
		a := loadAccess(t, callee)
		control := a.Spec.AccessControl
		require.Equal(t, "deny", control.DefaultAction, callee)
		require.Equal(t, "public", control.TrustDomain, callee)
		used := map[string]bool{}
		for c := range calls[callee] {
			allowed := false
			for _, p := range control.Policies {
				for _, op := range p.Operations {
					if p.AppID == c.caller && covers(op.Name, c.path) && slices.Contains(op.HTTPVerb, c.verb) {
						allowed = true
						used[fmt.Sprint(p.AppID, op.Name, c.verb)] = true
					}
				}
			}
			assert.True(t, allowed, "dapr/access/%s.yaml lacks %s of %s, which %s calls", callee, c.verb, c.path, c.caller)
		}
		for _, p := range control.Policies {
			require.Equal(t, []string{"deny", "public", "default"}, []string{p.DefaultAction, p.TrustDomain, p.Namespace}, "%s by %s", callee, p.AppID)
			for _, op := range p.Operations {
				require.Equal(t, "allow", op.Action, "%s%s by %s", callee, op.Name, p.AppID)
				require.True(t, strings.HasPrefix(op.Name, "/internal/"), "%s%s by %s", callee, op.Name, p.AppID)
				for _, verb := range op.HTTPVerb {
					assert.True(t, used[fmt.Sprint(p.AppID, op.Name, verb)], "dapr/access/%s.yaml: %s does not %s %s", callee, p.AppID, verb, op.Name)
				}
			}
		}
	}
}

// covers tells whether Dapr's access control takes a path for an operation. An operation covers
// what is below it, too.
func covers(operation, called string) bool {
	op, parts := strings.Split(operation, "/"), strings.Split(called, "/")
	if len(parts) < len(op) {
		return false
	}
	for i, want := range op {
		if ok, err := path.Match(want, strings.ReplaceAll(parts[i], "*", "0192f0c4-0000")); err != nil || !ok {
			return false
		}
	}
	return true
}

// What a service asks of the secret store is what it may read.
func TestSecretScopesAreWhatTheCodeReads(t *testing.T) {
	for app, found := range code(t) {
		scopes := loadAccess(t, app).Spec.Secrets.Scopes
		require.Len(t, scopes, 1, app)
		require.Equal(t, messages.Secrets, scopes[0].StoreName, app)
		require.Equal(t, "deny", scopes[0].DefaultAccess, app)
		require.ElementsMatch(t, slices.Collect(maps.Keys(found.secrets)), scopes[0].AllowedSecrets, app)
	}
}

// No variable of the run file is a secret: those come from the secret store.
func TestRunFileHasNoSecrets(t *testing.T) {
	apps, err := devstack.LoadApps(devstack.Config{Root: ".."})
	require.NoError(t, err)
	for _, app := range apps {
		for name, value := range app.Env {
			if name != "STRIPE_PUBLISHABLE_KEY" { // every page that takes a card has it
				require.NotRegexp(t, `(?i)secret|password|token|DATABASE_URL|(^|_)KEY$`, name, app.ID)
			}
			require.NotRegexp(t, `://[^/]*:[^/]*@`, value, app.ID)
		}
	}
}

// Who may publish and read a topic is who does, in every folder.
func TestTopicScopesAreWhatTheCodeDoes(t *testing.T) {
	topics := map[string][]string{messages.PubSub: messages.Topics(), messages.Broadcast: messages.BroadcastTopics()}
	for _, topic := range messages.Topics() {
		topics[messages.PubSub] = append(topics[messages.PubSub], topic+messages.Dead)
	}
	for _, folder := range folders {
		have := load(t, folder)
		for component, all := range topics {
			c, what := have[component], folder+"/"+component
			require.ElementsMatch(t, all, list(c.value("protectedTopics")), what)
			require.ElementsMatch(t, all, list(c.value("allowedTopics")), what)
			publish, subscribe := byApp(c.value("publishingScopes")), byApp(c.value("subscriptionScopes"))
			for app, found := range code(t) {
				var wantPublish, wantSubscribe []string
				for topic := range found.publishes {
					if slices.Contains(all, topic) {
						wantPublish = append(wantPublish, topic)
					}
				}
				for topic := range found.subscribes {
					if slices.Contains(all, topic) {
						wantSubscribe = append(wantSubscribe, topic)
						if component == messages.PubSub { // its sidecar sets aside what cannot be handled
							wantPublish = append(wantPublish, topic+messages.Dead)
						}
					}
				}
				assert.ElementsMatch(t, wantPublish, publish[app], "%s: what %s publishes", what, app)
				assert.ElementsMatch(t, wantSubscribe, subscribe[app], "%s: what %s reads", what, app)
				if len(wantPublish)+len(wantSubscribe) > 0 {
					assert.Contains(t, c.Scopes, app, what)
				}
			}
		}
	}
}

func (c component) value(name string) string {
	for _, item := range c.Spec.Metadata {
		if item.Name == name {
			return strings.ReplaceAll(item.Value, " ", "")
		}
	}
	return ""
}

func list(value string) []string { return strings.Split(value, ",") }

func byApp(value string) map[string][]string {
	scopes := map[string][]string{}
	for entry := range strings.SplitSeq(value, ";") {
		app, topics, _ := strings.Cut(entry, "=")
		scopes[app] = list(topics)
	}
	return scopes
}

// call is one call of another service, its ids as *.
type call struct{ caller, callee, verb, path string }

// findings are what one app's program does with its sidecar.
type findings struct {
	calls                          map[call]bool
	secrets, publishes, subscribes map[string]bool
}

const module = "github.com/foyer-tickets/foyer"

// code reads what the programs of dapr/dapr.yaml do: it walks from each main to all functions that
// it may come to.
func code(t *testing.T) map[string]findings {
	t.Helper()
	all, err := readCode()
	require.NoError(t, err)
	return all
}

var readCode = sync.OnceValues(func() (map[string]findings, error) {
	apps, err := devstack.LoadApps(devstack.Config{Root: ".."})
	if err != nil {
		return nil, err
	}
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports | packages.NeedExportFile,
		Dir:  "..",
	}, "./services/...", "./internal/...")
	if err != nil {
		return nil, err
	}
	p := program{bodies: map[types.Object]body{}, outbox: map[string]map[string]bool{}}
	for _, pkg := range loaded {
		if len(pkg.Errors) > 0 {
			return nil, pkg.Errors[0]
		}
		p.add(pkg)
	}
	all := map[string]findings{}
	for _, app := range apps {
		main := path.Join(module, app.Command[len(app.Command)-1])
		if all[app.ID], err = p.walk(main); err != nil {
			return nil, fmt.Errorf("%s: %w", app.ID, err)
		}
	}
	return all, nil
})

// body is a function, or a variable's first value.
type body struct {
	pkg  *packages.Package
	node ast.Node
}

type program struct {
	bodies map[types.Object]body
	mains  map[string]types.Object
	outbox map[string]map[string]bool // topics by the package that writes them to an outbox
	fset   *token.FileSet
}

func (p *program) add(pkg *packages.Package) {
	p.fset = pkg.Fset
	if p.mains == nil {
		p.mains = map[string]types.Object{}
	}
	for _, file := range pkg.Syntax {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				object := pkg.TypesInfo.Defs[d.Name]
				p.bodies[object] = body{pkg, d}
				if d.Name.Name == "main" && pkg.Name == "main" {
					p.mains[pkg.PkgPath] = object
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.VAR {
						for _, name := range v.Names {
							if name.Name != "_" {
								p.bodies[pkg.TypesInfo.Defs[name]] = body{pkg, v}
							}
						}
					}
				}
			}
		}
	}
	if path.Base(pkg.PkgPath) == "postgres" {
		topics := map[string]bool{}
		for _, object := range pkg.TypesInfo.Uses {
			if topic, ok := topicOf(object); ok {
				topics[topic] = true
			}
		}
		p.outbox[pkg.PkgPath] = topics
	}
}

// walk finds what can be reached from a main. A method is reached when it is named, or when an
// interface's method of its name is called and its type occurs.
func (p *program) walk(pkgPath string) (findings, error) {
	f := findings{calls: map[call]bool{}, secrets: map[string]bool{}, publishes: map[string]bool{}, subscribes: map[string]bool{}}
	start, ok := p.mains[pkgPath]
	if !ok {
		return f, fmt.Errorf("no main in %s", pkgPath)
	}
	seen, queue := map[types.Object]bool{}, []types.Object{start}
	live, called := map[*types.Named]bool{}, map[string]bool{}
	packagesSeen := map[string]bool{}
	relays := false
	reach := func(object types.Object) {
		if fn, ok := object.(*types.Func); ok {
			object = fn.Origin()
		}
		if _, ours := p.bodies[object]; ours && !seen[object] {
			seen[object] = true
			queue = append(queue, object)
		}
	}
	grow := func() {
		for named := range live {
			for m := range named.Methods() {
				if called[m.Name()] {
					reach(m)
				}
			}
		}
	}
	for len(queue) > 0 {
		object := queue[0]
		queue = queue[1:]
		b := p.bodies[object]
		packagesSeen[b.pkg.PkgPath] = true
		relays = relays || (object.Name() == "Outbox" && b.pkg.PkgPath == module+"/internal/cdc")
		before := len(live) + len(called)
		ast.Inspect(b.node, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			switch used := b.pkg.TypesInfo.Uses[id].(type) {
			case *types.Func:
				if sig, ok := used.Type().(*types.Signature); ok && sig.Recv() != nil && types.IsInterface(sig.Recv().Type()) {
					called[used.Name()] = true
				}
				reach(used)
			case *types.Var:
				reach(used)
			case *types.TypeName:
				if named, ok := used.Type().(*types.Named); ok {
					live[named.Origin()] = true
				}
			}
			return true
		})
		// Servers of generated interfaces and of net/http are called from outside of the module.
		called["ServeHTTP"] = true
		if err := f.note(b); err != nil {
			return f, err
		}
		if len(live)+len(called) != before || len(queue) == 0 {
			grow()
		}
	}
	if relays {
		for pkg, topics := range p.outbox {
			if packagesSeen[pkg] {
				maps.Copy(f.publishes, topics)
			}
		}
	}
	return f, nil
}

// note adds what one function does itself.
func (f findings) note(b body) error {
	info := b.pkg.TypesInfo
	subscribing := false
	if fn, ok := b.node.(*ast.FuncDecl); ok && fn.Type.Results != nil {
		for _, result := range fn.Type.Results.List {
			subscribing = subscribing || strings.HasSuffix(strings.TrimPrefix(info.TypeOf(result.Type).String(), "[]"), "internal/daprclient.Subscription")
		}
	}
	var failed error
	var inspect func(n ast.Node, inner bool)
	inspect = func(root ast.Node, inner bool) {
		ast.Inspect(root, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				if !inner && n != root {
					inspect(n.Body, true)
					return false
				}
			case *ast.Ident:
				if topic, ok := topicOf(info.Uses[n]); ok && path.Base(b.pkg.PkgPath) != "postgres" && b.pkg.PkgPath != module+"/internal/messages" { // which only knows their limits
					if subscribing && !inner {
						f.subscribes[topic] = true
					} else {
						f.publishes[topic] = true
					}
				}
			case *ast.CallExpr:
				failed = cmpErr(failed, f.noteCall(b, n))
			}
			return true
		})
	}
	inspect(b.node, false)
	return failed
}

func cmpErr(first, next error) error {
	if first != nil {
		return first
	}
	return next
}

func (f findings) noteCall(b body, n *ast.CallExpr) error {
	info := b.pkg.TypesInfo
	at := b.pkg.Fset.Position(n.Pos())
	if selector, ok := n.Fun.(*ast.SelectorExpr); ok && info.Uses[selector.Sel] != nil && selector.Sel.Name == "NewRemote" &&
		info.Uses[selector.Sel].Pkg().Path() == module+"/internal/personaldata" {
		callee := text(info, n.Args[0])
		if callee == "" {
			return fmt.Errorf("%s: whose personal data this asks for cannot be read from the code", at)
		}
		const of = "/internal/personal-data/*"
		for _, c := range []call{{verb: "GET", path: of}, {verb: "GET", path: of + "/obstacles"}, {verb: "POST", path: of + "/erasure"}} {
			c.callee = callee
			f.calls[c] = true
		}
		return nil
	}
	switch name := calledName(info, n); name {
	case "Invoke":
		callee, verb := text(info, n.Args[1]), text(info, n.Args[2])
		where, _, _ := strings.Cut(pattern(info, n.Args[3]), "?")
		if callee == "" || verb == "" || where == "" {
			return fmt.Errorf("%s: whom this calls and for what cannot be read from the code", at)
		}
		f.calls[call{callee: callee, verb: verb, path: where}] = true
	case "Secret":
		secret := text(info, n.Args[2])
		if secret == "" {
			if b.pkg.PkgPath == module+"/internal/daprclient" { // LoadSecrets, whose names are in tags
				return nil
			}
			return fmt.Errorf("%s: which secret this reads cannot be read from the code", at)
		}
		f.secrets[secret] = true
	case "LoadSecrets":
		of := info.TypeOf(n.Args[1])
		if pointer, ok := of.(*types.Pointer); ok {
			of = pointer.Elem()
		}
		f.tags(of)
	}
	return nil
}

// tags adds the secrets that a configuration names.
func (f findings) tags(of types.Type) {
	fields, ok := of.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for i := range fields.NumFields() {
		if _, name, ok := strings.Cut(fields.Tag(i), `secret:"`); ok {
			f.secrets[strings.TrimSuffix(name, `"`)] = true
		} else {
			f.tags(fields.Field(i).Type())
		}
	}
}

// calledName is the method of the sidecar's client that is called, "" for anything else.
func calledName(info *types.Info, n *ast.CallExpr) string {
	selector, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	fn, ok := info.Uses[selector.Sel].(*types.Func)
	if !ok || !strings.HasPrefix(fn.FullName(), "(*"+module+"/internal/daprclient.Client).") {
		return ""
	}
	return fn.Name()
}

func text(info *types.Info, e ast.Expr) string {
	if v := info.Types[e].Value; v != nil && v.Kind() == constant.String {
		return constant.StringVal(v)
	}
	return ""
}

// pattern is a path with * for what is put into it.
func pattern(info *types.Info, e ast.Expr) string {
	if written := text(info, e); written != "" {
		return written
	}
	full := ""
	switch e := e.(type) {
	case *ast.CallExpr:
		if fn, ok := e.Fun.(*ast.SelectorExpr); ok && fn.Sel.Name == "Sprintf" {
			full = strings.NewReplacer("%s", "*", "%d", "*", "%v", "*").Replace(text(info, e.Args[0]))
		}
	case *ast.BinaryExpr:
		left, right := pattern(info, e.X), pattern(info, e.Y)
		if right == "" {
			right = "*"
		}
		if left != "" {
			full = left + right
		}
	}
	return full
}

func topicOf(object types.Object) (string, bool) {
	c, ok := object.(*types.Const)
	if !ok || c.Pkg() == nil || c.Pkg().Path() != module+"/internal/messages" || c.Val().Kind() != constant.String {
		return "", false
	}
	topic := constant.StringVal(c.Val())
	return topic, slices.Contains(append(messages.Topics(), messages.BroadcastTopics()...), topic)
}
