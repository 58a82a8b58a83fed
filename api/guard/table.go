package guard

import (
	"hash/maphash"
	"sync"
)

// shards lets requests of different keys pass without meeting; a power of two.
const shards = 16

// table holds an entry for each name that was seen of late, at most so many: the one
// that was not asked for longest makes room.
type table[T any] struct {
	seed   maphash.Seed
	shards [shards]shard[T]
}

type shard[T any] struct {
	mu    sync.Mutex
	most  int
	byKey map[string]*item[T]
	first *item[T] // seen last
	last  *item[T]
}

type item[T any] struct {
	name       string
	value      T
	prev, next *item[T]
}

func newTable[T any](most int) *table[T] {
	t := &table[T]{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i] = shard[T]{most: max(1, most/shards), byKey: map[string]*item[T]{}}
	}
	return t
}

// with calls fn with the entry of a name, alone with it; a new one is zero. fn does
// not wait for anything.
func (t *table[T]) with(name string, fn func(*T)) {
	s := t.shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	it, known := s.byKey[name]
	if !known {
		if len(s.byKey) >= s.most {
			oldest := s.last
			s.unlink(oldest)
			delete(s.byKey, oldest.name)
		}
		it = &item[T]{name: name}
		s.byKey[name] = it
	} else {
		s.unlink(it)
	}
	s.link(it)
	fn(&it.value)
}

// find calls fn with the entry of a name if there is one, which does not count as
// seeing it.
func (t *table[T]) find(name string, fn func(*T)) (found bool) {
	s := t.shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	it, found := s.byKey[name]
	if found {
		fn(&it.value)
	}
	return found
}

func (t *table[T]) len() (n int) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += len(s.byKey)
		s.mu.Unlock()
	}
	return n
}

func (t *table[T]) shard(name string) *shard[T] {
	return &t.shards[maphash.String(t.seed, name)%shards]
}

func (s *shard[T]) link(it *item[T]) {
	it.prev, it.next = nil, s.first
	if s.first != nil {
		s.first.prev = it
	}
	s.first = it
	if s.last == nil {
		s.last = it
	}
}

func (s *shard[T]) unlink(it *item[T]) {
	if it.prev != nil {
		it.prev.next = it.next
	} else {
		s.first = it.next
	}
	if it.next != nil {
		it.next.prev = it.prev
	} else {
		s.last = it.prev
	}
}
