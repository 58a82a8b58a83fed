package numberdb

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/e164"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func num(s string) e164.Number { return e164.MustParse(s) }

func TestLookup(t *testing.T) {
	mask, rider, driver, other := num("+441110000001"), num("+447700900001"), num("+447700900002"), num("+447700900003")
	public, soon, late := num("+441110000002"), num("+441110000003"), num("+441110000004")
	own := Binding{
		Mask: mask, Party: rider, To: Endpoint{Kind: Tel, Number: driver}, Present: public,
		Services: SMS | Voice, Carriers: []string{"alfa", "bravo"}, Tenant: "shop", Expires: noon.Add(time.Minute),
	}
	open := Binding{Mask: public, To: Endpoint{Kind: Account, Name: "shop"}, Present: public, Services: SMS}
	ended := Binding{
		Mask: soon, To: Endpoint{Kind: SIP, Name: "desk@127.0.0.1:5090"}, Present: soon, Services: Voice, Expires: noon.Add(time.Nanosecond),
	}
	table := NewTable()
	table.Apply([]Change{
		{Binding: own},
		{Binding: open},
		{Binding: Binding{Mask: public, Party: rider, To: Endpoint{Kind: Tel, Number: other}, Present: mask, Services: SMS, Expires: noon}},
		{Binding: ended},
		{Binding: Binding{Mask: late, Party: rider, To: Endpoint{Kind: Tel, Number: driver}, Present: late, Services: SMS}},
		{Binding: Binding{Mask: late, Party: rider}, Deleted: true},
	})
	cases := []struct {
		name        string
		mask, party e164.Number
		at          time.Time
		want        Binding
		status      Status
	}{
		{"own binding", mask, rider, noon, own, Exact},
		{"expired to the instant", mask, rider, noon.Add(time.Minute), own, Ended},
		{"another party", mask, other, noon, Binding{}, OutOfSession},
		{"withheld party", mask, 0, noon, Binding{}, OutOfSession},
		{"public", public, other, noon, open, Public},
		{"public for a withheld party", public, 0, noon, open, Public},
		{"public once the own one has ended", public, rider, noon, open, Public},
		{"public ended", soon, rider, noon.Add(time.Nanosecond), Binding{}, OutOfSession},
		{"public ended for a withheld party", soon, 0, noon.Add(time.Hour), ended, Ended},
		{"deleted", late, rider, noon, Binding{}, UnknownMask},
		{"never seen", other, rider, noon, Binding{}, UnknownMask},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, status := table.Lookup(c.mask, c.party, c.at)
			if status != c.status {
				t.Fatalf("status %d, want %d", status, c.status)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
	for n, want := range map[e164.Number]bool{mask: true, public: true, soon: true, late: false, rider: false} {
		if table.IsMask(n) != want {
			t.Errorf("IsMask(%v) = %v", n, !want)
		}
	}
}

func TestBothFormsOfAMobileAreOneParty(t *testing.T) {
	table := NewTable()
	table.Apply([]Change{{Binding: Binding{
		Mask: num("+441110000001"), Party: num("+5491123456789"), Services: SMS,
		To: Endpoint{Kind: Tel, Number: num("+5491123456700")}, Present: num("+441110000001"),
	}}})
	b, status := table.Lookup(num("+441110000001"), num("+541123456789"), noon)
	if status != Exact || b.To.Number != num("+5491123456700") {
		t.Fatal("the party without 9 was not found, or the endpoint lost its 9")
	}
}

// The oracle is a plain map with the same meaning.
func TestAgainstOracle(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	table, oracle := NewTable(), map[[2]e164.Number]Binding{}
	number := func(n int) e164.Number { return num(fmt.Sprintf("+4420%08d", random.IntN(n))) }
	for step := range 40_000 {
		key := [2]e164.Number{number(400), 0}
		if random.IntN(4) > 0 {
			key[1] = number(300)
		}
		b := Binding{Mask: key[0], Party: key[1], Services: SMS, Present: number(50)}
		switch random.IntN(3) {
		case 0:
			b.To = Endpoint{Kind: Account, Name: fmt.Sprint("account-", random.IntN(9))}
			b.Carriers = []string{"alfa", fmt.Sprint("c", random.IntN(5))}
		default:
			b.To = Endpoint{Kind: Tel, Number: number(1000)}
			b.Tenant = fmt.Sprint("t", random.IntN(5))
		}
		deleted := random.IntN(5) < 2
		table.Apply([]Change{{Binding: b, Deleted: deleted}})
		if deleted {
			delete(oracle, key)
		} else {
			oracle[key] = b
		}
		if step%7 == 0 {
			probe := [2]e164.Number{number(400), number(300)}
			want, ok := oracle[probe]
			status := Exact
			if !ok {
				status = Public
				want, ok = oracle[[2]e164.Number{probe[0], 0}]
			}
			got, gotStatus := table.Lookup(probe[0], probe[1], noon)
			if ok != gotStatus.Found() || ok && gotStatus != status {
				t.Fatalf("step %d: status %d", step, gotStatus)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("step %d: %s", step, diff)
			}
		}
	}
	if table.Len() != len(oracle) {
		t.Fatalf("%d bindings, want %d", table.Len(), len(oracle))
	}
	seen := 0
	masks := map[e164.Number]bool{}
	table.Each(func(b Binding) bool {
		seen++
		masks[b.Mask] = true
		if diff := cmp.Diff(oracle[[2]e164.Number{b.Mask, b.Party}], b); diff != "" {
			t.Fatal(diff)
		}
		return true
	})
	if seen != len(oracle) {
		t.Fatalf("Each saw %d, want %d", seen, len(oracle))
	}
	for n := range 400 {
		if m := num(fmt.Sprintf("+4420%08d", n)); table.IsMask(m) != masks[m] {
			t.Fatalf("IsMask is wrong for mask %d", n)
		}
	}
}

// Each version of a binding names itself in every field, so a reader that saw
// halves of two versions would notice.
func TestReadersSeeWholeBindings(t *testing.T) {
	table := NewTable()
	const keys, versions = 50, 4000
	version := func(key, v int) Binding {
		return Binding{
			Mask: num(fmt.Sprintf("+4420%08d", key)), Party: num("+447700900001"), Services: SMS,
			To: Endpoint{Kind: Tel, Number: num(fmt.Sprintf("+331%08d", v))}, Present: num(fmt.Sprintf("+332%08d", v)),
			Expires: noon.Add(time.Duration(v) * time.Second),
		}
	}
	for key := range keys {
		table.Apply([]Change{{Binding: version(key, 1)}})
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				b, status := table.Lookup(num(fmt.Sprintf("+4420%08d", n%keys)), num("+447700900001"), noon)
				if status != Exact {
					t.Errorf("a live binding was not found: %d", status)
					return
				}
				v := int(b.Expires.Sub(noon) / time.Second)
				if diff := cmp.Diff(version(n%keys, v), b); diff != "" {
					t.Errorf("halves of two versions: %s", diff)
					return
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(3, 4))
	for v := range versions {
		changes := []Change{{Binding: version(random.IntN(keys), v+1)}}
		// Others come and go, so that the table grows and is rebuilt meanwhile.
		changes = append(changes, Change{Binding: version(1000+v, 1)}, Change{Binding: version(1000+v/2, 1), Deleted: true})
		table.Apply(changes)
	}
	close(stop)
	readers.Wait()
}

func TestReplace(t *testing.T) {
	table := NewTable()
	old, next := num("+441110000001"), num("+441110000002")
	table.Apply([]Change{{Binding: Binding{Mask: old, Services: SMS}}})
	fault := errors.New("the store went away")
	if err := table.Replace(func(put func(Binding)) error {
		put(Binding{Mask: next, Services: SMS})
		return fault
	}); !errors.Is(err, fault) {
		t.Fatalf("got %v", err)
	}
	if !table.IsMask(old) || table.IsMask(next) {
		t.Fatal("a failed load changed the table")
	}
	if err := table.Replace(func(put func(Binding)) error {
		put(Binding{Mask: next, Services: SMS})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if table.IsMask(old) || !table.IsMask(next) || table.Len() != 1 {
		t.Fatal("the content was not replaced")
	}
}

// BENCH_BINDINGS adds a size, such as 10000000 with 1 GB.
func benchmarkSizes() []int {
	sizes := []int{1_000, 10_000, 100_000, 1_000_000}
	if more, err := strconv.Atoi(os.Getenv("BENCH_BINDINGS")); err == nil {
		return []int{more}
	}
	return sizes
}

func filled(size int) (*Table, e164.Number) {
	table, first := NewTable(), num("+442000000000")
	_ = table.Replace(func(put func(Binding)) error {
		for i := range size {
			put(Binding{
				Mask: first + e164.Number(i), Party: num("+447700900001"), Services: SMS,
				To: Endpoint{Kind: Tel, Number: first}, Carriers: []string{"alfa"}, Tenant: "shop",
			})
		}
		return nil
	})
	return table, first
}

func BenchmarkLookup(b *testing.B) {
	for _, size := range benchmarkSizes() {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			table, first := filled(size)
			party, stranger := num("+447700900001"), num("+447700900002")
			look := func(party e164.Number, want Status) func(b *testing.B) {
				return func(b *testing.B) {
					b.ReportAllocs()
					b.RunParallel(func(pb *testing.PB) {
						random := rand.New(rand.NewPCG(rand.Uint64(), 1))
						for pb.Next() {
							if _, status := table.Lookup(first+e164.Number(random.IntN(size)), party, noon); status != want {
								b.Fatal("another status")
							}
						}
					})
				}
			}
			b.Run("own", look(party, Exact))
			b.Run("none", look(stranger, OutOfSession))
		})
	}
}

func BenchmarkApply(b *testing.B) {
	for _, size := range benchmarkSizes() {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			table, first := filled(size)
			random := rand.New(rand.NewPCG(1, 2))
			changes := make([]Change, 1)
			b.ReportAllocs()
			for b.Loop() {
				mask := first + e164.Number(random.IntN(size))
				changes[0].Binding = Binding{Mask: mask, Party: num("+447700900001"), Services: SMS, Tenant: "shop"}
				table.Apply(changes)
			}
		})
	}
}
