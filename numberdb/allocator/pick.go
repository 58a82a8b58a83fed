package allocator

import (
	"errors"
	"slices"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// scratch is what a decision needs while it is made.
type scratch struct {
	parties [2][]uint32
	peers   []Peer
}

// Pick decides a session's masks. They are held at once; the caller commits them
// or calls Undo. An *Exhausted says that there is none for a side.
func (e *Engine) Pick(r *Request, now time.Time, d *Decision) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	d.reset(r.Session)
	if e.sessions[r.Session] != 0 {
		return ErrSession
	}
	if err := e.decide(r, now, d); err != nil {
		return err
	}
	e.take(r, now, d)
	return nil
}

// decide chooses the masks and holds none yet.
func (e *Engine) decide(r *Request, now time.Time, d *Decision) error {
	if err := e.check(r, now); err != nil {
		return err
	}
	err := e.choose(r, "", d)
	if err == nil {
		return nil
	}
	var x *Exhausted
	if errors.As(err, &x) {
		e.exhausted(x)
		x.Suggested = e.suggest(r, x.Pool, d)
		d.Grants = d.Grants[:0]
	}
	return err
}

// check refuses what no pool could give.
func (e *Engine) check(r *Request, now time.Time) error {
	least, most := 2, 2
	switch r.Shape {
	case numberdb.Group:
		most = 1 << 10
	case numberdb.Open, numberdb.Lease:
		least, most = 1, 1
	default:
	}
	if r.Session == 0 || len(r.Sides) < least || len(r.Sides) > most {
		return ErrParticipants
	}
	if !r.Expires.IsZero() && !now.Before(r.Expires) {
		return ErrOver
	}
	for i := range r.Sides {
		number := r.Sides[i].Number.Canonical()
		if number == 0 && most != 1 {
			return ErrParticipants
		}
		if err := e.checkNumber(number, r.Sides[:i]); err != nil {
			return err
		}
		if _, err := e.poolFor(r, &r.Sides[i], ""); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) checkNumber(number e164.Number, before []Side) error {
	if number == 0 {
		return nil
	}
	if e.byMask[uint64(number)] != 0 {
		return ErrMask
	}
	for i := range before {
		if before[i].Number.Canonical() == number {
			return ErrSelf
		}
	}
	return nil
}

func (e *Engine) poolFor(r *Request, s *Side, instead string) (uint32, error) {
	name := r.Pool
	if s.Pool != "" {
		name = s.Pool
	}
	if instead != "" {
		name = instead
	}
	return e.mayUse(r.Tenant, name)
}

// choose finds a mask for each side, from another pool than asked where one is
// named.
func (e *Engine) choose(r *Request, instead string, d *Decision) error {
	d.Grants, d.Missing = d.Grants[:0], false
	if r.Shape == numberdb.PerSide {
		for i := range r.Sides {
			if err := e.chooseFor(r, i, i+1, instead, d); err != nil {
				return err
			}
		}
		return nil
	}
	return e.chooseFor(r, 0, len(r.Sides), instead, d)
}

// chooseFor finds one mask, or two, for sides from to before to.
func (e *Engine) chooseFor(r *Request, from, to int, instead string, d *Decision) error {
	s := &r.Sides[from]
	pool, err := e.poolFor(r, s, instead)
	if err != nil {
		return err
	}
	prefix := s.Prefix[:min(len(s.Prefix), e164.MaxDigits)]
	w := want{
		pool: pool, country: packCountry(s.Country), prefix: prefix, must: min(s.Must, len(prefix)),
		services: r.Services, kinds: r.Kinds, flags: r.Flags, selection: r.Selection,
		alone: r.Shape == numberdb.Open || r.Shape == numberdb.Lease,
		sip:   slices.ContainsFunc(r.Sides, func(s Side) bool { return s.To.Kind == numberdb.SIP }),
	}
	w.parties, w.peers = e.scratch.parties[0][:0], e.scratch.peers[:0]
	for i := from; i < to; i++ {
		number, peer := r.Sides[i].Number, r.Sides[i].To
		if w.alone {
			number = 0
		} else {
			peer = r.Sides[other(i)].To
		}
		w.parties, w.peers = append(w.parties, e.partyOf(number)), append(w.peers, PeerOf(peer))
		w.services |= r.Sides[i].Services
	}
	e.scratch.parties[0], e.scratch.peers = w.parties, w.peers
	w.hash, w.chosen = e.hash(s.Number), d.Grants
	c := &e.counts
	if s.Carrier != "" {
		var known bool
		if w.carrier, known = e.carriers[s.Carrier]; !known {
			*c = counts{Capability: len(e.settle(pool).members)}
			return e.exhaustion(s, from, &w, c)
		}
	}
	*c = counts{}
	first := e.find(&w, c)
	if first == 0 {
		return e.exhaustion(s, from, &w, c)
	}
	e.grant(r, from, to, first, w.alone, false, d)
	if r.Second == NoSecond {
		return nil
	}
	w.unlike, w.carrier = first, 0
	if w.selection == numberdb.Pinned {
		w.selection = numberdb.PreferStick // it is the first that is pinned
	}
	*c = counts{}
	second := e.find(&w, c)
	if second == 0 {
		if r.Second == SecondOrFail {
			return e.exhaustion(s, from, &w, c)
		}
		d.Missing = true
		return nil
	}
	e.grant(r, from, to, second, w.alone, true, d)
	return nil
}

// other is whom a side reaches: the other one, in a group the first other.
func other(side int) int {
	if side == 0 {
		return 1
	}
	return 0
}

func (e *Engine) grant(r *Request, from, to int, m uint32, alone, second bool, d *Decision) {
	for i := from; i < to; i++ {
		number := r.Sides[i].Number.Canonical()
		if alone {
			number = 0
		}
		d.Grants = append(d.Grants, Grant{Side: i, Mask: e164.Number(e.masks[m].number), Party: number, Second: second, mask: m})
	}
}

func (e *Engine) exhaustion(s *Side, side int, w *want, c *counts) *Exhausted {
	return &Exhausted{
		Pool: e.pools[w.pool].Name, Side: side, Second: w.unlike != 0,
		Reason: c.reason(), Masks: *c, Country: s.Country, Digits: w.must,
	}
}

// hash is a party's own number for its permutations. splitmix64's finalizer.
func (e *Engine) hash(number e164.Number) uint64 {
	h := uint64(number.Canonical()) + e.config.Seed + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// suggest names other pools of the tenant in which the request would succeed.
func (e *Engine) suggest(r *Request, not string, d *Decision) (names []string) {
	const tried, named = 16, 4
	left := tried
	for i := 1; i < len(e.pools) && left > 0 && len(names) < named; i++ {
		p := &e.pools[i]
		if !p.known || p.Name == not || p.Tenant != "" && p.Tenant != r.Tenant {
			continue
		}
		left--
		if e.choose(r, p.Name, d) == nil {
			names = append(names, p.Name)
		}
	}
	return names
}
