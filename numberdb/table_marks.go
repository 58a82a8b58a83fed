package numberdb

import "sync/atomic"

// marks are the masks that any binding has, each a word of the number and the
// count of its bindings.
type marks struct {
	index *index
	hash  hash
	many  map[uint64]int // counts that do not fit
}

const (
	numberBits = 54 // of an e164.Number
	numberMask = 1<<numberBits - 1
	countMost  = 1<<(63-numberBits) - 1 // and above; the last bit is a grave's
)

func newMarks(b *blocks, h hash) *marks {
	return &marks{
		index: newIndex(b, func(word uint64) uint32 { return h.of(word&numberMask, 0) }),
		hash:  h, many: map[uint64]int{},
	}
}

// has may be asked beside the writer.
func (m *marks) has(mask uint64) bool {
	if mask == 0 {
		return false // a grave has no number either
	}
	tag := m.hash.of(mask, 0)
	for {
		s := m.index.segment(tag)
		found := s.hasMark(tag, mask)
		if m.index.segment(tag) == s {
			return found
		}
	}
}

func (s *segment) hasMark(tag uint32, mask uint64) bool {
	i := s.start(tag)
	for range s.words {
		word := atomic.LoadUint64(&s.words[i])
		if word == 0 {
			return false
		}
		if word&numberMask == mask {
			return true
		}
		i = s.next(i)
	}
	return false
}

// add counts one binding more, or one less.
func (m *marks) add(mask uint64, delta int) {
	tag := m.hash.of(mask, 0)
	s := m.index.segment(tag)
	i := s.find(tag, func(word uint64) bool { return word&numberMask == mask })
	if i < 0 {
		m.index.add(mask | 1<<numberBits)
		return
	}
	count := int(atomic.LoadUint64(&s.words[i]) >> numberBits)
	if count == countMost {
		count = m.many[mask]
	}
	count += delta
	delete(m.many, mask)
	switch {
	case count <= 0:
		m.index.removeAt(s, tag, i)
		return
	case count >= countMost:
		m.many[mask] = count
	}
	atomic.StoreUint64(&s.words[i], mask|uint64(min(count, countMost))<<numberBits)
}
