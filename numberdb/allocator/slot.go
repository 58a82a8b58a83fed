package allocator

import (
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// SlotRequest asks for the mask under which the owner of a public mask answers
// one caller.
type SlotRequest struct {
	Session  numberdb.ID // of the public mask
	Tenant   string
	Public   e164.Number       // the mask that was contacted
	Pool     string            // of slots; empty: the public mask's own
	Owner    e164.Number       // by which the owner is recognised
	OwnerTo  numberdb.Endpoint // where the owner is reached
	Caller   e164.Number
	Services numberdb.Services
	Idle     time.Duration // so long without contact, a slot may go to another caller
}

// Slot finds or decides it. The owner gets a slot that is free for it, the same
// for the same caller; where none is left, the one that rests longest, if that
// is longer than Idle and the pool's quarantine. Grants are the rows to write:
// side 0 is the owner's, side 1 the caller's. There are none where all stands.
func (e *Engine) Slot(r *SlotRequest, now time.Time, d *Decision) (slot e164.Number, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	d.reset(r.Session)
	owner, caller := r.Owner.Canonical(), r.Caller.Canonical()
	if owner == 0 || caller == 0 {
		return 0, ErrParticipants
	}
	for _, number := range []e164.Number{owner, caller} {
		if err := e.checkNumber(number, nil); err != nil {
			return 0, err
		}
	}
	if owner == caller {
		return 0, ErrSelf
	}
	at := tickDown(now)
	public := e.byMask[uint64(r.Public.Canonical())]
	like := e.nodes.at(e.masks[public].public)
	if like.session != r.Session || like.phase != living || like.live <= at {
		return 0, ErrUnknown
	}
	live, kept := like.live, like.kept
	m, err := e.slotFor(r, owner, at, now, d)
	if err != nil {
		return 0, err
	}
	if err := e.wayIn(r, caller, public, d); err != nil {
		e.takeBack(d)
		return 0, err
	}
	callerTo := numberdb.Endpoint{Kind: numberdb.Tel, Number: caller}
	for i := range d.Grants {
		n := e.hold(&d.Grants[i], r.Session, live, kept, d)
		n.used = at
		if d.Grants[i].Side == 0 {
			n.peer = PeerOf(callerTo)
			e.walked(&d.Grants[i], at)
		} else {
			n.peer = PeerOf(r.OwnerTo)
		}
	}
	d.Keep = kept.time()
	return e164.Number(e.masks[m].number), nil
}

// slotFor finds the owner's slot for a caller.
func (e *Engine) slotFor(r *SlotRequest, owner e164.Number, at tick, now time.Time, d *Decision) (uint32, error) {
	p := e.partyOf(owner)
	peer := PeerOf(numberdb.Endpoint{Kind: numberdb.Tel, Number: r.Caller})
	idlest := uint32(0)
	name := r.Pool
	if name == "" { // a retired mask's too, whose session goes on
		name = e.infos[e.byMask[uint64(r.Public.Canonical())]].Pool
	}
	pool, err := e.mayUse(r.Tenant, name)
	if err != nil {
		return 0, err
	}
	rest := max(r.Idle, e.quarantine(pool))
	if p != 0 {
		for i := e.parties.at(p).head; i != 0; {
			n := e.nodes.at(i)
			if n.session == r.Session && n.phase == living {
				if n.peer == peer {
					n.used = at
					return n.mask, nil
				}
				m := &e.masks[n.mask]
				if m.pool == pool && m.state == numberdb.Free && n.used.after(rest) <= at && (idlest == 0 || n.used < e.nodes.at(idlest).used) {
					idlest = i
				}
			}
			i = n.partyNext
		}
	}
	e.scratch.parties[0] = append(e.scratch.parties[0][:0], p)
	e.scratch.peers = append(e.scratch.peers[:0], peer)
	w := want{pool: pool, parties: e.scratch.parties[0], peers: e.scratch.peers, hash: e.hash(owner), services: r.Services, sip: r.OwnerTo.Kind == numberdb.SIP, selection: numberdb.PreferStick}
	e.counts = counts{}
	m := e.find(&w, &e.counts)
	if m == 0 && idlest != 0 {
		n := e.nodes.at(idlest)
		m = n.mask
		e.endCaller(r.Session, n.peer, now, d)
	}
	if m == 0 {
		x := &Exhausted{Pool: e.pools[pool].Name, Reason: e.counts.reason(), Masks: e.counts}
		e.exhausted(x)
		return 0, x
	}
	d.Grants = append(d.Grants, Grant{Side: 0, Mask: e164.Number(e.masks[m].number), Party: owner, mask: m})
	return m, nil
}

// endCaller ends the way in of the caller whose slot goes to another.
func (e *Engine) endCaller(session numberdb.ID, peer Peer, now time.Time, d *Decision) {
	_ = e.end(session, now, &d.Ends, &d.ended, func(n *node) bool { // there may be none left
		number := e164.Number(e.parties.at(n.party).number)
		return number != 0 && PeerOf(numberdb.Endpoint{Kind: numberdb.Tel, Number: number}) == peer
	})
}

// wayIn is the caller's own binding with the public mask, which presents the
// slot to the owner.
func (e *Engine) wayIn(r *SlotRequest, caller e164.Number, public uint32, d *Decision) error {
	if i := e.holds(e.partyOf(caller), public); i != 0 {
		n := e.nodes.at(i)
		switch {
		case n.phase == living && n.session == r.Session:
			if len(d.Grants) == 0 {
				return nil
			}
		case n.phase == ended && n.peer == PeerOf(r.OwnerTo):
		default:
			return &Exhausted{Pool: e.pools[e.masks[public].pool].Name, Side: 1, Reason: Degree}
		}
	}
	d.Grants = append(d.Grants, Grant{Side: 1, Mask: e164.Number(e.masks[public].number), Party: caller, mask: public})
	return nil
}

// takeBack undoes what a decision ended before it failed.
func (e *Engine) takeBack(d *Decision) {
	for _, u := range d.ended {
		e.revert(u.node, e.nodes.at(u.node), &u.before)
	}
	d.reset(d.Session)
}

// Touch tells of a contact with a slot, so that it is not given away.
func (e *Engine) Touch(slotNumber, owner e164.Number, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, p := e.byMask[uint64(slotNumber.Canonical())], e.partyOf(owner)
	if m == 0 || p == 0 || p == everybody {
		return
	}
	if i := e.holds(p, m); i != 0 {
		n := e.nodes.at(i)
		n.used = max(n.used, tickDown(now))
	}
}
