package allocator

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// TestWrongPerson reproduces the risk of reuse: a driver has 20 rides a day of
// half an hour; who calls an old ride's mask later, after a time that is
// distributed exponentially, reaches a newer ride if the mask was given to the
// driver again in the meantime.
func TestWrongPerson(t *testing.T) {
	const rides = 4000
	every, lasts := 72*time.Minute, 29*time.Minute
	for _, c := range []struct {
		name   string
		masks  int // 0: first-fit
		wants  [2]float64
		within float64
	}{
		{"first-fit", 0, [2]float64{0.836, 0.970}, 0.01},
		{"rotate over 20", 20, [2]float64{0.0031, 0.378}, 0.01},
		{"rotate over 50", 50, [2]float64{0, 0.082}, 0.005},
		{"rotate over 100", 100, [2]float64{0, 0.0071}, 0.002},
		{"rotate over 200", 200, [2]float64{0, 0.0001}, 0.0005},
	} {
		var e *Engine
		if c.masks > 0 {
			e = filled(c.masks, numberdb.PoolPolicy{})
		}
		given := map[e164.Number]time.Time{} // the end of the last ride with a mask
		var wrong [2]float64
		count := 0
		random := rand.New(rand.NewPCG(7, 7))
		var x Ended
		for i := range rides {
			id, now := numberdb.ID(i+1), start.Add(time.Duration(i)*every+time.Duration(random.IntN(600))*time.Second)
			mask := maskNumber(0) // the first of all is always free again
			if e != nil {
				mask = pick(t, e, pair(id, partyNumber(0), partyNumber(i+1), now.Add(lasts)), now).Grants[0].Mask
				if err := e.Release(id, now, &x); err != nil {
					t.Fatal(err)
				}
				for _, k := range x.Keys {
					e.Forget(k.Mask, k.Party, id)
				}
			}
			if ended, had := given[mask]; had {
				for k, mean := range []time.Duration{4 * time.Hour, 24 * time.Hour} {
					wrong[k] += math.Exp(-now.Sub(ended).Hours() / mean.Hours())
				}
				count++
			}
			given[mask] = now.Add(lasts)
		}
		for k := range wrong {
			wrong[k] /= float64(max(count, 1))
			if math.Abs(wrong[k]-c.wants[k]) > c.within {
				t.Errorf("%s: %.4f of late calls reach a newer ride, want about %.4f", c.name, wrong[k], c.wants[k])
			}
		}
		t.Logf("| %s | %.2f %% | %.2f %% |", c.name, 100*wrong[0], 100*wrong[1])
	}
}

// TestManySessionsOnFewMasks: 100,000 sessions at a time on 2,000 masks that take
// 120 parties each.
func TestManySessionsOnFewMasks(t *testing.T) { crowd(t, starts, 5_000) }

// crowd puts the sessions there, and then ends one for each of so many more.
func crowd(t *testing.T, starts, more int) {
	e := filled(2_000, numberdb.PoolPolicy{Parties: 120})
	e.starts = starts
	parties := make([]e164.Number, 150_000)
	for i := range parties {
		parties[i] = partyNumber(i)
	}
	var next atomic.Uint64
	c := newTraffic(e, 100_000, parties, &next, 1)
	for range more {
		c.session(start)
	}
	r := e.Report().Pools[0]
	if c.failed > 0 || r.Live != 200_000 || r.LoadMax > 120 {
		t.Errorf("%d refused, %d bindings, at most %d parties with a mask", c.failed, r.Live, r.LoadMax)
	}
	t.Logf("starts %d, sessions ended and begun %d: load %d / %.0f / %d, refused %d", starts, more, r.LoadMin, r.LoadAvg, r.LoadMax, c.failed)
}

// TestSimultaneousSessionsOfTheSamePeople: many clients create sessions for the
// same people at once; nobody gets one mask twice.
func TestSimultaneousSessionsOfTheSamePeople(t *testing.T) {
	const clients, each = 64, 20
	e := filled(clients*each, numberdb.PoolPolicy{})
	var mu sync.Mutex
	held := map[numberdb.BindingKey]int{}
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			var d Decision
			for i := range each {
				if err := e.Pick(pair(numberdb.ID(c*each+i+1), partyNumber(1), partyNumber(2), start.Add(time.Hour)), start, &d); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, g := range d.Grants {
					held[numberdb.BindingKey{Mask: g.Mask, Party: g.Party}]++
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(held) != 2*clients*each {
		t.Errorf("%d masks for %d sides", len(held), 2*clients*each)
	}
}

func TestNoDoubleAmongGoroutines(t *testing.T) { allocations(t, 8, 2_000, 2) }

// held is how long a party had a mask, by a counter that all goroutines share.
type held struct {
	mask, party e164.Number
	from, to    uint64
}

// allocations checks twice that no party has a mask twice at a time: by a set of
// what is held now, and afterwards by the times at which each was held.
func allocations(t *testing.T, clients, each, rounds int) {
	const crowded = 300
	e := filled(250, numberdb.PoolPolicy{Parties: 400})
	var clock, ids atomic.Uint64
	total := 0
	for range rounds {
		var now sync.Map
		logs := make([][]held, clients)
		var group sync.WaitGroup
		for c := range clients {
			group.Go(func() {
				random := rand.New(rand.NewPCG(uint64(c), clock.Load()))
				var d Decision
				var x Ended
				type session struct {
					id    numberdb.ID
					since []held
				}
				var mine []session
				end := func(s session) {
					for _, h := range s.since {
						h.to = clock.Add(1)
						logs[c] = append(logs[c], h)
						now.Delete(numberdb.BindingKey{Mask: h.mask, Party: h.party})
					}
					if err := e.Release(s.id, start, &x); err != nil {
						t.Error(err)
					}
					for _, k := range x.Keys {
						e.Forget(k.Mask, k.Party, s.id)
					}
				}
				for range each {
					if len(mine) > 300 {
						at := random.IntN(len(mine))
						end(mine[at])
						mine[at] = mine[len(mine)-1]
						mine = mine[:len(mine)-1]
					}
					a := random.IntN(crowded)
					b := (a + 1 + random.IntN(crowded-1)) % crowded
					id := numberdb.ID(ids.Add(1))
					if e.Pick(pair(id, partyNumber(a), partyNumber(b), start.Add(time.Hour)), start, &d) != nil {
						continue
					}
					s := session{id: id}
					for _, g := range d.Grants {
						if _, double := now.LoadOrStore(numberdb.BindingKey{Mask: g.Mask, Party: g.Party}, true); double {
							t.Error("a party has a mask twice")
						}
						s.since = append(s.since, held{g.Mask, g.Party, clock.Add(1), 0})
					}
					mine = append(mine, s)
				}
				for _, s := range mine {
					end(s)
				}
			})
		}
		group.Wait()
		var all []held
		for _, log := range logs {
			all = append(all, log...)
		}
		total += len(all)
		slices.SortFunc(all, func(a, b held) int {
			return cmp.Or(cmp.Compare(a.mask, b.mask), cmp.Compare(a.party, b.party), cmp.Compare(a.from, b.from))
		})
		for i := 1; i < len(all); i++ {
			if a, b := &all[i-1], &all[i]; a.mask == b.mask && a.party == b.party && b.from < a.to {
				t.Fatal("a party had a mask twice at a time")
			}
		}
	}
	if r := e.Report(); r.Bindings != 0 || total < clients*each*rounds {
		t.Errorf("%d allocations, %d bindings left", total, r.Bindings)
	}
	t.Logf("%d allocations", total)
}
