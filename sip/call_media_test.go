package sip

import (
	"errors"
	"net/netip"
	"testing"

	"maskline/sip/message"
)

// TestSideGetsItsAddress holds which of the relay's addresses a side gets.
func TestSideGetsItsAddress(t *testing.T) {
	four, six := netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("2001:db8::1")
	other := netip.MustParseAddr("203.0.113.2") // of another network
	own := func(all ...netip.Addr) (list []message.OwnMedia) {
		for _, a := range all {
			list = append(list, message.OwnMedia{Addr: a})
		}
		return list
	}
	v4, v6 := netip.MustParseAddrPort("192.0.2.10:5060"), netip.MustParseAddrPort("[2001:db8::10]:5060")
	cases := []struct {
		name           string
		own            []message.OwnMedia
		trunk          netip.Addr // its media
		signalling     netip.AddrPort
		offer          netip.AddrPort // invalid: none
		caller, called netip.Addr
	}{
		{"one address", own(four), netip.Addr{}, v4, v4, four, four},
		{"IPv4", own(six, four), netip.Addr{}, v4, v4, four, four},
		{"IPv6", own(four, six), netip.Addr{}, v6, v6, six, six},
		{"an offer of the other version", own(four, six), netip.Addr{}, v4, v6, six, four},
		{"no offer", own(four, six), netip.Addr{}, v6, netip.AddrPort{}, six, six},
		{"none of that version", own(four), netip.Addr{}, v6, v6, netip.Addr{}, netip.Addr{}},
		{"the trunk's", own(four, other), other, v4, v4, other, other},
		{"the trunk's, of another version than it is called over", own(four, six), six, v4, v6, six, six},
		{"the trunk's, of another version than the offer", own(four, six), six, v4, v4, four, six},
		{"the trunk's, without an offer", own(four, six), six, v4, netip.AddrPort{}, six, six},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			tr := &trunk{addr: tc.signalling}
			tr.media.Own, tr.Media = tc.own, tc.trunk
			c := &call{}
			c.a.trunk, c.a.from = tr, tc.signalling.Addr()
			if tc.offer.IsValid() {
				c.offer = &message.SDP{RTP: tc.offer}
			}
			if got := c.callerAt(); got != tc.caller {
				t.Errorf("caller at %v, want %v", got, tc.caller)
			}
			if got := calledAt(&candidate{trunk: tr}); got != tc.called {
				t.Errorf("called side at %v, want %v", got, tc.called)
			}
		})
	}
}

// narrowMedia has no ports left at its second address.
type narrowMedia struct{ Media }

type narrowSession struct{ MediaSession }

func (m narrowMedia) Allocate(opts MediaOptions) (MediaSession, error) {
	s, err := m.Media.Allocate(opts)
	return narrowSession{s}, err
}

func (narrowSession) Move(_ Side, to netip.Addr) error {
	if to.Is6() {
		return errors.New("no ports")
	}
	return nil
}

// TestNoPortsForACandidate passes over a candidate that needs an address without
// free ports, and counts it.
func TestNoPortsForACandidate(t *testing.T) {
	b := newBed(t, func(c *Config) {
		c.OwnMedia = []message.OwnMedia{{Addr: netip.MustParseAddr("203.0.113.1")}, {Addr: netip.MustParseAddr("2001:db8::1")}}
		c.Trunks[1].Media = netip.MustParseAddr("2001:db8::1")
	}, func(e *Edge) { e.media = narrowMedia{e.media} })
	b.caller.send(b.caller.invite("one"))
	b.callees[1].expect("INVITE ")
	if got := b.count("busy_total", "trunk", "out0", "direction", "out", "reason", "media_ports"); got != 1 {
		t.Errorf("%v", got)
	}
}

// TestStrictTrunk has the relay learn nothing of the side whose trunk says so, and
// nothing more once the call is changed.
func TestStrictTrunk(t *testing.T) {
	b := newBench(t)
	b.trunks[0].Strict = true
	b.steps("A INVITE", "B0 200+sdp", "A ACK")
	for _, step := range []string{"", "B0 INVITE #20 +moved"} {
		if step != "" {
			b.steps(step, "A 200+sdp re")
		}
		if b.remotes[SideA].Strict || !b.remotes[SideB].Strict {
			t.Errorf("after %q: caller strict %v, called side %v", step, b.remotes[SideA].Strict, b.remotes[SideB].Strict)
		}
	}
}
