package media

import "net/netip"

// packed is an address and port without a zone in 18 octets instead of 32: a call
// keeps eight. The zero value is none.
type packed struct {
	ip   [16]byte // IPv4 as in IPv6, ::ffff:192.0.2.1
	port uint16
}

func pack(a netip.AddrPort) packed {
	if !a.IsValid() {
		return packed{}
	}
	return packed{a.Addr().As16(), a.Port()}
}

// holds compares without packing, which costs more than all else that a known
// packet is judged by.
func (p *packed) holds(a netip.AddrPort) bool { return p.port == a.Port() && p.addr() == a.Addr() }

func (p *packed) addr() netip.Addr { return netip.AddrFrom16(p.ip).Unmap() }

func (p *packed) valid() bool { return p.port != 0 || p.ip != [16]byte{} }

func (p *packed) unpack() netip.AddrPort {
	if !p.valid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(p.addr(), p.port)
}
