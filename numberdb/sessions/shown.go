package sessions

import (
	"maps"
	"sync/atomic"

	"maskline/e164"
	"maskline/numberdb"
)

// shown are the masks for those who may not wait for a lock. The map never
// changes: it is made anew where masks come or go. One that changes does so in
// its place, since leases change them all the time. One goroutine at a time
// writes.
type shown struct {
	masks atomic.Pointer[map[e164.Number]*atomic.Pointer[numberdb.Mask]]
}

// mask is what is known of a mask, nil where it is none. It is not to be changed.
func (s *shown) mask(number e164.Number) *numberdb.Mask {
	if all := s.masks.Load(); all != nil {
		if place := (*all)[number.Canonical()]; place != nil {
			return place.Load()
		}
	}
	return nil
}

// each tells of every mask, which is not to be changed.
func (s *shown) each(tell func(*numberdb.Mask)) {
	if all := s.masks.Load(); all != nil {
		for _, place := range *all {
			tell(place.Load())
		}
	}
}

// change puts masks in their places and takes others out.
func (s *shown) change(put []numberdb.Mask, gone []e164.Number) {
	var all map[e164.Number]*atomic.Pointer[numberdb.Mask]
	if before := s.masks.Load(); before != nil {
		all = *before
	}
	made := len(gone) > 0
	if made {
		all = maps.Clone(all)
		for _, number := range gone {
			delete(all, number.Canonical())
		}
	}
	for _, m := range put {
		number := m.Number.Canonical()
		place := all[number]
		if place == nil {
			if !made {
				next := make(map[e164.Number]*atomic.Pointer[numberdb.Mask], len(all)+len(put))
				maps.Copy(next, all)
				all, made = next, true
			}
			place = new(atomic.Pointer[numberdb.Mask])
			all[number] = place
		}
		place.Store(&m)
	}
	if made {
		s.masks.Store(&all)
	}
}
