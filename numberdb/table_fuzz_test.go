package numberdb

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/e164"
)

// tableEngine is what both engines do.
type tableEngine interface {
	len() int
	lookup(mask, party e164.Number, now time.Time) (Binding, Status)
	isMask(n e164.Number) bool
	apply(changes []Change)
	replace(load func(put func(Binding)) error) error
	each(fn func(Binding) bool)
}

var (
	_ tableEngine = (*hashed)(nil)
	_ tableEngine = (*plain)(nil)
)

// pair is two engines that are told the same.
type pair struct {
	t     *testing.T
	table *hashed
	plain *plain
}

func newPair(t *testing.T) *pair { return &pair{t, newHashed(), newPlain()} }

func (p *pair) apply(changes []Change) {
	p.table.apply(changes)
	p.plain.apply(changes)
}

func (p *pair) replace(load func(put func(Binding)) error) {
	if err := p.table.replace(load); err != nil {
		p.t.Fatal(err)
	}
	_ = p.plain.replace(load)
}

func (p *pair) lookup(mask, party e164.Number, now time.Time) {
	p.t.Helper()
	got, status := p.table.lookup(mask, party, now)
	want, wantStatus := p.plain.lookup(mask, party, now)
	if status != wantStatus {
		p.t.Fatalf("status %d, want %d", status, wantStatus)
	}
	if diff := differ(want, got); diff != "" {
		p.t.Fatal(diff)
	}
	if got, want := p.table.isMask(mask), p.plain.isMask(mask); got != want {
		p.t.Fatalf("isMask is %v", got)
	}
}

// compare looks at everything.
func (p *pair) compare() {
	p.t.Helper()
	if got, want := p.table.len(), p.plain.len(); got != want {
		p.t.Fatalf("%d bindings, want %d", got, want)
	}
	seen := map[[2]e164.Number]bool{}
	p.table.each(func(b Binding) bool {
		key := [2]e164.Number{b.Mask, b.Party}
		if seen[key] {
			p.t.Fatal("one binding was seen twice")
		}
		seen[key] = true
		want, _ := p.plain.shards.Load().get(b.Mask, b.Party)
		if diff := differ(want, b); diff != "" {
			p.t.Fatal(diff)
		}
		return true
	})
	if len(seen) != p.plain.len() {
		p.t.Fatalf("each saw %d, want %d", len(seen), p.plain.len())
	}
	p.holdsOnlyWhatIsUsed()
}

// holdsOnlyWhatIsUsed looks at what readers cannot see.
func (p *pair) holdsOnlyWhatIsUsed() {
	p.t.Helper()
	endpoints, tenants, carriers, masks := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[e164.Number]bool{}
	p.plain.each(func(b Binding) bool {
		masks[b.Mask] = true
		endpoints[b.To.Name], tenants[b.Tenant], carriers[joined(b.Carriers)] = true, true, true
		return true
	})
	delete(endpoints, "")
	delete(tenants, "")
	delete(carriers, "")
	c := p.table.core.Load()
	for _, n := range []struct {
		what      string
		got, want int
	}{
		{"endpoints", len(c.endpoints.held), len(endpoints)},
		{"tenants", len(c.tenants.held), len(tenants)},
		{"lists of carriers", len(c.carriers.held), len(carriers)},
		{"records", recordsOf(p.t, c.cells), p.plain.len()},
		{"marks", wordsOf(c.marks.index), len(masks)},
	} {
		if n.got != n.want {
			p.t.Fatalf("%d %s are held, %d are used", n.got, n.what, n.want)
		}
	}
}

func wordsOf(x *index) int {
	live := 0
	eachPart(&x.directory, func(s *segment) { live += s.live })
	return live
}

// recordsOf counts records, and what their cells must be.
func recordsOf(t *testing.T, x *cells) int {
	t.Helper()
	live, chunks := 0, 0
	eachPart(&x.directory, func(s *section) {
		used := 0
		for i := range s.count {
			r := s.cell(i)
			if r[wordMask]&usedBit != 0 != s.used(i) {
				t.Fatal("a cell is marked wrongly")
			}
			if s.used(i) {
				used++
				mask, party := r.key()
				if _, found := x.find(x.hash.of(mask, party), mask, party); found != i {
					t.Fatal("a record is not in one of its cells, or twice in them")
				}
			}
		}
		if used != s.live {
			t.Fatalf("a section has %d records and counts %d", used, s.live)
		}
		live += used
		chunks += len(s.chunks)
	})
	if chunks != x.chunks.used {
		t.Fatalf("%d chunks are in use, %d are known", chunks, x.chunks.used)
	}
	return live
}

func eachPart[Part any](d *directory[Part], fn func(*Part)) {
	var last *Part
	p := d.now.Load()
	for i := range p.of {
		if part := p.of[i].Load(); part != last {
			fn(part)
			last = part
		}
	}
}

// differ is cmp.Diff, which takes its time, for what is equal nearly always.
func differ(want, got Binding) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// made is a binding of a key with fields by chance.
func made(mask, party e164.Number, chance uint64) Binding {
	pick := func(n uint64) uint64 {
		v := chance % n
		chance = chance*0x9E3779B97F4A7C15 + 1
		return v
	}
	b := Binding{
		Mask: mask, Party: party, Services: Services(pick(4)), Counted: pick(2) == 1, Session: ID(pick(3) * chance),
		To: Endpoint{Kind: EndpointKind(pick(4))}, Present: e164.Number(pick(2) * (chance & numberMask)), Second: e164.Number(pick(2) * (chance & numberMask)),
	}
	if b.To.Kind == Tel {
		b.To.Number = e164.Number(chance & numberMask)
	} else {
		b.To.Name = fmt.Sprint("name-", pick(40))
	}
	if pick(3) > 0 {
		b.Tenant = fmt.Sprint("tenant-", pick(5))
	}
	for range pick(3) {
		b.Carriers = append(b.Carriers, fmt.Sprint("carrier-", pick(4)))
	}
	switch pick(4) {
	case 0:
		b.Expires = noon.Add(time.Duration(int64(pick(1000)) - 500))
	case 1:
		b.Expires = time.Date(9999, 12, 31, 23, 59, 59, int(pick(1e9)), time.UTC)
	}
	return b
}

func FuzzTable(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07"))
	random := rand.New(rand.NewPCG(7, 8))
	for range 6 {
		steps := make([]byte, 600)
		for i := range steps {
			steps[i] = byte(random.Uint32())
		}
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		p := newPair(t)
		run(p, steps)
		p.compare()
	})
}

// run reads steps of four octets: what, which mask, which party, and chance.
func run(p *pair, steps []byte) {
	chance := uint64(len(steps))
	for n := 0; len(steps) >= 4 && n < 200; n++ {
		what, step := steps[0], binary.LittleEndian.Uint32(steps)
		steps = steps[4:]
		chance = chance*0xD6E8FEB86659FD93 + uint64(step)
		mask, party := num("+442000000000")+e164.Number(step>>8&15), num("+447700900000")+e164.Number(step>>16&31)
		if step>>24&7 == 0 {
			party = 0
		}
		many := func(deleted bool) (changes []Change) {
			for i := range e164.Number(step >> 8 & 511) {
				changes = append(changes, Change{Binding: made(mask+i%97, party+i, chance+uint64(i)), Deleted: deleted})
			}
			return changes
		}
		switch what % 16 {
		case 0, 1, 2, 3:
			p.apply([]Change{{Binding: made(mask, party, chance)}})
		case 4, 5, 6:
			p.apply([]Change{{Binding: Binding{Mask: mask, Party: party}, Deleted: true}})
		case 7:
			p.apply(many(false))
		case 8:
			p.apply(many(true))
		case 9:
			meanwhile := many(step>>31 == 0)
			p.replace(func(put func(Binding)) error {
				for _, c := range many(false) {
					put(c.Binding)
				}
				p.apply(meanwhile[:len(meanwhile)/2])
				return nil
			})
		case 10: // what is removed while somebody reads everything
			seen := 0
			p.table.each(func(Binding) bool {
				if seen++; seen == 3 {
					p.apply(many(true))
				}
				return true
			})
			p.apply(nil)
		default:
			p.lookup(mask, party, noon.Add(time.Duration(int64(chance>>32%1000)-500)))
		}
	}
}
