package message

import (
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/emiago/sipgo/sip"
)

func seeds(f *testing.F) {
	f.Add(wire(invite))
	f.Add(wire(ringing))
	f.Add(wire(strings.Replace(textMessage, "KIND", "text/plain;charset=utf-8", 1)))
	f.Add(wire(inviteBGolden))
	f.Add(bomb(7_900))
	f.Add(wire(inParts(typed("application/sdp", "", plainSDP), typed(locationXML, "Content-ID: <a>\n", presence), typed("a/b", "Content-Disposition: x;handling=optional\n", "x"))))
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		f.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(root)), "sip", "testdata", "torture", "*", "*.dat"))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// FuzzMessage takes a datagram all the way: guard, parser, checks, answer. No
// answer is longer than twice the request and 1 KiB, and no line of it was made
// by the sender.
func FuzzMessage(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if Check(b) != Pass {
			return
		}
		msg, err := sip.NewParser().ParseSIP(b)
		if err != nil {
			return
		}
		if res, ok := msg.(*sip.Response); ok {
			if r, fault := NewResponse(res); fault == nil {
				r.Peer()
			}
			return
		}
		r, fault := NewRequest(msg.(*sip.Request), caller)
		code := 200
		if fault != nil {
			if code = fault.Code; code == 0 {
				return
			}
		}
		reply := Reply{Code: code, RecordRoute: r.RecordRoute(), Contact: "h:1"}
		out := reply.Append(nil, r.Head("tag"))
		if len(out) > 2*len(b)+1024 {
			t.Fatalf("%d octets answer %d", len(out), len(b))
		}
		checkLines(t, out)
		if fault != nil {
			return
		}
		r.Called(&british)
		r.Caller(&british, true)
		r.Peer()
		r.ReplyTo()
		r.Emergency("h:1", "h:2")
		if text, f := r.Text(160); f == nil && (!utf8.Valid(text) || utf8.RuneCount(text) > 160) {
			t.Fatalf("%d octets passed as a text", len(text))
		}
	})
}

// checkLines wants every line to start with one of the headers of an answer.
func checkLines(t *testing.T, out []byte) {
	head, _, ok := bytes.Cut(out, []byte("\r\n\r\n"))
	if !ok {
		t.Fatal("no end of the headers")
	}
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if bytes.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("a line holds the end of one: %q", line)
		}
		name, _, _ := bytes.Cut(line, []byte(":"))
		switch string(name) {
		case "Via", "From", "To", "Call-ID", "CSeq", "Record-Route", "Contact", "Content-Length":
		default:
			if !bytes.HasPrefix(line, []byte("SIP/2.0 ")) {
				t.Fatalf("line of another's: %q", line)
			}
		}
	}
}

// FuzzSDP wants what was written anew to be read again as the same stream, and
// to hold no long run of digits of the sender's.
func FuzzSDP(f *testing.F) {
	f.Add(body(offer))
	f.Add(body(plainSDP))
	f.Add(body(faxSDP))
	f.Add(body(secureSDP))
	f.Add(body(plainSDP + "a=rtcp-mux\n"))
	f.Add(body(strings.Replace(plainSDP, "RTP/AVP 0 8", "RTP/AVP 8 72", 1) + "a=rtcp-mux\na=rtpmap:72 L16/8000\n"))
	for _, hostile := range []string{
		plainSDP + strings.Repeat("a=rtpmap:0 PCMU/8000\n", 200),
		plainSDP + strings.Repeat("a=fmtp:8 annexb=no;annexb=yes\n", 200),
		strings.Replace(plainSDP, "RTP/AVP 0 8", "RTP/AVP"+strings.Repeat(" 8 9", 900), 1),
		strings.Repeat("m=audio 40000 RTP/AVP 8\n", 9),
		strings.Replace(plainSDP, "m=", strings.Repeat("m=image 1 udptl t38\n", 7)+"m=", 1),
		strings.Replace(plainSDP, "192.0.2.10", "::ffff:192.0.2.10", 2),
		strings.Replace(plainSDP, "c=IN IP4 192.0.2.10", "c=IN IP6 2001:db8::"+strings.Repeat("1", 200), 1),
		strings.Replace(plainSDP, "s=-", "s="+strings.Repeat("+447700900001 ", 400), 1),
		strings.Replace(plainSDP, "40000", "40000/2", 1),
		strings.Replace(plainSDP, "40000", "-1", 1),
		strings.Replace(plainSDP, "\n", "\n\n", 3),
	} {
		f.Add(body(hostile))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > MaxDatagram {
			return
		}
		s, fault := ParseSDP(b, &MediaPolicy{Fax: true, SRTP: SRTPOptional, Mux: true})
		if fault != nil {
			return
		}
		out := s.AppendOffer(nil, Origin{1, 1}, netip.MustParseAddrPort("203.0.113.1:20000"))
		again, fault := ParseSDP(out, &MediaPolicy{Fax: true, Mux: true})
		if fault != nil {
			t.Fatalf("%v\n%s", fault, out)
		}
		if again.Fax() != s.Fax() || again.Mux != s.Mux || again.PayloadTypes() != s.PayloadTypes() || again.Direction != s.Direction {
			t.Fatalf("another stream:\n%s\n%s", b, out)
		}
		run := 0
		for _, c := range out {
			if run++; !isDigit(c) {
				run = 0
			}
			if run > longestRun {
				t.Fatalf("long number:\n%s", out)
			}
		}
		if shared := s.Muxed(true); shared.Mux {
			again, fault := ParseSDP(shared.AppendOffer(nil, Origin{1, 1}, netip.MustParseAddrPort("203.0.113.1:20000")), &MediaPolicy{Mux: true})
			if fault != nil || !again.Mux || again.PayloadTypes() != shared.PayloadTypes() {
				t.Fatalf("a shared port is read otherwise, %v:\n%s", fault, out)
			}
		}
		_ = s.AppendAnswer(nil, Origin{1, 1}, netip.MustParseAddrPort("203.0.113.1:20000"), s)
	})
}
