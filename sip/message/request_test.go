package message

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

func TestReplyGolden(t *testing.T) {
	r := goodRequest(t, invite)
	reply := Reply{Code: 183, RecordRoute: r.RecordRoute(), Contact: "203.0.113.1:5060", SDP: []byte("v=0\r\n")}
	want := string(wire(`
SIP/2.0 183 Session Progress
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKabc;x=1;rport=5062;received=192.0.2.10
Via: SIP/2.0/TCP inner.example;branch=z9hG4bKinner
From: "Al \"ice\"" <sip:+447700900001@home.example>;tag=a1
To: <sip:+441110000001@edge.example>;tag=ours
Call-ID: secret-+447700900001@home.example
CSeq: 7 INVITE
Record-Route: <sip:192.0.2.9;lr>
Record-Route: <sip:192.0.2.8:5070;lr;ftag=1>
Contact: <sip:203.0.113.1:5060>
Content-Type: application/sdp
Content-Length: 5

v=0
`))
	if got := string(reply.Append(nil, r.Head("ours"))); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReplyRefusalGolden(t *testing.T) {
	r := goodRequest(t, strings.Replace(invite, "To: <sip:+441110000001@edge.example>", "To: <sip:+441110000001@edge.example>;tag=theirs", 1))
	reply := Reply{Code: 405, Allow: true, Cause: 1, Header: "Retry-After: 1"}
	want := string(wire(`
SIP/2.0 405 Method Not Allowed
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKabc;x=1;rport=5062;received=192.0.2.10
Via: SIP/2.0/TCP inner.example;branch=z9hG4bKinner
From: "Al \"ice\"" <sip:+447700900001@home.example>;tag=a1
To: <sip:+441110000001@edge.example>;tag=theirs
Call-ID: secret-+447700900001@home.example
CSeq: 7 INVITE
Allow: ` + Allow + `
Reason: Q.850;cause=1
Retry-After: 1
Content-Length: 0

`))
	if got := string(reply.Append(nil, r.Head("ours"))); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

// TestViaWithSpaces has white space around a parameter, as a folded line makes it.
func TestViaWithSpaces(t *testing.T) {
	r := goodRequest(t, strings.Replace(invite, ";rport;branch", ";rport\n ;received=1.1.1.1\n ;branch", 1))
	via, _, _ := strings.Cut(string(r.Head("t")), "\r\n")
	if via != "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKabc;x=1;rport=5062;received=192.0.2.10" {
		t.Fatal(via)
	}
}

func TestReplyTo(t *testing.T) {
	via := func(s string) string {
		return strings.Replace(invite, "192.0.2.10:5060;rport;branch=z9hG4bKabc;x=1", s, 1)
	}
	cases := []struct{ name, text, addr, via string }{
		{"rport", invite, "192.0.2.10:5062", "192.0.2.10:5060;branch=z9hG4bKabc;x=1;rport=5062;received=192.0.2.10"},
		{"port of Via", via("192.0.2.10:5070;branch=z9hG4bKa"), "192.0.2.10:5070", "192.0.2.10:5070;branch=z9hG4bKa"},
		{"no port", via("192.0.2.10;branch=z9hG4bKa"), "192.0.2.10:5060", "192.0.2.10;branch=z9hG4bKa"},
		{"a name", via("host.example;branch=z9hG4bKa"), "192.0.2.10:5060", "host.example;branch=z9hG4bKa;received=192.0.2.10"},
		{"another address", via("10.0.0.1:5080;branch=z9hG4bKa"), "192.0.2.10:5080", "10.0.0.1:5080;branch=z9hG4bKa;received=192.0.2.10"},
		{"received and maddr of a third party", via("192.0.2.10;received=198.51.100.1;maddr=198.51.100.2;branch=z9hG4bKa"), "192.0.2.10:5060", "192.0.2.10;maddr=198.51.100.2;branch=z9hG4bKa"},
		{"address of IPv6", via("[2001:db8::1]:5080;branch=z9hG4bKa"), "192.0.2.10:5080", "[2001:db8::1]:5080;branch=z9hG4bKa;received=192.0.2.10"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := goodRequest(t, c.text)
			if got := r.ReplyTo().String(); got != c.addr {
				t.Errorf("to %s, want %s", got, c.addr)
			}
			top, _, _ := strings.Cut(string(r.Head("x")), "\r\n")
			if want := "Via: SIP/2.0/UDP " + c.via; top != want {
				t.Errorf("%s, want %s", top, want)
			}
		})
	}
}

func TestCalled(t *testing.T) {
	cases := []struct{ name, uri, dialled, number string }{
		{"with plus", "sip:+447700900001@edge", "+447700900001", alice},
		{"digits", "sip:447700900001@edge:5060", "447700900001", alice},
		{"parameters of the user part", "sip:+447700900001;npdi;rn=+447700900999@edge", "+447700900001", alice},
		{"parameters of the URI", "sip:+447700900001@edge;user=phone", "+447700900001", alice},
		{"visual separators", "sip:+44-7700.900(001)@edge", "+447700900001", alice},
		{"escaped", "sip:%2B447700900001@edge", "+447700900001", alice},
		{"password", "sip:447700900001:pw@edge", "447700900001", alice},
		{"tel", "tel:+44-7700-900001;phone-context=example.com", "+447700900001", alice},
		{"short", "sip:112@edge", "112", ""},
		{"short, escaped", "sip:%31%31%32@edge", "112", ""},
		{"short with plus is no emergency string", "sip:+112@edge", "+112", ""},
		{"short tel", "tel:112", "112", ""},
		{"sos", "urn:service:sos", "urn:service:sos", ""},
		{"kind of sos", "urn:service:sos.police", "urn:service:sos", ""},
		{"sos in capitals", "URN:SERVICE:SOS", "urn:service:sos", ""},
		{"name", "sip:j.doe@edge", "j.doe", ""},
		{"star code", "sip:*31#447700900001@edge", "*31#447700900001", ""},
		{"nobody", "sip:edge", "", ""},
		{"long", "sip:" + strings.Repeat("1", 65) + "@edge", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := goodRequest(t, strings.Replace(invite, "sip:+441110000001@edge.example;user=phone", c.uri, 1))
			got := r.Called(&Numbers{})
			want := Called{Dialled: c.dialled}
			if c.number != "" {
				want.Number = num(c.number)
			}
			if got != want {
				t.Fatalf("%q %s, want %q %s", got.Dialled, got.Number.Reveal(), want.Dialled, want.Number.Reveal())
			}
		})
	}
}

func TestCaller(t *testing.T) {
	const anonymousFrom = `"Anonymous" <sip:anonymous@anonymous.invalid>`
	cases := []struct {
		name, from, asserted string
		trust                bool
		want                 string
	}{
		{"From", "<sip:+447700900001@x>", "<sip:+447700900002@x>", true, alice},
		{"From without plus", "sip:447700900001@x", "", false, alice},
		{"From as tel", "<tel:+44-7700-900001>", "", false, alice},
		{"withheld", anonymousFrom, "<sip:+447700900001@x>", false, ""},
		{"withheld, trusted", anonymousFrom, "<sip:+447700900001@x>", true, alice},
		{"withheld, trusted, tel", anonymousFrom, "<tel:+447700900001>", true, alice},
		{"withheld, trusted, second value", anonymousFrom, `"A, B" <sip:alice@x>, <tel:+447700900001>`, true, alice},
		{"withheld, trusted, bare", anonymousFrom, "tel:+447700900001", true, alice},
		{"withheld, trusted, nonsense", anonymousFrom, `"<,`, true, ""},
		{"withheld, nothing asserted", anonymousFrom, "", true, ""},
		{"name", "<sip:alice@x>", "", false, ""},
		{"no user", "<sip:x>", "", false, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(invite, `"Al \"ice\"" <sip:+447700900001@home.example>`, c.from, 1)
			text = strings.Replace(text, "P-Asserted-Identity: <tel:+447700900001>\n", "", 1)
			if c.asserted != "" {
				text = strings.Replace(text, "CSeq:", "P-Asserted-Identity: "+c.asserted+"\nCSeq:", 1)
			}
			got := goodRequest(t, text).Caller(&Numbers{}, c.trust)
			if got.Reveal() != plus(c.want) {
				t.Fatalf("%q, want %q", got.Reveal(), plus(c.want))
			}
		})
	}
}

func plus(s string) string {
	if s == "" {
		return ""
	}
	return "+" + s
}

func TestPeers(t *testing.T) {
	a := goodRequest(t, invite).Peer()
	if a.Target != "sip:+447700900001@192.0.2.10:5062;transport=udp" || a.Next != netip.MustParseAddrPort("192.0.2.9:5060") ||
		!slices.Equal(a.Routes, []string{"sip:192.0.2.9;lr", "sip:192.0.2.8:5070;lr;ftag=1"}) {
		t.Errorf("caller: %+v", a)
	}
	res, f := NewResponse(parse(t, wire(ringing)).(*sip.Response))
	if f != nil {
		t.Fatal(f)
	}
	b := res.Peer()
	if b.Target != "sip:+447700900002@192.0.2.20:5070" || b.Next != netip.MustParseAddrPort("192.0.2.22:5060") ||
		!slices.Equal(b.Routes, []string{"sip:192.0.2.22;lr", "sip:192.0.2.21;lr"}) {
		t.Errorf("callee, route set not reversed: %+v", b)
	}
	named := goodRequest(t, strings.NewReplacer("Record-Route", "X", "@192.0.2.10:5062;", "@host.example;").Replace(invite)).Peer()
	if named.Next.IsValid() || named.Target != "sip:+447700900001@host.example;transport=udp" {
		t.Errorf("Contact with a name: %+v", named)
	}
}

func TestResponseNumbers(t *testing.T) {
	cases := []struct {
		name, headers string
		cause         int
		retry         time.Duration
	}{
		{"none", "X: y", 0, 0},
		{"cause", `Reason: Q.850;cause=17;text="busy, +447700900002"`, 17, 0},
		{"second protocol", `Reason: SIP;cause=487, q.850 ; Cause = 3`, 3, 0},
		{"two headers", "Reason: Q.850;cause=3\nReason: SIP;cause=404", 3, 0},
		{"SIP cause is none of Q.850", `Reason: SIP;cause=17`, 0, 0},
		{"out of range", `Reason: Q.850;cause=128`, 0, 0},
		{"negative", `Reason: Q.850;cause=-1`, 0, 0},
		{"no number", `Reason: Q.850;cause=x`, 0, 0},
		{"retry", "Retry-After: 120 (I'm in a meeting);duration=5", 0, 2 * time.Minute},
		{"retry of nonsense", "Retry-After: soon", 0, 0},
		{"retry beyond all", "Retry-After: 99999999999999999999", 0, 999999999 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := strings.NewReplacer("183 Call +447700900002 now", "503 No", "Contact:", c.headers+"\nContact:").Replace(ringing)
			res, f := NewResponse(parse(t, wire(text)).(*sip.Response))
			if f != nil {
				t.Fatal(f)
			}
			if res.Cause != c.cause || res.RetryAfter != c.retry {
				t.Fatalf("cause %d after %v, want %d after %v", res.Cause, res.RetryAfter, c.cause, c.retry)
			}
		})
	}
}
