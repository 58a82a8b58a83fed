package sip

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"maskline/sip/message"
)

// calls finds the call that a message is about.
type calls struct {
	count   atomic.Int64
	byID    index[uint64]
	invites index[callKey] // by the transaction of the INVITE that opened it
	merged  index[callKey] // by what tells the same INVITE over two ways
	seeds   [2]maphash.Seed
}

// callKey is a keyed digest of what identifies an INVITE. A peer can neither
// choose nor find two that are alike.
type callKey [2]uint64

func newCalls() *calls { return &calls{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}} }

func (c *calls) key(parts ...string) (k callKey) {
	for i, seed := range c.seeds {
		var h maphash.Hash
		h.SetSeed(seed)
		for _, p := range parts {
			_, _ = h.WriteString(p)
			_ = h.WriteByte(0)
		}
		k[i] = h.Sum64()
	}
	return k
}

// inviteKey is the server transaction of an INVITE or of its CANCEL. RFC 3261
// §17.2.3.
func (c *calls) inviteKey(req *message.Request) callKey {
	return c.key(req.Branch, req.SentBy(), req.Source.Addr().String())
}

// mergeKey is equal for one INVITE that arrives over two ways. RFC 3261 §8.2.2.2.
// One that an upstream forked to two masks is two calls: what was dialled differs.
func (c *calls) mergeKey(trunk *trunk, req *message.Request) callKey {
	k := c.key(req.FromTag, req.CallID, trunk.Name, req.Dialled())
	k[0] += uint64(req.CSeq)
	return k
}

// find is nil where there is none.
func (c *calls) find(id uint64) *actor { return c.byID.part(id).find(id) }

func (c *calls) findInvite(k callKey) *actor { return c.invites.part(k[0]).find(k) }

// added is what add found.
type added uint8

const (
	addedNew added = iota
	addedRepeated
	addedMerged
	addedFull
)

// add enters a call unless its INVITE is known, or there are most calls.
func (c *calls) add(a *actor, most int) (*actor, added) {
	invites, merged := c.invites.part(a.inviteKey[0]), c.merged.part(a.mergeKey[0])
	if known := invites.enter(a.inviteKey, a); known != nil {
		return known, addedRepeated
	}
	if merged.enter(a.mergeKey, a) != nil {
		invites.remove(a.inviteKey)
		return nil, addedMerged
	}
	if c.count.Add(1) > int64(most) {
		c.count.Add(-1)
		invites.remove(a.inviteKey)
		merged.remove(a.mergeKey)
		return nil, addedFull
	}
	c.byID.part(a.call.id).enter(a.call.id, a)
	return a, addedNew
}

func (c *calls) remove(a *actor) {
	if !c.byID.part(a.call.id).remove(a.call.id) {
		return
	}
	c.invites.part(a.inviteKey[0]).remove(a.inviteKey)
	c.merged.part(a.mergeKey[0]).remove(a.mergeKey)
	c.count.Add(-1)
}

func (c *calls) all() []*actor {
	list := make([]*actor, 0, c.count.Load())
	for i := range c.byID {
		list = c.byID[i].appendTo(list)
	}
	return list
}

// index finds calls by a key. Its parts have a lock each, so that sockets that
// are read at the same time seldom meet.
type index[K comparable] [64]indexPart[K]

// part is where keys with this hash are.
func (x *index[K]) part(hash uint64) *indexPart[K] { return &x[hash%uint64(len(x))] }

type indexPart[K comparable] struct {
	mu    sync.Mutex
	calls map[K]*actor
	grown int // the most calls since the map was made
}

// fewCalls is a map that is not worth making smaller.
const fewCalls = 64

func (p *indexPart[K]) find(k K) *actor {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[k]
}

// enter returns what is there already; nil: the call is entered.
func (p *indexPart[K]) enter(k K, a *actor) *actor {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.calls[k]; known != nil {
		return known
	}
	if p.calls == nil {
		p.calls = map[K]*actor{}
	}
	p.calls[k] = a
	p.grown = max(p.grown, len(p.calls))
	return nil
}

// remove reports whether the call was there. A map never shrinks by itself: one
// that has become much too large is made anew.
func (p *indexPart[K]) remove(k K) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls[k] == nil {
		return false
	}
	delete(p.calls, k)
	if n := len(p.calls); p.grown > fewCalls && n*8 < p.grown {
		smaller := make(map[K]*actor, n)
		for k, a := range p.calls {
			smaller[k] = a
		}
		p.calls, p.grown = smaller, n
	}
	return true
}

func (p *indexPart[K]) appendTo(list []*actor) []*actor {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.calls {
		list = append(list, a)
	}
	return list
}
