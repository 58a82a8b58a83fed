package smppload

import "sync"

// idBook pairs the message ids of responses with those of receipts, which may
// come first.
type idBook struct {
	shards [64]idShard
}

type idShard struct {
	mu       sync.Mutex
	messages map[uint64]uint32 // answered, by the hash of the id
	early    map[uint64]int    // receipts without a message
}

func (b *idBook) shard(hash uint64) *idShard { return &b.shards[hash>>58] }

// answered notes the id of an accepted message, and reports whether its receipt
// was there before.
func (b *idBook) answered(id []byte, message uint32) bool {
	hash := hashOf(id)
	s := b.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.early[hash]; n > 0 {
		if n == 1 {
			delete(s.early, hash)
		} else {
			s.early[hash] = n - 1
		}
		return true
	}
	if s.messages == nil {
		s.messages = map[uint64]uint32{}
	}
	s.messages[hash] = message
	return false
}

// receipt finds the message that a receipt is for.
func (b *idBook) receipt(id []byte) (message uint32, found bool) {
	hash := hashOf(id)
	s := b.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if message, found = s.messages[hash]; found {
		delete(s.messages, hash)
		return message, true
	}
	if s.early == nil {
		s.early = map[uint64]int{}
	}
	s.early[hash]++
	return 0, false
}

// unpaired counts the receipts that belong to no message: repeated ones too.
func (b *idBook) unpaired() (n uint64) {
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.Lock()
		for _, early := range s.early {
			n += uint64(early)
		}
		s.mu.Unlock()
	}
	return n
}

// hashOf is FNV-1a, mixed so that every bit counts.
func hashOf(id []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range id {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return mix(h)
}
