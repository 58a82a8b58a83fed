package numberdb

import (
	"strings"
	"sync/atomic"
)

// names gives each distinct text a small number, so that the table's records
// hold no pointers, and counts who uses it. A number that nobody uses any more
// names another text later. Index 0 is the empty text.
//
// Readers take no lock. One that read the number from a record has to look
// afterwards whether the record still is the same.
type names[V any] struct {
	byIndex atomic.Pointer[[]atomic.Pointer[V]]

	// The writer's.
	held map[string]uint32
	most int // the size of held since it was made
	of   []named
	free []uint32
}

type named struct {
	text string
	uses int
}

// at is what an index stands for; of one that was released, anything.
func (n *names[V]) at(index uint32) (v V) {
	if index == 0 {
		return v
	}
	pause()
	if all := n.byIndex.Load(); all != nil && int(index) < len(*all) {
		pause()
		if p := (*all)[index].Load(); p != nil {
			return *p
		}
	}
	return v
}

// hold is the index of a text, made by value if it is new, for one user more.
func (n *names[V]) hold(text string, value func(string) V) uint32 {
	if text == "" {
		return 0
	}
	if i, ok := n.held[text]; ok {
		n.of[i].uses++
		return i
	}
	if n.held == nil {
		n.held, n.of = map[string]uint32{}, make([]named, 1)
	}
	text = strings.Clone(text) // it may be a piece of a long line
	var i uint32
	if last := len(n.free) - 1; last >= 0 {
		i, n.free = n.free[last], n.free[:last]
	} else {
		i = uint32(len(n.of))
		n.of = append(n.of, named{})
	}
	n.of[i] = named{text, 1}
	n.held[text] = i
	n.most = max(n.most, len(n.held))
	n.show(i, value(text))
	return i
}

func (n *names[V]) show(i uint32, v V) {
	all := n.byIndex.Load()
	if all == nil || int(i) >= len(*all) {
		longer := make([]atomic.Pointer[V], 2*(i+4))
		if all != nil {
			for j := range *all {
				longer[j].Store((*all)[j].Load())
			}
		}
		all = &longer
		(*all)[i].Store(&v)
		pause()
		n.byIndex.Store(all)
		return
	}
	pause()
	(*all)[i].Store(&v)
}

// release is for one user less.
func (n *names[V]) release(i uint32) {
	if i == 0 {
		return
	}
	if n.of[i].uses--; n.of[i].uses > 0 {
		return
	}
	delete(n.held, n.of[i].text)
	n.of[i] = named{}
	n.free = append(n.free, i)
	pause()
	(*n.byIndex.Load())[i].Store(nil)
	if n.most > 1024 && len(n.held) < n.most/4 { // a map does not shrink
		held := make(map[string]uint32, len(n.held))
		for text, i := range n.held {
			held[text] = i
		}
		n.held, n.most = held, len(held)
	}
}

// joined is a list of carriers as one text. No carrier's name has the bar.
func joined(list []string) string { return strings.Join(list, "|") }
