package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	fencedBlock  = regexp.MustCompile("(?ms)^```.*?^```")
	inlineCode   = regexp.MustCompile("`[^`\n]*`")
	markdownLink = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	headingLine  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInAnchor  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

func TestLinksOfTheDocumentationResolve(t *testing.T) {
	root := filepath.Join("..", "..")
	pages := []string{"README.md", "CONTRIBUTING.md"}
	for _, pattern := range []string{"docs/*.md", "docs/decisions/*.md", "docs/guides/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range found {
			pages = append(pages, strings.TrimPrefix(file, root+string(filepath.Separator)))
		}
	}
	for _, page := range pages {
		for _, target := range links(readPage(t, root, page)) {
			checkLink(t, root, page, target)
		}
	}
}

// links are the targets within the repository that a page links to.
func links(text string) []string {
	var targets []string
	for _, m := range markdownLink.FindAllStringSubmatch(prose(text), -1) {
		if !strings.Contains(m[1], "://") {
			targets = append(targets, m[1])
		}
	}
	return targets
}

// prose is a page without its code.
func prose(text string) string {
	return inlineCode.ReplaceAllString(fencedBlock.ReplaceAllString(text, ""), "")
}

func checkLink(t *testing.T, root, page, target string) {
	t.Helper()
	file, anchor, _ := strings.Cut(target, "#")
	to := page
	if file != "" {
		to = filepath.Join(filepath.Dir(page), file)
	}
	if _, err := os.Stat(filepath.Join(root, to)); err != nil {
		t.Errorf("%s links to %s, which is not there", page, target)
		return
	}
	if anchor != "" && !slices.Contains(anchors(readPage(t, root, to)), anchor) {
		t.Errorf("%s links to %s, but %s has no such heading", page, target, to)
	}
}

// anchors are the names by which the headings of a page are linked to.
func anchors(text string) []string {
	var all []string
	for _, m := range headingLine.FindAllStringSubmatch(fencedBlock.ReplaceAllString(text, ""), -1) {
		name := notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(m[1])), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

func readPage(t *testing.T, root, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLinksFindsWhatIsLinked(t *testing.T) {
	text := "[a](b.md) and [c](d.md#e) but not `[f](g.md)` or [h](https://i)\n```\n[j](k.md)\n```\n## Two `words`, one\n"
	if got := links(text); !slices.Equal(got, []string{"b.md", "d.md#e"}) {
		t.Errorf("links %q", got)
	}
	if got := anchors(text); !slices.Equal(got, []string{"two-words-one"}) {
		t.Errorf("anchors %q", got)
	}
}
