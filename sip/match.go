package sip

import (
	"cmp"
	"net/netip"
	"slices"
)

// matcher finds the trunk that a source belongs to: the longest matching
// prefix, then the trunk whose address it is, then the first in the file. It is
// read by every datagram and never changes.
type matcher struct {
	lengths []prefixLength // longest first
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

// find returns nil for a stranger.
func (m *matcher) find(source netip.AddrPort) *trunk {
	all := m.all(source)
	for _, t := range all {
		if t.addr == source {
			return t
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// all lists the trunks of a source that match equally, in the order of the file.
func (m *matcher) all(source netip.AddrPort) []*trunk {
	addr := source.Addr()
	for _, length := range m.lengths {
		if length.is4 != addr.Is4() {
			continue
		}
		p, err := addr.Prefix(length.bits)
		if err != nil {
			continue
		}
		if all := m.trunks[p]; len(all) > 0 {
			return all
		}
	}
	return nil
}
