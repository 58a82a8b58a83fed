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

	optOuts  spread[restrictionKey, time.Time]
	blocks   spread[restrictionKey, time.Time]
	numbers  spread[e164.Number, int] // in how many blocks a number stands
	loaded   atomic.Bool
	metrics  restrictionMetrics
	reached  Position      // in the store; Run's alone
	wake     chan struct{} // something is pending
	mu       sync.Mutex    // of all below, and of every write to the spreads
	pending  map[restrictionKey]RestrictionChange
	unstored map[restrictionKey]RestrictionChange // being stored
}

// restrictionKey tells restrictions apart, in canonical form.
type restrictionKey struct {
	kind        RestrictionKind
	tenant      string
	mask, party e164.Number
	peer        Endpoint
}

func (k *restrictionKey) part() uint8 { return numberPart(k.mask ^ k.party) }

func numberPart(n e164.Number) uint8 { return uint8(uint64(n) * 0x9E3779B97F4A7C15 >> 56) }

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
		store: store, log: log, wake: make(chan struct{}, 1),
		pending: map[restrictionKey]RestrictionChange{},
	}
	return r, r.register(reg)
}

// Loaded reports whether the list holds what the store has.
func (r *Restrictions) Loaded() bool { return r.loaded.Load() }

// OptedOut reports whether a party wants no messages of the tenant, or none
// from this peer. The peer's number may be in any form.
func (r *Restrictions) OptedOut(tenant string, party e164.Number, peer Endpoint) bool {
	if r.optOuts.len() == 0 || party == 0 {
		return false
	}
	key := restrictionKey{kind: OptOut, tenant: tenant, party: party.Canonical()}
	if _, all := r.optOuts.get(key.part(), key); all || peer.Kind == NoEndpoint {
		return all
	}
	key.peer = peer
	key.peer.Number = peer.Number.Canonical()
	_, found := r.optOuts.get(key.part(), key)
	return found
}

// Blocked reports whether a block forbids this party at this mask: by the
// party, by the mask or by both, of the tenant or of all.
func (r *Restrictions) Blocked(tenant string, mask, party e164.Number) bool {
	if r.blocks.len() == 0 {
		return false
	}
	mask, party = mask.Canonical(), party.Canonical()
	byMask, byParty := r.mentioned(mask), r.mentioned(party)
	if !byMask && !byParty {
		return false
	}
	return r.blocked("", mask, party, byMask, byParty) ||
		tenant != "" && r.blocked(tenant, mask, party, byMask, byParty)
}

func (r *Restrictions) mentioned(n e164.Number) bool {
	if n == 0 {
		return false
	}
	_, found := r.numbers.get(numberPart(n), n)
	return found
}

func (r *Restrictions) blocked(tenant string, mask, party e164.Number, byMask, byParty bool) bool {
	has := func(mask, party e164.Number) bool {
		key := restrictionKey{kind: Block, tenant: tenant, mask: mask, party: party}
		_, found := r.blocks.get(key.part(), key)
		return found
	}
	return byParty && has(0, party) || byMask && has(mask, 0) || byMask && byParty && has(mask, party)
}

// Each calls fn for every restriction until it returns false, in no order.
func (r *Restrictions) Each(fn func(Restriction) bool) {
	goOn := true
	for _, list := range []*spread[restrictionKey, time.Time]{&r.optOuts, &r.blocks} {
		list.each(func(k restrictionKey, since time.Time) bool {
			goOn = goOn && fn(k.restriction(since))
			return goOn
		})
	}
}

// take writes changes to memory. mu is held.
func (r *Restrictions) take(changes []RestrictionChange) {
	edit := r.edit()
	for i := range changes {
		edit.change(&changes[i])
	}
	edit.publish()
}

// edition is a draft of all lists.
type edition struct {
	optOuts, blocks *draft[restrictionKey, time.Time]
	numbers         *draft[e164.Number, int]
}

func (r *Restrictions) edit() edition {
	return edition{r.optOuts.draft(), r.blocks.draft(), r.numbers.draft()}
}

// empty is an edition that begins with nothing.
func (r *Restrictions) empty() edition {
	return edition{r.optOuts.emptied(), r.blocks.emptied(), r.numbers.emptied()}
}

func (e *edition) change(c *RestrictionChange) {
	key := keyOf(&c.Restriction)
	list := e.optOuts
	if c.Kind == Block {
		list = e.blocks
	}
	part := list.part(key.part())
	_, stood := part[key]
	switch {
	case c.Lifted && stood:
		delete(part, key)
		e.mention(&key, -1)
	case c.Lifted:
	default:
		part[key] = c.Since
		if !stood {
			e.mention(&key, 1)
		}
	}
}

func (e *edition) mention(key *restrictionKey, by int) {
	if key.kind != Block {
		return
	}
	for _, n := range []e164.Number{key.mask, key.party} {
		if n == 0 {
			continue
		}
		part := e.numbers.part(numberPart(n))
		if part[n] += by; part[n] == 0 {
			delete(part, n)
		}
	}
}

// publish shows the numbers first where they grow; a reader between two of the
// three sees the old or the new state of one restriction.
func (e *edition) publish() {
	e.numbers.publish()
	e.blocks.publish()
	e.optOuts.publish()
}
