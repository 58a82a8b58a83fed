package numberdb

import "sync/atomic"

// marks are the masks that any binding has, each a word of the number, whether one
// of the bindings is the public one, and their count.
type marks struct {
	index *index
	hash  hash
	many  map[uint64]int // counts that do not fit
}

const (
	numberBits = 54 // of an e164.Number
	numberMask = 1<<numberBits - 1
	publicBit  = 1 << numberBits
	countShift = numberBits + 1
	countMost  = 1<<(63-countShift) - 1 // and above; the last bit is a grave's
)

func newMarks(b *blocks, h hash) *marks {
	return &marks{
		index: newIndex(b, func(word uint64) uint32 { return tagOf(h.of(word&numberMask, 0)) }),
		hash:  h, many: map[uint64]int{},
	}
}

// of tells whether a mask has bindings, and whether a public one. It may be asked
// beside the writer, who changes a binding before its mark.
func (m *marks) of(mask uint64) (known, public bool) {
	if mask == 0 {
		return false, false // a grave has no number either
	}
	tag := tagOf(m.hash.of(mask, 0))
	for {
		s := m.index.segment(tag)
		word := s.mark(tag, mask)
		if m.index.segment(tag) == s {
			return word != 0, word&publicBit != 0
		}
	}
}

// mark is the word of a mask, or 0.
func (s *segment) mark(tag uint32, mask uint64) uint64 {
	i := s.start(tag)
	for range s.words {
		pause()
		word := atomic.LoadUint64(&s.words[i])
		if word == 0 || word&numberMask == mask {
			return word
		}
		i = s.next(i)
	}
	return 0
}

// touch reads where a mask's word is looked for.
func (m *marks) touch(mask uint64) uint64 {
	tag := tagOf(m.hash.of(mask, 0))
	s := m.index.segment(tag)
	return atomic.LoadUint64(&s.words[s.start(tag)])
}

// add counts one binding more.
func (m *marks) add(mask uint64, public bool) {
	tag := tagOf(m.hash.of(mask, 0))
	s, i := m.find(tag, mask)
	if i < 0 {
		m.index.add(word(mask, 1, public))
		return
	}
	m.count(mask, &s.words[i], 1, public)
}

// remove counts one less.
func (m *marks) remove(mask uint64, public bool) {
	tag := tagOf(m.hash.of(mask, 0))
	if s, i := m.find(tag, mask); i >= 0 && m.count(mask, &s.words[i], -1, public) == 0 {
		m.index.removeAt(s, tag, i)
	}
}

func (m *marks) find(tag uint32, mask uint64) (*segment, int) {
	s := m.index.segment(tag)
	return s, s.find(tag, func(word uint64) bool { return word&numberMask == mask })
}

// count changes a word, unless no binding is left. public is about the one that
// comes or goes.
func (m *marks) count(mask uint64, at *uint64, delta int, public bool) int {
	old := atomic.LoadUint64(at)
	count := int(old >> countShift)
	if count == countMost {
		count = m.many[mask]
	}
	count += delta
	delete(m.many, mask)
	if count >= countMost {
		m.many[mask] = count
	}
	if pause(); count > 0 {
		if !public { // it stays as it was
			atomic.StoreUint64(at, word(mask, count, old&publicBit != 0))
		} else {
			atomic.StoreUint64(at, word(mask, count, delta > 0))
		}
	}
	return count
}

func word(mask uint64, count int, public bool) uint64 {
	w := mask | uint64(min(count, countMost))<<countShift
	if public {
		w |= publicBit
	}
	return w
}
