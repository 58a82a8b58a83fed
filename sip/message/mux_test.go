package message

import (
	"strings"
	"testing"
)

func muxSDP(t testing.TB, text string) *SDP {
	t.Helper()
	s, f := ParseSDP(body(text), &MediaPolicy{Mux: true, Fax: true})
	if f != nil {
		t.Fatal(f)
	}
	return s
}

func TestMuxIsRead(t *testing.T) {
	audio := "m=audio 40000 RTP/AVP 0 8\n"
	for _, c := range []struct {
		name, old, with string
		mux             bool
	}{
		{"of the stream", audio, audio + "a=rtcp-mux\n", true},
		{"with the port that it falls back to", audio, audio + "a=rtcp:40001\na=rtcp-mux\n", true},
		{"none", audio, audio, false},
		{"of the session, where it means nothing", "t=0 0\n", "t=0 0\na=rtcp-mux\n", false},
		{"of another stream", audio, audio + "m=video 40002 RTP/AVP 31\na=rtcp-mux\n", false},
		{"of a fax", audio, "m=image 40000 udptl t38\na=rtcp-mux\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(plainSDP, c.old, c.with, 1)
			s := muxSDP(t, text)
			if s.Mux != c.mux {
				t.Errorf("%v, want %v", s.Mux, c.mux)
			}
			if c.mux && muxSDP(t, text).Content == muxSDP(t, plainSDP).Content {
				t.Error("a description that begins to share a port has not changed")
			}
			if strings.Contains(text, "image") {
				return
			}
			if goodSDP(t, text).Mux {
				t.Error("a trunk that does not permit it has it")
			}
		})
	}
}

func TestMuxedGolden(t *testing.T) {
	plain := muxSDP(t, plainSDP)
	got := string(plain.Muxed(true).AppendOffer(nil, Origin{7, 2}, ourRTP))
	want := string(body(`v=0
o=- 7 2 IN IP4 203.0.113.1
s=-
c=IN IP4 203.0.113.1
t=0 0
m=audio 20000 RTP/AVP 0 8
a=rtcp-mux
a=sendrecv
`))
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if without, had := Unmuxed([]byte(got)); !had || string(without) != string(plain.AppendOffer(nil, Origin{7, 2}, ourRTP)) {
		t.Errorf("had it: %v, without it\n%s", had, without)
	}
	if plain.Mux {
		t.Error("the description itself was changed")
	}
	theirs := muxSDP(t, plainSDP+"a=rtcp-mux\n")
	if got := string(theirs.Muxed(false).AppendOffer(nil, Origin{7, 2}, ourRTP)); strings.Contains(got, "mux") || !theirs.Mux {
		t.Errorf("got\n%s", got)
	}
}

// TestMuxedPayloadTypes leaves out what could be RTCP where a port is shared.
func TestMuxedPayloadTypes(t *testing.T) {
	odd := strings.Replace(plainSDP, "RTP/AVP 0 8\n", "RTP/AVP 8 72 95 96\na=rtpmap:72 L16/8000\na=rtpmap:95 L16/8000\na=rtpmap:96 opus/48000/2\n", 1)
	line := func(s *SDP) string {
		_, after, _ := strings.Cut(string(s.AppendOffer(nil, Origin{1, 1}, ourRTP)), "RTP/AVP ")
		formats, _, _ := strings.Cut(after, "\r\n")
		return formats
	}
	if got := line(muxSDP(t, odd)); got != "8 72 95 96" {
		t.Errorf("apart: %s", got)
	}
	if got := line(muxSDP(t, odd).Muxed(true)); got != "8 96" {
		t.Errorf("written: %s", got)
	}
	if got := line(muxSDP(t, odd+"a=rtcp-mux\n")); got != "8 96" {
		t.Errorf("read: %s", got)
	}
	only := muxSDP(t, strings.Replace(plainSDP, "RTP/AVP 0 8\n", "RTP/AVP 72\na=rtpmap:72 L16/8000\n", 1))
	if got := only.Muxed(true); got.Mux || line(got) != "72" {
		t.Errorf("nothing else: %v %s", got.Mux, line(got))
	}
	if _, f := ParseSDP(body(strings.Replace(plainSDP, "RTP/AVP 0 8\n", "RTP/AVP 72\na=rtpmap:72 L16/8000\na=rtcp-mux\n", 1)), &MediaPolicy{Mux: true}); f == nil || f.Code != 488 {
		t.Errorf("nothing else, shared: %v", f)
	}
}
