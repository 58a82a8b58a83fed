package sip

import (
	"fmt"
	"strings"
	"time"
)

// answeredCall has both sides say in the dialog all that one can say there.
func (l *leakBed) answeredCall() {
	l.t.Helper()
	final := l.dial([]int{100, 180, 183, 200}, nil)
	l.isAnswer(final)
	invite := next(l.t, "an INVITE", l.callees[0].calls)
	l.caller.say(l.caller.inDialog("ACK", final, 1))
	said := []struct{ method, kind, body string }{
		{"OPTIONS", "", ""},
		{"UPDATE", "", ""},
		{"MESSAGE", "text/plain", "hello"},
		{"REFER", "", ""},
		{"NOTIFY", "message/sipfrag", "SIP/2.0 200 OK"},
		{"FOO", "", ""},
		{"INFO", "", ""},
		{"INFO", "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"},
		{"INVITE", "", ""},
		{"INVITE", "application/sdp", strings.Replace(l.caller.sdp(), "30000", "30002", 1)},
		{"UPDATE", "application/sdp", l.caller.sdp() + "a=sendonly\r\n"},
		{"INVITE", "application/sdp", l.caller.sdp() + "a=sendrecv\r\n"},
	}
	for i, s := range said {
		l.caller.say(complete(l.caller.peer, l.caller.inDialog(s.method, final, 10+i), s.kind, s.body))
		answer := next(l.t, s.method+" answered", l.caller.finals)
		if s.method == "INVITE" {
			l.acknowledge(answer, l.caller, l.caller.inDialog("ACK", final, 10+i))
		}
		l.callees[0].say(complete(l.callees[0].peer, l.callees[0].toDialog(s.method, invite, 10+i), s.kind, s.body))
		answer = next(l.t, s.method+" of the called side answered", l.callees[0].finals)
		if s.method == "INVITE" {
			l.acknowledge(answer, l.callees[0], l.callees[0].toDialog("ACK", invite, 10+i))
		}
	}
	l.hangUp(final)
}

// acknowledge sends an ACK, with an answer where a re-INVITE had no offer.
func (l *leakBed) acknowledge(answer string, u *leakUA, ack string) {
	if !strings.HasPrefix(answer, "SIP/2.0 200") {
		ack = strings.Replace(ack, header(ack, "Via"), header(answer, "Via"), 1)
		u.say(ack)
		return
	}
	u.say(complete(u.peer, ack, "application/sdp", u.sdp()))
}

// complete gives a request in the dialog a Contact and a body.
func complete(p *peer, request, kind, body string) string {
	request = strings.Replace(request, "Call-ID: ", "Contact: <sip:"+p.addr.String()+">\r\nCall-ID: ", 1)
	if body == "" {
		return request
	}
	head, _, _ := strings.Cut(request, "Content-Length: ")
	return head + fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body)
}

func (l *leakBed) isAnswer(final string) {
	l.t.Helper()
	if !strings.HasPrefix(final, "SIP/2.0 200") {
		l.t.Fatalf("the call is not answered:\n%s", final)
	}
}

// delayedCall has no offer in its INVITE: the called side's goes to the caller, and
// the answer back in ACKs.
func (l *leakBed) delayedCall() {
	l.t.Helper()
	l.bare = true
	final := l.dial([]int{180, 200}, nil)
	l.bare = false
	l.isAnswer(final)
	l.caller.say(complete(l.caller.peer, l.caller.inDialog("ACK", final, 1), "application/sdp", l.caller.sdp()))
	l.hangUp(final)
}

// reliableCall acknowledges a provisional answer on both sides.
func (l *leakBed) reliableCall() {
	l.t.Helper()
	final := l.dial([]int{100, 183 + reliably, 200}, nil)
	l.isAnswer(final)
	l.hangUp(final)
}

func (l *leakBed) cancelledCall() {
	l.t.Helper()
	l.callees[0].answers([]int{100, 180})
	invite := l.invite()
	l.caller.say(invite)
	next(l.t, "an INVITE", l.callees[0].calls)
	m := takeApart(invite)
	m.start, m.body = strings.Replace(m.start, "INVITE", "CANCEL", 1), ""
	m.change("CSeq", "INVITE", "CANCEL")
	l.caller.say(m.String())
	for range 2 {
		if final := next(l.t, "answers to CANCEL and INVITE", l.caller.finals); strings.HasPrefix(final, "SIP/2.0 487") {
			l.caller.say(l.caller.ack(final))
		}
	}
}

func (l *leakBed) hangUp(final string) {
	l.t.Helper()
	l.caller.say(l.caller.inDialog("ACK", final, 1))
	l.caller.say(l.caller.inDialog("BYE", final, 90))
	next(l.t, "BYE answered", l.caller.finals)
	select {
	case <-l.callees[0].byes:
	case <-l.callees[1].byes:
	case <-time.After(5 * time.Second):
		l.t.Fatal("no BYE for the called side")
	}
}
