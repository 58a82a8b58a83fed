package smpp

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"maskline/e164"
	"maskline/smpp/pdu"
)

// submission is what a receipt needs of its message. It holds no pointers, so a
// million of them cost the garbage collector nothing.
type submission struct {
	key         joinKey
	local       uint64
	at          int64 // milliseconds since 1970
	account     uint32
	wants       byte
	ended       ended
	bind        uint8 // its SMSC among those of the carrier
	coding      byte  // data_coding, as it came
	sent        sentAs
	remote      remoteID
	source      inlineAddress
	destination inlineAddress
	presented   e164.Number // the source that the carrier knows
}

// ended is how far a message's final receipt has come.
type ended uint8

const (
	notEnded ended = iota
	ending         // it is on its way: its carrier may have to send it again
	hasEnded       // the originator has it, or it is durable, or nobody wants it
)

// inlineAddress is an address without pointers.
type inlineAddress struct {
	ton, npi, length byte
	digits           [maxAddress]byte
}

func inline(a pdu.Address) inlineAddress {
	i := inlineAddress{ton: a.TON, npi: a.NPI}
	i.length = byte(copy(i.digits[:], a.Digits))
	return i
}

// address is a view of i.
func (i *inlineAddress) address() pdu.Address {
	return pdu.Address{TON: i.ton, NPI: i.npi, Digits: i.digits[:i.length]}
}

// joinKey stands for a message id. Ids are up to 64 characters long; two keyed
// hashes of 64 bits stand for one, so that foreign ids cannot be made to meet.
type joinKey [2]uint64

// joiner joins the receipts of one carrier with the messages that it accepted,
// by the normal form of its message id. Receipts that overtake their response,
// and those for messages unknown, are parked for a while.
type joiner struct {
	seeds  [2]maphash.Seed
	space  *joinSpace
	keep   time.Duration
	oldest atomic.Int64 // when the oldest submission was accepted, never where there is none

	mu     sync.Mutex
	index  map[joinKey]uint64 // number of the submission
	chunks []*[joinChunk]submission
	first  uint64 // number of the oldest submission
	next   uint64 // number of the next one
	parked map[joinKey]*parked
	order  parkedList
}

const joinChunk = 1024

func newJoiner(space *joinSpace, keep time.Duration) *joiner {
	j := &joiner{
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		space: space, keep: keep,
		index: make(map[joinKey]uint64), parked: make(map[joinKey]*parked),
	}
	j.oldest.Store(never)
	space.joiners = append(space.joiners, j)
	return j
}

// joinSpace bounds the submissions of all carriers together. Where it is full
// the oldest of all goes, so that a carrier which takes over the traffic of
// another has room for its own.
type joinSpace struct {
	limit   int64
	total   atomic.Int64
	joiners []*joiner // complete before the first submission
}

// claim takes a place for one submission and returns how many messages were
// forgotten for it.
func (s *joinSpace) claim() (forgotten int) {
	for total := s.total.Add(1); total > s.limit; total = s.total.Load() {
		oldest := s.joiners[0]
		for _, j := range s.joiners[1:] {
			if j.oldest.Load() < oldest.oldest.Load() {
				oldest = j
			}
		}
		dropped, waited := oldest.drop()
		if waited {
			forgotten++
		}
		if !dropped {
			break // others have claimed theirs and not come to add yet
		}
	}
	return forgotten
}

func (j *joiner) key(normal []byte) joinKey {
	return joinKey{maphash.Bytes(j.seeds[0], normal), maphash.Bytes(j.seeds[1], normal)}
}

// add takes in a submission and returns the receipts that came before it,
// latest first. Where there is no room the oldest goes, and what is too old in
// any case; forgotten counts those whose final receipt has not come.
func (j *joiner) add(s submission) (early *parked, forgotten int) {
	forgotten = j.space.claim()
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.first < j.next && j.at(j.first).at+j.keep.Milliseconds() < s.at {
		if j.dropOldest() {
			forgotten++
		}
	}
	if j.next-j.base() == uint64(len(j.chunks))*joinChunk {
		j.chunks = append(j.chunks, new([joinChunk]submission))
	}
	*j.at(j.next) = s
	j.index[s.key] = j.next
	j.next++
	j.oldest.Store(j.at(j.first).at)
	early = j.parked[s.key]
	for p := early; p != nil; p = p.more {
		j.order.remove(p)
	}
	delete(j.parked, s.key)
	return early, forgotten
}

// base is the number of the first submission in the first chunk.
func (j *joiner) base() uint64 { return j.first / joinChunk * joinChunk }

func (j *joiner) at(number uint64) *submission {
	i := number - j.base()
	return &j.chunks[i/joinChunk][i%joinChunk]
}

// drop forgets the oldest submission, if there is one; waited reports whether
// its final receipt had not come.
func (j *joiner) drop() (dropped, waited bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.first == j.next {
		return false, false
	}
	return true, j.dropOldest()
}

// dropOldest is drop for those who hold mu and know that there is one.
func (j *joiner) dropOldest() (waited bool) {
	s := j.at(j.first)
	waited = s.ended != hasEnded
	if j.index[s.key] == j.first {
		delete(j.index, s.key)
	}
	j.first++
	j.space.total.Add(-1)
	if j.first%joinChunk == 0 {
		j.chunks[0] = nil
		j.chunks = j.chunks[1:]
	}
	oldest := never
	if j.first < j.next {
		oldest = j.at(j.first).at
	}
	j.oldest.Store(oldest)
	return waited
}

// joined is how a receipt met the table.
type joined uint8

const (
	joinFound     joined = iota
	joinRepeated         // a final receipt was passed on before
	joinUnderWay         // a final receipt is on its way, and may yet fail
	joinParked           // the message is unknown, yet
	joinParkedOut        // the same, and the oldest parked one was given up
)

// join finds the submission of a receipt, or parks it. A final receipt marks
// the submission; settle makes that last, or takes it back.
func (j *joiner) join(key joinKey, normal []byte, r *pdu.Receipt, at int64) (submission, joined) {
	j.mu.Lock()
	defer j.mu.Unlock()
	number, ok := j.index[key]
	if !ok {
		return submission{}, j.park(key, normal, r, at)
	}
	s := j.at(number)
	switch {
	case s.ended == ending && r.State.Final():
		return *s, joinUnderWay
	case s.ended != notEnded:
		return *s, joinRepeated
	case r.State.Final():
		s.ended = ending
	}
	return *s, joinFound
}

// settle says how a message's final receipt went: it need not come again, or it
// has to.
func (j *joiner) settle(key joinKey, local uint64, how ended) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if number, ok := j.index[key]; ok && j.at(number).local == local {
		j.at(number).ended = how
	}
}

// size is the number of submissions and of parked receipts.
func (j *joiner) size() (submissions, parked int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return int(j.next - j.first), j.order.length
}
