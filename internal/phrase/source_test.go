package phrase

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEverySentenceIsTranslated walks the source of sede: each format that is
// given to package fault must be in both catalogs, and nothing else may be.
func TestEverySentenceIsTranslated(t *testing.T) {
	t.Parallel()
	sentences := sourceSentences(t)
	for name, c := range map[string]catalog{"pt.json": mustLoad(portuguese), "pl.json": mustLoad(polish)} {
		for format, where := range sentences {
			if _, ok := c[format]; !ok {
				t.Errorf("%s: %s lacks %q", where, name, format)
			}
		}
		for format := range c {
			if _, ok := sentences[format]; !ok {
				t.Errorf("%s: nobody says %q any more", name, format)
			}
		}
	}
}

// TestTranslationsTakeTheSameArguments compares the verbs of each translation
// with those of the English format.
func TestTranslationsTakeTheSameArguments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]catalog{"pt.json": mustLoad(portuguese), "pl.json": mustLoad(polish)} {
		for format, translated := range c {
			want, got := verbs(format), verbs(translated)
			if !slices.Equal(want, got) {
				t.Errorf("%s: %q takes %v, its translation %v", name, format, want, got)
			}
			if strings.TrimSpace(translated) == "" {
				t.Errorf("%s: %q is empty", name, format)
			}
		}
	}
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	for format, want := range map[string][]string{
		"none, 100%%":      nil,
		"%d of %q":         {"1d", "2q"},
		"%[2]q has %[1]d":  {"1d", "2q"},
		"%5.2f and %-3s%%": {"15.2f", "2-3s"},
	} {
		if got := verbs(format); !slices.Equal(got, want) {
			t.Errorf("verbs(%q) = %v, want %v", format, got, want)
		}
	}
}

var verb = regexp.MustCompile(`%([-+# 0-9.]*)(?:\[(\d+)\])?([a-zA-Z%])`)

// verbs lists the verbs of a format as argument number and verb, sorted.
func verbs(format string) []string {
	var list []string
	next := 1
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		if m[3] == "%" {
			continue
		}
		if m[2] != "" {
			next, _ = strconv.Atoi(m[2])
		}
		list = append(list, fmt.Sprint(next)+m[1]+m[3])
		next++
	}
	slices.Sort(list)
	return list
}

// formatArgument is the position of the format in the calls that make sentences.
var formatArgument = map[string]int{"New": 1, "Textf": 0, "Wrap": 2}

// sourceSentences returns the formats in the source of internal/ and cmd/ and
// where each stands first.
func sourceSentences(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	files := token.NewFileSet()
	visit := func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		inFault := f.Name.Name == "fault"
		constants, passing := constantsOf(f), passingOn(f)
		ast.Inspect(f, func(n ast.Node) bool {
			format := formatOf(n, inFault)
			if format == nil {
				format = passedOn(n, passing)
			}
			if ident, ok := format.(*ast.Ident); format == nil || ok && ident.Name == "format" {
				return true
			}
			text, ok := literal(format, constants)
			where := files.Position(n.Pos()).String()
			if !ok && !inFault {
				t.Errorf("%s: the sentence must be written out, so that it can be translated", where)
			} else if _, known := found[text]; ok && !known {
				found[text] = where
			}
			return true
		})
		return nil
	}
	for _, dir := range []string{"../../internal", "../../cmd"} {
		if err := filepath.WalkDir(dir, visit); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// formatOf returns the format of a sentence when the node makes one.
func formatOf(n ast.Node, inFault bool) ast.Expr {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		if lit, ok := n.(*ast.CompositeLit); ok && isFault(lit.Type, "Text", inFault) && len(lit.Elts) > 0 {
			if kv, ok := lit.Elts[0].(*ast.KeyValueExpr); ok {
				return kv.Value
			}
			return lit.Elts[0]
		}
		return nil
	}
	for name, i := range formatArgument {
		if isFault(call.Fun, name, inFault) && len(call.Args) > i {
			return call.Args[i]
		}
	}
	return nil
}

// passingOn returns the functions of the file that pass a parameter named format
// on, and where that stands in their calls.
func passingOn(f *ast.File) map[string]int {
	found := map[string]int{}
	note := func(name string, t *ast.FuncType) {
		i := 0
		for _, field := range t.Params.List {
			for _, parameter := range field.Names {
				if parameter.Name == "format" {
					found[name] = i
				}
				i++
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if f.Name.Name != "fault" {
				note(n.Name.Name, n.Type)
			}
		case *ast.AssignStmt:
			if fn, ok := n.Rhs[0].(*ast.FuncLit); ok {
				if name, ok := n.Lhs[0].(*ast.Ident); ok {
					note(name.Name, fn.Type)
				}
			}
		}
		return true
	})
	delete(found, "mismatch") // of hydra: says what is wrong with a declaration, to programmers
	return found
}

// passedOn returns the format that a call of such a function is given.
func passedOn(n ast.Node, passing map[string]int) ast.Expr {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	name, ok := call.Fun.(*ast.Ident)
	if !ok {
		return nil
	}
	if i, ok := passing[name.Name]; ok && len(call.Args) > i {
		return call.Args[i]
	}
	return nil
}

// isFault reports whether the expression names something in package fault.
func isFault(e ast.Expr, name string, inFault bool) bool {
	if inFault {
		ident, ok := e.(*ast.Ident)
		return ok && ident.Name == name
	}
	selector, ok := e.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != name {
		return false
	}
	x, ok := selector.X.(*ast.Ident)
	return ok && x.Name == "fault"
}

// constantsOf returns the file's own text constants.
func constantsOf(f *ast.File) map[string]ast.Expr {
	list := map[string]ast.Expr{}
	ast.Inspect(f, func(n ast.Node) bool {
		if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
			for _, s := range d.Specs {
				for i, v := range s.(*ast.ValueSpec).Values {
					list[s.(*ast.ValueSpec).Names[i].Name] = v
				}
			}
		}
		return true
	})
	return list
}

// literal evaluates a text that is written out: a literal, a constant of the
// file, or several of them joined.
func literal(e ast.Expr, constants map[string]ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.Ident:
		if value, ok := constants[e.Name]; ok {
			return literal(value, nil)
		}
	case *ast.BinaryExpr:
		left, ok := literal(e.X, constants)
		right, ok2 := literal(e.Y, constants)
		return left + right, ok && ok2 && e.Op == token.ADD
	case *ast.ParenExpr:
		return literal(e.X, constants)
	}
	return "", false
}
