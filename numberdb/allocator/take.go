package allocator

import (
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// take holds what was chosen.
func (e *Engine) take(r *Request, now time.Time, d *Decision) {
	live, at := tickUp(r.Expires), tickDown(now)
	kept := live
	for i := range d.Grants {
		g := &d.Grants[i]
		pool := e.masks[g.mask].pool
		until := live.after(e.quarantine(pool))
		if !r.Keep.IsZero() {
			until = max(tickUp(r.Keep), live)
		}
		kept = max(kept, until)
	}
	for i := range d.Grants {
		g := &d.Grants[i]
		n := e.hold(g, r.Session, live, kept, d)
		n.peer = PeerOf(r.Sides[g.Side].To)
		if r.Shape != numberdb.Open && r.Shape != numberdb.Lease {
			n.peer = PeerOf(r.Sides[other(g.Side)].To)
		}
		e.walked(g, at)
		if r.Shape == numberdb.Lease {
			d.States = append(d.States, e.changeState(g.mask, numberdb.Held, now))
		}
	}
	d.Keep = kept.time()
}

// hold makes the node of a grant, or takes that in quarantine again.
func (e *Engine) hold(g *Grant, session numberdb.ID, live, kept tick, d *Decision) *node {
	p := e.ensureParty(g.Party)
	i := e.holds(p, g.mask)
	if i != 0 {
		n := e.nodes.at(i)
		g.before = *n
		e.unlinkSession(i, n)
		d.Replace = append(d.Replace, numberdb.BindingKey{Mask: g.Mask, Party: g.Party})
		n.session, n.live, n.kept, n.flags = session, live, kept, own
		e.linkSession(i, n)
		e.become(n, living)
		e.schedule(i, n)
		g.node = i
		return n
	}
	i, n := e.nodes.add()
	*n = node{session: session, mask: g.mask, party: p, live: live, kept: kept, phase: living, flags: own}
	e.link(i, n)
	e.schedule(i, n)
	g.node = i
	return n
}

// walked moves a party on to the mask that it got. A second mask moves nobody.
func (e *Engine) walked(g *Grant, now tick) {
	m := &e.masks[g.mask]
	p := e.parties.at(e.nodes.at(g.node).party)
	if !g.Second {
		p.lastMask = g.mask
	}
	e.observe(m.pool, p, now, g.Second)
}

// undone is a node that a decision ended.
type undone struct {
	node   uint32
	before node
}

// Undo takes a decision back whose commit failed for certain. Those of its
// bindings that the store said are taken stay away from their parties for a
// while: somebody else holds them, and the feed will tell.
//
// Where the outcome is unknown, call nothing: the masks end by themselves, and
// the feed or a new start tells the truth.
func (e *Engine) Undo(d *Decision, now time.Time, taken ...numberdb.BindingKey) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range d.Grants {
		e.undoGrant(&d.Grants[i], d.Session)
	}
	for _, states := range [][]StateChange{d.States, d.Ends.States} {
		for _, c := range states {
			if m := e.byMask[uint64(c.Mask.Number.Canonical())]; m != 0 && e.masks[m].state == c.Mask.State {
				e.setState(m, c.was, c.then)
			}
		}
	}
	for _, u := range d.ended {
		n := e.nodes.at(u.node)
		if n.mask == u.before.mask && n.party == u.before.party && n.session == u.before.session && n.phase == ended {
			e.revert(u.node, n, &u.before)
		}
	}
	for _, k := range taken {
		e.block(k, tickUp(now))
	}
	d.Grants, d.Replace, d.States, d.ended = d.Grants[:0], d.Replace[:0], d.States[:0], d.ended[:0]
	d.Ends = Ended{}
}

func (e *Engine) undoGrant(g *Grant, session numberdb.ID) {
	if g.node == 0 {
		return
	}
	n := e.nodes.at(g.node)
	if n.session != session || n.mask != g.mask || n.phase == 0 || n.flags&own == 0 {
		return // the store told something else since
	}
	if g.before.phase == 0 {
		e.unlink(g.node)
		return
	}
	e.unlinkSession(g.node, n)
	n.session = g.before.session
	e.linkSession(g.node, n)
	e.revert(g.node, n, &g.before)
}

// revert gives a node the times that it had.
func (e *Engine) revert(i uint32, n, before *node) {
	n.peer, n.live, n.kept, n.used, n.flags = before.peer, before.live, before.kept, before.used, before.flags
	e.become(n, before.phase)
	e.schedule(i, n)
}

// blockedFor is how long a binding that the store refused is not offered.
const blockedFor = 10 * time.Minute

func (e *Engine) block(k numberdb.BindingKey, now tick) {
	p, m := e.ensureParty(k.Party), e.maskOf(k.Mask)
	until := now.after(blockedFor)
	if i := e.holds(p, m); i != 0 {
		n := e.nodes.at(i)
		if n.phase != ended && n.phase != gone {
			return
		}
		e.unlinkSession(i, n) // what was kept for it has given way to somebody else
		n.session, n.peer, n.flags, n.live, n.kept = 0, 0, 0, now, until
		e.become(n, blocked)
		e.schedule(i, n)
		return
	}
	i, n := e.nodes.add()
	*n = node{mask: m, party: p, live: now, kept: until, phase: blocked}
	e.link(i, n)
	e.schedule(i, n)
}

func keyOf(e *Engine, n *node) numberdb.BindingKey {
	return numberdb.BindingKey{Mask: e164.Number(e.masks[n.mask].number), Party: e164.Number(e.parties.at(n.party).number)}
}
