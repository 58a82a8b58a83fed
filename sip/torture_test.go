package sip

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTortureOverUDP sends the messages of RFC 4475 to the edge's socket, one
// after the other, and wants the answers of the table, the same answer to a
// repetition, and an edge that lives. What each is refused for is tested in
// sip/message.
func TestTortureOverUDP(t *testing.T) {
	want := map[string]string{ // section, final answer; empty: silence
		// §3.1.1: valid, so they get what their method or number gets.
		"wsinv":      "3.1.1.1 ", // dropped: no carrier writes so, attackers do
		"intmeth":    "3.1.1.2 ", // dropped: a NUL and a method of 47 characters
		"esc01":      "3.1.1.3 404",
		"escnull":    "3.1.1.4 405",
		"esc02":      "3.1.1.5 501",
		"lwsdisp":    "3.1.1.6 200",
		"longreq":    "3.1.1.7 ", // dropped: more than 10 Via
		"dblreq":     "3.1.1.8 405",
		"semiuri":    "3.1.1.9 200",
		"transports": "3.1.1.10 200",
		"mpart01":    "3.1.1.11 405",
		"unreason":   "3.1.1.12 ", // responses to nothing
		"noreason":   "3.1.1.13 ",
		// §3.1.2: broken.
		"badinv01":   "3.1.2.1 ", // nothing to be parsed, so nobody to be answered
		"clerr":      "3.1.2.2 ",
		"ncl":        "3.1.2.3 ",
		"scalar02":   "3.1.2.4 ",
		"scalarlg":   "3.1.2.5 ",
		"quotbal":    "3.1.2.6 ",
		"ltgtruri":   "3.1.2.7 ",
		"lwsruri":    "3.1.2.8 ",
		"lwsstart":   "3.1.2.9 ",
		"trws":       "3.1.2.10 ",
		"escruri":    "3.1.2.11 400",
		"baddate":    "3.1.2.12 404", // Date is not ours to judge
		"regbadct":   "3.1.2.13 405",
		"badaspec":   "3.1.2.14 ",
		"baddn":      "3.1.2.15 ",
		"badvers":    "3.1.2.16 505",
		"mismatch01": "3.1.2.17 400",
		"mismatch02": "3.1.2.18 400",
		"bigcode":    "3.1.2.19 ",
		// §3.2 to §3.4.
		"badbranch": "3.2.1 400",
		"insuf":     "3.3.1 400",
		"unkscm":    "3.3.2 416",
		"novelsc":   "3.3.3 ",
		"unksm2":    "3.3.4 405",
		"bext01":    "3.3.5 420",
		"invut":     "3.3.6 415",
		"regaut01":  "3.3.7 405",
		"multi01":   "3.3.8 400",
		"mcl01":     "3.3.9 400",
		"bcast":     "3.3.10 ", // a response to somebody else
		"zeromf":    "3.3.11 200",
		"cparam01":  "3.3.12 405",
		"cparam02":  "3.3.13 405",
		"regescrt":  "3.3.14 405",
		"sdp01":     "3.3.15 404", // Accept is not judged: there is one kind of answer
		"inv2543":   "3.4.1 400",  // RFC 2543, obsolete since 2002
		"test":      "no section ",
	}
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(root)), "sip", "testdata", "torture", "*", "*.dat"))
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d files, %v", len(files), err)
	}
	b := newBed(t, nil)
	for i, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".dat")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			code := want[name][strings.LastIndexByte(want[name], ' ')+1:]
			for range 2 {
				if got := b.answerTo(t, comesBack(string(data)), i); got != code {
					t.Fatalf("answered %q, want %q", got, code)
				}
			}
		})
	}
	if b.count("panics_total") != 0 {
		t.Error("there were panics")
	}
	b.checkLog()
}

// comesBack asks for answers to the port that a request came from. RFC 3581 §3.
func comesBack(text string) string {
	via := regexp.MustCompile(`(?i)(\r\nv(?:ia)?[ \t]*:[^\r;]*)`)
	at := via.FindStringIndex(text)
	if at == nil {
		return text
	}
	return text[:at[1]] + ";rport" + text[at[1]:]
}

// answerTo is the last answer that arrives before that to an OPTIONS sent behind.
func (b *bed) answerTo(t *testing.T, text string, serial int) string {
	t.Helper()
	b.caller.send(text)
	b.caller.send(strings.Replace(b.caller.other("OPTIONS"), "Call-ID: x", fmt.Sprintf("Call-ID: alive%d", serial), 1))
	last := ""
	for {
		answer := b.caller.receive(5 * time.Second)
		switch {
		case answer == "":
			t.Fatal("the edge does not answer OPTIONS any more")
		case strings.HasPrefix(header(answer, "Call-ID"), "alive"):
			return last
		case !strings.HasPrefix(answer, "SIP/2.0 100"):
			last = answer[len("SIP/2.0 "):][:3]
		}
	}
}
