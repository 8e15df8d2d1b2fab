package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the folder of the module, seen from this package.
const root = "../.."

// file is one source file.
type file struct {
	path    string // below the root
	folder  string
	test    bool
	syntax  *ast.File
	imports []string
}

// source reads all Go files of cmd and internal.
func source(t *testing.T) (files []file, where *token.FileSet) {
	t.Helper()
	where = token.NewFileSet()
	for _, top := range []string{"cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
				if err == nil && entry.IsDir() && entry.Name() == "testdata" {
					return filepath.SkipDir
				}
				return err
			}
			syntax, err := parser.ParseFile(where, path, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			below, err := filepath.Rel(root, path)
			f := file{path: filepath.ToSlash(below), test: strings.HasSuffix(path, "_test.go"), syntax: syntax}
			f.folder = f.path[:strings.LastIndexByte(f.path, '/')]
			for _, spec := range syntax.Imports {
				name, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				f.imports = append(f.imports, name)
			}
			files = append(files, f)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files, where
}

// rank returns the position of the layer of a package, -1 when it is in none.
func rank(folder string) int {
	return slices.IndexFunc(layers(), func(l layer) bool { _, ok := l.packages[folder]; return ok })
}

func TestEveryPackageHasALayer(t *testing.T) {
	t.Parallel()
	files, _ := source(t)
	there := map[string]bool{}
	for _, f := range files {
		there[f.folder] = true
		if rank(f.folder) < 0 {
			t.Errorf("%s: the package is in no layer; add it to archtest.go", f.path)
		}
	}
	for _, l := range layers() {
		for folder := range l.packages {
			if !there[folder] {
				t.Errorf("layer %s lists %s, which is not there", l.name, folder)
			}
		}
	}
}

// TestImportsPointDown checks the layers. Tests may use what is above their
// package, since they are part of no program.
func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	files, _ := source(t)
	list := layers()
	for _, f := range files {
		from := rank(f.folder)
		if f.test || from < 0 {
			continue
		}
		for _, name := range f.imports {
			folder, ours := strings.CutPrefix(name, "sede/")
			to := rank(folder)
			switch {
			case !ours:
			case to > from:
				t.Errorf("%s: layer %s may not import %s of layer %s", f.path, list[from].name, folder, list[to].name)
			case to == from && !slices.Contains(strings.Fields(list[from].packages[f.folder]), folder):
				t.Errorf("%s: the table of layer %s does not list %s", f.path, list[from].name, folder)
			case to < from && slices.Contains(aside(), list[to].name):
				t.Errorf("%s: only tests may import %s", f.path, folder)
			case to < from && list[to].name == "feature" && !slices.Contains(importsFeatures(), f.folder):
				t.Errorf("%s: only %s may import feature %s", f.path, strings.Join(importsFeatures(), ", "), folder)
			}
		}
	}
}

// TestNoCircles checks that the table itself lets features use each other in
// one direction only.
func TestNoCircles(t *testing.T) {
	t.Parallel()
	for _, l := range layers() {
		var visit func(folder string, path []string)
		visit = func(folder string, path []string) {
			if slices.Contains(path, folder) {
				t.Fatalf("layer %s has a circle: %s", l.name, strings.Join(append(path, folder), " -> "))
			}
			for _, next := range strings.Fields(l.packages[folder]) {
				visit(next, append(path, folder))
			}
		}
		for folder := range l.packages {
			visit(folder, nil)
		}
	}
}

func TestFilesOfFeatures(t *testing.T) {
	t.Parallel()
	files, _ := source(t)
	for _, f := range files {
		if from := rank(f.folder); from < 0 || layers()[from].name != "feature" || f.test {
			continue
		}
		for _, rule := range fileRules() {
			name := strings.Replace(rule.file, "<feature>", f.syntax.Name.Name, 1)
			if filepath.Base(f.path) != name {
				continue
			}
			for _, imported := range f.imports {
				if slices.Contains(rule.forbidden, imported) {
					t.Errorf("%s may not import %s", f.path, imported)
				}
			}
		}
	}
}

func TestOwnedImports(t *testing.T) {
	t.Parallel()
	files, _ := source(t)
	for _, f := range files {
		for _, imported := range f.imports {
			for name, owners := range owned() {
				if (imported == name || strings.HasPrefix(imported, name+"/")) && !slices.Contains(owners, f.folder) && !f.test {
					t.Errorf("%s imports %s, which only %s may", f.path, imported, strings.Join(owners, ", "))
				}
			}
		}
	}
}

// TestUses looks for what is named as package.Name, and for literals
// package.Type{}.
func TestUses(t *testing.T) {
	t.Parallel()
	files, where := source(t)
	for _, f := range files {
		if f.test || strings.HasPrefix(f.folder, "internal/sedetest") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			name := ""
			switch n := n.(type) {
			case *ast.SelectorExpr:
				name = selector(n)
			case *ast.CompositeLit:
				name = selector(n.Type) + "{}"
			default:
				return true
			}
			if allowed, restricted := uses()[name]; restricted && !slices.Contains(allowed, f.folder) {
				t.Errorf("%s uses %s, which only %s may", where.Position(n.Pos()), name, strings.Join(allowed, ", "))
			}
			return true
		})
	}
}

func selector(e ast.Expr) string {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := s.X.(*ast.Ident); ok {
		return x.Name + "." + s.Sel.Name
	}
	return ""
}

func TestNoInit(t *testing.T) {
	t.Parallel()
	files, where := source(t)
	for _, f := range files {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: no init(): make it in a constructor", where.Position(fn.Pos()))
			}
		}
	}
}

// TestNoState looks for package variables that can change: those without a
// value, those of package sync, and those that some function assigns to.
func TestNoState(t *testing.T) {
	t.Parallel()
	files, where := source(t)
	declared := map[string]token.Pos{} // folder.name
	report := func(name string, at token.Pos, why string) {
		if _, allowed := state()[name]; !allowed {
			t.Errorf("%s: variable %s %s: keep it in a struct that is constructed, or say why in archtest.go", where.Position(at), name, why)
		}
	}
	for _, f := range files {
		for _, d := range f.syntax.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR || f.test {
				continue
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				for i, name := range v.Names {
					if name.Name == "_" {
						continue
					}
					full := f.folder + "." + name.Name
					declared[full] = name.Pos()
					switch {
					case len(v.Values) <= i:
						report(full, name.Pos(), "has no value")
					case mentions(v.Type, "sync") || mentions(v.Values[i], "sync"):
						report(full, name.Pos(), "is for concurrent change")
					}
				}
			}
		}
	}
	for _, f := range files {
		if f.test {
			continue
		}
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				for _, name := range assigned(fn) {
					if _, global := declared[f.folder+"."+name.Name]; global {
						report(f.folder+"."+name.Name, name.Pos(), "is assigned to")
					}
				}
			}
		}
	}
	for name := range state() {
		if _, there := declared[name]; !there {
			t.Errorf("state lists %s, which is not there", name)
		}
	}
}

// mentions reports whether an expression names something of a package.
func mentions(n ast.Node, pkg string) (found bool) {
	if n == nil || n == ast.Expr(nil) {
		return false
	}
	ast.Inspect(n, func(n ast.Node) bool {
		if _, inside := n.(*ast.FuncLit); inside {
			return false
		}
		if s, ok := n.(*ast.SelectorExpr); ok {
			x, ok := s.X.(*ast.Ident)
			found = found || ok && x.Name == pkg
		}
		return true
	})
	return found
}

// assigned lists the variables that a function changes and does not declare.
func assigned(fn *ast.FuncDecl) (list []*ast.Ident) {
	local := map[string]bool{}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				local[name.Name] = true
			}
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				if name, ok := left.(*ast.Ident); ok && n.Tok == token.DEFINE {
					local[name.Name] = true
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if name, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					local[name.Name] = true
				}
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				local[name.Name] = true
			}
		}
		return true
	})
	add := func(e ast.Expr) {
		for {
			switch x := e.(type) {
			case *ast.IndexExpr:
				e = x.X
			case *ast.SelectorExpr:
				e = x.X
			case *ast.StarExpr:
				e = x.X
			case *ast.Ident:
				if !local[x.Name] {
					list = append(list, x)
				}
				return
			default:
				return
			}
		}
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				add(left)
			}
		case *ast.IncDecStmt:
			add(n.X)
		}
		return true
	})
	return list
}

func TestNamesAndDocumentation(t *testing.T) {
	t.Parallel()
	files, where := source(t)
	lines := map[string]int{}
	for _, f := range files {
		if slices.Contains(namesToAvoid(), f.syntax.Name.Name) {
			t.Errorf("%s: %s says nothing about what the package is for", f.path, f.syntax.Name.Name)
		}
		if f.test {
			continue
		}
		lines[f.folder] += 0
		if f.syntax.Doc != nil {
			lines[f.folder] += strings.Count(f.syntax.Doc.Text(), "\n")
		}
		for _, d := range f.syntax.Decls {
			undocumented(d, func(name *ast.Ident) {
				t.Errorf("%s: %s is exported and has no comment", where.Position(name.Pos()), name.Name)
			})
		}
	}
	for folder, n := range lines {
		if n < 3 {
			t.Errorf("%s: the package comment has %d lines; say in three or more what the package is for and how it fails", folder, n)
		}
	}
}

// undocumented calls report for the exported names of a declaration that have
// no comment.
func undocumented(d ast.Decl, report func(*ast.Ident)) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			report(d.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
					report(s.Name)
				}
			case *ast.ValueSpec:
				for _, name := range s.Names {
					if name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
						report(name)
					}
				}
			}
		}
	}
}

func exportedReceiver(fn *ast.FuncDecl) bool {
	if fn.Recv == nil {
		return true
	}
	e := fn.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// TestArchitectureNamesEveryPackage holds the document to the source.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers() {
		for folder := range l.packages {
			if !strings.Contains(string(text), "`"+folder+"`") {
				t.Errorf("ARCHITECTURE.md does not name `%s`", folder)
			}
		}
	}
}

// TestChangesAreTold: a feature that writes to the audit log declares events of the
// resource, so that other programs are told, or it is said why not.
func TestChangesAreTold(t *testing.T) {
	files, _ := source(t)
	written, told := map[string]string{}, map[string]bool{}
	for _, f := range files {
		if f.test || !strings.HasPrefix(f.path, "internal/") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if selector(n.Type) != "audit.Entry" {
					break
				}
				for _, e := range n.Elts {
					if pair, ok := e.(*ast.KeyValueExpr); ok && pair.Key.(*ast.Ident).Name == "Resource" {
						if name, ok := literal(pair.Value); ok {
							written[name] = f.path
						}
					}
				}
			case *ast.CallExpr:
				if selector(n.Fun) == "webhook.Changes" {
					for _, a := range n.Args {
						name, _ := literal(a)
						told[name] = true
					}
				}
			}
			return true
		})
	}
	for name, path := range written {
		if why := untold()[name]; told[name] == (why != "") {
			t.Errorf("%s writes about %s to the audit log: events %v, reason against them %q", path, name, told[name], why)
		}
	}
	if len(written) < 20 {
		t.Errorf("only %v are written about", written)
	}
}

// literal is the text of a string literal.
func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}
