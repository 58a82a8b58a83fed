package message

import (
	"strings"
	"testing"
)

const textMessage = `
MESSAGE sip:+441110000001@edge.example SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKtext
Max-Forwards: 70
From: <sip:+447700900001@home.example>;tag=a1
To: <sip:+441110000001@edge.example>
Call-ID: secret
CSeq: 8 MESSAGE
Content-Type: KIND
Content-Length: LEN

Grüße`

func TestText(t *testing.T) {
	for _, c := range []struct {
		kind string
		most int
		code int // 0: taken
	}{
		{"text/plain", 5, 0},
		{"text/plain", 4, 413},
		{"TEXT/PLAIN ; Charset = \"UTF-8\" ; format=flowed", 5, 0},
		{"text/plain;charset=us-ascii", 5, 0}, // UTF-8 all the same: what is readable is taken
		{"text/plain;charset=iso-8859-1", 5, 415},
		{"text/html", 5, 415},
		{"message/cpim", 5, 415},
		{"multipart/mixed;boundary=x", 5, 415},
		{"text", 5, 415},
	} {
		r := goodRequest(t, strings.Replace(textMessage, "KIND", c.kind, 1))
		text, f := r.Text(c.most)
		switch {
		case f == nil && (c.code != 0 || string(text) != "Grüße"):
			t.Errorf("%s: %q", c.kind, text)
		case f != nil && f.Code != c.code:
			t.Errorf("%s: %v", c.kind, f)
		}
	}
}

func TestTextGolden(t *testing.T) {
	d := Draft{
		Method: Message, Via: "192.0.2.1:5060", Branch: "z9hG4bKx", CSeq: 1, MaxForwards: 70, Text: []byte("Grüße\r\n\r\nBob"),
		Dialog: &Dialog{
			CallID: "id", LocalURI: "sip:+441110000002@edge.example", LocalTag: "t",
			RemoteURI: "sip:desk@192.0.2.9", Target: "sip:desk@192.0.2.9",
		},
	}
	want := strings.ReplaceAll(`MESSAGE sip:desk@192.0.2.9 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKx
Max-Forwards: 70
From: <sip:+441110000002@edge.example>;tag=t
To: <sip:desk@192.0.2.9>
Call-ID: id
CSeq: 1 MESSAGE
Content-Type: text/plain;charset=utf-8
Content-Length: 14

Grüße

Bob`, "\n", "\r\n")
	if got := string(d.Append(nil)); got != want {
		t.Errorf("got\n%s", got)
	}
	d.Text = []byte{}
	if got := string(d.Append(nil)); !strings.HasSuffix(got, "utf-8\r\nContent-Length: 0\r\n\r\n") {
		t.Errorf("an empty text:\n%s", got)
	}
}
