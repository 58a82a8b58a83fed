package smppload

import (
	"sync"
	"sync/atomic"
)

// book knows what became of every message of a run. A message's record is
// written by the goroutines of the two binds that it passes; chunks of records
// are made as numbers are given out and closed once nothing can happen to them
// any more.
type book struct {
	chunks [maxMessages >> chunkBits]atomic.Pointer[chunk]

	mu      sync.Mutex
	closed  int // chunks before this one are settled
	settled settled
	ids     idBook
}

const (
	chunkBits   = 16
	chunkSize   = 1 << chunkBits
	maxMessages = 1 << 30
)

type chunk [chunkSize]record

// record is one message. Its state has the answer in bits 0-1, how often it was
// accepted, swallowed and reported in a receipt in six bits each, and the bind
// that it arrived on in bits 32-47.
type record struct {
	sent  int64 // since the beginning of the run
	state atomic.Uint64
}

const (
	answerMask uint64 = 3

	answeredOK        uint64 = 1
	answeredTemporary uint64 = 2
	answeredRefused   uint64 = 3

	acceptedOne  uint64 = 1 << 2
	swallowedOne uint64 = 1 << 8
	receiptOne   uint64 = 1 << 14
	countMask    uint64 = 63

	arrivedAt = 32
)

func accepted(state uint64) uint64  { return state / acceptedOne & countMask }
func swallowed(state uint64) uint64 { return state / swallowedOne & countMask }
func receipts(state uint64) uint64  { return state / receiptOne & countMask }

// settled is what became of messages to which nothing happens any more.
type settled struct {
	lost           uint64 // told accepted, and no end accepted it
	duplicated     uint64 // accepted again, by the same end or another
	unknown        uint64 // arrived, though the sender was told to try again, refused or nothing
	unanswered     uint64 // the sender was told nothing
	receiptsLost   uint64 // told accepted, and no receipt came
	receiptsPaired uint64
}

// open makes the record of a new message.
func (b *book) open(message uint32, sent int64) {
	at := &b.chunks[message>>chunkBits]
	c := at.Load()
	if c == nil {
		b.mu.Lock()
		if c = at.Load(); c == nil {
			c = new(chunk)
			at.Store(c)
		}
		b.mu.Unlock()
	}
	c[message%chunkSize].sent = sent
}

// find is a message's record, or nil where it is settled or was never sent.
func (b *book) find(message uint32) *record {
	if message >= maxMessages {
		return nil
	}
	c := b.chunks[message>>chunkBits].Load()
	if c == nil {
		return nil
	}
	return &c[message%chunkSize]
}

// judging says what a run can know of its messages.
type judging struct {
	arrivals bool // an end of ours receives
	receipts bool // every accepted message has one
}

// settle closes the whole chunks of messages before this one, in the end the
// last one too.
func (b *book) settle(before uint32, last bool, j judging) {
	b.mu.Lock()
	defer b.mu.Unlock()
	end := int(before) >> chunkBits
	if last && before%chunkSize > 0 {
		end++
	}
	for ; b.closed < end; b.closed++ {
		c := b.chunks[b.closed].Swap(nil)
		if c == nil {
			continue
		}
		for i := range c[:min(chunkSize, int(before)-b.closed<<chunkBits)] {
			b.settled.add(c[i].state.Load(), j)
		}
	}
}

func (s *settled) add(state uint64, j judging) {
	if n := accepted(state); n > 1 {
		s.duplicated += n - 1
	}
	switch answer := state & answerMask; {
	case answer == answeredOK && accepted(state) == 0 && j.arrivals:
		s.lost++
	case answer != answeredOK && accepted(state)+swallowed(state) > 0:
		s.unknown++
	}
	if state&answerMask == 0 {
		s.unanswered++
	}
	if receipts(state) > 0 {
		s.receiptsPaired++
	} else if j.receipts && state&answerMask == answeredOK {
		s.receiptsLost++
	}
}
