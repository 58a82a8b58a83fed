package numberdb

// moving are the records of a section that is being built, with their hashes, and
// which of them is in which of its cells: 0 is none.
type moving struct {
	records []*record
	hashes  []uint64
	owners  []uint16
	filling bool     // a key may be there more than once
	twins   []uint16 // of which another one, later, is there
}

// keepMoving is from how many chunks on the memory of what moves is kept for the next
// time.
const keepMoving = 256

// cellsFor is how many cells a section gets so that so many records fill per cent
// of them; of larger ones whole chunks, the nearest, unless that fills more than most per
// cent.
func cellsFor(live, filled, most int) uint64 {
	count := uint64(live*100/filled + 1)
	if count <= wholeChunks*chunkRecords {
		return (count + cellUnit - 1) / cellUnit * cellUnit
	}
	count = (count + chunkRecords/2) / chunkRecords * chunkRecords
	if uint64(live)*100 > count*uint64(most) {
		count += chunkRecords
	}
	return count
}

// grow copies a section into a larger one, or into two.
func (x *cells) grow(s *section, h uint64) {
	count := cellsFor(s.live+1, cellsFilled, cellsMost)
	if count <= s.count { // chance has left no way to a free cell
		count = s.count + cellUnit
	}
	if count > mostCells {
		x.split(s, h)
		return
	}
	x.moving.clear()
	x.gather(s, 0, 0)
	x.replace(x.built(count, s.depth), h, s)
}

// shrink copies a section into a smaller one, or together with its neighbour.
func (x *cells) shrink(s *section, h uint64) {
	if x.merge(s, h) {
		return
	}
	if count := cellsFor(s.live, cellsFilled, cellsMost); count < s.count {
		x.moving.clear()
		x.gather(s, 0, 0)
		x.replace(x.built(count, s.depth), h, s)
	}
}

// merge makes one of a section and its neighbour, where both are small.
func (x *cells) merge(s *section, h uint64) bool {
	if s.depth == 0 {
		return false
	}
	other := x.segment(tagOf(h) ^ 1<<(32-s.depth))
	if other.depth != s.depth || s.live+other.live > mergedCells {
		return false
	}
	x.moving.clear()
	x.gather(s, 0, 0)
	x.gather(other, 0, 0)
	x.replace(x.built(cellsFor(s.live+other.live, cellsFilled, cellsMost), s.depth-1), h, s, other)
	return true
}

func (x *cells) split(s *section, h uint64) {
	depth := s.depth + 1
	bit := uint32(1) << (32 - depth)
	for _, half := range []uint32{0, bit} {
		x.moving.clear()
		x.gather(s, bit, half)
		x.show(tagOf(h)&^bit|half, depth, x.built(cellsFor(len(x.moving.records), cellsFilled, cellsMost), depth))
	}
	x.giveBack(s)
	x.rest()
}

// replace shows a section instead of others.
func (x *cells) replace(next *section, h uint64, gone ...*section) {
	x.show(tagOf(h), next.depth, next)
	for _, s := range gone {
		x.giveBack(s)
	}
	x.rest()
}

func (x *cells) giveBack(s *section) {
	pause()
	s.moves.Add(1) // what is written into its memory from now on comes after that it was replaced
	for _, c := range s.chunks {
		x.chunks.giveBack(c)
	}
}

func (m *moving) clear() { m.records, m.hashes = m.records[:0], m.hashes[:0] }

// rest lets the memory of what moved go, where it is much for the table.
func (x *cells) rest() {
	if x.chunks.used < keepMoving {
		x.moving = moving{}
	}
}

// gather adds the records of a section whose tag has these bits.
func (x *cells) gather(s *section, bits, want uint32) {
	for i := range s.count {
		if !s.used(i) {
			continue
		}
		r := s.cell(i)
		if h := x.hash.of(r.key()); tagOf(h)&bits == want {
			x.moving.records, x.moving.hashes = append(x.moving.records, r), append(x.moving.hashes, h)
		}
	}
}

// built is a section of the records that move.
func (x *cells) built(count uint64, depth uint8) *section {
	for !x.moving.place(count) {
		count += cellUnit
	}
	s := &section{count: count, depth: depth, full: make([]uint64, (count+63)/64)}
	for uint64(len(s.chunks))*chunkRecords < count {
		c := x.chunks.take()
		s.records[len(s.chunks)] = c.records
		s.chunks = append(s.chunks, c)
	}
	var empty record
	for i, owner := range x.moving.owners {
		content := &empty
		if owner > 0 {
			content = x.moving.records[owner-1]
			s.set(uint64(i))
		}
		s.cell(uint64(i)).lay(content)
	}
	return s
}

// place gives each record a cell of so many; false where one finds none.
func (m *moving) place(count uint64) bool {
	if uint64(cap(m.owners)) < count {
		m.owners = make([]uint16, count+count/2)
	}
	m.owners, m.twins = m.owners[:count], m.twins[:0]
	clear(m.owners)
	for i := range m.records {
		if !m.placeOne(uint16(i+1), count) {
			return false
		}
	}
	return true
}

// mostKicks is how many records may be driven out of their cells for one.
const mostKicks = 500

func (m *moving) placeOne(item uint16, count uint64) bool {
	left := count // the cell that the item had to leave; none
	for kick := range mostKicks {
		first, second, third := homes(m.hashes[item-1], count)
		all := [...]uint64{first, second, third}
		if m.filling && m.replaced(item, all) {
			return true
		}
		for _, i := range all {
			if m.owners[i] == 0 {
				m.owners[i] = item
				return true
			}
		}
		at := all[kick%3]
		if at == left { // not back at once: two could drive each other out for ever
			at = all[(kick+1)%3]
		}
		item, m.owners[at], left = m.owners[at], item, at
	}
	return false
}

// replaced puts a record in the place of an earlier one with its key.
func (m *moving) replaced(item uint16, homes [3]uint64) bool {
	for _, i := range homes {
		owner := m.owners[i]
		if owner == 0 || m.hashes[owner-1] != m.hashes[item-1] {
			continue
		}
		if m.records[owner-1].has(m.records[item-1].key()) {
			m.owners[i] = max(item, owner)
			m.twins = append(m.twins, min(item, owner))
			return true
		}
	}
	return false
}
