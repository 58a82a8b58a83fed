package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"maskline/configs"
)

var (
	yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")
	hereEdge  = regexp.MustCompile(`(?ms)^cat > (\w+)\.yaml <<'EOT'\n(.*?)^EOT\n`)
)

// TestConfigurationsInTheDocs runs check on each configuration that the pages
// show. One that begins with node is a whole file, the others are parts of one.
func TestConfigurationsInTheDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob("../../docs/guides/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatalf("%d guides, %v", len(guides), err)
	}
	pages = append(pages, guides...)
	whole := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var files []string
		for _, m := range yamlBlock.FindAllSubmatch(text, -1) {
			files = append(files, string(m[1]))
		}
		for _, m := range hereEdge.FindAllSubmatch(text, -1) {
			files = append(files, string(m[2]))
		}
		for i, file := range files {
			t.Run(fmt.Sprintf("%s %d", filepath.Base(page), i+1), func(t *testing.T) {
				if strings.HasPrefix(file, "node:") {
					whole++
				} else {
					file = "tenants: [{name: shop}]\n" + file
				}
				checkShown(t, file)
			})
		}
	}
	if whole < 5 {
		t.Errorf("%d whole configurations were found", whole)
	}
}

func checkShown(t *testing.T, file string) {
	path := filepath.Join(t.TempDir(), "edge.yaml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	variables := func(name string) (string, bool) {
		if name == "MASKLINE_DATABASE_URL" {
			return "postgres://maskline@db.example/maskline", true
		}
		return "sesame", strings.HasSuffix(name, "_PASSWORD")
	}
	if _, err := configs.Load(path, variables); err != nil {
		t.Error(err)
	}
}
