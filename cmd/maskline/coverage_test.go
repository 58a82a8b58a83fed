package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	namedTest   = regexp.MustCompile("`([a-z0-9/]+) ((?:Test|Fuzz|Benchmark)[A-Za-z0-9_]+)`")
	definedTest = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Za-z0-9_]+)\(`)
)

// A test that docs/coverage.md names and that is gone would leave a promise
// without proof.
func TestCoverageNamesTestsThatExist(t *testing.T) {
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "coverage.md"))
	if err != nil {
		t.Fatal(err)
	}
	defined := map[string]map[string]bool{}
	named := namedTest.FindAllSubmatch(page, -1)
	if len(named) == 0 {
		t.Fatal("the page names no test")
	}
	for _, m := range named {
		pkg, name := string(m[1]), string(m[2])
		if defined[pkg] == nil {
			defined[pkg] = testsOf(t, filepath.Join(root, pkg))
		}
		if !defined[pkg][name] {
			t.Errorf("%s has no %s", pkg, name)
		}
	}
	for row := range strings.Lines(string(page)) {
		if strings.HasPrefix(row, "| ") && !strings.HasPrefix(row, "| promise") && !strings.Contains(row, "`") {
			t.Errorf("a promise without a test: %s", row)
		}
	}
}

func testsOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range definedTest.FindAllSubmatch(source, -1) {
			tests[string(m[1])] = true
		}
	}
	return tests
}
