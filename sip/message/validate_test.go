package message

import (
	"strings"
	"testing"
)

func TestRequestFaults(t *testing.T) {
	without := func(header string) func(string) string {
		return func(s string) string {
			lines := strings.Split(s, "\n")
			kept := lines[:0]
			for _, l := range lines {
				if !strings.HasPrefix(l, header+":") {
					kept = append(kept, l)
				}
			}
			return strings.Join(kept, "\n")
		}
	}
	change := func(old, with string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, with, 1) }
	}
	add := func(header string) func(string) string { return change("CSeq:", header+"\nCSeq:") }
	cases := []struct {
		name   string
		change func(string) string
		code   int
		fault  string
	}{
		{"no Via", without("Via"), 0, "no_via"},
		{"no To", without("To"), 400, "no_to"},
		{"no From", without("From"), 400, "no_from"},
		{"no Call-ID", without("Call-ID"), 400, "no_call_id"},
		{"no CSeq", without("CSeq"), 400, "no_cseq"},
		{"two To", add("To: <sip:a@b>"), 400, "repeated_header"},
		{"two From, one compact", add("f: <sip:a@b>;tag=2"), 400, "repeated_header"},
		{"two Call-ID", add("i: x"), 400, "repeated_header"},
		{"two CSeq", add("CSeq: 7 INVITE"), 400, "repeated_header"},
		{"two Max-Forwards", add("Max-Forwards: 1"), 400, "repeated_header"},
		{"two Content-Length", add("l: LEN"), 400, "repeated_content_length"},
		{"version 3.0", change("SIP/2.0", "SIP/3.0"), 505, "version"},
		{"CSeq of another method", change("7 INVITE", "7 OPTIONS"), 400, "cseq_method"},
		{"CSeq in small letters", change("7 INVITE", "7 invite"), 400, "cseq_method"},
		{"From without a tag", change(";tag=a1", ""), 400, "no_from_tag"},
		{"branch without the cookie", change("branch=z9hG4bKabc", "branch=abc"), 400, "branch"},
		{"branch of the cookie alone", change("branch=z9hG4bKabc", "branch=z9hG4bK"), 400, "branch"},
		{"no branch", change("branch=z9hG4bKabc", "brunch=z9hG4bKabc"), 400, "branch"},
		{"comma in the host of Via", change("192.0.2.10:5060", "192.0.2.10,5060"), 400, "via"},
		{"port of Via too large", change("192.0.2.10:5060", "192.0.2.10:70000"), 400, "via"},
		{"Max-Forwards 0", change("Max-Forwards: 60", "Max-Forwards: 0"), 483, "max_forwards"},
		{"Require", add("Require: 100rel, foo"), 420, "extension"},
		{"Proxy-Require of a tag that we know as Require", add("Proxy-Require: timer"), 420, "extension"},
		{"Proxy-Require", add("Proxy-Require: sec-agree"), 420, "extension"},
		{"URI of a scheme that nobody knows", change("sip:+441110000001@edge.example;user=phone", "mailto:a@b"), 416, "scheme"},
		{"sips", change("INVITE sip:", "INVITE sips:"), 416, "scheme"},
		{"URN of another service", change("sip:+441110000001@edge.example;user=phone", "urn:service:counseling"), 416, "scheme"},
		{"bad escape in the user part", change("sip:+44", "sip:%zz"), 400, "request_uri"},
		{"headers in the Request-URI", change(";user=phone", "?Subject=a"), 400, "request_uri"},
		{"no Contact", without("Contact"), 400, "contact"},
		{"two Contacts", add("Contact: <sip:a@b>"), 400, "contact"},
		{"Contact of another scheme", change("Contact: <sip:", "Contact: <tel:"), 400, "contact"},
		{"Record-Route of another scheme", change("<sip:192.0.2.8:5070", "<tel:1920208"), 400, "record_route"},
		{"body of another type", change("application/sdp", "application/isup"), 415, "content_type"},
		{"body in no parts", change("application/sdp", "multipart/mixed;boundary=x"), 400, "multipart"},
		{"body in alternatives", change("application/sdp", "multipart/alternative;boundary=x"), 415, "content_type"},
		{"body of a type that is none", change("application/sdp", "application"), 415, "content_type"},
		{"body without a type", without("Content-Type"), 415, "content_type"},
		{"body compressed", add("Content-Encoding: gzip"), 415, "content_encoding"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, f := request(t, c.change(invite))
			if f == nil {
				t.Fatal("accepted")
			}
			if f.Code != c.code || f.Name != c.fault {
				t.Fatalf("%v, want %d %s", f, c.code, c.fault)
			}
			if f.Code != 0 { // the answer must be possible with what is left
				reply := Reply{Code: f.Code, Header: f.Header}
				parse(t, reply.Append(nil, r.Head("x")))
			}
		})
	}
}

func TestRequestAccepted(t *testing.T) {
	cases := []struct{ name, text string }{
		{"INVITE", invite},
		{"INVITE without a body", strings.Replace(strings.Split(invite, "Content-Type")[0], "\nSubject", "\nSubject", 1) + "\n"},
		{"ACK with Require, which nobody may answer", strings.NewReplacer("INVITE", "ACK", "CSeq:", "Require: x\nCSeq:").Replace(invite)},
		{"OPTIONS with Max-Forwards 0", strings.NewReplacer("INVITE", "OPTIONS", "Max-Forwards: 60", "Max-Forwards: 0").Replace(invite)},
		{"tel URI", strings.Replace(invite, "sip:+441110000001@edge.example;user=phone", "tel:+441110000001", 1)},
		{"emergency URN", strings.Replace(invite, "sip:+441110000001@edge.example;user=phone", "urn:service:sos.fire", 1)},
		{"content type with a parameter and capitals", strings.Replace(invite, "application/sdp", "Application/SDP; charset=utf-8", 1)},
		{"Max-Breadth, which proxies that fork count", strings.Replace(invite, "CSeq:", "Max-Breadth: 1\nCSeq:", 1)},
		{"Accept of something else", strings.Replace(invite, "CSeq:", "Accept: application/isup\nCSeq:", 1)},
		{"no encoding", strings.Replace(invite, "CSeq:", "Content-Encoding: identity\nCSeq:", 1)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { goodRequest(t, c.text) })
	}
}

func TestUnsupportedNamesTheExtensions(t *testing.T) {
	_, f := request(t, strings.Replace(invite, "CSeq:", "Require: 100rel, path\nRequire: timer, gruu\nProxy-Require: x y, foo\nCSeq:", 1))
	if f == nil || f.Header != "Unsupported: path, gruu, foo" {
		t.Fatalf("%+v", f)
	}
}

const ringing = `
SIP/2.0 183 Call +447700900002 now
Via: SIP/2.0/UDP 192.0.2.1:5060;rport=5060;received=192.0.2.1;branch=z9hG4bKours
From: <sip:+441110000002@192.0.2.1>;tag=ours
To: "Bob" <sip:+447700900002@192.0.2.20>;tag=b1
Call-ID: ours
CSeq: 1 INVITE
Contact: <sip:+447700900002@192.0.2.20:5070>
Record-Route: <sip:192.0.2.21;lr>
Record-Route: <sip:192.0.2.22;lr>
Content-Length: 0

`

func TestResponseFaults(t *testing.T) {
	cases := []struct{ name, old, with, want string }{
		{"two hops", "From:", "Via: SIP/2.0/UDP a;branch=z9hG4bKx\nFrom:", "dropped: via"},
		{"another version", "SIP/2.0 183", "SIP/3.0 183", "dropped: version"},
		{"no To", "To:", "X-To:", "dropped: no_to"},
		{"two CSeq", "CSeq:", "CSeq: 2 BYE\nCSeq:", "dropped: repeated_header"},
		{"two Content-Length", "CSeq:", "l: 0\nCSeq:", "dropped: repeated_content_length"},
		{"good", "", "", "response 183"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := outcome(wire(strings.Replace(ringing, c.old, c.with, 1))); got != c.want {
				t.Fatalf("%q, want %q", got, c.want)
			}
		})
	}
}
