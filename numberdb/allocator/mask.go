package allocator

import (
	"strconv"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// mask is a number of ours. What is looked at for each candidate is in one line
// of the processor's cache.
type mask struct {
	number   uint64 // an e164.Number
	digits   uint64 // its digits, filled up with zeros to fifteen
	since    tick
	pool     uint32
	position uint32 // among the pool's members
	load     int32  // parties that hold it now
	used     uint32 // nodes, those in quarantine too
	public   uint32 // the node of everybody
	carrier  uint32
	country  country
	services numberdb.Services
	kind     numberdb.MaskKind
	flags    numberdb.MaskFlags
	state    numberdb.MaskState
	known    bool // it was told by SetMask
	member   bool // of its pool
}

// StateChange is a mask with a new state, to be written to the store.
type StateChange struct {
	Mask numberdb.Mask // as it is now
	was  numberdb.MaskState
	then time.Time
}

// SetMask adds a mask or changes it. It may move to another pool; its bindings
// hold in every state.
func (e *Engine) SetMask(m numberdb.Mask) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.setMask(m)
}

// ShelveMask is SetMask that leaves the state of a mask as it is: a lease that was
// just decided holds it.
func (e *Engine) ShelveMask(m numberdb.Mask) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := e.byMask[uint64(m.Number.Canonical())]; i != 0 && e.masks[i].known {
		m.State, m.Since = e.infos[i].State, e.infos[i].Since
	}
	e.setMask(m)
}

func (e *Engine) setMask(m numberdb.Mask) {
	i := e.maskOf(m.Number)
	to := &e.masks[i]
	into, at := e.poolOf(m.Pool), packCountry(m.Country)
	if to.member && (to.pool != into || to.country != at || m.State == numberdb.Retired) {
		e.leavePool(to)
	}
	to.country, to.services, to.kind, to.flags = at, m.Services, m.Kind, m.Flags
	to.carrier, to.known = e.carrierOf(m.Carrier), true
	e.infos[i] = m
	e.setState(i, m.State, m.Since)
	if into != 0 && !to.member && m.State != numberdb.Retired {
		to.pool, to.member = into, true
		p := &e.pools[into]
		p.added = append(p.added, i)
		p.live += int(to.load)
		if to.public != 0 {
			p.publics++
		}
	}
}

// RemoveMask takes a mask out of its pool. Its bindings stay until they end.
func (e *Engine) RemoveMask(number e164.Number) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.byMask[uint64(number.Canonical())]
	if i == 0 {
		return
	}
	m := &e.masks[i]
	if m.member {
		e.leavePool(m)
	}
	m.known = false
	e.setState(i, numberdb.Retired, time.Time{})
	e.dropMask(i)
}

func (e *Engine) leavePool(m *mask) {
	p := &e.pools[m.pool]
	p.removed = true
	p.live -= int(m.load)
	if m.public != 0 {
		p.publics--
	}
	m.pool, m.member = 0, false
}

// setState changes a state in memory.
func (e *Engine) setState(i uint32, state numberdb.MaskState, since time.Time) {
	m := &e.masks[i]
	m.state, m.since = state, 0
	if !since.IsZero() {
		m.since = tickUp(since)
	}
	e.infos[i].State, e.infos[i].Since = state, since
	if state == numberdb.Quarantined {
		e.resting[i] = struct{}{}
	} else {
		delete(e.resting, i)
	}
}

// changeState is setState by a decision of ours, which the store is told of.
func (e *Engine) changeState(i uint32, state numberdb.MaskState, since time.Time) StateChange {
	was, then := e.infos[i].State, e.infos[i].Since
	e.setState(i, state, since)
	return StateChange{e.infos[i], was, then}
}

// maskOf finds or makes a mask's record. A binding may be told before its mask.
func (e *Engine) maskOf(number e164.Number) uint32 {
	key := uint64(number.Canonical())
	if i := e.byMask[key]; i != 0 {
		return i
	}
	var i uint32
	if last := len(e.free) - 1; last >= 0 {
		i, e.free = e.free[last], e.free[:last]
	} else {
		i = uint32(len(e.masks))
		e.masks, e.infos = append(e.masks, mask{}), append(e.infos, numberdb.Mask{})
	}
	e.masks[i] = mask{number: key, digits: filledUp(e164.Number(key)), state: numberdb.Retired}
	e.infos[i] = numberdb.Mask{Number: number.Canonical(), State: numberdb.Retired}
	e.byMask[key] = i
	return i
}

// dropMask forgets a mask that left, with its last node.
func (e *Engine) dropMask(i uint32) {
	m := &e.masks[i]
	if m.known || m.used > 0 {
		return
	}
	delete(e.byMask, m.number)
	e.settleAll()
	e.masks[i], e.infos[i] = mask{}, numberdb.Mask{}
	e.free = append(e.free, i)
}

// settleAll takes masks that left out of every list before a record serves another.
func (e *Engine) settleAll() {
	for i := range e.pools {
		if e.pools[i].removed {
			e.settle(uint32(i))
		}
	}
}

func (e *Engine) carrierOf(name string) uint32 {
	i, found := e.carriers[name]
	if !found {
		i = uint32(len(e.carriers))
		e.carriers[name] = i
	}
	return i
}

// filledUp is a number's digits with zeros behind them up to fifteen.
func filledUp(n e164.Number) uint64 {
	v := uint64(0)
	for _, d := range n.AppendDigits(make([]byte, 0, e164.MaxDigits)) {
		v = v*10 + uint64(d-'0')
	}
	for range e164.MaxDigits - n.Len() {
		v *= 10
	}
	return v
}

// begins says whether a mask begins with digits.
func begins(m *mask, digits string) bool {
	from, to, ok := prefixRange(digits)
	return digits == "" || ok && m.digits >= from && m.digits < to
}

// prefixRange are the filled up numbers that begin with digits, which are 1 to
// 15; ok is false for anything else.
func prefixRange(digits string) (from, to uint64, ok bool) {
	if digits == "" || len(digits) > e164.MaxDigits {
		return 0, 0, false
	}
	v, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	width := uint64(1)
	for range e164.MaxDigits - len(digits) {
		width *= 10
	}
	return v * width, (v + 1) * width, true
}
