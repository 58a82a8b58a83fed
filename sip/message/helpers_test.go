package message

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"maskline/e164"
)

var caller = netip.MustParseAddrPort("192.0.2.10:5062")

// wire turns a readable message into one with CRLF, its Content-Length filled in
// where it says LEN.
func wire(text string) []byte {
	text = strings.TrimPrefix(text, "\n")
	head, body, _ := strings.Cut(text, "\n\n")
	body = strings.ReplaceAll(body, "\n", "\r\n")
	head = strings.ReplaceAll(head, "LEN", itoa(len(body)))
	return []byte(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)
}

func itoa(n int) string {
	var w writer
	w.number(n)
	return string(w.b)
}

func parse(t testing.TB, b []byte) sip.Message {
	t.Helper()
	msg, err := sip.NewParser().ParseSIP(b)
	if err != nil {
		t.Fatalf("parsing: %v\n%s", err, b)
	}
	return msg
}

func asRequest(msg sip.Message) *sip.Request { return msg.(*sip.Request) }

func request(t testing.TB, text string) (*Request, *Fault) {
	t.Helper()
	b := wire(text)
	if drop := Check(b); drop != Pass {
		t.Fatalf("the guard dropped it: %v", drop)
	}
	return NewRequest(parse(t, b).(*sip.Request), caller)
}

func goodRequest(t testing.TB, text string) *Request {
	t.Helper()
	r, f := request(t, text)
	if f != nil {
		t.Fatal(f)
	}
	return r
}

const invite = `
INVITE sip:+441110000001@edge.example;user=phone SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKabc;x=1
Via: SIP/2.0/TCP inner.example;branch=z9hG4bKinner
Max-Forwards: 60
Record-Route: <sip:192.0.2.9;lr>, <sip:192.0.2.8:5070;lr;ftag=1>
From: "Al \"ice\"" <sip:+447700900001@home.example>;tag=a1
To: <sip:+441110000001@edge.example>
Call-ID: secret-+447700900001@home.example
CSeq: 7 INVITE
Contact: <sip:+447700900001@192.0.2.10:5062;transport=udp>
P-Asserted-Identity: <tel:+447700900001>
Remote-Party-ID: <sip:+447700900001@home.example>
Diversion: <sip:+447700900001@home.example>
User-Agent: phone of +447700900001
Subject: +447700900001
X-Real: +447700900001
Content-Type: application/sdp
Content-Length: LEN

` + offer

const offer = `v=0
o=+447700900001 11 12 IN IP4 192.0.2.10
s=+447700900001
i=+447700900001
e=+447700900001
p=+447700900001
c=IN IP4 192.0.2.10
t=0 0
a=tool:+447700900001
m=video 40002 RTP/AVP 31
m=audio 40000 RTP/AVP 8 0 18 101 97 98
c=IN IP4 192.0.2.11
a=rtpmap:8 PCMA/8000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no;caller=447700900001
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=rtpmap:98 447700900001/8000
a=ptime:20
a=maxptime:240
a=rtcp:40011
a=rtcp-mux
a=candidate:1 1 UDP 1 192.0.2.10 40000 typ host
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:+447700900001
a=ssrc:1 cname:+447700900001
a=sendonly
`

const alice, maskB, bob = "447700900001", "441110000002", "447700900002"

func num(s string) e164.Number { return e164.MustParse(s) }
