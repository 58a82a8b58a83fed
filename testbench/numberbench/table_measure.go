package main

import (
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"maskline/e164"
	"maskline/numberdb"
)

// carriers are what all bindings prefer.
var carriers = []string{"alfa", "bravo"}

// Numbers of the model.
const (
	firstMask  = e164.Number(12<<50 + 442000000000)
	firstParty = e164.Number(12<<50 + 447700000000)
	stranger   = e164.Number(12<<50 + 331000000000)
)

func (s shape) mask(i int) e164.Number { return firstMask + e164.Number(i/s.PerMask) }

func (s shape) party(i int) e164.Number { return firstParty + e164.Number(i) }

func (s shape) binding(i int) numberdb.Binding {
	party := s.party(i)
	return numberdb.Binding{
		Mask: s.mask(i), Party: party, To: numberdb.Endpoint{Kind: numberdb.Tel, Number: party ^ 1},
		Present: s.mask(i ^ 1), Services: numberdb.SMS | numberdb.Voice, Carriers: carriers, Tenant: "shop",
		Session: numberdb.ID(i), Counted: true,
	}
}

func (s shape) change(i int, deleted bool) numberdb.Change {
	return numberdb.Change{Binding: s.binding(i), Deleted: deleted}
}

func (s shape) measure(second time.Duration) tableFigures {
	f := tableFigures{Shape: s}
	// Small tables are many, so that memory can be told from noise.
	tables := make([]*numberdb.Table, max(1, 200_000/s.Bindings))
	before := resident()
	began := time.Now()
	for i := range tables {
		tables[i] = s.loaded()
	}
	f.Load = time.Since(began) / time.Duration(len(tables))
	f.Octets = float64(resident()-before) / float64(len(tables)*s.Bindings)
	for range 5 {
		began = time.Now()
		runtime.GC()
		f.GC = max(f.GC, time.Since(began))
	}
	f.readers(tables[0], second)
	f.changes(tables[0])
	clear(tables)
	f.growth(before)
	f.beside(second)
	return f
}

func (s shape) loaded() *numberdb.Table {
	t := numberdb.NewTable()
	_ = t.Replace(func(put func(numberdb.Binding)) error {
		for i := range s.Bindings {
			put(s.binding(i))
		}
		return nil
	})
	return t
}

// resident is what the process has in memory, without what the heap has free.
func resident() int {
	debug.FreeOSMemory()
	debug.FreeOSMemory() // once more, for what cleanups have freed
	text, _ := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return pages * os.Getpagesize()
}

func (f *tableFigures) readers(t *numberdb.Table, second time.Duration) {
	s, now := f.Shape, time.Now()
	one := make([]numberdb.Change, 1)
	apply := func(c numberdb.Change) {
		one[0] = c
		t.Apply(one)
	}
	f.Lookup = s.twoReaders(3*second, func(i int) bool {
		_, status := t.Lookup(s.mask(i), s.party(i), now)
		return status == numberdb.Exact
	}, apply)
	f.Absent = s.twoReaders(second, func(i int) bool {
		_, status := t.Lookup(s.mask(i), stranger, now)
		return status == numberdb.OutOfSession
	}, apply)
}

// twoReaders look at random while 1,000 bindings a second are updated.
func (s shape) twoReaders(d time.Duration, look func(i int) bool, update func(numberdb.Change)) work {
	const each = 256 // of which the time of one is taken
	var stop atomic.Bool
	var threads sync.WaitGroup
	var reads [2]struct {
		cpu, clock float64
		single     []time.Duration
	}
	for r := range reads {
		threads.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			random := rand.New(rand.NewPCG(uint64(r), 1))
			began, cpu, n := time.Now(), threadTime(), 0
			for ; !stop.Load(); n += each {
				for range each - 1 {
					if !look(random.IntN(s.Bindings)) {
						panic("a binding is missing")
					}
				}
				i, one := random.IntN(s.Bindings), time.Now()
				look(i)
				reads[r].single = append(reads[r].single, time.Since(one))
			}
			reads[r].cpu = float64(threadTime()-cpu) / float64(n)
			reads[r].clock = float64(time.Since(began)) / float64(n)
		})
	}
	random := rand.New(rand.NewPCG(9, 9))
	const pause = 5 * time.Millisecond
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(pause) {
		for range pause / time.Millisecond {
			update(s.change(random.IntN(s.Bindings), false))
		}
	}
	stop.Store(true)
	threads.Wait()
	single := append(reads[0].single, reads[1].single...)
	slices.Sort(single)
	return work{(reads[0].cpu + reads[1].cpu) / 2, (reads[0].clock + reads[1].clock) / 2, single[len(single)*99/100]}
}

func threadTime() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// changes inserts, updates and removes a tenth of the table, one by one.
func (f *tableFigures) changes(t *numberdb.Table) {
	s, n := f.Shape, f.Shape.Bindings/10
	perSecond := func(change func(i int) numberdb.Change) float64 {
		one := make([]numberdb.Change, 1)
		began := time.Now()
		for i := range n {
			one[0] = change(i)
			single := time.Now()
			t.Apply(one)
			f.Pause = max(f.Pause, time.Since(single))
		}
		return float64(n) / time.Since(began).Seconds()
	}
	f.Insert = perSecond(func(i int) numberdb.Change { return s.change(s.Bindings+i, false) })
	f.Update = perSecond(func(i int) numberdb.Change { return s.change(i*7%s.Bindings, false) })
	f.Remove = perSecond(func(i int) numberdb.Change { return s.change(s.Bindings+i, true) })
	for last, end := time.Now(), time.Now().Add(time.Duration(float64(n)/f.Insert*1e9)); last.Before(end); {
		now := time.Now()
		f.Stolen, last = max(f.Stolen, now.Sub(last)), now
	}
}

// grownTo is the size for which growth is measured.
const grownTo = 1_000_000

// growth is the most memory while a table grows by Apply: it looks from a
// tenth on at every step of a thirtieth.
func (f *tableFigures) growth(empty int) {
	s, t := f.Shape, numberdb.NewTable()
	if s.Bindings != grownTo {
		return // below, it would be lost in the noise; above, pages of 2 MiB count for less
	}
	next := s.Bindings / 10
	for i := range s.Bindings {
		t.Apply([]numberdb.Change{s.change(i, false)})
		if i == next {
			f.Grown = max(f.Grown, float64(resident()-empty)/float64(i))
			next += next / 30
		}
	}
	runtime.KeepAlive(t)
}
