package numberdb

import "unsafe"

const (
	pageSize = 1 << pageBits
	// A table of fewer pages takes small ones of the kernel's, since most of a
	// huge one could be unused.
	smallPages = 16
)

// pages hands out memory for the table, a page at a time, of zeros. It is not
// for the collector: an address stays readable until unmap, whatever was given
// back meanwhile, so a reader that comes late reads zeros, or what was there, or
// what is no longer its own, and has to check. Only one goroutine at a time may use it.
type pages struct {
	regions []region
	next    unsafe.Pointer // of the last region
	left    int            // pages from next on
	all     []unsafe.Pointer
	later   []unsafe.Pointer // small ones that may become huge once there are more
}

// take is a page. One that is huge for the kernel too, which it is in the end if
// that is asked for, takes all its memory at once.
func (p *pages) take(huge bool) unsafe.Pointer {
	if p.left == 0 {
		r, first := newRegion()
		p.regions = append(p.regions, r)
		p.next, p.left = first, regionPages
	}
	page := p.next
	if p.left--; p.left > 0 {
		p.next = unsafe.Add(p.next, pageSize)
	}
	p.all = append(p.all, page)
	switch {
	case !huge:
	case len(p.all) <= smallPages:
		p.later = append(p.later, page)
	default:
		onHugePage(page)
		for _, earlier := range p.later {
			onHugePage(earlier) // the kernel takes its time for those
		}
		p.later = nil
	}
	return page
}

// discardAll gives the memory of every page back.
func (p *pages) discardAll() {
	for _, page := range p.all {
		discard(page, pageSize)
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
