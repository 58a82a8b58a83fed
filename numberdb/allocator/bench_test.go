package allocator

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func maskNumber(i int) e164.Number  { return number(44_20_000_000_00+i, 12) }
func partyNumber(i int) e164.Number { return number(44_77_000_000_00+i, 12) }

func number(v, digits int) e164.Number { return e164.MustParse(fmt.Sprintf("%0*d", digits, v)) }

// filled is an engine with a pool "main" of so many masks.
func filled(masks int, policy numberdb.PoolPolicy) *Engine {
	e := New(Config{Seed: 1})
	e.SetPool(numberdb.Pool{Name: "main", Policy: policy})
	for i := range masks {
		e.SetMask(numberdb.Mask{Number: maskNumber(i), Pool: "main", Country: "GB", Services: numberdb.SMS | numberdb.Voice, Carrier: []string{"alfa", "bravo"}[i%2]})
	}
	return e
}

func tel(n e164.Number) numberdb.Endpoint { return numberdb.Endpoint{Kind: numberdb.Tel, Number: n} }

// pair asks for a session of two.
func pair(id numberdb.ID, a, b e164.Number, expires time.Time) *Request {
	return &Request{
		Session: id, Pool: "main", Services: numberdb.SMS | numberdb.Voice, Expires: expires,
		Sides: []Side{{Number: a, To: tel(a)}, {Number: b, To: tel(b)}},
	}
}

// traffic holds a number of sessions live by ending the oldest for each new one.
type traffic struct {
	e       *Engine
	parties []e164.Number
	rand    *rand.Rand
	ids     []numberdb.ID
	next    *atomic.Uint64
	at      int
	failed  int
	r       *Request
	d       Decision
	x       Ended
}

func newTraffic(e *Engine, live int, parties []e164.Number, next *atomic.Uint64, seed uint64) *traffic {
	t := &traffic{e: e, parties: parties, rand: rand.New(rand.NewPCG(seed, 0)), ids: make([]numberdb.ID, live), next: next, r: pair(1, 0, 0, start.Add(1000*time.Hour))}
	for range live {
		t.session(start)
	}
	return t
}

func (t *traffic) session(now time.Time) {
	if old := t.ids[t.at]; old != 0 {
		_ = t.e.Release(old, now, &t.x)
		for _, k := range t.x.Keys {
			t.e.Forget(k.Mask, k.Party, old)
		}
	}
	a := t.rand.IntN(len(t.parties))
	b := (a + 1 + t.rand.IntN(len(t.parties)-1)) % len(t.parties)
	id := numberdb.ID(t.next.Add(1))
	t.r.Session = id
	for i, p := range []e164.Number{t.parties[a], t.parties[b]} {
		t.r.Sides[i].Number, t.r.Sides[i].To = p, tel(p)
	}
	if err := t.e.Pick(t.r, now, &t.d); err != nil {
		t.failed++
		id = 0
	}
	t.ids[t.at] = id
	t.at = (t.at + 1) % len(t.ids)
}

// BenchmarkSessions decides a session of two masks, and ends one and forgets its
// rows, for each operation.
func BenchmarkSessions(b *testing.B) {
	for _, c := range []struct{ masks, live, ceiling int }{{1_000, 100_000, 0}, {2_000, 100_000, 120}, {20_000, 1_000_000, 120}} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("masks=%d/live=%d/goroutines=%d", c.masks, c.live, workers), func(b *testing.B) {
				before := heap()
				e := filled(c.masks, numberdb.PoolPolicy{Parties: c.ceiling})
				var next atomic.Uint64
				parties := make([]e164.Number, 2*c.live)
				for i := range parties {
					parties[i] = partyNumber(i)
				}
				var work []*traffic
				for w := range workers {
					work = append(work, newTraffic(e, c.live/workers, parties, &next, uint64(w)))
				}
				octets := float64(heap()-before-uint64(8*len(parties)+8*c.live)) / float64(2*c.live)
				var group sync.WaitGroup
				b.ReportAllocs()
				b.ResetTimer()
				used := cpu()
				for w := range workers {
					group.Go(func() {
						for range b.N / workers {
							work[w].session(start)
						}
					})
				}
				group.Wait()
				b.StopTimer()
				used = cpu() - used
				failed := 0
				for _, t := range work {
					failed += t.failed
				}
				began := time.Now()
				runtime.GC()
				gc := time.Since(began)
				r := e.Report().Pools[0]
				b.ReportMetric(float64(gc.Microseconds())/1000, "gc-ms")
				b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/op")
				b.ReportMetric(octets, "octets/binding")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sessions/s")
				b.ReportMetric(float64(failed), "failed")
				b.ReportMetric(float64(r.LoadMin), "load-min")
				b.ReportMetric(float64(r.LoadMax), "load-max")
			})
		}
	}
}

// cpu is the process's time on processors, which other load disturbs least.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // of oneself it cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
