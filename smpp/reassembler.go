package smpp

import (
	"bytes"
	"sync"
)

// reassembler gathers the segments of messages that go on whole. It is bounded
// in messages and memory; what is not complete in time is handed back. Segments
// that it holds are its own until it returns them, as lists linked by next.
type reassembler struct {
	mu     sync.Mutex
	sets   map[setKey]*segmentSet
	oldest *segmentSet // by the order of their first segments
	newest *segmentSet
	memory int // of all segments held, in octets
}

// setKey is what the segments of one message have in common. Another sender or
// receiver, another peer or another total makes another message.
type setKey struct {
	from                *peer
	source, destination inlineAddress
	reference           uint16
	total               byte
}

type segmentSet struct {
	key        setKey
	parts      []*message // by their part, less one
	missing    int
	octets     int // of the text
	memory     int // of its segments
	until      int64
	next, prev *segmentSet
}

// Bounds of what waits to be put together.
const (
	maxSets     = 10_000
	maxGathered = 64 << 20          // memory of all together
	segmentCost = 1 << 10           // of one segment, besides its text or its buffer
	maxWhole    = 0xFFFF - 0xFF - 1 // of one message: a message_payload beside its header
)

func newReassembler() *reassembler { return &reassembler{sets: map[setKey]*segmentSet{}} }

// joinResult is what became of a segment.
type joinResult uint8

const (
	joinWaits      joinResult = iota // for the others
	joinWhole                        // it was the last one
	joinNoRoom                       // it stays the caller's: too much waits already
	joinContrary                     // it stays the caller's: it contradicts those before it
	joinTooLong                      // it stays the caller's: the whole would be too long
	joinIncomplete                   // in metrics: the others did not come in time
	joinResults
)

// String is the outcome in metrics.
func (r joinResult) String() string {
	return [joinResults]string{"", "whole", "no_room", "contradicting", "too_long", "incomplete"}[r]
}

// add takes in a segment. whole is the list of all of them in order, where this
// was the last; repeated is an earlier one with the same part and content, whose
// place this one takes. A message whose first segment this is waits until then.
func (r *reassembler) add(m *message, until int64) (how joinResult, whole, repeated *message) {
	key := setKey{m.from, inline(m.origSource), inline(m.origDest), m.concat.Reference, m.concat.Total}
	r.mu.Lock()
	defer r.mu.Unlock()
	set := r.sets[key]
	octets, memory := len(m.payload)-m.headerLen, m.memory()
	switch {
	case set == nil && len(r.sets) >= maxSets, r.memory+memory > maxGathered:
		return joinNoRoom, nil, nil
	case set == nil:
		set = r.begin(key, until)
	case set.contradicts(m):
		return joinContrary, nil, nil
	case set.octets+octets > maxWhole:
		return joinTooLong, nil, nil
	}
	at := &set.parts[m.concat.Part-1]
	if repeated = *at; repeated != nil {
		memory -= repeated.memory()
	} else {
		set.missing--
		set.octets += octets
	}
	*at = m
	set.memory += memory
	r.memory += memory
	if repeated != nil {
		return joinWaits, nil, repeated
	}
	if set.missing > 0 {
		return joinWaits, nil, nil
	}
	return joinWhole, r.end(set), nil
}

// memory is what a segment takes: its text, or a buffer that held more before.
func (m *message) memory() int {
	if cap(m.data) > messageKeep {
		return segmentCost + cap(m.data)
	}
	return segmentCost + len(m.payload) - m.headerLen
}

func (r *reassembler) begin(key setKey, until int64) *segmentSet {
	set := &segmentSet{key: key, parts: make([]*message, key.total), missing: int(key.total), until: until, prev: r.newest}
	if r.newest == nil {
		r.oldest = set
	} else {
		r.newest.next = set
	}
	r.newest = set
	r.sets[key] = set
	return set
}

// contradicts reports whether a segment cannot be of the same message: its text
// is coded in another way, or its place is taken by another text.
func (set *segmentSet) contradicts(m *message) bool {
	for i, p := range set.parts {
		if p == nil {
			continue
		}
		if p.dataCoding != m.dataCoding || p.protocolID != m.protocolID {
			return true
		}
		if i == int(m.concat.Part)-1 && !bytes.Equal(p.payload, m.payload) {
			return true
		}
	}
	return false
}

// end forgets a set and lists its segments in order.
func (r *reassembler) end(set *segmentSet) (list *message) {
	for i := len(set.parts) - 1; i >= 0; i-- {
		if p := set.parts[i]; p != nil {
			p.next = list
			list = p
		}
	}
	if set.prev == nil {
		r.oldest = set.next
	} else {
		set.prev.next = set.next
	}
	if set.next == nil {
		r.newest = set.prev
	} else {
		set.next.prev = set.prev
	}
	delete(r.sets, set.key)
	r.memory -= set.memory
	return list
}

// expire hands back the segments of one message whose time is over, nil where
// there is none.
func (r *reassembler) expire(at int64) *message {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.oldest == nil || at < r.oldest.until {
		return nil
	}
	return r.end(r.oldest)
}

// size is the number of messages that wait, and their memory.
func (r *reassembler) size() (sets, memory int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sets), r.memory
}
