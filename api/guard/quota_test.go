package guard

import (
	"math/rand/v2"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// bindings stand in for a table.
type bindings map[numberdb.ID]numberdb.Binding

func (b bindings) each(fn func(numberdb.Binding) bool) {
	for _, one := range b {
		two := one
		two.Party = one.Party + 1 // two of each session, of a lease one for its slot
		if !fn(one) || !fn(two) {
			return
		}
	}
}

func (b bindings) put(id numberdb.ID, tenant string, alone bool, expires time.Time) {
	one := numberdb.Binding{Session: id, Tenant: tenant, Party: e164.MustParse("+447700900123"), Expires: expires}
	if alone {
		one.Party = 0
	}
	b[id] = one
}

func TestQuotas(t *testing.T) {
	table, now := bindings{}, time.Now()
	l := NewLive(table.each)
	limit := TenantRules{Sessions: 3, Masks: 2}
	take := func(alone bool) func(numberdb.ID) {
		t.Helper()
		settle, ok := l.Take("shop", alone, limit)
		if !ok {
			t.Fatal("refused")
		}
		return settle
	}
	full := func(alone bool) {
		t.Helper()
		if _, ok := l.Take("shop", alone, limit); ok {
			t.Fatal("not refused")
		}
	}
	one, two := take(true), take(true)
	full(true) // two masks are about to be taken
	one(1)
	two(0) // it was not made
	two(9) // what is told later does not count
	take(true)(2)
	full(true)
	take(false)(3)
	full(false)
	if s, m := l.Has("shop"); s != 3 || m != 2 {
		t.Errorf("%d sessions, %d masks", s, m)
	}
	for id, alone := range map[numberdb.ID]bool{1: true, 2: true, 3: false} {
		table.put(id, "shop", alone, now.Add(time.Hour))
	}
	table.put(4, "other", false, now.Add(time.Hour))
	l.Read([]string{"shop"}, now)
	full(false)
	l.Ended("shop", 1, true)
	l.Ended("other", 4, false)
	take(true)(5)
	full(false)
	delete(table, 1)
	table.put(5, "shop", true, now.Add(time.Minute))
	l.Read([]string{"shop"}, now)
	full(false)
	l.Read([]string{"shop"}, now.Add(2*time.Minute)) // 5 has ended by its time
	take(true)(0)
	if s, m := l.Has("shop"); s != 2 || m != 1 {
		t.Errorf("%d sessions, %d masks", s, m)
	}
	if _, ok := l.Take("other", false, TenantRules{Sessions: 1}); !ok {
		t.Error("another tenant is refused")
	}
}

// Releasing a session again and again, or one that was never counted, makes no room.
func TestAnEndCountsOnce(t *testing.T) {
	table, now := bindings{}, time.Now()
	l := NewLive(table.each)
	limit := TenantRules{Sessions: 2}
	for id := range numberdb.ID(2) {
		settle, ok := l.Take("shop", false, limit)
		if !ok {
			t.Fatal("refused")
		}
		settle(id + 1)
		table.put(id+1, "shop", false, now.Add(time.Hour))
	}
	end := func(id numberdb.ID) {
		for range 3 {
			l.Ended("shop", id, false)
		}
	}
	end(1)
	end(7)
	if s, _ := l.Has("shop"); s != 1 {
		t.Errorf("%d sessions before a reading", s)
	}
	delete(table, 1)
	l.Read([]string{"shop"}, now)
	end(1)
	if s, _ := l.Has("shop"); s != 1 {
		t.Errorf("%d sessions after it", s)
	}
	end(2)
	if s, _ := l.Has("shop"); s != 0 {
		t.Errorf("%d sessions after the other one's end", s)
	}
}

// What is made and ended while the table is read is counted once, whether the reading
// meets it or not.
func TestQuotasBesideAReading(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		table, now := bindings{}, time.Now()
		var l *Live
		alive, next := map[numberdb.ID]bool{}, numberdb.ID(1)
		change := func() {
			if r.IntN(3) == 0 {
				for id := range alive {
					delete(alive, id)
					delete(table, id)
					l.Ended("shop", id, false)
					return
				}
			}
			settle, ok := l.Take("shop", false, TenantRules{Sessions: 1 << 30})
			if !ok {
				t.Fatal("refused")
			}
			id := next
			next++
			table.put(id, "shop", false, now.Add(time.Hour))
			alive[id] = true
			settle(id)
		}
		during := 0
		l = NewLive(func(fn func(numberdb.Binding) bool) {
			ids := make([]numberdb.ID, 0, len(table))
			for id := range table {
				ids = append(ids, id)
			}
			for _, id := range ids {
				if during > 0 && r.IntN(2) == 0 {
					during--
					change()
				}
				if b, still := table[id]; still && !fn(b) {
					return
				}
			}
		})
		for range 20 {
			for range r.IntN(10) {
				change()
			}
			during = r.IntN(5)
			l.Read([]string{"shop"}, now)
			if s, _ := l.Has("shop"); s != len(alive) {
				t.Fatalf("seed %d: %d sessions, %d are alive", seed, s, len(alive))
			}
		}
	}
}
