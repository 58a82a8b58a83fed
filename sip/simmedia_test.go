package sip

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"maskline/sip/message"
)

var (
	simSixMedia = netip.MustParseAddr("2001:db8::99") // a side's
	simOwn      = []message.OwnMedia{
		{Addr: netip.MustParseAddr("203.0.113.1"), PortMin: 20000, PortMax: 29999},
		{Addr: netip.MustParseAddr("2001:db8::1"), PortMin: 20000, PortMax: 29999},
	}
)

// planSix puts the media of some on IPv6. Its lots are of a source of their own.
func (s *sim) planSix() {
	rnd := rand.New(rand.NewPCG(s.seed, 3))
	s.bound = map[uint8]netip.AddrPort{}
	s.trunkA.media.Own = simOwn
	s.caller.six = rnd.IntN(3) == 0
	s.fax = rand.New(rand.NewPCG(s.seed, 4))
	s.trunkA.media.Fax = true
	for _, tr := range s.trunks {
		tr.media.Own, tr.media.Fax = simOwn, s.fax.IntN(3) > 0
		if rnd.IntN(2) == 0 {
			tr.Media, s.callees[tr.addr].six = simOwn[1].Addr, true
		}
	}
}

func (s *sim) allocate(at [2]netip.Addr) event {
	for side := range s.locals {
		s.locals[side] = netip.AddrPortFrom(at[side], uint16(20000+2*side))
	}
	if s.ordered == nil && at[SideA].Is6() != (s.caller.six && !s.call.delayed) {
		s.fail("the caller's side is at %v", at[SideA])
	}
	return evAllocated{s.locals[SideA], s.locals[SideB]}
}

// move gives a side the address; another one has other ports.
func (s *sim) move(side Side, at netip.Addr) netip.AddrPort {
	if s.locals[side].Addr() != at {
		s.locals[side] = netip.AddrPortFrom(at, s.locals[side].Port()+2)
	}
	return s.locals[side]
}

// checkVersions wants media sent to addresses that the side's own can reach, but
// for what the relay refuses.
func (s *sim) checkVersions(a actRemote) {
	if to := a.remote.RTP; to.IsValid() && to.Addr().Is6() != s.locals[a.side].Addr().Is6() && !s.call.delayed {
		s.fail("side %v is at %v and is sent media at %v", a.side, s.locals[a.side], to)
	}
}

// checkAddress wants every description to name the address that its side was given,
// the same all through an attempt.
func (s *sim) checkAddress(a actSend) {
	if a.leg != legA && !s.bound[a.leg].IsValid() { // an INVITE, maybe without a description
		s.bound[a.leg] = s.locals[s.sideOfLeg(a.leg)]
	}
	_, body, _ := strings.Cut(string(a.data), "\r\n\r\n")
	if !strings.HasPrefix(body, "v=0") {
		return
	}
	want := s.locals[SideA]
	if a.leg != legA {
		want = s.bound[a.leg]
	}
	version := "IP4 "
	if want.Addr().Is6() {
		version = "IP6 "
	}
	medium := "audio"
	if strings.Contains(body, "\r\nm=image ") {
		medium = "image"
		s.inside["fax"]++
		if !a.trunk.media.Fax {
			s.fail("a fax for a trunk that takes none:\n%s", body)
		}
	}
	for _, part := range []string{"\r\nc=IN " + version + want.Addr().String() + "\r\n", "\r\nm=" + medium + " " + strconv.Itoa(int(want.Port())) + " "} {
		if !strings.Contains(body, part) {
			s.fail("no %q in\n%s", part, body)
		}
	}
}

// faxed is a description of the agent's with T.38 in place of audio.
func (u *simUA) faxed(body string) string {
	before, after, _ := strings.Cut(body, "\r\nm=audio ")
	port, _, _ := strings.Cut(after, " ")
	return before + "\r\nm=image " + port + " udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38VendorInfo:" + u.number.Reveal() + "\r\n"
}
