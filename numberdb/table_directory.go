package numberdb

import "sync/atomic"

// directory leads from the first bits of a tag, which are those of a hash, to the
// part of a structure that keeps what has them. Parts are replaced, split and merged on
// their own. Any number of readers, one writer.
type directory[Part any] struct {
	now atomic.Pointer[parts[Part]]
}

type parts[Part any] struct {
	shift uint8 // of a tag, that leaves the bits that choose
	of    []atomic.Pointer[Part]
}

// begin shows the one part of an empty structure.
func (d *directory[Part]) begin(only *Part) {
	p := &parts[Part]{shift: 32, of: make([]atomic.Pointer[Part], 1)}
	p.of[0].Store(only)
	d.now.Store(p)
}

// segment is the part for a tag.
func (d *directory[Part]) segment(tag uint32) *Part {
	pause()
	p := d.now.Load()
	pause()
	return p.of[uint64(tag)>>(p.shift&63)].Load()
}

// show puts a part at all places of its depth, which is how many bits of the tag
// all in it have in common.
func (d *directory[Part]) show(tag uint32, depth uint8, part *Part) {
	p := d.now.Load()
	for ; 32-p.shift < depth; p = d.now.Load() {
		d.double(p)
	}
	count := 1 << (32 - p.shift - depth)
	first := int(uint64(tag)>>p.shift) &^ (count - 1)
	for i := range count {
		pause()
		p.of[first+i].Store(part)
	}
}

func (d *directory[Part]) double(p *parts[Part]) {
	next := &parts[Part]{shift: p.shift - 1, of: make([]atomic.Pointer[Part], 2*len(p.of))}
	for i := range next.of {
		next.of[i].Store(p.of[i/2].Load())
	}
	pause()
	d.now.Store(next)
}
