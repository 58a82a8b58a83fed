package sip

import (
	"strconv"
	"sync"

	"maskline/sip/message"
)

// calls finds the call that a message is about.
type calls struct {
	mu      sync.Mutex
	byID    map[uint64]*actor
	invites map[string]*actor // by the transaction of the INVITE that opened it
	merged  map[string]*actor // by what tells the same INVITE over two ways
}

func newCalls() *calls {
	return &calls{byID: map[uint64]*actor{}, invites: map[string]*actor{}, merged: map[string]*actor{}}
}

// inviteKey is the server transaction of an INVITE or of its CANCEL. RFC 3261
// §17.2.3.
func inviteKey(req *message.Request) string {
	return req.Branch + " " + req.SentBy() + " " + req.Source.Addr().String()
}

// mergeKey is equal for one INVITE that arrives over two ways. RFC 3261 §8.2.2.2.
// One that an upstream forked to two masks is two calls: what was dialled differs.
func mergeKey(trunk *trunk, req *message.Request) string {
	return req.FromTag + " " + req.CallID + " " + strconv.FormatUint(uint64(req.CSeq), 10) + " " + trunk.Name + " " + req.Dialled()
}

// find is nil where there is none.
func (c *calls) find(id uint64) *actor {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byID[id]
}

func (c *calls) findInvite(key string) *actor {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.invites[key]
}

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
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.invites[a.inviteKey]; known != nil {
		return known, addedRepeated
	}
	if c.merged[a.mergeKey] != nil {
		return nil, addedMerged
	}
	if len(c.byID) >= most {
		return nil, addedFull
	}
	c.byID[a.call.id], c.invites[a.inviteKey], c.merged[a.mergeKey] = a, a, a
	return a, addedNew
}

func (c *calls) remove(a *actor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byID, a.call.id)
	delete(c.invites, a.inviteKey)
	delete(c.merged, a.mergeKey)
}

func (c *calls) all() []*actor {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*actor, 0, len(c.byID))
	for _, a := range c.byID {
		list = append(list, a)
	}
	return list
}
