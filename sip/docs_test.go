package sip

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"maskline/routing"
	"maskline/sip/message"
)

// docsTable reads the first table below a heading of docs/sip-reference.md, without its
// head. A cell in code is bare.
func docsTable(t *testing.T, heading string) [][]string {
	t.Helper()
	page, err := os.ReadFile("../docs/sip-reference.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n"+heading+"\n")
	if !found {
		t.Fatalf("docs/sip-reference.md has no heading %q", heading)
	}
	var rows [][]string
	for line := range strings.Lines(rest) {
		if line[0] == '#' || line[0] != '|' && len(rows) > 0 {
			break
		}
		if line[0] == '|' {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			for i := range cells {
				cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
			}
			rows = append(rows, cells)
		}
	}
	if len(rows) < 3 {
		t.Fatalf("docs/sip-reference.md has no table below %q", heading)
	}
	return rows[2:]
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDocsOfVerdicts(t *testing.T) {
	rows := map[string][]string{}
	for _, row := range docsTable(t, "### A call that is not routed") {
		rows[row[0]] = row
	}
	for _, v := range routing.Verdicts() {
		if v == routing.Forward {
			continue
		}
		row := rows[v.String()]
		if row == nil {
			t.Errorf("%v is missing", v)
			continue
		}
		code := row[2][strings.LastIndexByte(row[2], ' ')+1:] // behind the key that sets it
		want := refusal{code: number(t, code), why: v.String()}
		if row[3] != "none" {
			want.cause = number(t, row[3])
		}
		if got := refusalFor(v, routing.Answer{}); got != want {
			t.Errorf("%v: %+v, documented %+v", v, got, want)
		}
	}
	if len(rows) != len(routing.Verdicts())-1 {
		t.Errorf("%d verdicts are documented", len(rows))
	}
}

func TestDocsOfAnswers(t *testing.T) {
	documented := map[int]string{}
	others := ""
	for _, row := range docsTable(t, "### From the called side to the caller") {
		if row[0] == "any other" {
			others = row[1]
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
	if others != "as it came" {
		t.Errorf("other codes are documented as %q", others)
	}
	for code := 300; code < 700; code++ {
		want := code
		if text := documented[code]; text != "" {
			want = number(t, text)
		}
		if got := answerFor(code); got != want {
			t.Errorf("%d becomes %d, documented %d", code, got, want)
		}
	}
}

func TestDocsOfMethods(t *testing.T) {
	served := map[string]bool{}
	for method := range strings.SplitSeq(message.Allow, ", ") {
		served[method] = true
	}
	rows := docsTable(t, "## Methods")
	known := 0
	for _, row := range rows {
		for method := range strings.SplitSeq(row[0], ", ") {
			switch {
			case served[method]:
				delete(served, method)
			case method == "any other":
				if code := refuseMethod("FOO"); !strings.HasPrefix(row[1], strconv.Itoa(code)) {
					t.Errorf("any other: %d, documented %q", code, row[1])
				}
			case method == "INVITE in a call", method == "MESSAGE outside a call":
			default:
				known++
				if code := refuseMethod(method); !strings.HasPrefix(row[1], strconv.Itoa(code)) {
					t.Errorf("%s: %d, documented %q", method, code, row[1])
				}
			}
		}
	}
	if len(served) > 0 || known == 0 {
		t.Errorf("served and not documented: %v; %d refused ones", served, known)
	}
}

// TestDocsOfLimits compares what is no key of the configuration.
func TestDocsOfLimits(t *testing.T) {
	want := map[string][2]string{ // value, and the drop that counts what is beyond
		"datagram":             {kib(message.MaxDatagram), message.TooLarge.String()},
		"start line or header": {kib(message.MaxLine) + "; Identity " + kib(message.MaxIdentity), message.LineTooLong.String()},
		"header lines":         {strconv.Itoa(message.MaxHeaders), message.TooManyHeaders.String()},
		"Via values":           {strconv.Itoa(message.MaxVias) + ", no quotes in them", message.TooManyVias.String()},
		"parameters of a header value or of the Request-URI": {strconv.Itoa(message.MaxParams), message.TooManyParams.String()},
		"datagrams of a trunk per second": {
			fmt.Sprintf("%d + %d per `cps`; none without `cps`", floodFloor, floodPerCall), "flood",
		},
		"calls in memory, ended ones for up to 32 s included":   {fmt.Sprintf("%d,%03d", defaultMaxCalls/1000, defaultMaxCalls%1000), "503"},
		"calls of a trunk whose final answer waits for its ACK": {fmt.Sprintf("%d,%03d", mostUnacknowledged/1000, mostUnacknowledged%1000), "channels"},
		"datagrams of an unknown source per second, where `allow` is everybody": {
			fmt.Sprintf("%d, %d at once; %d,%03d of all such sources", newcomerRate, newcomerBurst, newcomersRate/1000, newcomersRate%1000), "newcomer",
		},
		"session description":                     {kib(message.MaxDescription), "413"},
		"messages that wait in one call":          {strconv.Itoa(mostWaiting), "read again"},
		"message over TCP or TLS":                 {kib(defaultMaxMessage), message.TooLarge.String()},
		"connections in all / from one source":    {fmt.Sprintf("%d,%03d / %d", defaultStreams/1000, defaultStreams%1000, defaultSourceStreams), ""},
		"octets that wait for one connection":     {kib(mostOut), endStuck},
		"addresses of a name that one call tries": {strconv.Itoa(mostTried), ""},
		"calls that wait for a reply slot":        {strconv.Itoa(mostContacts), "480"},
		"attempts of one call":                    {strconv.Itoa(defaultMaxAttempts), ""},
	}
	for _, row := range docsTable(t, "## Limits") {
		w, checked := want[row[0]]
		if checked && (row[1] != strings.TrimSuffix(w[0], "`") || !strings.Contains(row[3], w[1])) {
			t.Errorf("%s: %q, %q documented, want %q", row[0], row[1], row[3], w)
		}
		delete(want, row[0])
	}
	for what := range want {
		t.Errorf("%q is not documented", what)
	}
}

func kib(octets int) string { return strconv.Itoa(octets>>10) + " KiB" }
