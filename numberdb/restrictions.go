package numberdb

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
)

// Restrictions are the opt-outs and blocks in memory. Questions take no lock,
// allocate nothing and never wait for the store. A change is in memory at once
// ([Restrictions.Note], stored soon after) or when it is stored
// ([Restrictions.Apply]); what others write to the store is read every second.
type Restrictions struct {
	store RestrictionStore
	log   *zap.Logger

	optOuts  listed
	blocks   listed
	loaded   atomic.Bool
	limit    atomic.Int64 // opt-outs; 0: none
	refused  atomic.Int64 // since Run last told
	metrics  restrictionMetrics
	reached  Position      // in the store; Run's alone
	wake     chan struct{} // something is pending
	writing  chan struct{} // one token, for one call of the store at a time; taken before mu
	mu       sync.Mutex    // of all below, and of every write to the lists
	pending  map[restrictionKey]RestrictionChange
	unstored map[restrictionKey]RestrictionChange // being stored
	told     func(*RestrictionChange)             // nil: nobody
}

// restrictionKey tells restrictions apart, in canonical form.
type restrictionKey struct {
	kind        RestrictionKind
	tenant      string
	mask, party e164.Number
	peer        Endpoint
}

func (k *restrictionKey) part() uint16 {
	return uint16(uint64(k.mask^k.party) * 0x9E3779B97F4A7C15 >> 52)
}

func keyOf(r *Restriction) restrictionKey {
	c := r.canonical()
	return restrictionKey{c.Kind, c.Tenant, c.Mask, c.Party, c.Peer}
}

func (k *restrictionKey) restriction(since time.Time) Restriction {
	return Restriction{Kind: k.kind, Tenant: k.tenant, Mask: k.mask, Party: k.party, Peer: k.peer, Since: since}
}

// NewRestrictions makes an empty list over a store and registers its metrics.
// Run fills it and keeps it.
func NewRestrictions(store RestrictionStore, log *zap.Logger, reg prometheus.Registerer) (*Restrictions, error) {
	r := &Restrictions{
		store: store, log: log, wake: make(chan struct{}, 1), writing: make(chan struct{}, 1),
		pending: map[restrictionKey]RestrictionChange{},
	}
	return r, r.register(reg)
}

// Limit bounds the opt-outs that Note takes; 0 is no bound. What the store has
// is taken in beyond it.
func (r *Restrictions) Limit(optOuts int) { r.limit.Store(int64(optOuts)) }

// Loaded reports whether the list holds what the store has.
func (r *Restrictions) Loaded() bool { return r.loaded.Load() }

// listed is the restrictions of one kind, and what their numbers are.
type listed struct {
	spread[restrictionKey, time.Time]
	numbers filter
}

func (l *listed) has(key restrictionKey) bool {
	_, found := l.get(key.part(), key)
	return found
}

// OptedOut reports whether a party wants no messages of the tenant, or none
// from this peer. The peer's number may be in any form.
func (r *Restrictions) OptedOut(tenant string, party e164.Number, peer Endpoint) bool {
	if party = party.Canonical(); !r.optOuts.numbers.mayHold(party) {
		return false
	}
	key := restrictionKey{kind: OptOut, tenant: tenant, party: party}
	if r.optOuts.has(key) {
		return true
	}
	key.peer = peer
	key.peer.Number = peer.Number.Canonical()
	return r.optOuts.has(key)
}

// Blocked reports whether a block forbids this party at this mask: by the
// party, by the mask or by both, of the tenant or of all.
func (r *Restrictions) Blocked(tenant string, mask, party e164.Number) bool {
	mask, party = mask.Canonical(), party.Canonical()
	if !r.blocks.numbers.mayHold(mask) && !r.blocks.numbers.mayHold(party) {
		return false
	}
	return r.blocked("", mask, party) || tenant != "" && r.blocked(tenant, mask, party)
}

func (r *Restrictions) blocked(tenant string, mask, party e164.Number) bool {
	key := restrictionKey{kind: Block, tenant: tenant, mask: mask, party: party}
	byMask, byParty := key, key
	byMask.party, byParty.mask = 0, 0
	return r.blocks.has(byMask) || r.blocks.has(byParty) || r.blocks.has(key)
}

// Each calls fn for every restriction until it returns false, in no order.
func (r *Restrictions) Each(fn func(Restriction) bool) {
	goOn := true
	for _, list := range []*listed{&r.optOuts, &r.blocks} {
		list.each(func(k restrictionKey, since time.Time) bool {
			goOn = goOn && fn(k.restriction(since))
			return goOn
		})
	}
}

// Of calls fn for the restrictions of exactly this party and mask, of every tenant
// and peer, until it returns false. It looks at a small part of all.
func (r *Restrictions) Of(kind RestrictionKind, mask, party e164.Number, fn func(Restriction) bool) {
	list := &r.optOuts
	if kind == Block {
		list = &r.blocks
	}
	at := restrictionKey{mask: mask.Canonical(), party: party.Canonical()}
	list.eachOf(at.part(), func(k restrictionKey, since time.Time) bool {
		return k.mask != at.mask || k.party != at.party || fn(k.restriction(since))
	})
}

// take writes changes to memory. mu is held.
func (r *Restrictions) take(changes []RestrictionChange) {
	edit := r.edit()
	for i := range changes {
		edit.change(&changes[i])
	}
	edit.publish()
}

// edition is a draft of both lists.
type edition struct {
	of              *Restrictions
	optOuts, blocks *draft[restrictionKey, time.Time]
}

func (r *Restrictions) edit() edition { return edition{r, r.optOuts.draft(), r.blocks.draft()} }

// empty is an edition that begins with nothing.
func (r *Restrictions) empty() edition { return edition{r, r.optOuts.emptied(), r.blocks.emptied()} }

func (e *edition) change(c *RestrictionChange) {
	key := keyOf(&c.Restriction)
	list, edit := &e.of.optOuts, e.optOuts
	if c.Kind == Block {
		list, edit = &e.of.blocks, e.blocks
	}
	part := edit.part(key.part())
	if c.Lifted {
		delete(part, key)
		return
	}
	part[key] = c.Since
	key.numbers(func(n e164.Number) { list.numbers.add(n) })
}

func (k *restrictionKey) numbers(each func(e164.Number)) {
	for _, n := range [2]e164.Number{k.mask, k.party} {
		if n != 0 {
			each(n)
		}
	}
}

// publish shows the changes to readers.
func (e *edition) publish() {
	e.blocks.publish()
	e.optOuts.publish()
	e.of.blocks.refilter()
	e.of.optOuts.refilter()
}

// refilter makes the filter anew where it is missing or too full.
func (l *listed) refilter() {
	if !l.numbers.full() {
		return
	}
	l.numbers.remake(2*l.len(), func(add func(e164.Number)) {
		l.each(func(k restrictionKey, _ time.Time) bool {
			k.numbers(add)
			return true
		})
	})
}
