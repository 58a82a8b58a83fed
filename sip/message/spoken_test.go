package message

import (
	"net/netip"
	"strings"
	"testing"
)

func TestSpoken(t *testing.T) {
	local := netip.MustParseAddrPort("203.0.113.1:20000")
	for _, tt := range []struct {
		name  string
		audio string // the m= line's formats and what follows
		want  string // of our answer; "" for none
	}{
		{"mu-law first", "0 8 101\r\na=rtpmap:101 telephone-event/8000", " 0\r\na=ptime:20\r\na=sendrecv\r\n"},
		{"A-law first", "18 8 0\r\na=ptime:30", " 8\r\na=ptime:20\r\na=sendrecv\r\n"},
		{"dynamic", "97\r\na=rtpmap:97 PCMA/8000/1\r\na=fmtp:97 mode=1", " 97\r\na=rtpmap:97 PCMA/8000/1\r\na=ptime:20\r\na=sendrecv\r\n"},
		{"a caller that only listens", "0\r\na=recvonly", " 0\r\na=ptime:20\r\na=sendonly\r\n"},
		{"a caller on hold", "0\r\na=sendonly", ""},
		{"silence both ways", "0\r\na=inactive", ""},
		{"wide band alone", "9 97\r\na=rtpmap:97 PCMA/16000", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			offer, fault := ParseSDP([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP "+tt.audio+"\r\nm=video 4002 RTP/AVP 31\r\n"), &MediaPolicy{})
			if fault != nil {
				t.Fatal(fault)
			}
			answer := offer.Spoken()
			if answer == nil {
				if tt.want != "" {
					t.Fatal("there is no answer")
				}
				return
			}
			got := string(answer.AppendAnswer(nil, Origin{1, 1}, local, offer))
			_, audio, _ := strings.Cut(got, "m=audio 20000 RTP/AVP")
			if audio != tt.want+"m=video 0 RTP/AVP 0\r\n" || tt.want == "" {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

func TestG711AndKeys(t *testing.T) {
	for _, tt := range []struct {
		name    string
		formats []format
		codec   G711
		found   bool
		keys    uint8 // 0: none
	}{
		{"both laws", []format{{pt: 8}, {pt: 0}, {pt: 101, rtpmap: "telephone-event/8000"}}, G711{8, true}, true, 101},
		{"keys for wide band alone", []format{{pt: 0}, {pt: 100, rtpmap: "telephone-event/16000"}}, G711{0, false}, true, 0},
		{"letters of any case", []format{{pt: 96, rtpmap: "pcmu/8000"}, {pt: 97, rtpmap: "Telephone-Event/8000"}}, G711{96, false}, true, 97},
		{"a static type of another codec", []format{{pt: 18}}, G711{}, false, 0},
	} {
		s := &SDP{formats: tt.formats}
		codec, found := s.G711()
		keys, _ := s.Keys()
		if codec != tt.codec || found != tt.found || keys != tt.keys {
			t.Errorf("%s: %+v %v, keys %d", tt.name, codec, found, keys)
		}
	}
}
