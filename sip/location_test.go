package sip

import (
	"fmt"
	"strings"
	"testing"
)

// located is the caller's INVITE with a location in its body.
func located(b *bench) event {
	ev := b.event([]string{"A", "INVITE"}).(evInvite)
	head, body, _ := strings.Cut(b.invite, "\r\n\r\n")
	head = strings.Replace(head, "application/sdp", "multipart/mixed;boundary=p", 1)
	body = "--p\r\nContent-Type: application/sdp\r\n\r\n" + body + "\r\n--p\r\nContent-Type: application/pidf+xml\r\nContent-ID: <here@home>\r\n\r\n<presence/>\r\n--p--\r\n"
	head, _, _ = strings.Cut(head, "\r\nContent-Length:")
	ev.req = b.parse(head+fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(body), body), "192.0.2.10:5062")
	return ev
}

// TestLocationGoesToTheEmergencyTrunkOnly has a caller insist on its location.
func TestLocationGoesToTheEmergencyTrunkOnly(t *testing.T) {
	b := newBench(t)
	b.routed.emergency = true
	b.handle(located(b))
	for _, want := range []string{"Content-Type: multipart/mixed;boundary=", "Content-Type: application/sdp\r\n\r\nv=0", "Content-ID: <here@home>\r\n\r\n<presence/>"} {
		if !strings.Contains(b.last["B0"], want) {
			t.Errorf("no %q in\n%s", want, b.last["B0"])
		}
	}
	b = newBench(t)
	if got, want := strings.Join(b.handle(located(b)), ", "), "A 100, route, A 415, over location 415"; got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
	if !strings.Contains(b.last["A"], "\r\nAccept: application/sdp, multipart/mixed\r\n") {
		t.Errorf("the answer does not say what is accepted:\n%s", b.last["A"])
	}
	b = newBench(t)
	b.routed.refused = &refusal{403, causeRejected, "emergency_refused"}
	if got, want := strings.Join(b.handle(located(b)), ", "), "A 100, route, A 403, over emergency_refused 403"; got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
}
