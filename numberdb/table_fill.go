package numberdb

// filling takes in the records of a core that nobody reads yet. They are only
// appended, each to the pile of the first bits of its tag, and get their cells once all
// have come: no cell is looked for and no section grows meanwhile.
type filling struct {
	directory[pile]
	chunks *chunks
	hash   hash
}

// pile is as many records as a section takes.
type pile struct {
	chunks []chunk
	count  int
	depth  uint8
}

const mostPile = mostCells * settled / 100

func newFilling(x *cells) *filling {
	f := &filling{chunks: &x.chunks, hash: x.hash}
	f.begin(&pile{})
	return f
}

func (f *filling) add(h uint64, content *record) {
	p := f.segment(tagOf(h))
	for p.count == mostPile {
		f.split(p, tagOf(h))
		p = f.segment(tagOf(h))
	}
	f.addTo(p, content)
}

func (f *filling) addTo(p *pile, content *record) {
	if p.count == len(p.chunks)*chunkRecords {
		p.chunks = append(p.chunks, f.chunks.take())
	}
	p.record(p.count).lay(content)
	p.count++
}

func (p *pile) record(i int) *record {
	return p.chunks[i>>chunkBits].record(uint64(i))
}

func (f *filling) split(p *pile, tag uint32) {
	depth := p.depth + 1
	bit := uint32(1) << (32 - depth)
	halves := [2]*pile{{depth: depth}, {depth: depth}}
	for i := range p.count {
		content := p.record(i)
		half := 0
		if tagOf(f.hash.of(content.key()))&bit != 0 {
			half = 1
		}
		f.addTo(halves[half], content)
	}
	f.show(tag&^bit, depth, halves[0])
	f.show(tag|bit, depth, halves[1])
	f.giveBack(p)
}

func (f *filling) giveBack(p *pile) {
	for _, c := range p.chunks {
		f.chunks.giveBack(c)
	}
}

// settle gives all records their cells. Of those with one key the last one counts;
// gone is called for the others.
func (x *cells) settle(f *filling, gone func(*record)) (live int) {
	empty := x.segment(0)
	x.moving.filling = true
	for from := uint64(0); from < 1<<32; {
		p := f.segment(uint32(from))
		x.moving.clear()
		for i := range p.count {
			content := p.record(i)
			x.moving.records = append(x.moving.records, content)
			x.moving.hashes = append(x.moving.hashes, x.hash.of(content.key()))
		}
		s := x.built(cellsFor(p.count, settled, settledMost), p.depth)
		for _, twin := range x.moving.twins {
			gone(x.moving.records[twin-1])
		}
		live += s.live
		x.show(uint32(from), p.depth, s)
		f.giveBack(p)
		from += 1 << (32 - p.depth)
	}
	x.giveBack(empty)
	x.moving = moving{}
	return live
}
