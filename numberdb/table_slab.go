package numberdb

import (
	"sync/atomic"
	"unsafe"
)

// slab holds the records without gaps, from 1 on. Its pages never move and never
// hold anything else.
type slab struct {
	pages *pages
	parts atomic.Pointer[[]*slabPage]
	spare []*slabPage // given back; their records are empty
	last  uint32      // the writer's
}

const (
	slabBits    = pageBits - 6 // of the records in a page
	pageRecords = 1 << slabBits
)

type slabPage [pageRecords]record

var _ [pageSize]byte = [unsafe.Sizeof(slabPage{})]byte{}

func newSlab(p *pages) *slab {
	s := &slab{pages: p}
	s.parts.Store(&[]*slabPage{})
	return s
}

// at is a place for a record; nil for a number that is out of use.
func (s *slab) at(n uint32) *record {
	parts := *s.parts.Load()
	if part := int(n >> slabBits); part < len(parts) {
		return &parts[part][n&(pageRecords-1)]
	}
	return nil
}

// push makes one place more and says which.
func (s *slab) push() uint32 {
	parts := *s.parts.Load()
	if s.last++; int(s.last>>slabBits) == len(parts) {
		var page *slabPage
		if n := len(s.spare); n > 0 {
			page, s.spare = s.spare[n-1], s.spare[:n-1]
		} else {
			page = (*slabPage)(s.pages.take(true))
		}
		parts = append(parts, page)
		s.parts.Store(&parts)
	}
	return s.last
}

// pop gives the last place back. A page is kept until the one before is half
// empty, so that a table about its edge does not map and unmap all the time.
func (s *slab) pop() {
	s.last--
	parts := *s.parts.Load()
	n := len(parts)
	if n < 2 || int(s.last) >= (n-1)<<slabBits-pageRecords/2 {
		return
	}
	page := parts[n-1]
	// A copy, since push appends in place below readers of a longer one.
	shorter := append([]*slabPage(nil), parts[:n-1]...)
	s.parts.Store(&shorter)
	discard(unsafe.Pointer(page), pageSize)
	s.spare = append(s.spare, page)
}
