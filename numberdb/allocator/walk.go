package allocator

import (
	"sort"

	"maskline/numberdb"
)

// want is what one mask must be.
type want struct {
	pool      uint32
	parties   []uint32 // that it must be free for; 0: one without bindings. The first one's walk is gone
	peers     []Peer   // theirs
	hash      uint64   // of the first party's number
	country   country
	prefix    string
	must      int
	services  numberdb.Services
	kinds     Kinds
	flags     numberdb.MaskFlags
	sip       bool    // shown to a SIP peer, or a way to one: no short code
	carrier   uint32  // 0: any
	unlike    uint32  // a mask: another carrier than its; 0: any
	alone     bool    // shared with nobody
	chosen    []Grant // by the same decision before
	selection numberdb.Selection
}

// find returns the mask that a want gets, or 0 and why there is none.
func (e *Engine) find(w *want, c *counts) uint32 {
	p := e.settle(w.pool)
	if w.selection == numberdb.PreferStick || w.selection == numberdb.Pinned {
		m, had := e.findAgain(w, p, c)
		if m != 0 || had && w.selection == numberdb.Pinned {
			return m
		}
	}
	for digits := len(w.prefix); digits >= w.must; digits-- {
		*c = counts{}
		if digits == 0 && w.country == 0 {
			return e.walk(w, p, 0, uint32(len(p.members)), c) // one country after the other would be a round through each
		}
		for _, s := range p.countries {
			if w.country != 0 && s.country != w.country {
				continue
			}
			lo, hi := s.lo, s.hi
			if digits > 0 {
				lo, hi = e.narrow(p, s, w.prefix[:digits])
			}
			if m := e.walk(w, p, lo, hi, c); m != 0 {
				return m
			}
		}
	}
	return 0
}

// narrow is the part of a span whose masks begin with digits.
func (e *Engine) narrow(p *pool, s span, digits string) (lo, hi uint32) {
	from, to, ok := prefixRange(digits)
	if !ok {
		return 0, 0
	}
	at := func(v uint64) uint32 {
		return s.lo + uint32(sort.Search(int(s.hi-s.lo), func(i int) bool { return e.masks[p.members[s.lo+uint32(i)]].digits >= v }))
	}
	return at(from), at(to)
}

// walk goes through the members lo to hi in the order that is the first party's
// own, from where it stands, and takes the first that will do. A party without
// history begins where there are the fewest parties, of a few places.
func (e *Engine) walk(w *want, p *pool, lo, hi uint32, c *counts) uint32 {
	size := hi - lo
	if size == 0 {
		return 0
	}
	step := stride(w.hash, size)
	at, stands := e.stand(w, lo, hi)
	if !stands {
		best, load := uint32(0), int32(0)
		var none counts
		for range e.starts {
			at = e.rand.Uint32N(size)
			m := p.members[lo+at]
			if (best == 0 || e.masks[m].load < load) && e.fits(w, m, false, &none) {
				best, load = m, e.masks[m].load
			}
		}
		if best != 0 {
			return best
		}
	}
	for range size {
		at += step
		if at >= size {
			at -= size
		}
		if m := p.members[lo+at]; e.fits(w, m, false, c) {
			return m
		}
	}
	return 0
}

// stand is where the first party's walk stands: at the mask that it got last.
func (e *Engine) stand(w *want, lo, hi uint32) (uint32, bool) {
	i := w.parties[0]
	if i == 0 {
		return 0, false
	}
	of := e.parties.at(i)
	in := func(m uint32) bool {
		at := &e.masks[m]
		return m != 0 && at.member && at.pool == w.pool && at.position >= lo && at.position < hi
	}
	if in(of.lastMask) {
		return e.masks[of.lastMask].position - lo, true
	}
	// It got the last one elsewhere, or in a process before this one.
	last, session := uint32(0), numberdb.ID(0)
	for j := of.head; j != 0; {
		n := e.nodes.at(j)
		if n.session >= session && in(n.mask) {
			last, session = n.mask, n.session
		}
		j = n.partyNext
	}
	if last == 0 {
		return 0, false
	}
	return e.masks[last].position - lo, true
}

// fits says whether a mask will do; where not, it counts why. Again allows what
// the same parties had for the same peers, in quarantine.
func (e *Engine) fits(w *want, i uint32, again bool, c *counts) bool {
	m := &e.masks[i]
	switch {
	case m.state != numberdb.Free:
		c[State]++
		return false
	case !m.services.Has(w.services) || w.kinds != 0 && w.kinds&(1<<m.kind) == 0 || m.flags&w.flags != w.flags,
		m.kind == numberdb.ShortCode && (w.sip || w.services.Has(numberdb.Voice)),
		w.carrier != 0 && m.carrier != w.carrier,
		w.unlike != 0 && (i == w.unlike || m.carrier == e.masks[w.unlike].carrier):
		c[Capability]++
		return false
	case w.alone:
		// Whoever contacts it reaches one person: nobody may have it for another,
		// nor have had it lately.
		if m.used == 0 || again && m.used == 1 && e.again(w, i) {
			return true
		}
		c[Ceiling]++
		return false
	case m.public != 0 || e.full(w, i, m):
		c[Ceiling]++
		return false
	case again && e.again(w, i) || !again && e.strange(w, i):
		return true
	default:
		c[Degree]++
		return false
	}
}

// full says that a mask has no room for the parties.
func (e *Engine) full(w *want, i uint32, m *mask) bool {
	load, ceiling := m.load+int32(len(w.parties)), e.ceiling(&e.pools[w.pool])
	if load+int32(len(w.chosen)) <= ceiling {
		return false
	}
	for k := range w.chosen {
		if w.chosen[k].mask == i {
			load++
		}
	}
	return load > ceiling
}

// strange says that no party holds the mask or has it in quarantine.
func (e *Engine) strange(w *want, m uint32) bool {
	for _, p := range w.parties {
		if p != 0 && e.holds(p, m) != 0 {
			return false
		}
	}
	return true
}

// again says that parties have the mask for their peer in quarantine, or not.
func (e *Engine) again(w *want, m uint32) bool {
	for i, p := range w.parties {
		if j := e.holds(p, m); j != 0 {
			if n := e.nodes.at(j); n.phase != ended || n.peer != w.peers[i] {
				return false
			}
		}
	}
	return true
}

// findAgain is the mask that the first party had for its peer last and may have
// again. Had says that it had any.
func (e *Engine) findAgain(w *want, p *pool, c *counts) (best uint32, had bool) {
	newest := numberdb.ID(0)
	consider := func(n *node) {
		m := &e.masks[n.mask]
		if n.peer != w.peers[0] || n.phase > ended || m.pool != w.pool || w.country != 0 && m.country != w.country || !begins(m, w.prefix[:w.must]) {
			return
		}
		had = true
		if n.session >= newest && e.fits(w, n.mask, true, c) {
			best, newest = n.mask, n.session
		}
	}
	first := w.parties[0]
	switch first {
	case 0:
	case everybody:
		for _, m := range p.members {
			if j := e.masks[m].public; j != 0 {
				consider(e.nodes.at(j))
			}
		}
	default:
		for j := e.parties.at(first).head; j != 0; {
			n := e.nodes.at(j)
			consider(n)
			j = n.partyNext
		}
	}
	return best, had
}

// stride is a step by which all of size places are come to before one twice.
func stride(hash uint64, size uint32) uint32 {
	if size <= 2 {
		return 1
	}
	step := 1 + uint32(hash%uint64(size-1))
	for gcd(step, size) != 1 {
		step = step%(size-1) + 1
	}
	return step
}

func gcd(a, b uint32) uint32 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
