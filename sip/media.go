package sip

import (
	"net/netip"

	"maskline/sip/message"
)

// Media is the relay. Its errors mean that there is no port for a call.
type Media interface {
	Allocate(opts MediaOptions) (MediaSession, error)
}

// MediaOptions go with a session.
type MediaOptions struct {
	ID        string              // correlation id for logs
	OnTimeout func(reason string) // called at most once, from any goroutine, when media has died
	At        [2]netip.Addr       // which of Config.OwnMedia a side gets; zero: the relay's first
	// OnPlayed tells that a prompt was played as often as asked, OnDigit of a key, to
	// whom a [Speaker] is; from any goroutine.
	OnPlayed func(Side)
	OnDigit  func(side Side, key byte)
	OnOneWay func(Side) // tells of a side that is not heard while the other one sends; once for each, from any goroutine
}

// MediaSession is the media of one call. Its methods don't block.
type MediaSession interface {
	// Local is the address that the side's session description names; RTCP has
	// the next port.
	Local(side Side) netip.AddrPort
	// SetRemote says where a side is; it may be called again. Its error means
	// that the address cannot be used.
	SetRemote(side Side, r Remote) error
	// Answered starts the timeouts, once, and says which codec both sides speak from
	// now on, "PCMA/8000" or whatever [message.SDP.Codec] says.
	Answered(codec string)
	// Release gives the ports back.
	Release() MediaStats
}

// Mover is a [MediaSession] whose relay has several addresses.
type Mover interface {
	// Move gives a side another one, and new ports; zero: the relay's first. Nothing
	// changes where it has that one. SetRemote is due afterwards.
	Move(side Side, to netip.Addr) error
}

// Side is a party as the relay counts them: A calls, B is called.
type Side uint8

// The sides.
const (
	SideA Side = iota
	SideB
)

// Remote is what signalling knows of a side's media.
type Remote struct {
	RTP, RTCP    netip.AddrPort // invalid: on hold
	From         []netip.Prefix // further sources, read-only
	PayloadTypes message.PayloadTypes
	Direction    message.Direction
	NAT          bool
	Strict       bool // nothing is learned
	DSCP         uint8
	Fax          bool // the side sends T.38, no RTP
	Keys         Keys // of SRTP
	Mux          bool // its RTCP shares the port of RTP, in both directions
}

// remote is the side's media as its trunk lets it be.
func remote(t *trunk, s *message.SDP, types message.PayloadTypes) Remote {
	return Remote{
		RTP: s.RTP, RTCP: s.RTCP, From: t.MediaFrom, PayloadTypes: types,
		Direction: s.Direction, NAT: t.NAT, Strict: t.Strict, DSCP: t.DSCP, Fax: s.Fax(), Mux: s.Mux,
	}
}
