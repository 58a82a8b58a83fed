package sip

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestDocsOfOwnAnswers compares the page with every refusal that the code spells
// out.
func TestDocsOfOwnAnswers(t *testing.T) {
	documented := map[string][2]int{}
	for _, row := range docsTable(t, "### Other answers of our own") {
		cause := 0
		if row[3] != "none" {
			cause = number(t, row[3])
		}
		documented[row[0]] = [2]int{number(t, row[2]), cause}
	}
	found := map[string]bool{"location": true} // its answer has a header, so it is no refusal
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	causes := causesInCode(t)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			why, answer := refusalIn(literal, causes)
			if why == "" {
				return true
			}
			found[why] = true
			if documented[why] != answer {
				t.Errorf("%s: %s is answered %v, documented %v", file, why, answer, documented[why])
			}
			return true
		})
	}
	for why := range documented {
		if !found[why] {
			t.Errorf("%s is documented and not in the code", why)
		}
	}
}

// causesInCode are the constants of verdict.go.
func causesInCode(t *testing.T) map[string]int {
	t.Helper()
	tree, err := parser.ParseFile(gotoken.NewFileSet(), "verdict.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	causes := map[string]int{}
	ast.Inspect(tree, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if v, ok := spec.Values[0].(*ast.BasicLit); ok {
				causes[spec.Names[0].Name], _ = strconv.Atoi(v.Value)
			}
		}
		return true
	})
	return causes
}

// refusalIn reads refusal{code, cause, "why"} in either form, where code and why
// are constants.
func refusalIn(l *ast.CompositeLit, causes map[string]int) (why string, answer [2]int) {
	if name, ok := l.Type.(*ast.Ident); !ok || name.Name != "refusal" {
		return "", answer
	}
	fields := map[string]ast.Expr{}
	for i, e := range l.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			fields[kv.Key.(*ast.Ident).Name] = kv.Value
		} else {
			fields[[]string{"code", "cause", "why"}[i]] = e
		}
	}
	text := func(field string) string {
		v, ok := fields[field].(*ast.BasicLit)
		if !ok {
			return ""
		}
		return strings.Trim(v.Value, `"`)
	}
	code, err := strconv.Atoi(text("code"))
	if err != nil {
		return "", answer
	}
	answer[0] = code
	if name, ok := fields["cause"].(*ast.Ident); ok {
		answer[1] = causes[name.Name]
	}
	return text("why"), answer
}
