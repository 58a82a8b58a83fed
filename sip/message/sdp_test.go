package message

import (
	"net/netip"
	"strings"
	"testing"
)

var ourRTP = netip.MustParseAddrPort("203.0.113.1:20000")

const plainSDP = `v=0
o=- 1 2 IN IP4 192.0.2.10
s=-
c=IN IP4 192.0.2.10
t=0 0
m=audio 40000 RTP/AVP 0 8
`

func body(text string) []byte { return []byte(strings.ReplaceAll(text, "\n", "\r\n")) }

func goodSDP(t testing.TB, text string) *SDP {
	t.Helper()
	s, f := ParseSDP(body(text), &MediaPolicy{})
	if f != nil {
		t.Fatal(f)
	}
	return s
}

func TestParseSDP(t *testing.T) {
	s := goodSDP(t, offer)
	if s.Direction != SendOnly ||
		s.RTP != netip.MustParseAddrPort("192.0.2.11:40000") || s.RTCP != netip.MustParseAddrPort("192.0.2.11:40011") {
		t.Fatalf("%+v", s)
	}
	p := s.PayloadTypes()
	for _, pt := range []uint8{0, 8, 18, 101} {
		if !p.Has(pt) {
			t.Errorf("%d is missing", pt)
		}
	}
	for _, pt := range []uint8{1, 31, 97, 98, 127} {
		if p.Has(pt) {
			t.Errorf("%d is there", pt)
		}
	}
}

func TestSDPRefused(t *testing.T) {
	cases := []struct {
		name, old, with string
		code            int
		fault           string
	}{
		{"no SDP", plainSDP, "hello\n", 400, "sdp"},
		{"no origin", "o=- 1 2 IN IP4 192.0.2.10\n", "", 400, "sdp"},
		{"no media", "m=audio 40000 RTP/AVP 0 8\n", "", 488, "sdp_media"},
		{"medium without formats", "m=audio 40000 RTP/AVP 0 8", "m=audio 40000 RTP/AVP", 400, "sdp"},
		{"nine streams", "m=audio", strings.Repeat("m=video 1024 RTP/AVP 31\n", 8) + "m=audio", 488, "sdp_media"},
		{"video only", "m=audio", "m=video", 488, "sdp_media"},
		{"fax", "m=audio 40000 RTP/AVP 0 8", "m=image 40000 udptl t38", 488, "sdp_media"},
		{"SRTP", "RTP/AVP", "RTP/SAVP", 488, "sdp_media"},
		{"DTLS", "RTP/AVP", "UDP/TLS/RTP/SAVPF", 488, "sdp_media"},
		{"refused audio", "40000", "0", 488, "sdp_media"},
		{"only unnamed dynamic formats", "RTP/AVP 0 8", "RTP/AVP 96 97", 488, "sdp_format"},
		{"formats that are none", "RTP/AVP 0 8", "RTP/AVP 128 t38", 488, "sdp_format"},
		{"host name", "c=IN IP4 192.0.2.10", "c=IN IP4 host.example", 488, "sdp_address"},
		{"no address", "c=IN IP4 192.0.2.10\n", "", 488, "sdp_address"},
		{"multicast", "c=IN IP4 192.0.2.10", "c=IN IP4 224.2.1.1/127", 488, "sdp_address"},
		{"broadcast", "c=IN IP4 192.0.2.10", "c=IN IP4 255.255.255.255", 488, "sdp_address"},
		{"class E", "c=IN IP4 192.0.2.10", "c=IN IP4 240.0.0.1", 488, "sdp_address"},
		{"this network", "c=IN IP4 192.0.2.10", "c=IN IP4 0.1.2.3", 488, "sdp_address"},
		{"link-local", "c=IN IP4 192.0.2.10", "c=IN IP4 169.254.1.1", 488, "sdp_address"},
		{"link-local of IPv6", "c=IN IP4 192.0.2.10", "c=IN IP6 fe80::1", 488, "sdp_address"},
		{"loopback", "c=IN IP4 192.0.2.10", "c=IN IP4 127.0.0.1", 488, "sdp_private_address"},
		{"loopback in IPv6 clothes", "c=IN IP4 192.0.2.10", "c=IN IP6 ::ffff:127.0.0.1", 488, "sdp_private_address"},
		{"private", "c=IN IP4 192.0.2.10", "c=IN IP4 10.1.2.3", 488, "sdp_private_address"},
		{"private of IPv6", "c=IN IP4 192.0.2.10", "c=IN IP6 fd00::1", 488, "sdp_private_address"},
		{"carrier NAT", "c=IN IP4 192.0.2.10", "c=IN IP4 100.64.1.2", 488, "sdp_private_address"},
		{"our own port", "192.0.2.10\nt=", "203.0.113.1\nt=", 488, "sdp_own_address"},
		{"our own port by a=rtcp", "RTP/AVP 0 8\n", "RTP/AVP 0 8\na=rtcp:20001 IN IP4 203.0.113.1\n", 488, "sdp_own_address"},
		{"well-known port", "40000", "53", 488, "sdp_port"},
		{"port without one for RTCP", "40000", "65535", 488, "sdp_port"},
		{"private address in a=rtcp", "RTP/AVP 0 8\n", "RTP/AVP 0 8\na=rtcp:40001 IN IP4 10.0.0.1\n", 488, "sdp_private_address"},
		{"nonsense in a=rtcp", "RTP/AVP 0 8\n", "RTP/AVP 0 8\na=rtcp:x\n", 488, "sdp_port"},
		{"well-known port in a=rtcp", "RTP/AVP 0 8\n", "RTP/AVP 0 8\na=rtcp:22\n", 488, "sdp_port"},
	}
	policy := MediaPolicy{
		From: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")},
		Own:  []OwnMedia{{Addr: ourRTP.Addr(), PortMin: 10000, PortMax: 50000}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, f := ParseSDP(body(strings.Replace(plainSDP, c.old, c.with, 1)), &policy)
			if f == nil {
				t.Fatal("accepted")
			}
			if f.Code != c.code || f.Name != c.fault {
				t.Fatalf("%v, want %d %s", f, c.code, c.fault)
			}
		})
	}
}

func TestSDPAccepted(t *testing.T) {
	policy := MediaPolicy{From: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}}
	cases := []struct {
		name, old, with string
		rtp, rtcp       string
		direction       Direction
	}{
		{"plain", "", "", "192.0.2.10:40000", "192.0.2.10:40001", SendRecv},
		{"private in media_from", "c=IN IP4 192.0.2.10", "c=IN IP4 192.168.1.2", "192.168.1.2:40000", "192.168.1.2:40001", SendRecv},
		{"IPv6", "c=IN IP4 192.0.2.10", "c=IN IP6 2001:db8::1", "[2001:db8::1]:40000", "[2001:db8::1]:40001", SendRecv},
		{"address of RTCP", "RTP/AVP 0 8\n", "RTP/AVP 0 8\na=rtcp:50000 IN IP4 192.0.2.99\n", "192.0.2.10:40000", "192.0.2.99:50000", SendRecv},
		{"direction of the session", "t=0 0\n", "t=0 0\na=inactive\n", "192.0.2.10:40000", "192.0.2.10:40001", Inactive},
		{"direction of the stream wins", "t=0 0\nm=audio 40000 RTP/AVP 0 8\n", "t=0 0\na=inactive\nm=audio 40000 RTP/AVP 0 8\na=recvonly\n", "192.0.2.10:40000", "192.0.2.10:40001", RecvOnly},
		{"without the last line end", "RTP/AVP 0 8\n", "RTP/AVP 0 8", "192.0.2.10:40000", "192.0.2.10:40001", SendRecv},
		{"hold by address", "c=IN IP4 192.0.2.10", "c=IN IP4 0.0.0.0", "invalid AddrPort", "invalid AddrPort", SendOnly},
		{"fax beside audio", "m=audio", "m=image 30000 udptl t38\na=T38FaxVersion:0\nm=audio", "192.0.2.10:40000", "192.0.2.10:40001", SendRecv},
		{"SRTP first, plain second", "m=audio", "m=audio 30000 RTP/SAVP 0\nm=audio", "192.0.2.10:40000", "192.0.2.10:40001", SendRecv},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, f := ParseSDP(body(strings.Replace(plainSDP, c.old, c.with, 1)), &policy)
			if f != nil {
				t.Fatal(f)
			}
			if s.RTP.String() != c.rtp || s.RTCP.String() != c.rtcp || s.Direction != c.direction {
				t.Fatalf("%v %v %v", s.RTP, s.RTCP, s.Direction)
			}
		})
	}
}

// TestContent tells a repeated description from a changed one by what is in it:
// some peers count the version up for a refresh, others forget to.
func TestContent(t *testing.T) {
	cases := []struct {
		name, old, with string
		same            bool
	}{
		{"nothing", "", "", true},
		{"version", "o=- 1 2", "o=- 1 3", true},
		{"what we leave behind", "s=-\n", "s=-\ni=hello\n", true},
		{"address", "c=IN IP4 192.0.2.10", "c=IN IP4 192.0.2.11", false},
		{"hold", "c=IN IP4 192.0.2.10", "c=IN IP4 0.0.0.0", false},
		{"port", "40000", "40002", false},
		{"port of RTCP", "RTP/AVP 0 8\n", "RTP/AVP 0 8\na=rtcp:40009\n", false},
		{"direction", "RTP/AVP 0 8\n", "RTP/AVP 0 8\na=sendonly\n", false},
		{"formats", "RTP/AVP 0 8", "RTP/AVP 8", false},
		{"a further stream", "m=audio", "m=video 4000 RTP/AVP 96\nm=audio", false},
	}
	before := goodSDP(t, plainSDP).Content
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if same := goodSDP(t, strings.Replace(plainSDP, c.old, c.with, 1)).Content == before; same != c.same {
				t.Fatalf("same: %v", same)
			}
		})
	}
}

func TestAnswerGolden(t *testing.T) {
	a := goodSDP(t, offer)
	b := goodSDP(t, strings.Replace(plainSDP, "RTP/AVP 0 8\n", "RTP/AVP 101 8 3\na=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=recvonly\n", 1))
	if f := b.Accept(a); f != nil {
		t.Fatal(f)
	}
	want := string(body(`v=0
o=- 7 2 IN IP4 203.0.113.1
s=-
c=IN IP4 203.0.113.1
t=0 0
m=video 0 RTP/AVP 0
m=audio 20000 RTP/AVP 101 8
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=rtpmap:8 PCMA/8000
a=recvonly
`))
	if got := string(b.AppendAnswer(nil, Origin{7, 2}, ourRTP, a)); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

func TestOfferOfIPv6(t *testing.T) {
	got := string(goodSDP(t, plainSDP).AppendOffer(nil, Origin{1, 1}, netip.MustParseAddrPort("[2001:db8::2]:20000")))
	if !strings.Contains(got, "c=IN IP6 2001:db8::2\r\n") {
		t.Fatal(got)
	}
}

func TestAnswerWithoutACommonFormat(t *testing.T) {
	b := goodSDP(t, strings.Replace(plainSDP, "RTP/AVP 0 8", "RTP/AVP 3", 1))
	if f := b.Accept(goodSDP(t, plainSDP)); f == nil || f.Code != 488 {
		t.Fatalf("%v", f)
	}
}

func TestFormatTexts(t *testing.T) {
	rtpmaps := []struct {
		in   string
		kept bool
	}{
		{"PCMA/8000", true},
		{"opus/48000/2", true},
		{"telephone-event/8000", true},
		{"AMR-WB/16000", true},
		{"G.722.1/16000", true},
		{"PCMA", false},
		{"447700900001/8000", false},
		{"a/447700900001", false},
		{"44-77-00-90/1", false},
		{"PCMA/8000/1/1", false},
		{"PC MA/8000", false},
		{"/8000", false},
		{"PCMA/", false},
		{strings.Repeat("a", 40) + "/8000", false},
	}
	for _, c := range rtpmaps {
		if got := cleanRtpmap(c.in); (got != "") != c.kept || (c.kept && got != c.in) {
			t.Errorf("rtpmap %q: %q", c.in, got)
		}
	}
	fmtps := []struct{ in, want string }{
		{"0-15", "0-15"},
		{"0-15,66,70", "0-15,66,70"},
		{"annexb=no", "annexb=no"},
		{"mode-set=0,2,5,7; octet-align=1", "mode-set=0,2,5,7;octet-align=1"},
		{"maxaveragebitrate=510000;useinbandfec=1", "maxaveragebitrate=510000;useinbandfec=1"},
		{"br=5.9-24.4;bw=nb-swb", "br=5.9-24.4;bw=nb-swb"},
		{"annexb=no;caller=1", "annexb=no"},
		{"447700900001", ""},
		{"4477-0090-0001", ""},
		{"bitrate=447700900001", ""},
		{"mode=4477.0090.0001", ""},
		{"mode=a b", ""},
		{"mode", ""},
		{"config=deadbeef", ""},
	}
	for _, c := range fmtps {
		if got := cleanFmtp(c.in); got != c.want {
			t.Errorf("fmtp %q: %q, want %q", c.in, got, c.want)
		}
	}
}

func BenchmarkParseSDP(b *testing.B) {
	text := body(offer)
	var policy MediaPolicy
	b.ReportAllocs()
	for b.Loop() {
		if _, f := ParseSDP(text, &policy); f != nil {
			b.Fatal(f)
		}
	}
}

// TestLayout keeps the m= lines of a description for later ones of ours.
func TestLayout(t *testing.T) {
	if goodSDP(t, plainSDP).Layout() != nil {
		t.Error("one line needs no layout")
	}
	s := goodSDP(t, offer)
	got := string(goodSDP(t, plainSDP).AppendAnswer(nil, Origin{ID: 1, Version: 2}, ourRTP, s.Layout()))
	if !strings.Contains(got, "t=0 0\r\nm=video 0 RTP/AVP 0\r\nm=audio 20000 RTP/AVP 0 8\r\n") {
		t.Error(got)
	}
}

// TestAppendInactive agrees to an offer's formats, and to no media.
func TestAppendInactive(t *testing.T) {
	s := goodSDP(t, offer)
	got := string(s.AppendInactive(nil, Origin{ID: 1, Version: 1}, ourRTP))
	if !strings.Contains(got, "m=video 0 RTP/AVP 0\r\nm=audio 20000 RTP/AVP 8 0 18 101\r\n") || !strings.HasSuffix(got, "a=inactive\r\n") {
		t.Error(got)
	}
	if s.Direction != SendOnly {
		t.Error("the offer itself was changed")
	}
}

// TestAnswerKeepsToTheDirections has answers say more than the offer left. RFC 3264 §6.1.
func TestAnswerKeepsToTheDirections(t *testing.T) {
	want := map[Direction][4]Direction{ // by the offer: of an answer with each direction
		SendRecv: {SendRecv, SendOnly, RecvOnly, Inactive},
		SendOnly: {RecvOnly, Inactive, RecvOnly, Inactive},
		RecvOnly: {SendOnly, SendOnly, Inactive, Inactive},
		Inactive: {Inactive, Inactive, Inactive, Inactive},
	}
	for offered, row := range want {
		for said, direction := range row {
			offer, answer := goodSDP(t, plainSDP), goodSDP(t, plainSDP)
			offer.Direction, answer.Direction = offered, Direction(said)
			if f := answer.Accept(offer); f != nil || answer.Direction != direction {
				t.Errorf("%v answered %v: %v, %v", offered, Direction(said), answer.Direction, f)
			}
		}
	}
}
