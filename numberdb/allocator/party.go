package allocator

import "maskline/e164"

// partyOf finds a party's record, 0 for none.
func (e *Engine) partyOf(number e164.Number) uint32 {
	if number == 0 {
		return everybody
	}
	return e.byParty[uint64(number.Canonical())]
}

// ensureParty finds or makes it.
func (e *Engine) ensureParty(number e164.Number) uint32 {
	if i := e.partyOf(number); i != 0 {
		return i
	}
	i, p := e.parties.add()
	p.number = uint64(number.Canonical())
	e.byParty[p.number] = i
	e.rest(i, p)
	return i
}

// rest puts a party without bindings among those that are remembered for their
// walk only; beyond the limit the one that rests longest is forgotten.
func (e *Engine) rest(i uint32, p *party) {
	if i == everybody || p.idle {
		return
	}
	p.idle = true
	p.idlePrev, p.idleNext = e.idleLast, 0
	if e.idleLast != 0 {
		e.parties.at(e.idleLast).idleNext = i
	} else {
		e.idleFirst = i
	}
	e.idleLast = i
	e.idleCount++
	if e.idleCount > e.remember && e.idleFirst != i {
		oldest := e.idleFirst
		old := e.parties.at(oldest)
		e.wake(old)
		delete(e.byParty, old.number)
		e.parties.remove(oldest)
	}
}

// wake takes a party from among those that rest.
func (e *Engine) wake(p *party) {
	if !p.idle {
		return
	}
	p.idle = false
	if p.idlePrev != 0 {
		e.parties.at(p.idlePrev).idleNext = p.idleNext
	} else {
		e.idleFirst = p.idleNext
	}
	if p.idleNext != 0 {
		e.parties.at(p.idleNext).idlePrev = p.idlePrev
	} else {
		e.idleLast = p.idlePrev
	}
	p.idleNext, p.idlePrev = 0, 0
	e.idleCount--
}
