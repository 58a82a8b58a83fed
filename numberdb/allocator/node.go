package allocator

import (
	"maskline/numberdb"
)

// node is a binding as far as allocation goes: one party and one mask. It has
// no pointers, so the collector never looks at a million of them.
type node struct {
	session     numberdb.ID
	peer        Peer
	mask, party uint32
	live        tick // until when it routes
	kept        tick // until when the mask is not shown to the party again
	due         tick // its bucket of the wheel; 0: in none
	used        tick // of a reply slot: the last contact

	partyNext, partyPrev uint32
	sessionNext          uint32
	dueNext, duePrev     uint32
	phase                phase
	flags                nodeFlags
}

// phase is where a binding is in its life.
type phase uint8

const (
	living  phase = iota + 1
	ended         // kept from its party until its quarantine is over
	gone          // its row may be deleted, and it waits until that is so
	blocked       // the store refused it: somebody else holds it
)

type nodeFlags uint8

const (
	own       nodeFlags = 1 << iota // decided here
	confirmed                       // and seen in the store's feed since
)

// told says that the store showed a node before it was changed here.
func (n *node) told() nodeFlags {
	if n.flags&own == 0 {
		return confirmed
	}
	return 0
}

// party is who holds masks.
type party struct {
	number   uint64 // an e164.Number; 0: everybody
	head     uint32
	count    uint32 // of its nodes
	lastMask uint32 // where its walk stands
	last     tick   // of its last pick
	interval float32
	picks    uint32
	idleNext uint32
	idlePrev uint32
	idle     bool // remembered for its walk only
	indexed  bool // its nodes are in Engine.pairs
}

// everybody is the party of public bindings, the first record of all.
const everybody = 1

// indexAbove is the count of nodes from which a party's are indexed: a seller
// may hold hundreds.
const indexAbove = 12

func pairKey(party, mask uint32) uint64 { return uint64(party)<<32 | uint64(mask) }

// holds finds the node of a party and a mask, 0 for none.
func (e *Engine) holds(p, m uint32) uint32 {
	if p == everybody {
		return e.masks[m].public
	}
	if p == 0 {
		return 0
	}
	of := e.parties.at(p)
	if of.indexed {
		return e.pairs[pairKey(p, m)]
	}
	for i := of.head; i != 0; {
		n := e.nodes.at(i)
		if n.mask == m {
			return i
		}
		i = n.partyNext
	}
	return 0
}

// link puts a new node, whose mask, party, session and phase are set, where it
// is found.
func (e *Engine) link(i uint32, n *node) {
	m := &e.masks[n.mask]
	m.used++
	if n.phase == living {
		e.loaded(m, n.party, 1)
	}
	e.linkSession(i, n)
	p := e.parties.at(n.party)
	e.wake(p)
	p.count++
	if n.party == everybody {
		m.public = i
		e.published(m, 1)
		return
	}
	n.partyPrev, n.partyNext = 0, p.head
	if p.head != 0 {
		e.nodes.at(p.head).partyPrev = i
	}
	p.head = i
	switch {
	case p.indexed:
		e.pairs[pairKey(n.party, n.mask)] = i
	case p.count > indexAbove:
		p.indexed = true
		for j := p.head; j != 0; j = e.nodes.at(j).partyNext {
			e.pairs[pairKey(n.party, e.nodes.at(j).mask)] = j
		}
	}
}

// unlink removes a node altogether.
func (e *Engine) unlink(i uint32) {
	n := e.nodes.at(i)
	m := &e.masks[n.mask]
	m.used--
	if n.phase == living {
		e.loaded(m, n.party, -1)
	}
	e.unschedule(n)
	e.unlinkSession(i, n)
	p := e.parties.at(n.party)
	p.count--
	if n.party == everybody {
		m.public = 0
		e.published(m, -1)
	} else {
		e.unlinkParty(n, p)
	}
	e.dropMask(n.mask)
	e.nodes.remove(i)
}

func (e *Engine) unlinkParty(n *node, p *party) {
	if n.partyPrev == 0 {
		p.head = n.partyNext
	} else {
		e.nodes.at(n.partyPrev).partyNext = n.partyNext
	}
	if n.partyNext != 0 {
		e.nodes.at(n.partyNext).partyPrev = n.partyPrev
	}
	if p.indexed {
		delete(e.pairs, pairKey(n.party, n.mask))
		if p.count <= indexAbove/2 {
			p.indexed = false
			for j := p.head; j != 0; j = e.nodes.at(j).partyNext {
				delete(e.pairs, pairKey(n.party, e.nodes.at(j).mask))
			}
		}
	}
	if p.count == 0 {
		e.rest(n.party, p)
	}
}

func (e *Engine) linkSession(i uint32, n *node) {
	if n.session == 0 {
		return
	}
	n.sessionNext = e.sessions[n.session]
	e.sessions[n.session] = i
}

func (e *Engine) unlinkSession(i uint32, n *node) {
	if n.session == 0 {
		return
	}
	head := e.sessions[n.session]
	switch {
	case head != i:
		at := e.nodes.at(head)
		for at.sessionNext != i {
			at = e.nodes.at(at.sessionNext)
		}
		at.sessionNext = n.sessionNext
	case n.sessionNext == 0:
		delete(e.sessions, n.session)
	default:
		e.sessions[n.session] = n.sessionNext
	}
	n.sessionNext = 0
}

// become changes the phase of a linked node.
func (e *Engine) become(n *node, to phase) {
	if n.phase == living {
		e.loaded(&e.masks[n.mask], n.party, -1)
	}
	n.phase = to
	if to == living {
		e.loaded(&e.masks[n.mask], n.party, 1)
	}
}

// loaded counts a party of a mask. The ceiling is of parties: everybody is none.
func (e *Engine) loaded(m *mask, party uint32, by int32) {
	if party == everybody {
		return
	}
	m.load += by
	if m.pool != 0 {
		e.pools[m.pool].live += int(by)
	}
}

func (e *Engine) published(m *mask, by int) {
	if m.pool != 0 {
		e.pools[m.pool].publics += by
	}
}
