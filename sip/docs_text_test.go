package sip

import (
	"strings"
	"testing"

	"maskline/routing"
)

func TestDocsOfTexts(t *testing.T) {
	codes := map[string]int{}
	for _, row := range docsTable(t, "after a 504 is known again for `smpp.redelivery`.") {
		name, _, _ := strings.Cut(strings.TrimPrefix(row[0], "`"), "`")
		codes[name] = number(t, row[1])
	}
	for _, f := range routing.Fates() {
		if want := codes[f.String()]; textCode(routing.Delivery{Fate: f}) != want {
			t.Errorf("%v: %d, documented %d", f, textCode(routing.Delivery{Fate: f}), want)
		}
	}
	if len(codes) != len(routing.Fates()) {
		t.Errorf("%d fates are documented", len(codes))
	}
}

func TestDocsOfPeersAnswers(t *testing.T) {
	documented := map[int]string{}
	for _, row := range docsTable(t, "### To a peer") {
		if !strings.ContainsAny(row[0], "0123456789") {
			continue
		}
		for codes := range strings.SplitSeq(row[0], ", ") {
			low, high, isRange := strings.Cut(codes, "-")
			if !isRange {
				high = low
			}
			for code := number(t, low); code <= number(t, high); code++ {
				if documented[code] != "" {
					t.Errorf("%d stands twice", code)
				}
				documented[code] = row[1]
			}
		}
	}
	for code := 200; code < 700; code++ {
		want := documented[code]
		if want == "" {
			want = routing.FateRefused.String()
		}
		if got := fateOf(code).String(); got != want {
			t.Errorf("%d: %s, documented %s", code, got, want)
		}
	}
}
