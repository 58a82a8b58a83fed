package sip

import "net/netip"

// guestShare is the part of all connections to us that guests may have: sources
// that only a network of everybody holds, before a certificate or a password has
// told who they are. The rest is for those whom some trunk names.
const guestShare = 2

// isGuest reports whether a connection's source says nothing about whose it is.
func (e *Edge) isGuest(source netip.AddrPort) bool {
	if e.set().trusts(source.Addr()) {
		return false
	}
	t := e.find(source)
	return t == nil || t.isNewcomer(source.Addr())
}

// trusts reports whether some trunk's own networks hold a source.
func (s *trunkSet) trusts(source netip.Addr) bool {
	named := func(t *trunk) bool { return t.trusts(source) }
	return len(s.matcher.match(source, named)) > 0 || s.leftover != nil && len(s.leftover.match(source, named)) > 0
}

// identified ends the time as a guest of a connection.
func (t *streams) identified(s *stream) {
	if s.guest {
		s.guest = false
		t.guests--
	}
}
