package numberdb

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/seal"
)

// comparing is a script that can be compared.
type comparing struct {
	*script
	vault *Vault
	reg   *prometheus.Registry
	looks int
	look  func(looks int) // before each look at rows
	found func(looks int) // after each that Find has told
}

func (c *comparing) Digest(b *Binding) uint64 { return c.vault.Digest(b) }

func (c *comparing) Sums(_ context.Context, parts int) ([]Sum, Position, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sums := make([]Sum, parts)
	for i := range c.rows {
		sums[PartOf(c.rows[i].Mask, parts)].Add(c.Digest(&c.rows[i]))
	}
	return sums, c.position, c.loadErr
}

func (c *comparing) Digests(_ context.Context, parts int, some []int, put func(BindingKey, uint64)) (Position, error) {
	chosen := map[int]bool{}
	for _, part := range some {
		chosen[part] = true
	}
	return c.each(func(b Binding) {
		if chosen[PartOf(b.Mask, parts)] {
			put(BindingKey{b.Mask, b.Party}, c.Digest(&b))
		}
	})
}

func (c *comparing) Find(_ context.Context, keys []BindingKey, put func(Binding)) (Position, error) {
	wanted := map[BindingKey]bool{}
	for _, key := range keys {
		wanted[key] = true
	}
	position, err := c.each(func(b Binding) {
		if wanted[BindingKey{b.Mask, b.Party}] {
			put(b)
		}
	})
	if c.found != nil {
		c.found(c.looks)
	}
	return position, err
}

func (c *comparing) each(put func(Binding)) (Position, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looks++; c.look != nil {
		c.look(c.looks)
	}
	for _, b := range c.rows {
		put(b)
	}
	return c.position, c.loadErr
}

func presenting(mask, present string) Binding {
	b := one(mask)
	b.Present = num(present)
	return b
}

// runCompare has a table equal to a store of 200 rows and compares once, after
// change.
func runCompare(t *testing.T, change func(c *comparing, table *Table), check func(s *Syncer, c *comparing)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := &comparing{script: &script{position: 10, feed: make(chan any)}, vault: NewVault(seal.Generate()), reg: prometheus.NewRegistry()}
		for i := range 200 {
			b := one(fmt.Sprintf("+4411100%05d", i+1))
			b.Present = num("+441110000001")
			store.rows = append(store.rows, b)
		}
		table := NewTable()
		s, err := NewSyncer(store, table, SyncConfig{Compare: time.Hour}, zap.NewNop(), store.reg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		synctest.Wait()
		change(store, table)
		time.Sleep(70 * time.Minute)
		synctest.Wait()
		check(s, store)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func ends(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			switch family.GetName() {
			case "maskline_numberdb_differences_total":
				got["differences"] = m.GetCounter().GetValue()
			case "maskline_numberdb_repaired_total":
				got["repaired"] = m.GetCounter().GetValue()
			case "maskline_numberdb_comparisons_total":
				got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	return got
}

func wantEnds(t *testing.T, reg *prometheus.Registry, want map[string]float64) {
	t.Helper()
	for _, name := range []string{"differences", "repaired", compareEqual, compareDifferent, compareUnsettled} {
		want[name] += 0
	}
	if diff := cmp.Diff(want, ends(t, reg)); diff != "" {
		t.Fatal(diff)
	}
}

func TestCompareWhatIsEqual(t *testing.T) {
	runCompare(t, func(*comparing, *Table) {}, func(_ *Syncer, c *comparing) {
		wantEnds(t, c.reg, map[string]float64{compareEqual: 1})
		if c.looks != 0 {
			t.Errorf("rows were read %d times", c.looks)
		}
	})
}

func TestCompareRepairsWhatDiffers(t *testing.T) {
	lost, altered, extra := one("+441110000003"), presenting("+441110000004", "+441119999999"), one("+442220000000")
	runCompare(t, func(_ *comparing, table *Table) {
		table.Apply([]Change{{Binding: lost, Deleted: true}, {Binding: altered}, {Binding: extra}})
	}, func(s *Syncer, c *comparing) {
		wantEnds(t, c.reg, map[string]float64{compareDifferent: 1, "differences": 3, "repaired": 3})
		if c.looks != 4 {
			t.Errorf("looked %d times at rows: once, twice more, and for the repair", c.looks)
		}
		now := time.Now()
		if _, status := s.table.Lookup(extra.Mask, 0, now); status.Found() {
			t.Error("what the store does not hold is still routed")
		}
		for _, mask := range []string{"+441110000003", "+441110000004"} {
			if b, status := s.table.Lookup(num(mask), 0, now); !status.Found() || b.Present != num("+441110000001") {
				t.Errorf("the store's row is not routed: %v", status)
			}
		}
	})
}

// A row that was written between the look at the store and at the table is no
// difference.
func TestCompareForgivesWhatMoves(t *testing.T) {
	moving := presenting("+441110000003", "+441118888888")
	runCompare(t, func(c *comparing, table *Table) {
		table.Apply([]Change{{Binding: moving}})
		c.set(func(*script) {
			c.look = func(looks int) {
				if looks == 2 {
					c.rows[2] = moving
				}
			}
		})
	}, func(_ *Syncer, c *comparing) {
		wantEnds(t, c.reg, map[string]float64{compareEqual: 1})
	})
}

// What a repair has read is older than what is loaded meanwhile.
func TestARepairBesideALoad(t *testing.T) {
	newest := presenting("+441110000003", "+441118888888")
	runCompare(t, func(c *comparing, table *Table) {
		table.Apply([]Change{{Binding: presenting("+441110000003", "+441119999999")}})
		c.set(func(*script) {
			c.found = func(looks int) {
				if looks != 4 { // the repair's
					return
				}
				c.set(func(s *script) { s.rows[2], s.position = newest, 20 })
				c.feed <- errGone
				time.Sleep(2 * time.Second) // it is loaded again, or waits
			}
		})
	}, func(s *Syncer, c *comparing) {
		if len(c.loads) != 2 {
			t.Fatalf("loaded %d times", len(c.loads))
		}
		if b, status := s.table.Lookup(newest.Mask, 0, time.Now()); !status.Found() || b.Present != newest.Present {
			t.Errorf("what the repair had read before stands: %v", status)
		}
	})
}

func TestCompareWaitsForAStoreThatIsAway(t *testing.T) {
	runCompare(t, func(c *comparing, _ *Table) {
		c.set(func(s *script) { s.loadErr = errGone })
	}, func(_ *Syncer, c *comparing) {
		wantEnds(t, c.reg, map[string]float64{compareUnsettled: 1})
	})
}

func TestTableHoldsExpiredBindings(t *testing.T) {
	table := NewTable()
	own, public := one("+441110000001"), one("+441110000002")
	own.Party = num("+447700900001")
	own.Expires = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	public.Expires = own.Expires
	table.Apply([]Change{{Binding: own}, {Binding: public}})
	for _, b := range []Binding{own, public} {
		got, there := table.holds(BindingKey{b.Mask, b.Party})
		if diff := cmp.Diff(b, got); diff != "" || !there {
			t.Error(diff)
		}
	}
	if _, there := table.holds(BindingKey{public.Mask, own.Party}); there {
		t.Error("a public binding was taken for a party's own")
	}
}
