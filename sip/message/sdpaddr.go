package message

import "net/netip"

// minMediaPort keeps media away from the ports of well-known services.
const minMediaPort = 1024

// MediaPolicy says what a trunk may ask of us in a session description.
type MediaPolicy struct {
	From   []netip.Prefix // private and loopback addresses are accepted in these only
	Own    []OwnMedia     // our relay's own addresses, never accepted
	Codecs Codecs         // those that pass; empty: all
	Fax    bool           // T.38 passes
	SRTP   SRTPPolicy
	Mux    bool // RTCP may share the port of RTP
}

// OwnMedia is an address and port range of our media relay.
type OwnMedia struct {
	Addr             netip.Addr
	PortMin, PortMax uint16
}

// check reads an address of a session description. It is invalid for the
// unspecified one, which puts the stream on hold. Names are never resolved.
func (p *MediaPolicy) check(text string) (netip.Addr, *Fault) {
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, fault(488, "sdp_address")
	}
	addr = addr.Unmap()
	switch {
	case addr.IsUnspecified():
		return netip.Addr{}, nil
	case addr.IsMulticast(), addr.IsLinkLocalUnicast(), isReserved(addr):
		return netip.Addr{}, fault(488, "sdp_address")
	case (addr.IsPrivate() || addr.IsLoopback() || isShared(addr)) && !contains(p.From, addr):
		return netip.Addr{}, fault(488, "sdp_private_address")
	}
	return addr, nil
}

// isReserved covers "this network" and class E with the broadcast address. RFC 6890.
func isReserved(a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	first := a.As4()[0]
	return first == 0 || first >= 240
}

// isShared is the carriers' own NAT range. RFC 6598.
func isShared(a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	b := a.As4()
	return b[0] == 100 && b[1]&0xC0 == 64
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// own reports whether the target is a port of our relay: media sent there
// would run in circles.
func (p *MediaPolicy) own(target netip.AddrPort) bool {
	for _, o := range p.Own {
		if o.Addr == target.Addr() && target.Port() >= o.PortMin && target.Port() <= o.PortMax {
			return true
		}
	}
	return false
}
