package prefix

import "math/bits"

// places gives each of a known set of prefixes a place of its own in an array, and
// any other prefix some place. Prefixes fall into small groups; a group has a number
// that sends each of its prefixes to where no other is. // Belazzougui, Botelho, Dietzfelbinger, Hash, displace, and compress, 2009
type places struct {
	groups []uint16
	count  uint64
}

const (
	groupOf = 4 // prefixes, the mean
	spare   = 8 // a place more for so many prefixes
)

func (p *places) of(key stem) uint32 {
	x := mixed(key)
	group, _ := bits.Mul64(x, uint64(len(p.groups)))
	return p.in(x, p.groups[group])
}

func mixed(key stem) uint64 {
	x := uint64(key) * 0x9E3779B97F4A7C15
	return x ^ x>>32
}

func (p *places) in(x uint64, number uint16) uint32 {
	place, _ := bits.Mul64((x^uint64(number)*0xBF58476D1CE4E5B9)*0x94D049BB133111EB, p.count)
	return uint32(place)
}

// newPlaces is for distinct prefixes.
func newPlaces(keys []stem) places {
	p := places{groups: make([]uint16, len(keys)/groupOf+1), count: uint64(len(keys) + len(keys)/spare + 1)}
	byGroup := p.grouped(keys)
	for !p.number(byGroup) {
		p.count += p.count/spare + 1
	}
	return p
}

// grouped is the mixed keys, group after group, and where the groups begin.
func (p *places) grouped(keys []stem) (g grouping) {
	g.from = make([]uint32, len(p.groups)+1)
	groupOf := func(key stem) (x, group uint64) {
		x = mixed(key)
		group, _ = bits.Mul64(x, uint64(len(p.groups)))
		return x, group
	}
	for _, key := range keys {
		_, group := groupOf(key)
		g.from[group+1]++
	}
	for i := range p.groups {
		g.largest = max(g.largest, int(g.from[i+1]))
		g.from[i+1] += g.from[i]
	}
	next := append([]uint32(nil), g.from...)
	g.keys = make([]uint64, len(keys))
	for _, key := range keys {
		x, group := groupOf(key)
		g.keys[next[group]] = x
		next[group]++
	}
	return g
}

type grouping struct {
	keys    []uint64
	from    []uint32
	largest int
}

// number finds the groups' numbers, of the largest groups first; false where there
// are too few places.
func (p *places) number(g grouping) bool {
	taken := make([]uint64, p.count/64+1)
	for size := g.largest; size > 0; size-- {
		for i := range p.groups {
			if keys := g.keys[g.from[i]:g.from[i+1]]; len(keys) == size && !p.numberOne(i, keys, taken) {
				return false
			}
		}
	}
	return true
}

func (p *places) numberOne(group int, keys, taken []uint64) bool {
	for number := range 1 << 16 {
		placed := 0
		for ; placed < len(keys); placed++ {
			at := p.in(keys[placed], uint16(number))
			if taken[at/64]>>(at%64)&1 != 0 {
				break
			}
			taken[at/64] |= 1 << (at % 64)
		}
		if placed == len(keys) {
			p.groups[group] = uint16(number)
			return true
		}
		for _, x := range keys[:placed] {
			at := p.in(x, uint16(number))
			taken[at/64] &^= 1 << (at % 64)
		}
	}
	return false
}
