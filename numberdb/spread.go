package numberdb

import (
	"maps"
	"sync/atomic"
)

// spread is a map that is read without locks. Its writers, one at a time, copy
// the part that they change, so there are many; it is for what changes seldom.
// The zero spread is empty.
type spread[K comparable, V any] struct {
	parts [spreadParts]atomic.Pointer[map[K]V]
	size  atomic.Int64
}

const spreadParts = 1 << 12

func (s *spread[K, V]) len() int { return int(s.size.Load()) }

// get finds a key in its part, which is the caller's to choose, always alike.
func (s *spread[K, V]) get(part uint16, key K) (v V, found bool) {
	if m := s.parts[part].Load(); m != nil {
		v, found = (*m)[key]
	}
	return v, found
}

// draft is a set of changes to a spread that readers see when it is published.
type draft[K comparable, V any] struct {
	of    *spread[K, V]
	parts map[uint16]map[K]V // those that are changed
}

func (s *spread[K, V]) draft() *draft[K, V] { return &draft[K, V]{s, map[uint16]map[K]V{}} }

// emptied is a draft that begins with nothing.
func (s *spread[K, V]) emptied() *draft[K, V] {
	d := s.draft()
	for i := range uint16(spreadParts) {
		d.parts[i] = map[K]V{}
	}
	return d
}

func (d *draft[K, V]) part(i uint16) map[K]V {
	if d.parts[i] == nil {
		d.parts[i] = map[K]V{}
		if m := d.of.parts[i].Load(); m != nil {
			d.parts[i] = maps.Clone(*m)
		}
	}
	return d.parts[i]
}

// publish shows the changes to readers, part by part.
func (d *draft[K, V]) publish() {
	for i, m := range d.parts {
		before := 0
		if old := d.of.parts[i].Swap(&m); old != nil {
			before = len(*old)
		}
		d.of.size.Add(int64(len(m) - before))
	}
}

// each calls fn for every entry until it returns false.
func (s *spread[K, V]) each(fn func(K, V) bool) {
	goOn := true
	for i := uint16(0); i < spreadParts && goOn; i++ {
		s.eachOf(i, func(k K, v V) bool {
			goOn = fn(k, v)
			return goOn
		})
	}
}

// eachOf is each of one part.
func (s *spread[K, V]) eachOf(part uint16, fn func(K, V) bool) {
	if m := s.parts[part].Load(); m != nil {
		for k, v := range *m {
			if !fn(k, v) {
				return
			}
		}
	}
}
