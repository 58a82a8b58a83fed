package sip

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"maskline/sip/message"
)

// timed is a leg with the shortest session timer there is.
type timed struct {
	side   string
	theirs bool // the peer refreshes
	method string
}

func (l *timed) refresher(ours, theirs string) string {
	if l.theirs {
		return theirs
	}
	return ours
}

// described is what stands after a message of the leg's method.
func (l *timed) described() string {
	if l.method == message.Invite {
		return "+sdp"
	}
	return ""
}

// TestQuarterOfAnHour is a call of 15 minutes with session timers of 90 s on both
// legs: each side refreshes or is refreshed, by either method, 20 times. It lives
// that long, and not a second longer than its refreshes.
func TestQuarterOfAnHour(t *testing.T) {
	timers := []timed{{"", true, message.Invite}, {"", true, message.Update}, {"", false, message.Invite}, {"", false, message.Update}}
	for _, caller := range timers {
		for _, callee := range timers {
			caller.side, callee.side = "A", "B0"
			t.Run(fmt.Sprintf("%+v and %+v", caller, callee), func(t *testing.T) { quarterOfAnHour(t, caller, callee) })
		}
	}
}

func quarterOfAnHour(t *testing.T, caller, callee timed) {
	const rounds = 20
	b := newBench(t)
	want := func(in, out string) {
		t.Helper()
		if got := b.step(in); got != out {
			t.Fatalf("%s:\n got %s\nwant %s", in, got, out)
		}
	}
	b.headers = "Supported: timer\r\nSession-Expires: 90;refresher=" + caller.refresher("uas", "uac") + "\r\nAllow: INVITE, " + caller.method + "\r\n"
	want("A INVITE", dialled)
	want("B0 200+sdp h:Session-Expires:_90;refresher="+callee.refresher("uac", "uas")+" h:Allow:_INVITE,_"+callee.method,
		"report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp")
	want("A ACK", "")
	began := b.now
	for round := range rounds {
		var ours []string
		for _, l := range []timed{caller, callee} {
			if !l.theirs {
				ours = append(ours, l.side+" "+l.method+l.described())
			}
		}
		want("44s", "")
		want("1s", strings.Join(ours, ", "))
		for _, l := range []timed{caller, callee} {
			l.refreshed(want, round)
		}
	}
	if lived := b.now.Sub(began); lived != 15*time.Minute {
		t.Errorf("it lived %v", lived)
	}
	if !caller.theirs && !callee.theirs {
		want("A BYE", "A 200, B0 BYE, "+endOfCall+"caller 200")
		return
	}
	b.step("59s") // in which those that we refresh are refreshed, and do not answer
	want("1s", "B0 BYE, A BYE, "+endOfCall+"session_expired 200")
}

// refreshed is one refresh, by whoever makes it.
func (l *timed) refreshed(want func(in, out string), round int) {
	cseq := 20 + round
	switch {
	case l.theirs:
		want(fmt.Sprintf("%s %s #%d %s h:Supported:_timer h:Session-Expires:_90;refresher=uac", l.side, l.method, cseq, l.described()), l.side+" 200"+l.described())
		if l.method == message.Invite {
			want(fmt.Sprintf("%s ACK #%d", l.side, cseq), "")
		}
	case l.method == message.Invite:
		want(l.side+" 200+sdp re h:Session-Expires:_90;refresher=uac", l.side+" ACK")
	default:
		want(l.side+" 200 re h:Session-Expires:_90;refresher=uac", "")
	}
}
