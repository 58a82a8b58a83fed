package media

import "net/netip"

// Drop is why a packet was not relayed.
type Drop uint8

// The reasons, each a value of the label "reason".
const (
	Relayed         Drop = iota // it was relayed
	DropNoRemote                // signalling has not yet named where this side sends from
	DropStranger                // from an address that this side may not send from
	DropLearning                // from an address that nat mode has not yet learned
	DropSize                    // shorter than a header or longer than 1500 octets
	DropVersion                 // not RTP version 2
	DropMalformed               // lengths inside an RTP packet contradict its size
	DropPayloadType             // a payload type that was not negotiated
	DropMultiplexed             // RTCP on an RTP port where that was not agreed
	DropRTCP                    // an RTCP compound that breaks the rules of RFC 3550
	DropDirection               // the other side does not want to receive
	DropApart                   // the other side hears an announcement instead, is kept apart, or has media of another kind
	DropNoTarget                // the other side's address is unknown
	DropSend                    // the system refused to send
	DropDraining                // for a session that has ended
	DropTag                     // SRTP without a tag, or with a wrong one; plain RTP where SRTP was agreed on
	DropReplay                  // SRTP that came before, or too late to tell
	DropSources                 // more SSRCs than one key may have
	DropPanic                   // relaying it met a bug; the packet is lost, the relay goes on
	dropReasons
)

var dropNames = [dropReasons]string{
	"none", "no_remote", "stranger", "learning", "size", "version", "malformed", "payload_type",
	"multiplexed", "rtcp", "direction", "apart", "no_target", "send", "draining", "srtp_tag", "srtp_replay", "srtp_sources", "panic",
}

// String is the name used in metrics.
func (d Drop) String() string { return dropNames[d] }

// Drops counts packets by reason.
type Drops [dropReasons]uint32

// refused is what a side sent in vain.
type refused struct {
	drops    Drops
	intruder netip.Addr // the session's first stranger, at the side where it came; zero: none
}

// drop counts one, in a table that most sides never need.
func (d *side) drop(why Drop) { d.refusals().drops[why]++ }

func (d *side) refusals() *refused {
	r := d.rarely()
	if r.refused == nil {
		r.refused = &refused{}
	}
	return r.refused
}

// dropped is what was counted.
func (d *side) dropped() Drops {
	if d.seldom == nil || d.seldom.refused == nil {
		return Drops{}
	}
	return d.seldom.refused.drops
}

// intruder is the session's first stranger; zero: none came.
func (s *Session) intruder() netip.Addr {
	for i := range s.sides {
		if r := s.sides[i].seldom; r != nil && r.refused != nil && r.refused.intruder.IsValid() {
			return r.refused.intruder
		}
	}
	return netip.Addr{}
}

// Total is the number of packets dropped for any reason.
func (d *Drops) Total() uint64 {
	var n uint64
	for _, v := range d[DropNoRemote:] {
		n += uint64(v)
	}
	return n
}
