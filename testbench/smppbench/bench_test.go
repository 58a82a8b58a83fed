package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maskline/testbench/smppload"
)

func runs(rates ...float64) (all []sample) {
	for _, r := range rates {
		all = append(all, sample{Report: &smppload.Report{Rate: r, Sent: 10}, cpu: 1 / r})
	}
	return all
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		rates []float64
		want  float64
	}{{nil, 0}, {[]float64{5}, 5}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 3, 2, 1}, 2}} {
		if got := median(runs(c.rates...), rate); got != c.want {
			t.Errorf("%v: %v", c.rates, got)
		}
	}
}

func TestRowsShowEveryRunAndWhatWasBad(t *testing.T) {
	all := runs(300, 100, 200)
	all[1].Lost, all[2].Lost = 2, 3
	line := row("work", all)
	for _, want := range []string{"| work | 3 | 10 |", "**200** (300, 100, 200)", "5 lost"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %q in %s", want, line)
		}
	}
	if verdict(runs(1)) != "0" {
		t.Error("something bad without reason")
	}
}

func TestSectionsAreReplacedAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "benchmarks.md")
	for _, s := range [][2]string{{"a", "first\n"}, {"b", "other\n"}, {"a", "second\n"}} {
		if err := writeSection(file, s[0], s[1]); err != nil {
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
	if writeSection(file, "a", "x") == nil {
		t.Error("a section without an end was overwritten")
	}
}
