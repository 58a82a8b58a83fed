package allocator

import (
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// Learn tells what the store holds for a mask and a party: at the start, and
// from its feed. It may be told again and in any order of keys, before or after
// the mask itself.
//
// The feed comes after the engine's own decisions. So what an engine decided it
// knows better: news of the same session only confirm it, older news are passed
// over.
func (e *Engine) Learn(b *numberdb.Binding, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, m := e.ensureParty(b.Party), e.maskOf(b.Mask)
	i := e.holds(p, m)
	if i == 0 {
		var n *node
		i, n = e.nodes.add()
		*n = node{mask: m, party: p, phase: gone}
		e.tell(n, b, now)
		e.link(i, n)
		e.schedule(i, n)
		return
	}
	n := e.nodes.at(i)
	switch {
	case n.flags&own != 0 && n.session == b.Session:
		n.flags |= confirmed
		return
	case n.flags&own != 0 && n.flags&confirmed == 0 && b.Session < n.session:
		return
	case b.Session != 0 && b.Session < n.session:
		return
	}
	e.unlinkSession(i, n)
	e.become(n, gone)
	e.tell(n, b, now)
	e.linkSession(i, n)
	if n.phase == living {
		n.phase = gone
		e.become(n, living)
	}
	e.schedule(i, n)
}

// tell fills in a node whose phase counts for nothing.
func (e *Engine) tell(n *node, b *numberdb.Binding, now time.Time) {
	at := tickDown(now)
	n.session, n.peer, n.flags = b.Session, PeerOf(b.To), 0
	n.live = tickUp(b.Expires)
	n.kept = n.live
	if !b.Keep.IsZero() {
		n.kept = max(n.live, tickUp(b.Keep))
	}
	n.used = at
	n.phase = living
	if b.Session == 0 {
		// Bound by hand: the row is not ours to delete, and it counts until it is.
		n.kept = never
	}
	if n.live <= at {
		n.phase = ended
	}
}

// Forget tells that the store has no row for a mask and a party any more. Session
// names what the row was of, where the caller deleted it; 0 is what the feed
// tells, which may be older than a decision that it has not shown yet.
func (e *Engine) Forget(maskNumber, number e164.Number, session numberdb.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, p := e.byMask[uint64(maskNumber.Canonical())], e.partyOf(number)
	if m == 0 || p == 0 {
		return
	}
	i := e.holds(p, m)
	if i == 0 {
		return
	}
	n := e.nodes.at(i)
	if session != 0 && n.session != session || session == 0 && n.flags&(own|confirmed) == own {
		return
	}
	e.unlink(i)
}
