package message

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// outcome says in one word what becomes of a datagram.
func outcome(b []byte) string {
	if drop := Check(b); drop != Pass {
		return "guard: " + drop.String()
	}
	msg, err := sip.NewParser().ParseSIP(b)
	if err != nil {
		return "unparsable"
	}
	switch msg := msg.(type) {
	case *sip.Request:
		r, f := NewRequest(msg, caller)
		if f != nil {
			return f.Error()
		}
		return "request " + r.Method
	case *sip.Response:
		r, f := NewResponse(msg)
		if f != nil {
			return f.Error()
		}
		return "response " + itoa(r.Code)
	}
	return "?"
}

// TestTorture holds the messages of RFC 4475, which sipgo ships with its own
// tests, against what we answer. Where we differ from the RFC's advice, the
// comment says why.
func TestTorture(t *testing.T) {
	want := map[string]string{
		// Valid messages.
		"dblreq":     "request REGISTER", // the second request in the datagram is ignored
		"esc01":      "request INVITE",
		"esc02":      "request RE%47IST%45R",
		"escnull":    "request REGISTER",
		"lwsdisp":    "request OPTIONS",
		"mpart01":    "request MESSAGE",
		"noreason":   "response 100",
		"semiuri":    "request OPTIONS",
		"transports": "request OPTIONS",
		"unreason":   "response 200",
		"zeromf":     "request OPTIONS", // answered by us, so no hop is needed
		// Valid, refused on purpose: no carrier sends them, attackers do.
		"intmeth": "guard: bad_start_line", // a method of 47 characters, and NUL in a name
		"longreq": "guard: too_many_vias",
		"wsinv":   "guard: space_before_colon",
		"inv2543": "400 Bad Request: no_from_tag", // RFC 2543, obsolete since 2002
		// Broken so that sipgo's parser makes nothing of them: dropped.
		"badaspec": "unparsable",
		"badinv01": "unparsable",
		"clerr":    "unparsable",
		"ncl":      "unparsable",
		"novelsc":  "unparsable", // not even a scheme that could be refused with 416
		"quotbal":  "unparsable",
		"scalar02": "unparsable",
		"scalarlg": "unparsable",
		"baddn":    "guard: no_end",
		"bigcode":  "guard: bad_start_line",
		"ltgtruri": "guard: bad_start_line",
		"lwsruri":  "guard: bad_start_line",
		"lwsstart": "guard: bad_start_line",
		"test":     "guard: bad_start_line",
		"trws":     "guard: bad_start_line",
		// Broken, with an answer.
		"badbranch":  "400 Bad Request: branch",
		"badvers":    "505 Version Not Supported: version",
		"bext01":     "420 Bad Extension: extension",
		"escruri":    "400 Bad Request: request_uri",
		"insuf":      "400 Bad Request: no_to",
		"invut":      "415 Unsupported Media Type: content_type",
		"mcl01":      "400 Bad Request: repeated_content_length",
		"mismatch01": "400 Bad Request: cseq_method",
		"mismatch02": "400 Bad Request: cseq_method",
		"multi01":    "400 Bad Request: repeated_header",
		"unkscm":     "416 Unsupported URI Scheme: scheme",
		"bcast":      "dropped: via", // not our response: two hops
		// Broken in what a registrar, a proxy or a user interface would read, and
		// we don't: REGISTER gets its 405, Date and Accept are not ours to judge.
		"baddate":  "request INVITE",
		"cparam01": "request REGISTER",
		"cparam02": "request REGISTER",
		"regaut01": "request REGISTER",
		"regbadct": "request REGISTER",
		"regescrt": "request REGISTER",
		"sdp01":    "request INVITE",
		"unksm2":   "request REGISTER",
	}
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(root)), "sip", "testdata", "torture", "*", "*.dat"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".dat")
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := outcome(b); got != want[name] {
				t.Fatalf("%q, want %q", got, want[name])
			}
		})
	}
}
