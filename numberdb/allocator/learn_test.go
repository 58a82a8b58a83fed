package allocator

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// FuzzLearnOrder: what an engine knows does not depend on the order in which
// masks and rows are told, nor on how often.
func FuzzLearnOrder(f *testing.F) {
	f.Add(uint64(1), []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	f.Add(uint64(2), []byte("the quick brown fox jumps over the lazy dog"))
	f.Fuzz(func(t *testing.T, seed uint64, rows []byte) {
		var tell []func(*Engine)
		for i := range 4 {
			tell = append(tell, func(e *Engine) {
				e.SetMask(numberdb.Mask{Number: maskNumber(i), Pool: []string{"main", "side"}[i%2], Services: numberdb.SMS, Country: []string{"GB", ""}[i/2]})
			})
		}
		told := map[numberdb.BindingKey]bool{}
		for i := 0; i+3 < len(rows) && i < 200; i += 4 {
			b := numberdb.Binding{Mask: maskNumber(int(rows[i] % 5)), To: tel(partyNumber(int(rows[i+1] % 7))), Session: numberdb.ID(rows[i+2] % 9)}
			if p := int(rows[i+1] % 30); p > 0 {
				b.Party = partyNumber(100 + p)
			}
			if rows[i+3]%5 > 0 {
				b.Expires = start.Add(time.Duration(rows[i+3]) * time.Second)
				b.Keep = b.Expires.Add(time.Duration(rows[i+2]) * time.Second)
			}
			if k := (numberdb.BindingKey{Mask: b.Mask, Party: b.Party}); !told[k] {
				told[k] = true
				tell = append(tell, func(e *Engine) { e.Learn(&b, start.Add(time.Minute)) })
			}
		}
		a, b := New(Config{}), New(Config{})
		for _, f := range tell {
			a.e(f)
		}
		random := rand.New(rand.NewPCG(seed, 0))
		tell = append(tell, tell[:len(tell)/2]...)
		random.Shuffle(len(tell), func(i, j int) { tell[i], tell[j] = tell[j], tell[i] })
		for _, f := range tell {
			b.e(f)
		}
		if x, y := known(a), known(b); !slices.Equal(x, y) {
			t.Errorf("told in another order:\n%+v\n%+v", x, y)
		}
		at := start.Add(100 * time.Second)
		x, y := Expired{}, Expired{}
		a.Expire(at, 1000, &x)
		b.Expire(at, 1000, &y)
		if len(x.Gone) != len(y.Gone) || len(x.Sessions) != len(y.Sessions) {
			t.Errorf("%d and %d rows are over, %d and %d sessions", len(x.Gone), len(y.Gone), len(x.Sessions), len(y.Sessions))
		}
	})
}

func (e *Engine) e(f func(*Engine)) { f(e) }

// fact is what an engine knows of a row.
type fact struct {
	mask, party e164.Number
	session     numberdb.ID
	peer        Peer
	live, kept  tick
	phase       phase
	load, used  int
	pool        string
}

func known(e *Engine) (facts []fact) {
	for i := uint32(1); i <= e.nodes.next; i++ {
		n := e.nodes.at(i)
		if n.phase == 0 {
			continue
		}
		k, m := keyOf(e, n), &e.masks[n.mask]
		facts = append(facts, fact{k.Mask, k.Party, n.session, n.peer, n.live, n.kept, n.phase, int(m.load), int(m.used), e.pools[m.pool].Name})
	}
	slices.SortFunc(facts, func(a, b fact) int {
		if a.mask != b.mask {
			return int(int64(a.mask) - int64(b.mask))
		}
		return int(int64(a.party) - int64(b.party))
	})
	return facts
}

func TestTheFeedIsBehindTheEngine(t *testing.T) {
	a, b := partyNumber(1), partyNumber(2)
	e := filled(1, numberdb.PoolPolicy{})
	r := pair(5, a, b, start.Add(time.Hour))
	rows := Bindings(sessionOf(r, pick(t, e, r, start)))
	held := func() bool { return e.holds(e.partyOf(a), e.byMask[uint64(rows[0].Mask)]) != 0 }

	old := rows[0]
	old.Session, old.To, old.Expires = 3, tel(partyNumber(9)), start.Add(-time.Hour)
	e.Learn(&old, start)
	e.Forget(rows[0].Mask, a, 0)
	if !held() {
		t.Error("the end of an older row freed a newer one")
	}
	e.Learn(&rows[0], start)
	e.Forget(rows[0].Mask, a, 3)
	if !held() {
		t.Error("the deletion of an older session's row freed a newer one")
	}
	e.Forget(rows[0].Mask, a, 0)
	if held() {
		t.Error("a deletion after the row was seen was passed over")
	}
}

func TestWhatTheStoreRefusesIsNotOfferedAgain(t *testing.T) {
	a, b := partyNumber(1), partyNumber(2)
	e := filled(2, numberdb.PoolPolicy{})
	r := pair(1, a, b, start.Add(time.Hour))
	d := pick(t, e, r, start)
	first := d.Grants[0].Mask
	e.Undo(d, start, numberdb.BindingKey{Mask: first, Party: a})
	if got := pick(t, e, r, start).Grants[0].Mask; got == first {
		t.Error("it was offered again")
	}
}

// Nor where the party had it for the same peer before.
func TestWhatTheStoreRefusesIsNotOfferedAgainForAPair(t *testing.T) {
	a, b := partyNumber(1), partyNumber(2)
	e := filled(4, numberdb.PoolPolicy{Quarantine: time.Hour})
	r := pair(1, a, b, start.Add(time.Hour))
	first := pick(t, e, r, start).Grants[0].Mask
	var x Ended
	if err := e.Release(1, start, &x); err != nil {
		t.Fatal(err)
	}
	r.Session, r.Selection = 2, numberdb.PreferStick
	d := pick(t, e, r, start)
	if d.Grants[0].Mask != first {
		t.Fatal("they do not meet by the same mask again")
	}
	e.Undo(d, start, numberdb.BindingKey{Mask: first, Party: a})
	if got := pick(t, e, r, start).Grants[0].Mask; got == first {
		t.Error("it was offered again")
	}
}
