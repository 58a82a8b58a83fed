//go:build peers

package sip

import (
	"bytes"
	"testing"

	"maskline/sip"
)

// exchange is a call between a scenario on each side.
type exchange struct {
	name           string
	caller, callee []string
	change         func(*sip.Config)
	why            string // how the edge names the end
	patience       int
	calls          int // 0: 3
	check          func(t *testing.T, caller, callee *sipp)
}

// played is an exchange under way.
type played struct {
	*exchange
	bed            *bed
	caller, callee *sipp
}

func (x *exchange) run(t *testing.T) {
	t.Helper()
	p := x.begin(t)
	p.finish(t)
}

func (x *exchange) begin(t *testing.T) *played {
	t.Helper()
	b := newBed(t, x.change)
	if x.calls == 0 {
		x.calls = 3
	}
	callee := start(t, run{scenario: inline(t, "callee "+x.name, x.callee...), port: b.alfa, number: bob, calls: x.calls, patience: x.patience}, "")
	caller := start(t, run{
		scenario: inline(t, "caller "+x.name, x.caller...), port: b.caller, number: alice, dials: maskA, calls: x.calls, rate: 5, patience: x.patience,
	}, b.addr.String())
	return &played{x, b, caller, callee}
}

func (p *played) finish(t *testing.T) {
	t.Helper()
	p.caller.t, p.callee.t = t, t
	p.caller.wait()
	p.callee.wait()
	eventually(t, "all calls are over", func() bool { return len(p.bed.edge.Calls()) == 0 })
	if got := p.bed.count("maskline_sip_calls_total", "why", p.why); got != float64(p.calls) {
		t.Errorf("%v calls ended with %q\n%s", got, p.why, p.bed.log.bytes())
	}
	if a, r := p.bed.media.allocated.Load(), p.bed.media.released.Load(); a != r {
		t.Errorf("media: %d allocated, %d released", a, r)
	}
	if p.check != nil {
		p.check(t, p.caller, p.callee)
	}
	checkNothingLeaks(t, p.bed, p.caller, []*sipp{p.callee})
}

const (
	supported = "Supported: 100rel"
	reliable  = "Require: 100rel"
	elsewhere = "42000"
)

// hangsUp ends the caller's scenario from its 2xx on.
func hangsUp(ok string, cseq int) []string { return hangsUpAfter(100, ok, cseq) }

func hangsUpAfter(milliseconds int, ok string, cseq int) []string {
	return []string{
		ok, asks("", "ACK", 1, noBody), waits(milliseconds),
		asks(`retrans="500"`, "BYE", cseq, noBody), gets("200", "CSeq: BYE"),
	}
}

// isHungUp ends the called side's scenario from its 2xx on.
func isHungUp(ok string) []string {
	return []string{ok, gets("ACK"), gets("BYE"), replies(200, noBody)}
}

func steps(before []string, after ...[]string) []string {
	all := append([]string{}, before...)
	for _, a := range after {
		all = append(all, a...)
	}
	return all
}

// TestReliable has provisional answers acknowledged on both legs, or on one alone.
func TestReliable(t *testing.T) {
	prack := func(cseq int) string {
		return asks(`retrans="500"`, "PRACK", cseq, noBody, "RAck: [$rseq] 1 INVITE")
	}
	callerPracks := []string{
		dials(supported), gets("100", "optional"), gets("183", "Require: 100rel", "RSeq=$rseq"),
		prack(2), gets("200", "CSeq: PRACK"),
	}
	calleeIsPracked := []string{
		isCalled("Supported: 100rel"), answers(`retrans="500"`, 183, "x", described(ours), reliable, "RSeq: 17"),
		gets("PRACK", "RAck: 17 1 INVITE"), replies(200, noBody),
	}
	plainCallee := []string{isCalled(), answers("", 183, "x", described(ours)), waits(200)}
	cases := []exchange{
		{
			name:   "both legs",
			caller: steps(callerPracks, hangsUp(gets("200", "CSeq: INVITE"), 3)),
			callee: steps(calleeIsPracked, isHungUp(answers(`retrans="500"`, 200, "x", noBody))),
		},
		{
			name:   "the caller alone",
			caller: steps(callerPracks, hangsUp(gets("200", "CSeq: INVITE"), 3)),
			callee: steps(plainCallee, isHungUp(answers(`retrans="500"`, 200, "x", described(ours)))),
		},
		{
			name:   "the called side alone",
			caller: steps([]string{dials(), gets("100", "optional"), gets("183")}, hangsUp(gets("200", "Content-Type: sdp"), 2)),
			callee: steps(calleeIsPracked, isHungUp(answers(`retrans="500"`, 200, "x", noBody))),
		},
		{
			name: "the caller requires it",
			caller: steps([]string{
				dials(reliable), gets("100", "optional"), gets("180", "Require: 100rel", "RSeq=$rseq"),
				prack(2), gets("200", "CSeq: PRACK"), gets("183", "RSeq=$rseq"), prack(3), gets("200", "CSeq: PRACK"),
			}, hangsUp(gets("200", "CSeq: INVITE"), 4)),
			callee: steps([]string{isCalled(), answers("", 180, "x", noBody), waits(1000), answers("", 183, "x", described(ours)), waits(1000)},
				isHungUp(answers(`retrans="500"`, 200, "x", described(ours)))),
		},
		{
			name: "we require it",
			change: func(cfg *sip.Config) {
				for i := range cfg.Trunks {
					cfg.Trunks[i].Reliable = sip.ReliableRequired
				}
			},
			caller: steps([]string{dials(), gets("100", "optional"), gets("183")}, hangsUp(gets("200"), 2)),
			callee: steps([]string{
				isCalled("Require: 100rel"), answers(`retrans="500"`, 183, "x", described(ours), reliable, "RSeq: 1"),
				gets("PRACK"), replies(200, noBody),
			}, isHungUp(answers(`retrans="500"`, 200, "x", noBody))),
		},
		{
			name: "the caller's PRACK is lost: 183 again",
			caller: steps([]string{
				dials(supported), gets("100", "optional"), gets("183", "RSeq=$rseq"), waits(2600), // it comes after 0.5 and 1.5 s
				prack(2), gets("200", "CSeq: PRACK"),
			}, hangsUp(gets("200", "CSeq: INVITE"), 3)),
			callee: steps(plainCallee, isHungUp(answers(`retrans="500"`, 200, "x", described(ours)))),
			check: func(t *testing.T, caller, _ *sipp) {
				t.Helper()
				if n := bytes.Count(caller.received(), []byte("SIP/2.0 183 ")); n < 9 {
					t.Errorf("three calls were sent %d times 183", n)
				}
			},
		},
		{
			name:   "our PRACK is lost: PRACK again",
			caller: steps([]string{dials(), gets("100", "optional"), gets("183")}, hangsUp(gets("200"), 2)),
			callee: steps([]string{
				isCalled(), answers("", 183, "x", described(ours), reliable, "RSeq: 5"), gets("PRACK", "RAck: 5 1 INVITE"), waits(1200), replies(200, noBody), waits(100),
			}, isHungUp(answers(`retrans="500"`, 200, "x", noBody))),
			check: func(t *testing.T, _, callee *sipp) {
				t.Helper()
				if n := bytes.Count(callee.received(), []byte("\nPRACK ")); n < 6 {
					t.Errorf("three calls were sent %d PRACKs", n)
				}
			},
		},
		{
			name: "183 with media, then 180, then the answer",
			caller: steps([]string{
				dials(supported), gets("100", "optional"), gets("183", "Content-Type: sdp", "RSeq=$rseq"), prack(2), gets("200", "CSeq: PRACK"),
				gets("180", "RSeq=$rseq"), prack(3), gets("200", "CSeq: PRACK"),
			}, hangsUp(gets("200", "CSeq: INVITE"), 4)),
			callee: steps(calleeIsPracked, []string{answers(`retrans="500"`, 180, "x", noBody, reliable, "RSeq: 18"), gets("PRACK", "RAck: 18 1 INVITE"), replies(200, noBody), waits(1000)},
				isHungUp(answers(`retrans="500"`, 200, "x", noBody))),
		},
		{
			name: "two devices ring, the second answers",
			caller: steps([]string{
				dials(), gets("100", "optional"), gets("183", "Content-Type: sdp"), gets("180"),
			}, hangsUp(gets("200", "Content-Type: sdp"), 2)),
			callee: steps(
				[]string{
					isCalled(), answers(`retrans="500"`, 183, "x", described(ours), reliable, "RSeq: 3"), gets("PRACK", "To: tag=.*x", "RAck: 3 1 INVITE"), replies(200, noBody),
					answers(`retrans="500"`, 180, "y", noBody, reliable, "RSeq: 900"), gets("PRACK", "To: tag=.*y", "RAck: 900 1 INVITE"), replies(200, noBody),
				},
				isHungUp(answers(`retrans="500"`, 200, "y", described(elsewhere))),
			),
		},
		{
			name: "two devices answer: one BYE at once",
			caller: steps([]string{
				dials(), gets("100", "optional"), gets("180"),
			}, hangsUpAfter(1500, gets("200"), 2)),
			callee: []string{
				isCalled(), answers("", 180, "x", noBody), answers("", 200, "x", described(ours)), gets("ACK", "To: tag=.*x"),
				answers("", 200, "y", described(elsewhere)), gets("ACK", "To: tag=.*y"), gets("BYE", "To: tag=.*y"), replies(200, noBody),
				gets("BYE", "To: tag=.*x"), replies(200, noBody),
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.why = "caller"
			c.run(t)
		})
	}
}

// TestCancelRaces has CANCEL meet what is under way.
func TestCancelRaces(t *testing.T) {
	cancelled := []string{
		gets("200", "CSeq: CANCEL"), gets("487"), asks("", "ACK", 1, noBody),
	}
	isCancelled := []string{
		gets("CANCEL"), replies(200, noBody), answers(`retrans="500"`, 487, "x", noBody), gets("ACK"),
	}
	cases := []exchange{
		{
			name: "with the caller's PRACK pending",
			caller: steps([]string{
				dials(supported), gets("100", "optional"), gets("183", "RSeq=$rseq"), cancels("[branch-3]"),
			}, cancelled),
			callee: steps([]string{isCalled(), answers("", 183, "x", described(ours))}, isCancelled),
		},
		{
			name:   "with our PRACK pending",
			caller: steps([]string{dials(), gets("100", "optional"), gets("183"), cancels("[branch-3]")}, cancelled),
			callee: steps([]string{isCalled(), answers("", 183, "x", described(ours), reliable, "RSeq: 1"), gets("PRACK")}, isCancelled),
		},
		{
			name:   "while the answer waits for the caller's PRACK",
			caller: steps([]string{dials(supported), gets("100", "optional"), gets("183", "RSeq=$rseq"), waits(1500), cancels("[branch-4]")}, cancelled),
			callee: []string{
				isCalled(), answers("", 183, "x", described(ours)), waits(100),
				answers(`retrans="500"`, 200, "x", described(ours)), gets("ACK"), gets("BYE"), replies(200, noBody),
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.why = "cancelled"
			c.run(t)
		})
	}
}
