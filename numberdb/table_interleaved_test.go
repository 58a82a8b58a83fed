//go:build race

package numberdb

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"testing"
	"unsafe"
)

// A reader and the writer are stepped here, each to a place between two of its accesses
// to what they share, while the other one is anywhere. That is what sequentially
// consistent memory lets happen, which Go's atomics are. Plain stores (record.lay) may
// be seen in any order; they are made forward and backward.

// player is one of the two.
type player struct {
	next  func() (struct{}, bool)
	yield func(struct{}) bool
	left  int // steps of its turn
	steps int // so far
	done  bool
}

// stage is where one plays at a time.
type stage struct {
	turn   *player
	memory unsafe.Pointer // of all tables in turn: it need not be empty
}

func newStage(t *testing.T) *stage {
	s := &stage{memory: heapPages(2)}
	step := func() {
		p := s.turn
		if p == nil {
			return
		}
		if p.left == 0 {
			p.yield(struct{}{})
		}
		p.left--
		p.steps++
	}
	paused.Store(&step)
	t.Cleanup(func() { paused.Store(nil) })
	return s
}

func (s *stage) player(do func()) *player {
	p := &player{}
	p.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		p.yield = yield
		do()
	})
	return p
}

const toTheEnd = 1 << 30

// play lets one make so many steps more, or come to its end.
func (s *stage) play(p *player, steps int) {
	if p.done {
		return
	}
	s.turn, p.left = p, steps
	_, more := p.next()
	p.done = !more
	s.turn = nil
}

// interleaving is what is read while what is written.
type interleaving struct {
	name  string
	begin func(h *hashed)
	write func(h *hashed)
	read  func(h *hashed) string // what is wrong with the answer
}

// mostTurns bounds the turns that each of the two has in a schedule by chance.
const mostTurns = 4

// run plays the schedules where each is interrupted once, scheduled of them at most,
// and others by chance.
func (i *interleaving) run(t *testing.T) {
	s := newStage(t)
	reads, writes := i.play(t, s, []int{toTheEnd})
	stride := max(1, (reads*writes+scheduled-1)/scheduled)
	for read := 0; read <= reads; read++ {
		for write := read % stride; write <= writes; write += stride {
			i.play(t, s, []int{read, write})
		}
	}
	random := rand.New(rand.NewPCG(7, 8))
	for range byChance {
		var turns []int
		for len(turns) < 2*mostTurns {
			turns = append(turns, random.IntN(1+reads/2), random.IntN(1+writes/2))
		}
		i.play(t, s, turns)
	}
	t.Logf("%s: %d steps of the reader beside %d of the writer", i.name, reads, writes)
}

// play is one schedule: the reader's steps, the writer's, and so on, then the rest of the reader's
// and that of the writer's.
func (i *interleaving) play(t *testing.T, s *stage, turns []int) (reads, writes int) {
	t.Helper()
	h := serving(newCoreIn(&pages{next: s.memory, left: 2}, firstSeed))
	i.begin(h)
	var wrong string
	reader, writer := s.player(func() { wrong = i.read(h) }), s.player(func() { i.write(h) })
	for n, steps := range turns {
		s.play([]*player{reader, writer}[n%2], steps)
	}
	s.play(reader, toTheEnd)
	s.play(writer, toTheEnd)
	if wrong != "" {
		t.Fatalf("after %v steps: %s", turns, wrong)
	}
	if wrong = i.read(h); wrong != "" {
		t.Fatalf("in the end: %s", wrong)
	}
	return reader.steps, writer.steps
}

const (
	firstSeed = 42
	nextSeed  = 43
	theKey    = 1
	another   = 2 // key
)

func put(key, version int) Change { return Change{Binding: versioned(key, version)} }

func deleted(b Binding) Change { return Change{Binding: b, Deleted: true} }

// public is who is met by all of a key's mask that have no binding of their own.
func public(key, version int) Binding {
	b := versioned(key, version)
	b.Party = 0
	return b
}

// bare is a binding that is in the way.
func bare(key int) Binding {
	b := versioned(key, 0)
	return Binding{Mask: b.Mask, Party: b.Party}
}

func apply(changes ...Change) func(*hashed) {
	return func(h *hashed) { h.apply(changes) }
}

// answers wants a key's binding, or what else there may be, as one of these, whole; and at a
// second look none that comes earlier.
func answers(key int, status []Status, want ...Binding) func(*hashed) string {
	party := versioned(key, 0).Party
	return func(h *hashed) string {
		least := 0
		for range 2 {
			b, got := h.lookup(versioned(key, 0).Mask, party, noon)
			at := -1
			for i := range want {
				if got == status[i] && reflect.DeepEqual(want[i], b) {
					at = i
				}
			}
			if at < least {
				return fmt.Sprintf("status %d, version %d, which cannot be or was over", got, b.Session)
			}
			least = at
		}
		return ""
	}
}

// versions wants a key's own binding in one of its versions.
func versions(key int, all ...int) func(*hashed) string {
	var status []Status
	var want []Binding
	for _, v := range all {
		status, want = append(status, Exact), append(want, versioned(key, v))
	}
	return answers(key, status, want...)
}

// crowd fills a section until a binding that comes makes others move.
func crowd(t *testing.T) (there []Change, comes Change, moving []int) {
	h := newSeeded()
	x := h.core.Load().cells
	at := func(key int) uint64 {
		b := bare(key)
		_, i := x.find(x.hash.of(uint64(b.Mask), uint64(b.Party)), uint64(b.Mask), uint64(b.Party))
		return i
	}
	for key := range cellUnit * cellsFull / 100 {
		before := map[int]uint64{}
		for earlier := range key {
			before[earlier] = at(earlier)
		}
		one := Change{Binding: bare(key)}
		h.apply([]Change{one})
		for earlier := range key {
			if at(earlier) != before[earlier] {
				moving = append(moving, earlier)
			}
		}
		if len(moving) > 1 {
			return there, one, moving
		}
		there, moving = append(there, one), nil
	}
	t.Fatal("nothing moves")
	return nil, Change{}, nil
}

func newSeeded() *hashed { return serving(newCore(firstSeed)) }

func serving(c *core) *hashed {
	h := &hashed{}
	c.serve()
	h.core.Store(c)
	return h
}

// inHalf is a key whose record goes to that half of a section that splits.
func inHalf(half uint32) int {
	h := newCore(firstSeed).hash
	for key := 0; ; key++ {
		if b := bare(key); tagOf(h.of(uint64(b.Mask), uint64(b.Party)))>>31 == half {
			return key
		}
	}
}

// alike are keys whose masks are looked for from one place on.
func alike(count int) (keys []int) {
	c := newCore(firstSeed)
	at := func(key int) int {
		tag := tagOf(c.hash.of(uint64(bare(key).Mask), 0))
		return c.marks.index.segment(tag).start(tag)
	}
	for key := 0; len(keys) < count; key++ {
		if at(key) == at(0) {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestReadersBesideAWriterStepByStep(t *testing.T) {
	mask := versioned(theKey, 0).Mask
	neighbour := Change{Binding: Binding{Mask: mask, Party: versioned(theKey, 0).Party + 1}} // so that the mask is known
	none := Binding{}
	all := []interleaving{
		{
			name:  "an update, twice, and what had its names gets others",
			begin: apply(put(theKey, 1)),
			write: apply(put(theKey, 2), put(another, 5), put(theKey, 3)),
			read:  versions(theKey, 1, 2, 3),
		},
		{
			name:  "an update of another one between",
			begin: apply(put(theKey, 1), put(another, 1)),
			write: apply(put(theKey, 2), put(another, 2)),
			read:  versions(theKey, 1, 2),
		},
		{
			name:  "it comes",
			begin: apply(neighbour),
			write: apply(put(theKey, 1)),
			read:  answers(theKey, []Status{OutOfSession, Exact}, none, versioned(theKey, 1)),
		},
		{
			name:  "it comes with its mask",
			begin: apply(put(another, 1)),
			write: apply(put(theKey, 1)),
			read:  answers(theKey, []Status{UnknownMask, Exact}, none, versioned(theKey, 1)),
		},
		{
			name:  "it goes, and its names and cell are another's",
			begin: apply(neighbour, put(theKey, 1)),
			write: apply(deleted(versioned(theKey, 1)), put(another, 2)),
			read:  answers(theKey, []Status{Exact, OutOfSession}, versioned(theKey, 1), none),
		},
		{
			name:  "it changes, goes and comes again",
			begin: apply(neighbour, put(theKey, 1)),
			write: apply(put(theKey, 2), deleted(versioned(theKey, 2)), put(theKey, 3)),
			read: answers(theKey, []Status{Exact, Exact, OutOfSession, Exact},
				versioned(theKey, 1), versioned(theKey, 2), none, versioned(theKey, 3)),
		},
		{
			name:  "it comes, and then a public one",
			begin: apply(neighbour),
			write: apply(put(theKey, 1), Change{Binding: public(theKey, 2)}),
			read:  answers(theKey, []Status{OutOfSession, Exact}, none, versioned(theKey, 1)),
		},
		{
			name:  "it comes, and then the public one goes",
			begin: apply(neighbour, Change{Binding: public(theKey, 2)}),
			write: apply(put(theKey, 1), deleted(public(theKey, 2))),
			read:  answers(theKey, []Status{Public, Exact}, public(theKey, 2), versioned(theKey, 1)),
		},
		{
			name:  "a public one comes, and then it goes",
			begin: apply(neighbour, put(theKey, 1)),
			write: apply(Change{Binding: public(theKey, 2)}, deleted(versioned(theKey, 1))),
			read:  answers(theKey, []Status{Exact, Public}, versioned(theKey, 1), public(theKey, 2)),
		},
		replacedCore(),
	}
	all = append(all, movedRecords(t)...)
	all = append(all, movedSections()...)
	all = append(all, movedMarks()...)
	for _, i := range all {
		t.Run(i.name, i.run)
	}
}

// replacedCore gives the memory of all back, so that what is read there are zeros.
func replacedCore() interleaving {
	var next *core
	memory := heapPages(2)
	return interleaving{
		name: "all is replaced",
		begin: func(h *hashed) {
			h.apply([]Change{put(theKey, 1), {Binding: public(theKey, 1)}})
			next = newCoreIn(&pages{next: memory, left: 2}, nextSeed)
			f := newFilling(next.cells)
			next.fill(f, []Binding{public(theKey, 2), versioned(theKey, 2)})
			next.settle(f)
		},
		write: func(h *hashed) { h.swap(next).pages.discardAll() },
		read:  versions(theKey, 1, 2),
	}
}

func movedRecords(t *testing.T) (all []interleaving) {
	there, comes, moving := crowd(t)
	for _, key := range moving {
		begin := func(h *hashed) {
			h.apply(there)
			h.apply([]Change{put(key, 1)})
		}
		all = append(all,
			interleaving{
				name: fmt.Sprint("it makes room, key ", key), begin: begin,
				write: apply(comes), read: versions(key, 1),
			},
			interleaving{
				name: fmt.Sprint("it changes and makes room, key ", key), begin: begin,
				write: apply(put(key, 2), comes, put(key, 3)), read: versions(key, 1, 2, 3),
			})
	}
	return all
}

// movedSections are rebuilt, split and merged though they are nearly empty, which takes
// fewer steps. The memory of the first one is used again at once.
func movedSections() (all []interleaving) {
	ofKey := func(h *hashed, key int) (*cells, *section, uint64) {
		x, b := h.core.Load().cells, bare(key)
		hash := x.hash.of(uint64(b.Mask), uint64(b.Party))
		return x, x.segment(tagOf(hash)), hash
	}
	for half := range uint32(2) {
		key, other := inHalf(half), inHalf(1-half)
		split := func(h *hashed) {
			x, s, hash := ofKey(h, key)
			x.split(s, hash)
		}
		merge := func(h *hashed) {
			x, s, hash := ofKey(h, key)
			x.merge(s, hash)
		}
		rebuild := func(h *hashed) {
			x, s, hash := ofKey(h, key)
			x.moving.clear()
			x.gather(s, 0, 0)
			x.replace(x.built(s.count, s.depth), hash, s)
		}
		inTurn := func(all ...func(*hashed)) func(*hashed) {
			return func(h *hashed) {
				for _, do := range all {
					do(h)
				}
			}
		}
		there := apply(put(key, 1), put(other, 1))
		all = append(all,
			interleaving{
				name: fmt.Sprint("a section is built twice, half ", half), begin: there,
				write: inTurn(rebuild, apply(put(key, 2)), rebuild), read: versions(key, 1, 2),
			},
			interleaving{
				name: fmt.Sprint("a section splits, half ", half), begin: there,
				write: inTurn(split, apply(put(key, 2))), read: versions(key, 1, 2),
			},
			interleaving{
				name: fmt.Sprint("two sections merge, half ", half), begin: inTurn(there, split),
				write: inTurn(merge, apply(put(key, 2))), read: versions(key, 1, 2),
			},
			interleaving{
				name: fmt.Sprint("its section has become the other half's memory, half ", half), begin: inTurn(there, split),
				write: inTurn(apply(deleted(versioned(key, 1))), merge, split, rebuild),
				read:  answers(key, []Status{Exact, OutOfSession, UnknownMask}, versioned(key, 1), Binding{}, Binding{}), // its mask goes after it
			})
	}
	return all
}

// movedMarks are looked for behind each other.
func movedMarks() []interleaving {
	keys := alike(4)
	last := keys[3]
	known := func(h *hashed) string {
		for range 2 {
			if _, status := h.lookup(bare(last).Mask, 0, noon); status != OutOfSession {
				return fmt.Sprintf("status %d of a mask that is there all the time", status)
			}
		}
		return ""
	}
	begin := func(h *hashed) {
		for _, key := range keys {
			h.apply([]Change{{Binding: bare(key)}})
		}
	}
	return []interleaving{
		{
			name: "marks before it go and come", begin: begin, read: known,
			write: apply(deleted(bare(keys[1])), deleted(bare(keys[0])), Change{Binding: bare(keys[1])}, deleted(bare(keys[2]))),
		},
		{
			name: "the marks are built twice", begin: begin, read: known,
			write: func(h *hashed) {
				x := h.core.Load().marks.index
				for range 2 {
					x.rebuild(x.segment(0), 0)
				}
			},
		},
	}
}
