package message

import (
	"strings"
	"testing"
)

func TestCodecs(t *testing.T) {
	const many = "RTP/AVP 0 8 9 13 18 96 97 101\na=rtpmap:96 opus/48000/2\na=rtpmap:97 G722/16000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\n"
	cases := []struct {
		name   string
		codecs Codecs
		want   string // formats; empty: 488
	}{
		{"no list", nil, "0 8 9 13 18 96 97 101"},
		{"one", Codecs{"PCMA"}, "8"},
		{"two, in the order of the offer", Codecs{"PCMA", "PCMU"}, "0 8"},
		{"in small letters", Codecs{"pcma", "Telephone-Event"}, "8 101"},
		{"by clock rate", Codecs{"G722/8000"}, "9"},
		{"any clock rate", Codecs{"G722"}, "9 97"},
		{"by channels", Codecs{"opus/48000/2"}, "96"},
		{"another clock rate", Codecs{"opus/16000"}, ""},
		{"no sound is left", Codecs{"telephone-event", "CN"}, ""},
		{"nothing is left", Codecs{"AMR-WB"}, ""},
		{"a payload type is no name", Codecs{"8"}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := body(strings.Replace(plainSDP, "RTP/AVP 0 8\n", many, 1))
			policy := MediaPolicy{Codecs: c.codecs}
			s, f := ParseSDP(text, &policy)
			if c.want == "" {
				if f == nil || f.Code != 488 || f.Name != "sdp_format" {
					t.Fatalf("%v", f)
				}
			} else if f != nil {
				t.Fatal(f)
			} else if got := string(s.AppendOffer(nil, Origin{1, 1}, ourRTP)); !strings.Contains(got, "RTP/AVP "+c.want+"\r\n") {
				t.Fatalf("want %s in\n%s", c.want, got)
			}
			all, f := ParseSDP(text, &MediaPolicy{})
			if f != nil {
				t.Fatal(f)
			}
			before := all.PayloadTypes()
			cut := all.For(&policy)
			if (cut == nil) != (c.want == "") {
				t.Fatalf("the offer cut for the other side: %v", cut)
			}
			if cut != nil && !strings.Contains(string(cut.AppendOffer(nil, Origin{1, 1}, ourRTP)), "RTP/AVP "+c.want+"\r\n") {
				t.Fatal("cut differently for the other side")
			}
			if all.PayloadTypes() != before {
				t.Fatal("the offer itself was changed")
			}
		})
	}
}

// TestSDPRejectsLength bounds what is parsed.
func TestSDPRejectsLength(t *testing.T) {
	long := plainSDP + strings.Repeat("a=x\n", MaxDescription/4)
	if _, f := ParseSDP(body(long), &MediaPolicy{}); f == nil || f.Code != 413 {
		t.Fatalf("%v", f)
	}
}

// TestSDPLeftBehind plants lines that must not come out.
func TestSDPLeftBehind(t *testing.T) {
	plain := string(goodSDP(t, plainSDP).AppendOffer(nil, Origin{1, 1}, ourRTP))
	for _, line := range []string{
		"b=AS:64", "b=TIAS:64000", "k=clear:x", "r=604800 3600 0 90000", "u=http://x.example", "z=2882844526 -1h",
		"a=rtcp-mux", "a=rtcp-fb:* nack", "a=ice-ufrag:x", "a=setup:actpass", "a=fingerprint:sha-256 00", "a=label:1", "a=mid:0",
		"a=charset:x", "a=lang:en", "a=tool:x", "a=X-nat:0", "a=silenceSupp:off - - - -", "a=group:BUNDLE 0", "a=msid:x y", "a=extmap:1 urn:x", "a=T38FaxVersion:0",
	} {
		t.Run(line, func(t *testing.T) {
			places := []string{plainSDP + line + "\n"}
			switch line[0] {
			case 'a', 'b', 'k': // of the session too
				places = append(places, strings.Replace(plainSDP, "t=0 0\n", map[bool]string{true: line + "\nt=0 0\n", false: "t=0 0\n" + line + "\n"}[line[0] == 'b'], 1))
			case 'r', 'z':
				places = []string{strings.Replace(plainSDP, "t=0 0\n", "t=0 0\n"+line+"\n", 1)}
			case 'u':
				places = []string{strings.Replace(plainSDP, "c=", line+"\nc=", 1)}
			}
			for _, text := range places {
				if got := string(goodSDP(t, text).AppendOffer(nil, Origin{1, 1}, ourRTP)); got != plain {
					t.Fatalf("%s\nbecame\n%s", text, got)
				}
			}
		})
	}
}
