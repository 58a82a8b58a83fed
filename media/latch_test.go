package media

import (
	"net/netip"
	"testing"
	"time"
)

// admit does what a port does with a valid packet, and reports whether it was
// let in.
func admit(l *latch, in *side, from netip.AddrPort, seq uint16, now time.Duration) bool {
	who := l.judge(from, &in.sources, netip.Addr{}, now)
	if who == stranger || who == unproven && !in.seldom.learner.valid(from, 1, seq) {
		return false
	}
	l.settle(from, who, &in.sources)
	return true
}

func TestLatch(t *testing.T) {
	const (
		sdp      = "192.0.2.1:5000"
		otherIP  = "198.51.100.9:5000"
		portA    = "192.0.2.1:6000"
		portB    = "192.0.2.1:7000"
		inPrefix = "203.0.113.7:8000"
	)
	prefix := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	type step struct {
		from   string // or "!" and the address that signalling names again, or "wait"
		let    bool
		target string // where we send afterwards
	}
	tests := []struct {
		name  string
		rules sources
		steps []step
	}{
		{"exact", sources{}, []step{{sdp, true, sdp}, {sdp, true, sdp}, {portA, false, sdp}}},
		{"the port differs and is learned", sources{}, []step{{portA, true, portA}, {portB, false, portA}, {portA, true, portA}}},
		{"another address before", sources{}, []step{{otherIP, false, sdp}, {sdp, true, sdp}}},
		{"another address after", sources{}, []step{{sdp, true, sdp}, {otherIP, false, sdp}}},
		{"another address while the port is learned", sources{}, []step{{portA, true, portA}, {otherIP, false, portA}}},
		{"exact takes over from near", sources{}, []step{{portA, true, portA}, {sdp, true, sdp}, {portA, false, sdp}}},
		{"prefix lets in and does not redirect", sourcesOf(&Remote{From: prefix}), []step{{inPrefix, true, sdp}, {otherIP, false, sdp}, {inPrefix, true, sdp}}},
		{"exact takes over from prefix", sourcesOf(&Remote{From: prefix}), []step{{inPrefix, true, sdp}, {sdp, true, sdp}, {inPrefix, false, sdp}}},
		{"asymmetric keeps the target", sources{asymmetric: true}, []step{{portA, true, sdp}, {portB, false, sdp}}},
		{
			"same SDP keeps the target and prefers the known port",
			sources{},
			[]step{{portA, true, portA}, {"!" + sdp, false, portA}, {portB, false, portA}, {portA, true, portA}, {"wait", false, portA}, {portB, false, portA}},
		},
		{
			"same SDP prefers the exact source",
			sources{},
			[]step{{sdp, true, sdp}, {"!" + sdp, false, sdp}, {portB, false, sdp}, {sdp, true, sdp}, {"wait", false, sdp}, {portB, false, sdp}},
		},
		{
			"same SDP lets exact take over at once",
			sources{},
			[]step{{portA, true, portA}, {"!" + sdp, false, portA}, {sdp, true, sdp}, {portA, false, sdp}},
		},
		{
			"same SDP and silence of the known port: another is learned",
			sources{},
			[]step{{portA, true, portA}, {"!" + sdp, false, portA}, {"wait", false, portA}, {otherIP, false, portA}, {portB, true, portB}, {portA, false, portB}},
		},
		{
			"silence without signalling opens nothing",
			sources{},
			[]step{{portA, true, portA}, {"wait", false, portA}, {portB, false, portA}},
		},
		{
			"new SDP opens again and moves the target",
			sources{},
			[]step{{portA, true, portA}, {"!" + otherIP, false, otherIP}, {sdp, false, otherIP}, {otherIP, true, otherIP}},
		},
		{
			"nat learns from eight packets",
			sources{nat: true},
			[]step{
				{otherIP, false, sdp},
				{otherIP, false, sdp},
				{otherIP, false, sdp},
				{otherIP, false, sdp},
				{otherIP, false, sdp},
				{otherIP, false, sdp},
				{otherIP, false, sdp},
				{otherIP, true, otherIP},
				{sdp, false, otherIP},
				{"!" + sdp, false, otherIP},
				{portA, false, otherIP},
				{otherIP, true, otherIP}, // proven before
			},
		},
		{"nat prefers exact inside the window", sources{nat: true}, []step{{otherIP, false, sdp}, {otherIP, false, sdp}, {sdp, true, sdp}, {otherIP, false, sdp}}},
		{"nat prefers the same address inside the window", sources{nat: true}, []step{{otherIP, false, sdp}, {portA, true, portA}, {otherIP, false, portA}}},
		{"strict learns nothing", sources{strict: true}, []step{{portA, false, sdp}, {otherIP, false, sdp}, {sdp, true, sdp}, {portA, false, sdp}}},
		{
			"strict learns nothing after signalling",
			sources{strict: true},
			[]step{{sdp, true, sdp}, {"!" + sdp, false, sdp}, {portA, false, sdp}, {"wait", false, sdp}, {portA, false, sdp}, {sdp, true, sdp}},
		},
		{"strict goes before a prefix", sourcesOf(&Remote{From: prefix, Strict: true}), []step{{inPrefix, false, sdp}, {sdp, true, sdp}}},
		{
			"strict goes before nat",
			sources{strict: true, nat: true},
			[]step{{otherIP, false, sdp}, {otherIP, false, sdp}, {otherIP, false, sdp}, {otherIP, false, sdp}, {otherIP, false, sdp}, {otherIP, false, sdp}, {otherIP, false, sdp}, {otherIP, false, sdp}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &side{sources: tt.rules, seldom: &seldom{learner: &learner{}}}
			l, now := latch{}, time.Minute
			l.reopen(netip.MustParseAddrPort(sdp), tt.rules.strict, now)
			if got := l.target().String(); got != sdp {
				t.Fatalf("before any packet we send to %s, want the address of SDP", got)
			}
			for i, s := range tt.steps {
				now += time.Millisecond
				if s.from == "wait" {
					now += relearnAfter
				} else if s.from[0] == '!' {
					l.reopen(netip.MustParseAddrPort(s.from[1:]), tt.rules.strict, now)
					in.learn(true)
				} else if got := admit(&l, in, netip.MustParseAddrPort(s.from), uint16(i), now); got != s.let {
					t.Fatalf("step %d: %s let in: %v, want %v", i, s.from, got, s.let)
				}
				if got := l.target().String(); got != s.target {
					t.Fatalf("step %d: we send to %s, want %s", i, got, s.target)
				}
			}
		})
	}
}

func TestLearner(t *testing.T) {
	type seen struct {
		from string
		ssrc uint32
		seq  uint16
		bad  bool
	}
	run := func(from string, ssrc uint32, first, n uint16) (all []seen) {
		for i := range n {
			all = append(all, seen{from: from, ssrc: ssrc, seq: first + i})
		}
		return all
	}
	const x, y = "192.0.2.1:1000", "192.0.2.2:1000"
	join := func(parts ...[]seen) (all []seen) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	var crowd []seen
	for i := range uint16(50) {
		crowd = append(crowd, seen{from: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), 1+i).String(), seq: 1})
	}
	tests := []struct {
		name   string
		seen   []seen
		proven bool // by the last one
	}{
		{"seven are too few", run(x, 1, 100, 7), false},
		{"eight prove", run(x, 1, 100, 8), true},
		{"across the wrap", run(x, 1, 65532, 8), true},
		{"another SSRC begins anew", join(run(x, 1, 100, 7), run(x, 2, 107, 1)), false},
		{"a repeated number begins anew", join(run(x, 1, 100, 7), run(x, 1, 106, 1)), false},
		{"a number going back begins anew", join(run(x, 1, 100, 7), run(x, 1, 90, 1)), false},
		{"a jump begins anew", join(run(x, 1, 100, 7), run(x, 1, 200, 1)), false},
		{"a small gap does not", join(run(x, 1, 100, 7), run(x, 1, 110, 1)), true},
		{"an invalid packet begins anew", join(run(x, 1, 100, 7), []seen{{from: x, bad: true}}, run(x, 1, 107, 1)), false},
		{"another's invalid packet does not", join(run(x, 1, 100, 7), []seen{{from: y, bad: true}}, run(x, 1, 107, 1)), true},
		{"two sources do not add up", join(run(x, 1, 100, 7), run(y, 1, 107, 1)), false},
		{"a crowd does not push out who is ahead", join(run(x, 1, 100, 2), crowd, run(x, 1, 102, 6)), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l learner
			proven := false
			for _, s := range tt.seen {
				from := netip.MustParseAddrPort(s.from)
				if s.bad {
					l.invalid(from)
					continue
				}
				proven = l.valid(from, s.ssrc, s.seq)
			}
			if proven != tt.proven {
				t.Errorf("proven: %v, want %v", proven, tt.proven)
			}
		})
	}
}
