package smpp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"maskline/smpp/pdu"
)

// part is a segment with this text.
func part(reference uint16, total, number byte, text string) *message {
	return &message{
		from: &peer{}, concat: pdu.Concatenation{Reference: reference, Total: total, Part: number}, payload: []byte(text),
		origSource: pdu.Address{Digits: []byte(alice)}, origDest: pdu.Address{Digits: []byte(maskOfBob)},
	}
}

// listed joins the texts of a list.
func listed(m *message) string {
	var all []string
	for ; m != nil; m = m.next {
		all = append(all, string(m.payload))
	}
	return strings.Join(all, " ")
}

func TestReassembler(t *testing.T) {
	type step struct {
		m        *message
		how      joinResult
		whole    string
		repeated string
	}
	from := &peer{}
	of := func(m *message, change func(*message)) *message {
		m.from = from
		if change != nil {
			change(m)
		}
		return m
	}
	same := func(reference uint16, total, number byte, text string) *message {
		return of(part(reference, total, number, text), nil)
	}
	cases := []struct {
		name  string
		steps []step
		left  int
	}{
		{"in order", []step{{same(1, 3, 1, "a"), joinWaits, "", ""}, {same(1, 3, 2, "b"), joinWaits, "", ""}, {same(1, 3, 3, "c"), joinWhole, "a b c", ""}}, 0},
		{"out of order", []step{{same(1, 3, 3, "c"), joinWaits, "", ""}, {same(1, 3, 1, "a"), joinWaits, "", ""}, {same(1, 3, 2, "b"), joinWhole, "a b c", ""}}, 0},
		{"repeated", []step{{same(1, 2, 1, "a"), joinWaits, "", ""}, {same(1, 2, 1, "a"), joinWaits, "", "a"}, {same(1, 2, 2, "b"), joinWhole, "a b", ""}}, 0},
		{"another text in its place", []step{{same(1, 2, 1, "a"), joinWaits, "", ""}, {same(1, 2, 1, "x"), joinContrary, "", ""}, {same(1, 2, 2, "b"), joinWhole, "a b", ""}}, 0},
		{"another coding", []step{{same(1, 2, 1, "a"), joinWaits, "", ""}, {of(part(1, 2, 2, "b"), func(m *message) { m.dataCoding = 8 }), joinContrary, "", ""}}, 1},
		{"another reference", []step{{same(1, 2, 1, "a"), joinWaits, "", ""}, {same(2, 2, 2, "b"), joinWaits, "", ""}}, 2},
		{"another total", []step{{same(1, 2, 1, "a"), joinWaits, "", ""}, {same(1, 3, 2, "b"), joinWaits, "", ""}}, 2},
		{"another sender", []step{{same(1, 2, 1, "a"), joinWaits, "", ""}, {of(part(1, 2, 2, "b"), func(m *message) { m.origSource.Digits = []byte(bob) }), joinWaits, "", ""}}, 2},
		{"another receiver", []step{{same(1, 2, 1, "a"), joinWaits, "", ""}, {of(part(1, 2, 2, "b"), func(m *message) { m.origDest.Digits = []byte(maskShop) }), joinWaits, "", ""}}, 2},
		{"another peer", []step{{same(1, 2, 1, "a"), joinWaits, "", ""}, {part(1, 2, 2, "b"), joinWaits, "", ""}}, 2},
		{"the reference again", []step{{same(1, 2, 1, "a"), joinWaits, "", ""}, {same(1, 2, 2, "b"), joinWhole, "a b", ""}, {same(1, 2, 2, "d"), joinWaits, "", ""}, {same(1, 2, 1, "c"), joinWhole, "c d", ""}}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newReassembler()
			for i, s := range c.steps {
				how, whole, repeated := r.add(s.m, 10)
				if how != s.how || listed(whole) != s.whole || listed(repeated) != s.repeated {
					t.Fatalf("step %d: %d, %q, %q", i, how, listed(whole), listed(repeated))
				}
			}
			if sets, memory := r.size(); sets != c.left || (sets == 0) != (memory == 0) {
				t.Fatalf("%d messages with %d octets are left", sets, memory)
			}
		})
	}
}

func TestReassemblerIsBounded(t *testing.T) {
	r := newReassembler()
	for i := range maxSets {
		m := part(uint16(i), 2, 1, "a")
		if how, _, _ := r.add(m, 10); how != joinWaits {
			t.Fatalf("message %d: %d", i, how)
		}
	}
	late := part(1, 2, 1, "a")
	if how, _, _ := r.add(late, 10); how != joinNoRoom {
		t.Fatalf("one too many: %d", how)
	}

	r = newReassembler()
	from := &peer{}
	for i := 1; ; i++ {
		m := part(1, 255, byte(i), strings.Repeat("x", 30_000))
		m.from = from
		how, _, _ := r.add(m, 10)
		if i == 3 && how != joinTooLong {
			t.Fatalf("a message of %d octets: %d", i*30_000, how)
		}
		if i == 3 {
			break
		}
	}

	r = newReassembler()
	for i := range maxGathered / (segmentCost + 60_000) {
		if how, _, _ := r.add(part(uint16(i), 2, 1, strings.Repeat("x", 60_000)), 10); how != joinWaits {
			t.Fatalf("message %d: %d", i, how)
		}
	}
	if how, _, _ := r.add(part(0, 2, 1, strings.Repeat("x", 60_000)), 10); how != joinNoRoom {
		t.Fatalf("memory beyond the bound: %d", how)
	}
}

func TestReassemblerHandsBackWhatIsLate(t *testing.T) {
	r := newReassembler()
	r.add(part(1, 3, 3, "c"), 10)
	r.add(part(2, 2, 1, "x"), 20)
	if r.expire(9) != nil {
		t.Fatal("handed back too early")
	}
	if got := listed(r.expire(10)); got != "c" {
		t.Fatalf("handed back %q", got)
	}
	if r.expire(10) != nil {
		t.Fatal("handed back too early")
	}
	if got := listed(r.expire(20)); got != "x" {
		t.Fatalf("handed back %q", got)
	}
	if sets, octets := r.size(); sets != 0 || octets != 0 {
		t.Fatalf("%d messages with %d octets are left", sets, octets)
	}
}

// TestReassemblerInAnyOrder adds segments at random: each is handed back once,
// whole messages have all of theirs in order.
func TestReassemblerInAnyOrder(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		r := newReassembler()
		from := &peer{}
		var all []*message
		for reference := range uint16(20) {
			total := byte(2 + random.IntN(6))
			for number := byte(1); number <= total; number++ {
				for range 1 + random.IntN(2) {
					m := part(reference, total, number, fmt.Sprint(number))
					m.from = from
					all = append(all, m)
				}
			}
		}
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		returned := map[*message]bool{}
		back := func(list *message) (n int) {
			for m := list; m != nil; m = m.next {
				if returned[m] {
					t.Fatal("a segment was handed back twice")
				}
				returned[m] = true
				n++
			}
			return n
		}
		for i, m := range all {
			how, whole, repeated := r.add(m, int64(i+random.IntN(40)))
			if n := back(whole); how == joinWhole && (n != int(m.concat.Total) || listed(whole) != "1 2 3 4 5 6 7"[:2*n-1]) {
				t.Fatalf("a whole of %d with %q", n, listed(whole))
			}
			back(repeated)
			if how > joinWhole {
				t.Fatalf("refused: %d", how)
			}
			back(r.expire(int64(i)))
		}
		for list := r.expire(never); list != nil; list = r.expire(never) {
			back(list)
		}
		if sets, octets := r.size(); len(returned) != len(all) || sets != 0 || octets != 0 {
			t.Fatalf("%d of %d segments came back, %d messages with %d octets are left", len(returned), len(all), sets, octets)
		}
	}
}

// TLVs that stay behind take memory all the same, until the message goes.
func TestReassemblerCountsWholeBuffers(t *testing.T) {
	const large = 60_000
	r := newReassembler()
	first := part(1, 2, 1, "a")
	first.data = make([]byte, 0, large)
	_, _, _ = r.add(first, 10)
	if _, memory := r.size(); memory < large {
		t.Fatalf("counted as %d octets", memory)
	}
	again := part(1, 2, 1, "a")
	again.from = first.from
	_, _, _ = r.add(again, 10)
	if _, memory := r.size(); memory != segmentCost+1 {
		t.Fatalf("%d octets after a smaller one took its place", memory)
	}
	if r.expire(10) == nil {
		t.Fatal("it did not expire")
	}
	if _, memory := r.size(); memory != 0 {
		t.Fatalf("%d octets of nothing", memory)
	}
}
