package figures

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSectionsAreReplacedAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "benchmarks.md")
	for _, s := range [][2]string{{"a", "first\n"}, {"b", "other\n"}, {"a", "second\n"}} {
		if err := WriteSection(file, s[0], s[1]); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := preface + "\n<!-- a -->\nsecond\n<!-- /a -->\n\n<!-- b -->\nother\n<!-- /b -->\n"
	if string(text) != want {
		t.Errorf("%s", text)
	}
	if err := os.WriteFile(file, []byte("<!-- a -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if WriteSection(file, "a", "x") == nil {
		t.Error("a section without an end was overwritten")
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		all  []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2}} {
		if got := Median(c.all); got != c.want {
			t.Errorf("%v: %v", c.all, got)
		}
	}
}
