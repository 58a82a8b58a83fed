package numberdb

import (
	"math/bits"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"maskline/e164"
)

// Status says how a lookup ended.
type Status uint8

// The ends of a lookup.
const (
	UnknownMask  Status = iota // no binding has this mask
	OutOfSession               // the mask lives, this party has no binding
	Ended                      // this party's binding has expired
	Exact                      // the binding of this very party
	Public                     // the mask's public binding
)

// Found reports whether the lookup returned a live binding.
func (s Status) Found() bool { return s >= Exact }

// Table is the routing table in memory. Lookups take no lock and allocate
// nothing; they may run beside one another and beside writes. Writers are
// serialised by a mutex of their own.
//
// It is open addressing over pointer-free slots of 64 bytes. Each slot is a
// sequence lock of atomic words: a reader that meets a write reads again. A
// deleted slot keeps its key until the next rebuild, so a reader can never
// pass a key that moves.
type Table struct {
	slots atomic.Pointer[slots]
	// Texts live beside the slots, which hold their indices.
	endpoints names
	tenants   names
	lists     lists

	write sync.Mutex
	live  atomic.Int64
}

// NewTable makes an empty table.
func NewTable() *Table {
	t := &Table{}
	t.slots.Store(newSlots(minCapacity))
	return t
}

// Len is the number of bindings, expired ones included.
func (t *Table) Len() int { return int(t.live.Load()) }

// Lookup finds the binding for a contact of party to mask: the party's own,
// else the mask's public one. A party of none (withheld or alphanumeric) can
// only meet the public one. An expired binding is as good as absent, but comes
// with Ended instead of OutOfSession where no public binding answers.
func (t *Table) Lookup(mask, party e164.Number, now time.Time) (Binding, Status) {
	s := t.slots.Load()
	mask, party = mask.Canonical(), party.Canonical()
	at := now.UnixNano()
	own, expired := s.find(mask, party)
	if expired && party != 0 && own.liveAt(at) {
		return t.binding(mask, party, own), Exact
	}
	if r, ok := s.find(mask, 0); ok && r.liveAt(at) {
		return t.binding(mask, 0, r), Public
	}
	switch {
	case expired:
		return t.binding(mask, party, own), Ended
	case s.has(mask, maskMark):
		return Binding{}, OutOfSession
	default:
		return Binding{}, UnknownMask
	}
}

// IsMask reports whether any binding, live or ended, has this mask.
func (t *Table) IsMask(n e164.Number) bool {
	return t.slots.Load().has(n.Canonical(), maskMark)
}

// Apply writes changes in order. A reader sees each change whole or not at all.
func (t *Table) Apply(changes []Change) {
	t.write.Lock()
	defer t.write.Unlock()
	for i := range changes {
		c := &changes[i]
		mask, party := c.Binding.Mask.Canonical(), c.Binding.Party.Canonical()
		if c.Deleted {
			t.remove(mask, party)
			continue
		}
		t.put(mask, party, t.record(&c.Binding))
	}
}

// Replace swaps the whole content for what load puts, which was read from the
// store as one snapshot. Readers see the old content until load has returned;
// if it fails they keep it.
func (t *Table) Replace(load func(put func(Binding)) error) error {
	next := NewTable()
	if err := load(func(b Binding) {
		next.put(b.Mask.Canonical(), b.Party.Canonical(), t.record(&b))
	}); err != nil {
		return err
	}
	t.write.Lock()
	defer t.write.Unlock()
	t.slots.Store(next.slots.Load())
	t.live.Store(next.live.Load())
	return nil
}

// Each calls fn for every binding until it returns false, in no order. Changes
// made meanwhile may or may not be seen.
func (t *Table) Each(fn func(Binding) bool) {
	s := t.slots.Load()
	for i := range s.slot {
		mask, party, r, ok := s.slot[i].load()
		if !ok || party == maskMark || r.dead() {
			continue
		}
		if !fn(t.binding(e164.Number(mask), e164.Number(party), r)) {
			return
		}
	}
}

func (t *Table) put(mask, party e164.Number, r record) {
	isNew := t.slots.Load().put(uint64(mask), uint64(party), r)
	if isNew {
		t.live.Add(1)
		t.countMask(mask, 1)
	}
	t.growIfFull()
}

func (t *Table) remove(mask, party e164.Number) {
	if t.slots.Load().remove(uint64(mask), uint64(party)) {
		t.live.Add(-1)
		t.countMask(mask, -1)
	}
}

// countMask keeps the record that says how many bindings a mask has.
func (t *Table) countMask(mask e164.Number, delta int64) {
	s := t.slots.Load()
	r, _ := s.find(mask, maskMark)
	count := int64(r[wordTo]) + delta
	if count <= 0 {
		s.remove(uint64(mask), maskMark)
		return
	}
	s.put(uint64(mask), maskMark, record{wordTo: uint64(count)})
	t.growIfFull()
}

func (t *Table) growIfFull() {
	if s := t.slots.Load(); s.full() {
		t.slots.Store(s.rebuilt())
	}
}

// --- records

// record is the content of a slot without version and key.
type record [5]uint64

const (
	wordTo      = iota // the number, or the index of the name
	wordPresent        // the presented number
	wordExpires        // nanoseconds since 1970, 0: never
	wordMeta           // see the shifts below
	wordSpare          // kept for the session
)

const (
	deadBit       = 1 << 63
	kindShift     = 0  // 8 bits
	servicesShift = 8  // 8 bits
	tenantShift   = 16 // 20 bits, index of a name
	listShift     = 36 // 26 bits, index of a carrier list
)

func (r *record) dead() bool           { return r[wordMeta]&deadBit != 0 }
func (r *record) liveAt(ns int64) bool { return r[wordExpires] == 0 || ns < int64(r[wordExpires]) }

func (t *Table) record(b *Binding) record {
	var r record
	switch b.To.Kind {
	case Tel:
		r[wordTo] = uint64(b.To.Number)
	default:
		r[wordTo] = uint64(t.endpoints.index(b.To.Name))
	}
	r[wordPresent] = uint64(b.Present)
	if !b.Expires.IsZero() {
		r[wordExpires] = uint64(b.Expires.UnixNano())
	}
	r[wordMeta] = uint64(b.To.Kind)<<kindShift | uint64(b.Services)<<servicesShift |
		uint64(t.tenants.index(b.Tenant))<<tenantShift | uint64(t.lists.index(b.Carriers))<<listShift
	return r
}

func (t *Table) binding(mask, party e164.Number, r record) Binding {
	meta := r[wordMeta]
	b := Binding{
		Mask: mask, Party: party,
		To:       Endpoint{Kind: EndpointKind(meta >> kindShift)},
		Present:  e164.Number(r[wordPresent]),
		Services: Services(meta >> servicesShift),
		Tenant:   t.tenants.at(uint32(meta >> tenantShift & (1<<20 - 1))),
		Carriers: t.lists.at(uint32(meta >> listShift & (1<<26 - 1))),
	}
	if b.To.Kind == Tel {
		b.To.Number = e164.Number(r[wordTo])
	} else {
		b.To.Name = t.endpoints.at(uint32(r[wordTo]))
	}
	if r[wordExpires] != 0 {
		b.Expires = time.Unix(0, int64(r[wordExpires])).UTC()
	}
	return b
}

// --- slots

const (
	minCapacity = 1 << 10
	maskMark    = 1<<64 - 1 // party of the record that counts a mask's bindings
)

// slot is one cache line: version, mask, party, record.
type slot struct {
	version atomic.Uint64 // odd while being written
	mask    atomic.Uint64 // 0: never used
	party   atomic.Uint64
	words   [len(record{})]atomic.Uint64
}

// load reads the slot as one consistent whole; ok is false for a free slot.
func (s *slot) load() (mask, party uint64, r record, ok bool) {
	for {
		before := s.version.Load()
		mask, party = s.mask.Load(), s.party.Load()
		for i := range r {
			r[i] = s.words[i].Load()
		}
		if before&1 == 0 && s.version.Load() == before {
			return mask, party, r, mask != 0
		}
	}
}

func (s *slot) store(mask, party uint64, r record) {
	s.version.Add(1)
	s.party.Store(party)
	for i := range r {
		s.words[i].Store(r[i])
	}
	s.mask.Store(mask)
	s.version.Add(1)
}

type slots struct {
	seed uint64 // keeps chosen numbers from being chosen to collide
	slot []slot
	used int // slots with a key, deleted ones included; writers only
}

func newSlots(capacity int) *slots {
	s := &slots{seed: rand.Uint64() | 1, slot: make([]slot, capacity)}
	onHugePages(s.slot)
	return s
}

func (s *slots) start(mask, party uint64) uint64 {
	hi, lo := bits.Mul64(mask^s.seed, (party+0x9E3779B97F4A7C15)*0xD6E8FEB86659FD93^s.seed)
	return (hi ^ lo) & uint64(len(s.slot)-1)
}

// find returns the record of a key that is not deleted.
func (s *slots) find(mask, party e164.Number) (record, bool) {
	i := s.start(uint64(mask), uint64(party))
	for {
		slot := &s.slot[i]
		m := slot.mask.Load()
		if m == 0 {
			return record{}, false
		}
		// A key never leaves its slot, so unequal words need no second look.
		if m == uint64(mask) && slot.party.Load() == uint64(party) {
			_, _, r, _ := slot.load()
			return r, !r.dead()
		}
		i = (i + 1) & uint64(len(s.slot)-1)
	}
}

func (s *slots) has(mask, party e164.Number) bool {
	_, ok := s.find(mask, party)
	return ok
}

// put writes a record and reports whether the key was absent or deleted.
func (s *slots) put(mask, party uint64, r record) (isNew bool) {
	i := s.start(mask, party)
	for {
		slot := &s.slot[i]
		switch m := slot.mask.Load(); {
		case m == 0:
			slot.store(mask, party, r)
			s.used++
			return true
		case m == mask && slot.party.Load() == party:
			_, _, old, _ := slot.load()
			slot.store(mask, party, r)
			return old.dead()
		}
		i = (i + 1) & uint64(len(s.slot)-1)
	}
}

func (s *slots) remove(mask, party uint64) bool {
	i := s.start(mask, party)
	for {
		slot := &s.slot[i]
		m := slot.mask.Load()
		if m == 0 {
			return false
		}
		if m == mask && slot.party.Load() == party {
			_, _, old, _ := slot.load()
			slot.store(mask, party, record{wordMeta: deadBit})
			return !old.dead()
		}
		i = (i + 1) & uint64(len(s.slot)-1)
	}
}

func (s *slots) full() bool { return s.used >= len(s.slot)/4*3 }

// rebuilt copies what lives into slots at most half full.
func (s *slots) rebuilt() *slots {
	live := 0
	for i := range s.slot {
		if _, _, r, ok := s.slot[i].load(); ok && !r.dead() {
			live++
		}
	}
	capacity := minCapacity
	for capacity < 2*live {
		capacity *= 2
	}
	next := newSlots(capacity)
	for i := range s.slot {
		if mask, party, r, ok := s.slot[i].load(); ok && !r.dead() {
			next.put(mask, party, r)
		}
	}
	return next
}
