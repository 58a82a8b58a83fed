package message

import (
	"net/netip"
	"strings"
	"testing"

	"maskline/testbench/leak"
)

func TestLegBNames(t *testing.T) {
	full := CLI{From: true, Asserted: true}
	cases := []struct {
		name                     string
		legB                     LegB
		caller, asserted, callee string
	}{
		{"plus", LegB{CLI: &full, Present: num(maskB), To: num(bob)}, "sip:+441110000002@203.0.113.1:5060", "sip:+441110000002@203.0.113.1:5060", "sip:+447700900002@198.51.100.1:5070"},
		{"plain", LegB{CLI: &CLI{From: true, Numbers: Numbers{Form: Plain}}, Present: num(maskB), To: num(bob)}, "sip:441110000002@203.0.113.1:5060", "", "sip:447700900002@198.51.100.1:5070"},
		{"domain and prefix", LegB{CLI: &CLI{From: true, Domain: "masked.example", Numbers: Numbers{TechPrefix: "77#"}}, Present: num(maskB), To: num(bob)}, "sip:+441110000002@masked.example", "", "sip:77%23+447700900002@198.51.100.1:5070"},
		{"asserted only", LegB{CLI: &CLI{Asserted: true}, Present: num(maskB), To: num(bob)}, anonymous, "sip:+441110000002@203.0.113.1:5060", "sip:+447700900002@198.51.100.1:5070"},
		{"asserted, and a user in From", LegB{CLI: &CLI{Asserted: true, User: "acct 1", Domain: "reg.example"}, Present: num(maskB), To: num(bob)}, "sip:acct%201@reg.example", "sip:+441110000002@reg.example", "sip:+447700900002@198.51.100.1:5070"},
		{"national", LegB{CLI: &CLI{From: true, Numbers: british}, Present: num("33140000001"), To: num(bob)}, "sip:0033140000001@203.0.113.1:5060", "", "sip:07700900002@198.51.100.1:5070"},
		{"nothing to present", LegB{CLI: &full, To: num(bob)}, anonymous, "", "sip:+447700900002@198.51.100.1:5070"},
		{"a user", LegB{CLI: &full, Present: num(maskB), User: "desk one@home"}, "sip:+441110000002@203.0.113.1:5060", "sip:+441110000002@203.0.113.1:5060", "sip:desk%20one%40home@198.51.100.1:5070"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.legB.Host, c.legB.Own = "198.51.100.1:5070", "203.0.113.1:5060"
			if got := c.legB.Caller(); got != c.caller {
				t.Errorf("caller %s, want %s", got, c.caller)
			}
			if got := c.legB.Asserted(); got != c.asserted {
				t.Errorf("asserted %q, want %q", got, c.asserted)
			}
			if got := c.legB.Callee(); got != c.callee {
				t.Errorf("callee %s, want %s", got, c.callee)
			}
		})
	}
}

// inviteB is the INVITE to Bob that follows from the invite of Alice.
func inviteB(t testing.TB, r *Request) []byte {
	s, f := ParseSDP(r.Body, &MediaPolicy{})
	if f != nil {
		t.Fatal(f)
	}
	legB := LegB{
		CLI: &CLI{From: true, Asserted: true}, Present: num(maskB), To: num(bob),
		Host: "198.51.100.1:5070", Own: "203.0.113.1:5060",
	}
	callee := legB.Callee()
	d := Draft{
		Method: Invite, Via: legB.Own, Branch: "z9hG4bKours", CSeq: 1, MaxForwards: r.MaxForwards - 1,
		Dialog:  &Dialog{CallID: "our-call", LocalURI: legB.Caller(), LocalTag: "our-tag", RemoteURI: callee, Target: callee},
		Contact: legB.Own, Allow: true, Asserted: legB.Asserted(),
		SDP: s.AppendOffer(nil, Origin{ID: 5, Version: 1}, netip.MustParseAddrPort("203.0.113.1:20000")),
	}
	return d.Append(nil)
}

const inviteBGolden = `
INVITE sip:+447700900002@198.51.100.1:5070 SIP/2.0
Via: SIP/2.0/UDP 203.0.113.1:5060;rport;branch=z9hG4bKours
Max-Forwards: 59
From: <sip:+441110000002@203.0.113.1:5060>;tag=our-tag
To: <sip:+447700900002@198.51.100.1:5070>
Call-ID: our-call
CSeq: 1 INVITE
Contact: <sip:203.0.113.1:5060>
P-Asserted-Identity: <sip:+441110000002@203.0.113.1:5060>
Allow: ` + Allow + `
User-Agent: Maskline
Content-Type: application/sdp
Content-Length: LEN

v=0
o=- 5 1 IN IP4 203.0.113.1
s=-
c=IN IP4 203.0.113.1
t=0 0
m=audio 20000 RTP/AVP 8 0 18 101
a=rtpmap:8 PCMA/8000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=maxptime:240
a=sendonly
`

// TestLegBGolden has Alice's number in every place that her INVITE offers.
func TestLegBGolden(t *testing.T) {
	got := inviteB(t, goodRequest(t, invite))
	if want := string(wire(inviteBGolden)); string(got) != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	if leak.Contains(got, num(alice)) {
		t.Fatal("it shows Alice's number")
	}
	if !leak.Contains(wire(invite), num(alice)) {
		t.Fatal("the check for leaks is blind")
	}
}

func TestDraftInDialog(t *testing.T) {
	d := Draft{
		Method: Bye, Via: "203.0.113.1:5060", Branch: "z9hG4bKb", CSeq: 2, MaxForwards: 70, Cause: 16,
		Dialog: &Dialog{
			CallID: "c", LocalURI: "sip:l@h", LocalTag: "lt", RemoteURI: "sip:r@h", RemoteTag: "rt",
			Target: "sip:t@192.0.2.1", Routes: []string{"sip:192.0.2.9;lr", "sip:192.0.2.8;lr"},
		},
	}
	want := string(wire(`
BYE sip:t@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 203.0.113.1:5060;rport;branch=z9hG4bKb
Max-Forwards: 70
Route: <sip:192.0.2.9;lr>
Route: <sip:192.0.2.8;lr>
From: <sip:l@h>;tag=lt
To: <sip:r@h>;tag=rt
Call-ID: c
CSeq: 2 BYE
Reason: Q.850;cause=16
Content-Length: 0

`))
	if got := string(d.Append(nil)); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEmergencyGoesAsItCame(t *testing.T) {
	text := strings.NewReplacer(
		"sip:+441110000001@edge.example;user=phone", "sip:112@edge.example",
		"Subject:", "Geolocation: <cid:target123@atlanta.example.com>;x=1\nGeolocation-Routing: yes\nP-Access-Network-Info: IEEE-802.11;i-wlan-node-id=00BA5550EEFF\nSubject:",
	).Replace(invite)
	build := func(text string) string {
		r := goodRequest(t, text)
		e := r.Emergency("198.51.100.1:5070", "203.0.113.1:5060")
		d := Draft{
			Method: Invite, Via: "203.0.113.1:5060", Branch: "z9hG4bKours", CSeq: 1, MaxForwards: 59, Emergency: e,
			Dialog: &Dialog{CallID: "c", LocalURI: e.Caller, LocalTag: "lt", RemoteURI: e.Callee, Target: e.Callee},
		}
		return string(d.Append(nil))
	}
	want := string(wire(`
INVITE sip:112@198.51.100.1:5070 SIP/2.0
Via: SIP/2.0/UDP 203.0.113.1:5060;rport;branch=z9hG4bKours
Max-Forwards: 59
From: "Al \"ice\"" <sip:+447700900001@203.0.113.1:5060>;tag=lt
To: <sip:112@198.51.100.1:5070>
Call-ID: c
CSeq: 1 INVITE
P-Asserted-Identity: <tel:+447700900001>
Geolocation: <cid:target123@atlanta.example.com>;x=1
Geolocation-Routing: yes
P-Access-Network-Info: IEEE-802.11;i-wlan-node-id=00BA5550EEFF
Content-Length: 0

`))
	if got := build(text); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	urn := build(strings.Replace(text, "sip:112@edge.example", "urn:service:sos.fire", 1))
	if !strings.HasPrefix(urn, "INVITE urn:service:sos.fire SIP/2.0\r\n") || !strings.Contains(urn, "To: <urn:service:sos.fire>\r\n") {
		t.Fatalf("a URN does not stay one:\n%s", urn)
	}
}

func BenchmarkInviteB(b *testing.B) {
	r := goodRequest(b, invite)
	b.ReportAllocs()
	for b.Loop() {
		inviteB(b, r)
	}
}

func BenchmarkReply(b *testing.B) {
	r := goodRequest(b, invite)
	reply := Reply{Code: 180, Contact: "203.0.113.1:5060"}
	b.ReportAllocs()
	for b.Loop() {
		reply.Append(nil, r.Head("ours"))
	}
}
