package media

import (
	"fmt"
	"net/netip"
)

// Side is one of the two parties of a session.
type Side uint8

// The sides.
const (
	A Side = iota
	B
)

// String is "A" or "B".
func (s Side) String() string { return string('A' + rune(s)) }

func (s Side) other() Side { return s ^ 1 }

// Direction is the direction attribute of a party's own SDP: "sendonly" means
// that this party sends and does not receive. // RFC 3264 §5.1
type Direction uint8

// The directions. The zero value is the default of SDP.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

func (d Direction) receives() bool { return d == SendRecv || d == RecvOnly }

// PayloadTypes is a set of RTP payload types. The empty set stands for any.
type PayloadTypes [2]uint64

// NewPayloadTypes makes a set; types above 127 are ignored.
func NewPayloadTypes(types ...uint8) PayloadTypes {
	var p PayloadTypes
	for _, t := range types {
		if t < 128 {
			p[t/64] |= 1 << (t % 64)
		}
	}
	return p
}

// Has reports whether the type may pass.
func (p PayloadTypes) Has(t uint8) bool {
	return p == PayloadTypes{} || t < 128 && p[t/64]&(1<<(t%64)) != 0
}

// Remote is what signalling says about one side.
type Remote struct {
	// RTP is the side's address in SDP. An unspecified address or port 0 means
	// that it has none now (hold in the manner of RFC 2543): nothing is relayed
	// to or from it.
	RTP netip.AddrPort
	// RTCP is its address for RTCP (RFC 3605). Zero: RTP with the next port.
	RTCP netip.AddrPort
	// From holds further source addresses that the side may send from. Where we
	// send is not changed by a packet from one of them. The slice is kept and
	// never written.
	From []netip.Prefix
	// PayloadTypes are those negotiated with this side. Empty: any.
	PayloadTypes PayloadTypes
	// Direction is the side's own. While it is not SendRecv the session counts
	// as held.
	Direction Direction
	// NAT lets an address that signalling did not name be learned, from eight
	// valid packets in sequence. The named address still goes first.
	NAT bool
	// Strict takes packets from RTP and RTCP alone, port included: nothing is learned,
	// NAT and From count for nothing.
	Strict bool
	// Asymmetric keeps sending to RTP whatever port the side sends from.
	Asymmetric bool
	// Datagrams says that the side sends UDP datagrams that are no RTP, T.38 for
	// one: they pass unread to a side that does so too.
	Datagrams bool
	// Mux says that the side's RTCP shares the port of RTP in both directions; RTCP
	// is not used. Payload types 64 to 95 cannot be told from it. RFC 5761 §4.
	Mux bool
	// DSCP marks what we send to this side, 0 to 63. Zero: best effort.
	DSCP uint8
	// SRTP is how the side's packets are protected. Keys that it has already keep
	// their counters. While it sends Datagrams they wait. Zero: plain RTP.
	SRTP SRTP
	// ClockRate of the RTP timestamps in Hz, for jitter. Zero: as before, 8000 at
	// first.
	ClockRate uint32
}

const defaultClockRate = 8000

// checked returns the remote in canonical form. Errors name the field, never
// its value.
func (r Remote) checked(cfg *Config) (Remote, error) {
	var err error
	if r.RTP, err = usable(r.RTP, cfg); err != nil {
		return r, fmt.Errorf("%w: RTP address: %w", ErrRemote, err)
	}
	if !r.RTCP.IsValid() && r.RTP.Port() != 0 && r.RTP.Port() < 65535 {
		r.RTCP = netip.AddrPortFrom(r.RTP.Addr(), r.RTP.Port()+1)
	}
	if r.RTCP, err = usable(r.RTCP, cfg); err != nil {
		return r, fmt.Errorf("%w: RTCP address: %w", ErrRemote, err)
	}
	if !r.RTP.IsValid() || r.Mux {
		r.RTCP = netip.AddrPort{} // nothing comes or goes there
	}
	if r.DSCP > 63 {
		return r, fmt.Errorf("%w: DSCP is above 63", ErrRemote)
	}
	if r.SRTP.Suite != PlainRTP {
		if err := r.SRTP.check(); err != nil {
			return r, err
		}
	}
	if r.Direction > Inactive {
		return r, fmt.Errorf("%w: unknown direction", ErrRemote)
	}
	return r, nil
}

// addressFault says why an address cannot be sent to.
type addressFault string

func (f addressFault) Error() string { return string(f) }

// usable returns the address unmapped, zero where it stands for none.
func usable(a netip.AddrPort, cfg *Config) (netip.AddrPort, error) {
	if !a.IsValid() || a.Port() == 0 || a.Addr().IsUnspecified() {
		return netip.AddrPort{}, nil
	}
	ip := a.Addr().Unmap()
	switch {
	case ip.Is4() != cfg.Addr.Is4():
		return a, addressFault("other IP version than ours")
	case ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return a, addressFault("not a unicast address")
	case ip.IsLinkLocalUnicast() || ip.Zone() != "":
		return a, addressFault("link-local")
	case cfg.owns(netip.AddrPortFrom(ip, a.Port())):
		return a, addressFault("one of our own ports") // two such sessions would relay a packet in a circle for ever
	}
	return netip.AddrPortFrom(ip, a.Port()), nil
}
