package message

import (
	"strings"
	"testing"
)

const faxSDP = "v=0\no=447700900001 1 2 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=image 40000 udptl t38\n" +
	"a=T38FaxVersion:0\na=T38MaxBitRate:14400\na=T38FaxRateManagement:transferredTCF\na=t38faxmaxbuffer:2000\n" +
	"a=T38FaxMaxDatagram:400\na=T38FaxMaxIFP:40\na=T38FaxUdpEC:t38UDPRedundancy\na=T38FaxFillBitRemoval\na=T38FaxTranscodingMMR:0\n" +
	"a=T38VendorInfo:447700900001\na=T38FaxVersion:1\n"

func TestFaxGolden(t *testing.T) {
	policy := MediaPolicy{Fax: true, Codecs: Codecs{"PCMA"}}
	s, f := ParseSDP(body(faxSDP), &policy)
	if f != nil {
		t.Fatal(f)
	}
	want := string(body(`v=0
o=- 7 1 IN IP4 203.0.113.1
s=-
c=IN IP4 203.0.113.1
t=0 0
m=image 20000 udptl t38
a=T38FaxVersion:0
a=T38MaxBitRate:14400
a=T38FaxRateManagement:transferredTCF
a=T38FaxMaxBuffer:2000
a=T38FaxMaxDatagram:400
a=T38FaxMaxIFP:40
a=T38FaxUdpEC:t38UDPRedundancy
a=T38FaxFillBitRemoval
a=T38FaxTranscodingMMR:0
`))
	got := s.AppendOffer(nil, Origin{7, 1}, ourRTP)
	if string(got) != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	again, f := ParseSDP(got, &policy)
	if f != nil || string(again.AppendOffer(nil, Origin{7, 1}, ourRTP)) != want {
		t.Errorf("it does not read what it wrote: %v", f)
	}
	if !s.Fax() || s.Codec() != "T38" || s.Spoken() != nil || s.RTP.String() != "192.0.2.10:40000" {
		t.Errorf("%v %s %v", s.Fax(), s.Codec(), s.RTP)
	}
}

// TestFaxIsFor passes a fax to a trunk that takes one, whatever its codecs are.
func TestFaxIsFor(t *testing.T) {
	s, f := ParseSDP(body(faxSDP), &MediaPolicy{Fax: true})
	if f != nil {
		t.Fatal(f)
	}
	if s.For(&MediaPolicy{}) != nil {
		t.Error("for a trunk that refuses it")
	}
	if s.For(&MediaPolicy{Fax: true, Codecs: Codecs{"PCMA"}}) == nil {
		t.Error("not for one that relays it")
	}
}

func TestFaxRefused(t *testing.T) {
	cases := []struct {
		name, old, with string
		fax             bool
	}{
		{"not relayed", "", "", false},
		{"over TCP", "udptl", "tcp", true},
		{"another format", "udptl t38", "udptl t37", true},
		{"two formats", "udptl t38", "udptl t38 t39", true},
		{"port 0", "image 40000", "image 0", true},
		{"a well-known port", "image 40000", "image 53", true},
		{"a port that is none", "image 40000", "image 447700900001", true},
		{"a private address", "c=IN IP4 192.0.2.10", "c=IN IP4 10.0.0.1", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, f := ParseSDP(body(strings.Replace(faxSDP, c.old, c.with, 1)), &MediaPolicy{Fax: c.fax}); f == nil {
				t.Error("accepted")
			}
		})
	}
}

// TestFaxBeside relays one stream: audio where there is any.
func TestFaxBeside(t *testing.T) {
	policy := MediaPolicy{Fax: true}
	cases := []struct {
		name, lines, answer string
		fax                 bool
	}{
		{"both", "m=audio 40000 RTP/AVP 8\nm=image 40002 udptl t38\n", "m=audio 20000 RTP/AVP 8\r\na=sendrecv\r\nm=image 0 udptl 0\r\n", false},
		{"audio ended", "m=audio 0 RTP/AVP 8\nm=image 40002 udptl t38\n", "m=audio 0 RTP/AVP 0\r\nm=image 20000 udptl t38\r\n", true},
		{"fax ended", "m=audio 40000 RTP/AVP 8\nm=image 0 udptl t38\n", "m=audio 20000 RTP/AVP 8\r\na=sendrecv\r\nm=image 0 udptl 0\r\n", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, f := ParseSDP(body("v=0\no=- 1 2 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\n"+c.lines), &policy)
			if f != nil {
				t.Fatal(f)
			}
			_, got, _ := strings.Cut(string(s.AppendAnswer(nil, Origin{7, 1}, ourRTP, s)), "t=0 0\r\n")
			if s.Fax() != c.fax || got != c.answer {
				t.Errorf("fax %v:\n%s", s.Fax(), got)
			}
		})
	}
}

// TestFaxAnswer accepts a fax for a fax alone.
func TestFaxAnswer(t *testing.T) {
	fax, f := ParseSDP(body(faxSDP), &MediaPolicy{Fax: true})
	if f != nil {
		t.Fatal(f)
	}
	if fax.Accept(fax) != nil || fax.Accept(goodSDP(t, plainSDP)) == nil || goodSDP(t, plainSDP).Accept(fax) == nil {
		t.Error("an answer of the other kind")
	}
}

func TestFaxAttributes(t *testing.T) {
	cases := []struct{ key, value, want string }{
		{"T38FaxVersion", "3", "3"},
		{"T38FaxVersion", "447700", ""},
		{"T38FaxVersion", "", ""},
		{"T38MaxBitRate", "33600", "33600"},
		{"T38MaxBitRate", "0014400", ""},
		{"T38MaxBitRate", "4477009", ""},
		{"T38MaxBitRate", "-1", ""},
		{"T38FaxUdpEC", "T38UDPfec", "t38UDPFEC"},
		{"T38FaxUdpEC", "447700900001", ""},
		{"T38FaxRateManagement", "localTCF", "localTCF"},
		{"T38FaxRateManagement", "localTCF 4477", ""},
		{"T38FaxFillBitRemoval", "1", "1"},
		{"T38FaxFillBitRemoval", "447700900001", ""},
		{"T38VendorInfo", "0 0 447700", ""},
		{"T38ModemType", "t38G3FaxOnly", ""},
	}
	for _, c := range cases {
		name, got := cleanFax(c.key, c.value)
		if got != c.want || (c.want == "") != (name == "") {
			t.Errorf("%s:%s is %s:%s", c.key, c.value, name, got)
		}
	}
}
