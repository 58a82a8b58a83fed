package message

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

const presence = "<presence entity=\"pres:alice@home\"><geopriv/></presence>"

// inParts is an INVITE whose body has these parts; each is its headers, an empty
// line and its text.
func inParts(parts ...string) string {
	body := ""
	for _, p := range parts {
		body += "--b1\n" + p + "\n"
	}
	head, _, _ := strings.Cut(invite, "\n\n")
	return strings.Replace(head, "application/sdp", "multipart/mixed; boundary=\"b1\"", 1) + "\n\n" + body + "--b1--\n"
}

func typed(kind, more, text string) string {
	return "Content-Type: " + kind + "\n" + more + "\n" + text
}

func TestContentOfRequests(t *testing.T) {
	description := typed("application/sdp", "", plainSDP)
	isup := func(more string) string { return typed("application/ISUP;version=itu-t92+", more, "447700900001") }
	location := typed(locationXML, "Content-ID: <here@home>\n", presence)
	optional := "Content-Disposition: signal;handling=optional\n"
	cases := []struct {
		name, text string
		fault      string // empty: accepted
		sdp        bool
		located    bool
	}{
		{"a description alone", invite, "", true, false},
		{"a description in one part", inParts(description), "", true, false},
		{"ISUP that need not be understood", inParts(description, isup(optional)), "", true, false},
		{"ISUP first", inParts(isup(optional), description), "", true, false},
		{"ISUP that must be understood", inParts(description, isup("Content-Disposition: signal;handling=required\n")), "content_type", false, false},
		{"ISUP without handling must be too", inParts(description, isup("")), "content_type", false, false},
		{"a location", inParts(description, location), "", true, true},
		{"a location that may be left", inParts(description, typed(locationXML, "Content-Disposition: render;handling=optional\n", presence)), "", true, false},
		{"no description", inParts(location), "", false, true},
		{"two descriptions", inParts(description, description), "content_type", false, false},
		{"a description in base64", inParts(typed("application/sdp", "Content-Transfer-Encoding: base64\n", "dj0w")), "content_encoding", false, false},
		{"a description in 8bit", inParts(typed("application/sdp", "Content-Transfer-Encoding: 8bit\n", plainSDP)), "", true, false},
		{"something compressed that may be left", inParts(description, typed("a/b", "Content-Encoding: gzip\n"+optional, "x")), "", true, false},
		{"a part without a type", inParts(description, "\nhello"), "content_type", false, false},
		{"parts in parts", inParts(description, typed("multipart/mixed;boundary=c", "", "--c\n\nx\n--c--")), "content_type", false, false},
		{"nine parts", inParts(append([]string{description}, strings.Split(strings.Repeat(isup(optional)+"|", 8), "|")[:8]...)...), "multipart", false, false},
		{"no end", strings.TrimSuffix(inParts(description), "--b1--\n"), "multipart", false, false},
		{"no boundary", strings.Replace(inParts(description), "; boundary=\"b1\"", "", 1), "multipart", false, false},
		{"a body that may be left", strings.Replace(invite, "Content-Type: application/sdp", "Content-Type: text/plain\nContent-Disposition: render;handling=optional", 1), "", false, false},
		{"a body that may be left, encoded", strings.Replace(invite, "Content-Type:", "Content-Encoding: gzip\nContent-Disposition: session;handling=optional\nContent-Type:", 1), "", false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, f := request(t, c.text)
			if f != nil {
				if f.Name != c.fault {
					t.Fatalf("%v, want %q", f, c.fault)
				}
				if f.Code == 415 && !strings.HasPrefix(f.Header, "Accept") {
					t.Errorf("415 without saying what is accepted: %q", f.Header)
				}
				return
			}
			if c.fault != "" {
				t.Fatal("accepted")
			}
			if strings.HasPrefix(string(r.Body), "v=0") != c.sdp || r.Locates() != c.located {
				t.Fatalf("located %v, description %q", r.Locates(), r.Body)
			}
		})
	}
}

func TestContentOfResponses(t *testing.T) {
	answer := func(kind, body string) *Response {
		text := strings.Replace(ringing, "Content-Length: 0\n", "Content-Type: "+kind+"\nContent-Length: LEN\n", 1) + body
		r, f := NewResponse(parse(t, wire(text)).(*sip.Response))
		if f != nil {
			t.Fatal(f)
		}
		return r
	}
	parts := "--b\nContent-Type: application/isup\n\n447700900002\n--b\nContent-Type: application/sdp\n\n" + plainSDP + "--b--\n"
	if got := answer("multipart/mixed;boundary=b", parts).Body; !strings.HasPrefix(string(got), "v=0") || strings.Contains(string(got), "447700900002") {
		t.Errorf("%q", got)
	}
	for _, kind := range []string{"text/plain", "multipart/mixed;boundary=z", "multipart/mixed", "x"} {
		if got := answer(kind, parts).Body; got != nil {
			t.Errorf("%s: %q", kind, got)
		}
	}
}

// TestEmergencyCarriesTheLocation has a location in the body and one that a
// header points at.
func TestEmergencyCarriesTheLocation(t *testing.T) {
	text := inParts(typed("application/sdp", "", plainSDP), typed(locationXML, "Content-ID: <here@home>\n", presence),
		typed("application/isup", "Content-Disposition: signal;handling=optional\n", "447700900001"))
	e := goodRequest(t, text).Emergency("198.51.100.1:5070", "203.0.113.1:5060")
	d := Draft{Method: Invite, Via: "203.0.113.1:5060", Branch: "z9hG4bKours", CSeq: 1, Emergency: e, Dialog: &Dialog{}, SDP: []byte("v=0\r\n")}
	_, body, _ := strings.Cut(string(d.Append(nil)), "Content-Type: ")
	want := strings.ReplaceAll(`multipart/mixed;boundary=z9hG4bKours
Content-Length: LEN

--z9hG4bKours
Content-Type: application/sdp

v=0

--z9hG4bKours
Content-Type: application/pidf+xml
Content-ID: <here@home>

`+presence+`
--z9hG4bKours--
`, "\n", "\r\n")
	_, sent, _ := strings.Cut(want, "\r\n\r\n")
	if want = strings.Replace(want, "LEN", itoa(len(sent)), 1); body != want {
		t.Fatalf("got\n%s\nwant\n%s", body, want)
	}
}
