package main

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"maskline/numberdb"
)

// beside measures, in the same process, what a lookup can be held against: one read
// of memory that has to wait for the one before, and Go's own map.
func (f *tableFigures) beside(second time.Duration) {
	runtime.GC()
	f.Miss = missTime(f.Shape.Bindings * int(unsafe.Sizeof(record{})))
	f.Map = f.Shape.mapped(second)
}

// record is a binding without pointers.
type record [8]uint64

const line = int(unsafe.Sizeof(record{}))

// missTime is the time in ns of one read at random in so many octets on huge pages,
// each of which says where the next one is.
func missTime(octets int) float64 {
	const huge = 2 << 20
	memory, err := unix.Mmap(-1, 0, octets+huge, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return 0
	}
	defer func() { _ = unix.Munmap(memory) }()
	aligned := memory[-uintptr(unsafe.Pointer(&memory[0]))&(huge-1):]
	_ = unix.Madvise(aligned, unix.MADV_HUGEPAGE) // else small pages serve
	lines := unsafe.Slice((*record)(unsafe.Pointer(&aligned[0])), octets/line)
	oneRing(lines)
	const steps = 3_000_000
	at, began := uint64(0), time.Now()
	for range steps {
		at = lines[at][0]
	}
	spent := time.Since(began)
	if lines[at][0] >= uint64(len(lines)) {
		panic("the ring leads out of itself")
	}
	return float64(spent.Nanoseconds()) / steps
}

// oneRing links all lines at random. // Sattolo's shuffle
func oneRing(lines []record) {
	order := make([]uint32, len(lines))
	for i := range order {
		order[i] = uint32(i)
	}
	for i := len(order) - 1; i > 0; i-- {
		j := rand.IntN(i)
		order[i], order[j] = order[j], order[i]
	}
	for i, next := range order {
		lines[i][0] = uint64(next)
	}
}

// mapped is the same work done by a map of records behind a lock.
func (s shape) mapped(second time.Duration) work {
	type key struct{ mask, party uint64 }
	var lock sync.RWMutex
	all := make(map[key]record, s.Bindings)
	put := func(i int) {
		b := s.binding(i)
		all[key{uint64(b.Mask), uint64(b.Party)}] = record{uint64(b.To.Number), uint64(b.Present), uint64(b.Services), uint64(b.Session)}
	}
	for i := range s.Bindings {
		put(i)
	}
	look := func(i int) bool {
		lock.RLock()
		defer lock.RUnlock()
		r, found := all[key{uint64(s.mask(i)), uint64(s.party(i))}]
		return found && r[0] != 0
	}
	return s.twoReaders(second, look, func(c numberdb.Change) {
		lock.Lock()
		defer lock.Unlock()
		put(int(c.Binding.Session))
	})
}
