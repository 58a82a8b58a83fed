package allocator

import (
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// Ended is what ended, to be written to the store.
type Ended struct {
	At     time.Time             // the new Expires of the bindings
	Keep   time.Time             // their new Keep, the latest of them
	Keys   []numberdb.BindingKey // of the bindings
	States []StateChange
}

func (x *Ended) reset() { *x = Ended{Keys: x.Keys[:0], States: x.States[:0]} }

// Release ends a session's bindings, which stay in quarantine. A mask that was
// leased as a whole rests for its pool's quarantine.
func (e *Engine) Release(session numberdb.ID, now time.Time, x *Ended) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	x.reset()
	return e.end(session, now, x, nil, func(*node) bool { return true })
}

// Burn ends a session and puts its masks on the watchlist. Other parties'
// bindings with them hold, and nobody gets them anew.
func (e *Engine) Burn(session numberdb.ID, now time.Time, x *Ended) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	x.reset()
	public := e.publicOf(session)
	var burned []uint32
	err := e.end(session, now, x, nil, func(n *node) bool {
		if public == nil || n.party == everybody { // the slots of a public mask are not to blame
			burned = append(burned, n.mask)
		}
		return true
	})
	if err != nil {
		return err
	}
	x.States = x.States[:0]
	for _, m := range burned {
		if s := e.masks[m].state; s != numberdb.Watchlisted && s != numberdb.Retired {
			x.States = append(x.States, e.changeState(m, numberdb.Watchlisted, now))
		}
	}
	return nil
}

// publicOf is a session's binding of everybody, nil where it has none.
func (e *Engine) publicOf(session numberdb.ID) *node {
	for i := e.sessions[session]; i != 0; {
		n := e.nodes.at(i)
		if n.party == everybody {
			return n
		}
		i = n.sessionNext
	}
	return nil
}

// end ends those of a session's live nodes that which selects. What they were
// goes to undo where that is not nil.
func (e *Engine) end(session numberdb.ID, now time.Time, x *Ended, undo *[]undone, which func(*node) bool) error {
	at := tickUp(now)
	for i := e.sessions[session]; session != 0 && i != 0; {
		n := e.nodes.at(i)
		if n.phase == living && which(n) {
			if undo != nil {
				*undo = append(*undo, undone{i, *n})
			}
			e.endNode(i, n, at, now, x)
		}
		i = n.sessionNext
	}
	if len(x.Keys) == 0 {
		return ErrUnknown
	}
	x.At = now
	return nil
}

func (e *Engine) endNode(i uint32, n *node, at tick, now time.Time, x *Ended) {
	keep := e.rested(n, at)
	n.live, n.kept = at, keep
	n.flags |= own | n.told()
	e.become(n, ended)
	e.schedule(i, n)
	x.Keys = append(x.Keys, keyOf(e, n))
	if keep != never {
		if t := keep.time(); t.After(x.Keep) {
			x.Keep = t
		}
	}
	if n.party == everybody && e.masks[n.mask].state == numberdb.Held {
		x.States = append(x.States, e.changeState(n.mask, numberdb.Quarantined, now))
	}
}

// rested is when the quarantine of a node is over that ends at at: it is as long
// as was to follow its own end.
func (e *Engine) rested(n *node, at tick) tick {
	switch {
	case n.live == never:
		return at.after(e.quarantine(e.masks[n.mask].pool))
	case n.kept == never:
		return never
	default:
		return at.plus(n.kept - min(n.live, n.kept))
	}
}

// Extend sets a live session's end, later or earlier, and returns its new Keep.
// How long a session may last in all is the caller's to check.
func (e *Engine) Extend(session numberdb.ID, expires, now time.Time) (keep time.Time, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at, live := tickDown(now), tickUp(expires)
	if live <= at {
		return keep, ErrOver
	}
	found, last := false, tick(0)
	for i := e.sessions[session]; session != 0 && i != 0; {
		n := e.nodes.at(i)
		if n.phase == living && n.live > at {
			found = true
			kept := e.rested(n, live)
			n.live, n.kept = live, kept
			n.flags |= own | n.told()
			last = max(last, kept)
			e.schedule(i, n)
		}
		i = n.sessionNext
	}
	if !found {
		return keep, ErrUnknown
	}
	return last.time(), nil
}

// Rotate gives the people of a session other masks and ends those that they
// have. The request's session may be the same or a new one. Where there are no
// other masks they keep what they have.
func (e *Engine) Rotate(session numberdb.ID, r *Request, now time.Time, d *Decision) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	d.reset(r.Session)
	if r.Session != session && e.sessions[r.Session] != 0 {
		return ErrSession
	}
	if err := e.decide(r, now, d); err != nil {
		return err
	}
	if err := e.end(session, now, &d.Ends, &d.ended, func(*node) bool { return true }); err != nil {
		d.Grants = d.Grants[:0]
		return err
	}
	e.take(r, now, d)
	return nil
}

// Joining asks for a further member of a group.
type Joining struct {
	Session      numberdb.ID
	Dial, Second e164.Number // the group's masks
	Number       e164.Number
	Reaches      numberdb.Endpoint // the first other member
	Place        int               // the Side of the grants
}

// Join gives a further member the masks of a group, if they are free for it.
func (e *Engine) Join(j *Joining, now time.Time, d *Decision) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	d.reset(j.Session)
	number := j.Number.Canonical()
	if number == 0 {
		return ErrParticipants
	}
	if err := e.checkNumber(number, nil); err != nil {
		return err
	}
	p, masks := e.partyOf(number), []e164.Number{j.Dial, j.Second}
	var like *node
	for at, dial := range masks {
		if dial == 0 && at > 0 {
			continue
		}
		m := e.byMask[uint64(dial.Canonical())]
		if like = e.liveOf(j.Session, m, tickDown(now)); like == nil {
			return ErrUnknown
		}
		if e.holds(p, m) != 0 && e.nodes.at(e.holds(p, m)).session == j.Session {
			return ErrSelf
		}
		w := want{pool: e.masks[m].pool, parties: []uint32{p}, peers: []Peer{PeerOf(j.Reaches)}}
		e.counts = counts{}
		if !e.fits(&w, m, false, &e.counts) {
			x := &Exhausted{Pool: e.pools[w.pool].Name, Side: j.Place, Second: at > 0, Reason: e.counts.reason(), Masks: e.counts}
			e.exhausted(x)
			d.Grants = d.Grants[:0]
			return x
		}
		d.Grants = append(d.Grants, Grant{Side: j.Place, Mask: dial.Canonical(), Party: number, Second: at > 0, mask: m})
	}
	live, kept := like.live, like.kept
	for i := range d.Grants {
		n := e.hold(&d.Grants[i], j.Session, live, kept, d)
		n.peer = PeerOf(j.Reaches)
		e.walked(&d.Grants[i], tickDown(now))
	}
	d.Keep = kept.time()
	return nil
}

// liveOf is a live node of a session and mask.
func (e *Engine) liveOf(session numberdb.ID, m uint32, now tick) *node {
	for i := e.sessions[session]; m != 0 && i != 0; {
		n := e.nodes.at(i)
		if n.mask == m && n.phase == living && n.live > now {
			return n
		}
		i = n.sessionNext
	}
	return nil
}
