package numberdb

import "unsafe"

const (
	pageSize = 1 << pageBits
	// A table of fewer pages takes small ones of the kernel's, since most of a
	// huge one could be unused.
	smallPages = 8
)

// pages hands out memory for the table, a page at a time, of zeros. It is not
// for the collector: an address stays readable until unmap, whatever was given
// back meanwhile, so a reader that comes late reads zeros, or what was there, or
// what is no longer its own, and has to check. Only one goroutine at a time may use it.
type pages struct {
	regions []region
	next    unsafe.Pointer // of the last region
	left    int            // pages from next on
	taken   int
	all     []unsafe.Pointer
}

func (p *pages) take() unsafe.Pointer {
	if p.left == 0 {
		r, first := newRegion()
		p.regions = append(p.regions, r)
		p.next, p.left = first, regionPages
	}
	page := p.next
	if p.left--; p.left > 0 {
		p.next = unsafe.Add(p.next, pageSize)
	}
	if p.taken++; p.taken > smallPages {
		onHugePage(page)
	}
	p.all = append(p.all, page)
	return page
}

// discardAll gives the memory of every page back.
func (p *pages) discardAll() {
	for _, page := range p.all {
		discard(page)
	}
}

// unmap ends the addresses. Nobody may hold one.
func (p *pages) unmap() {
	for _, r := range p.regions {
		r.unmap()
	}
}

func heapPages(n int) unsafe.Pointer {
	words := make([]uint64, n*pageSize/8)
	return unsafe.Pointer(&words[0])
}
