package message

import (
	"strings"
	"testing"
)

const infoDTMF = `
INFO sip:edge.example SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKinfo
From: <sip:+447700900001@home.example>;tag=a1
To: <sip:+441110000001@edge.example>;tag=theirs
Call-ID: secret
CSeq: 8 INFO
Content-Type: KIND
Content-Length: LEN

BODY`

func info(t testing.TB, kind, body string) *Request {
	t.Helper()
	return goodRequest(t, strings.Replace(strings.Replace(infoDTMF, "KIND", kind, 1), "BODY", body, 1))
}

func TestDTMF(t *testing.T) {
	cases := []struct {
		name, kind, body string
		want             string // the body that goes on
	}{
		{"relay", "application/dtmf-relay", "Signal=5\nDuration=160\n", "Signal=5\r\nDuration=160\r\n"},
		{"spaces and case", "Application/DTMF-Relay; x=1", "signal= d\nDURATION = 250", "Signal=D\r\nDuration=250\r\n"},
		{"no duration", "application/dtmf-relay", "Signal=#", "Signal=#\r\nDuration=160\r\n"},
		{"as events", "application/dtmf-relay", "Signal=11\n", "Signal=#\r\nDuration=160\r\n"},
		{"too short", "application/dtmf-relay", "Signal=1\nDuration=1\n", "Signal=1\r\nDuration=40\r\n"},
		{"too long", "application/dtmf-relay", "Signal=1\nDuration=447700900\n", "Signal=1\r\nDuration=8000\r\n"},
		{"duration that is none", "application/dtmf-relay", "Signal=1\nDuration=x\n", "Signal=1\r\nDuration=160\r\n"},
		{"more lines are left", "application/dtmf-relay", "Signal=1\nCaller=447700900001\n", "Signal=1\r\nDuration=160\r\n"},
		{"bare", "application/dtmf", "*", "*"},
		{"bare with a line end", "application/dtmf", "7\n", "7"},
		{"bare with a name", "application/dtmf", "Signal=7\nDuration=100\n", "7"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, f := info(t, c.kind, c.body).DTMF()
			if f != nil {
				t.Fatal(f)
			}
			_, body, _ := strings.Cut(string(d.appendBody(nil)), "\r\n\r\n")
			if body != c.want {
				t.Errorf("%q, want %q", body, c.want)
			}
		})
	}
}

func TestDTMFRefused(t *testing.T) {
	cases := []struct {
		name, kind, body string
		code             int
	}{
		{"no key", "application/dtmf-relay", "Duration=160\n", 400},
		{"flash", "application/dtmf-relay", "Signal=16\n", 400},
		{"a number", "application/dtmf-relay", "Signal=447700900001\n", 400},
		{"a bare number", "application/dtmf", "447700900001", 400},
		{"too long", "application/dtmf-relay", "Signal=1\n" + strings.Repeat("x", 128), 400},
		{"another kind", "application/media_control+xml", "<x/>", 415},
		{"ISUP", "application/isup", "x", 415},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, f := info(t, c.kind, c.body).DTMF(); f == nil || f.Code != c.code {
				t.Errorf("%v, want %d", f, c.code)
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	cases := []struct {
		name, lines  string
		known        bool
		update, info bool
	}{
		{"none", "", false, false, false},
		{"both", "Allow: INVITE, UPDATE,INFO\n", true, true, true},
		{"two lines", "Allow: INVITE\nallow: UPDATE\n", true, true, false},
		{"methods have a case", "Allow: update\n", true, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := goodRequest(t, strings.Replace(invite, "Subject", c.lines+"Subject", 1)).Allowed()
			if m.Known() != c.known || m.Has(Update) != c.update || m.Has(Info) != c.info || m.Has(Bye) {
				t.Errorf("%b", m)
			}
		})
	}
}

// FuzzDTMF has any body give a key of the list and a bounded duration, or a fault.
func FuzzDTMF(f *testing.F) {
	f.Add("Signal=5\nDuration=160\n")
	f.Add("=\n=")
	f.Fuzz(func(t *testing.T, body string) {
		if strings.ContainsAny(body, "\r") {
			return
		}
		msg := parse(t, wire(strings.Replace(infoDTMF, "KIND", typeDTMFRelay, 1)))
		r, fault := NewRequest(asRequest(msg), caller)
		if fault != nil {
			t.Fatal(fault)
		}
		r.Body = []byte(body)
		d, fault := r.DTMF()
		if fault == nil && (!strings.ContainsRune("0123456789*#ABCD", rune(d.Key)) || d.Duration < minDuration || d.Duration > maxDuration) {
			t.Errorf("%+v", d)
		}
	})
}
