package message

import "testing"

func TestCodec(t *testing.T) {
	cases := []struct{ name, formats, attributes, want string }{
		{"static", "8 0 101", "a=rtpmap:101 telephone-event/8000\r\n", "PCMA/8000"},
		{"named", "0", "a=rtpmap:0 pcmu/8000\r\n", "PCMU/8000"},
		{"dynamic", "96", "a=rtpmap:96 opus/48000/2\r\n", "opus/48000"},
		{"DTMF first", "101 9", "a=rtpmap:101 telephone-event/8000\r\n", "G722/8000"},
		{"DTMF alone", "101", "a=rtpmap:101 telephone-event/8000\r\n", ""},
		{"a name of the peer's own", "96", "a=rtpmap:96 call-me-447700/8000\r\n", "other"},
		{"a rate of the peer's own", "96", "a=rtpmap:96 AMR/447700\r\n", "other"},
		{"an unusual static one", "17", "", "other"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, f := ParseSDP([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 93.184.216.34\r\nt=0 0\r\nm=audio 4000 RTP/AVP "+c.formats+"\r\n"+c.attributes), &MediaPolicy{})
			if f != nil {
				t.Fatal(f)
			}
			if got := s.Codec(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
