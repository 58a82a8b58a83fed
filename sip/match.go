package sip

import (
	"cmp"
	"net/netip"
	"slices"
	"sync/atomic"
)

// matcher finds the trunk that a source belongs to: the longest matching
// prefix, then the trunk whose address it is, then the first in the file. It is
// read by every datagram; names alone changes, with the answers of DNS.
type matcher struct {
	lengths []prefixLength // longest first
	names   atomic.Pointer[map[netip.Addr][]*trunk]
	trunks  map[netip.Prefix][]*trunk
}

type prefixLength struct {
	is4  bool
	bits int
}

func newMatcher(trunks []*trunk) *matcher {
	m := &matcher{trunks: map[netip.Prefix][]*trunk{}}
	for _, t := range trunks {
		for _, p := range t.allow {
			m.trunks[p] = append(m.trunks[p], t)
			length := prefixLength{p.Addr().Is4(), p.Bits()}
			if !slices.Contains(m.lengths, length) {
				m.lengths = append(m.lengths, length)
			}
		}
	}
	slices.SortFunc(m.lengths, func(a, b prefixLength) int { return cmp.Compare(b.bits, a.bits) })
	return m
}

// find returns nil for a stranger. A trunk that is known by its certificate is
// not found by its source alone.
func (m *matcher) find(source netip.AddrPort) *trunk { return m.search(source, (*trunk).isPlain) }

// findNamed finds the trunk of a peer that showed a certificate with these names:
// one that asks for a name of them, else one that asks for none.
func (m *matcher) findNamed(source netip.AddrPort, names []string) *trunk {
	if len(names) > 0 {
		if t := m.search(source, func(t *trunk) bool { return t.isNamed(names) }); t != nil {
			return t
		}
	}
	return m.find(source)
}

// knows reports whether a connection from a source may be anybody's.
func (m *matcher) knows(source netip.AddrPort, over transport) bool {
	return m.search(source, func(t *trunk) bool { return over == overTLS || t.isPlain() }) != nil
}

// all lists the trunks that a source by itself could be, in the order of the
// file; those that are known by their certificate may be among them.
func (m *matcher) all(source netip.AddrPort) []*trunk {
	return m.match(source.Addr(), (*trunk).isPlain)
}

// search looks among the trunks that fit.
func (m *matcher) search(source netip.AddrPort, fits func(*trunk) bool) *trunk {
	var first *trunk
	for _, t := range m.match(source.Addr(), fits) {
		switch {
		case !fits(t):
		case t.addr == source:
			return t
		case first == nil:
			first = t
		}
	}
	return first
}

// match lists the trunks of the longest prefix, or of the name, that an address is
// in, of which one fits.
func (m *matcher) match(addr netip.Addr, fits func(*trunk) bool) []*trunk {
	named := false
	for _, length := range m.lengths {
		if length.bits < addr.BitLen() && !named {
			named = true
			if all := m.byName(addr); slices.ContainsFunc(all, fits) {
				return all
			}
		}
		if length.is4 != addr.Is4() {
			continue
		}
		p, err := addr.Prefix(length.bits)
		if err != nil {
			continue
		}
		if all := m.trunks[p]; slices.ContainsFunc(all, fits) {
			return all
		}
	}
	if !named {
		return m.byName(addr)
	}
	return nil
}

// byName lists the trunks whose name has an address.
func (m *matcher) byName(addr netip.Addr) []*trunk {
	if all := m.names.Load(); all != nil {
		return (*all)[addr]
	}
	return nil
}

// rename takes the addresses of names in, but for those that the configuration
// gives to others.
func (m *matcher) rename(trunks []*trunk) {
	all := map[netip.Addr][]*trunk{}
	for _, t := range trunks {
		if known := t.resolved.Load(); known != nil {
			for addr := range known.sources {
				if !m.givesToOthers(addr, t) {
					all[addr] = append(all[addr], t)
				}
			}
		}
	}
	m.names.Store(&all)
}
