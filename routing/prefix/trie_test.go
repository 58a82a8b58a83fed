package prefix

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const both = numberdb.SMS | numberdb.Voice

func digits(t testing.TB, s string) Digits {
	t.Helper()
	d, err := Parse(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return d
}

func build(t testing.TB, rows []Row) *Trie {
	t.Helper()
	Sort(rows)
	trie, err := Build(rows)
	if err != nil {
		t.Fatal(err)
	}
	return trie
}

// met lists what a walk meets as "carrier/length".
func met(t *Trie, n e164.Number, service numberdb.Services, now time.Time) string {
	var all []string
	w := t.Walk(n, service, now)
	for m, found := w.Next(); found; m, found = w.Next() {
		all = append(all, fmt.Sprint(m.Carrier, "/", m.Length, "@", m.Cost))
	}
	return strings.Join(all, " ")
}

// A row of a test: prefix, carrier, cost, and what differs from an offer that
// always holds for everything.
func row(t testing.TB, prefix string, carrier uint16, cost uint64, change ...func(*Row)) Row {
	r := Row{Prefix: digits(t, prefix), Offer: Offer{Carrier: carrier, Cost: cost, Services: both, Quality: NoQuality}}
	for _, c := range change {
		c(&r)
	}
	return r
}

func TestWalk(t *testing.T) {
	only := func(s numberdb.Services) func(*Row) { return func(r *Row) { r.Services = s } }
	since := func(at time.Time) func(*Row) { return func(r *Row) { r.From = seconds(at) } }
	rows := []Row{
		row(t, "44", 1, 10), row(t, "4477", 2, 20), row(t, "*", 0, 1), row(t, "4477", 1, 30), row(t, "447700900123", 3, 40),
		row(t, "33", 1, 5, only(numberdb.SMS)), row(t, "3361", 1, 6, only(numberdb.Voice)),
		row(t, "49", 1, 7), row(t, "49", 1, 8, since(noon)), row(t, "491", 2, 9, since(noon.Add(time.Hour))), row(t, "49", 2, 3),
		row(t, "007", 4, 2),
	}
	cases := []struct {
		name    string
		number  string
		service numberdb.Services
		now     time.Time
		want    string
	}{
		{"longest first, each carrier once", "447700900124", numberdb.SMS, noon, "1/4@30 2/4@20 0/0@1"},
		{"a whole number", "447700900123", numberdb.SMS, noon, "3/12@40 1/4@30 2/4@20 0/0@1"},
		{"longer than a whole number", "4477009001230", numberdb.SMS, noon, "3/12@40 1/4@30 2/4@20 0/0@1"},
		{"a part of the path", "442079460000", numberdb.SMS, noon, "1/2@10 0/0@1"},
		{"the empty prefix alone", "12125550100", numberdb.SMS, noon, "0/0@1"},
		{"another service of a longer prefix", "33612345678", numberdb.SMS, noon, "1/2@5 0/0@1"},
		{"the service of the longer prefix", "33612345678", numberdb.Voice, noon, "1/4@6 0/0@1"},
		{"before a price holds", "4930123456", numberdb.SMS, noon.Add(-time.Second), "1/2@7 2/2@3 0/0@1"},
		{"from the instant on", "4930123456", numberdb.SMS, noon, "1/2@8 2/2@3 0/0@1"},
		{"a longer prefix that does not hold yet", "491701234567", numberdb.SMS, noon, "1/2@8 2/2@3 0/0@1"},
		{"a longer prefix that holds", "491701234567", numberdb.SMS, noon.Add(time.Hour), "2/3@9 1/2@8 0/0@1"},
		{"leading zeros", "0071234", numberdb.SMS, noon, "4/3@2 0/0@1"},
		{"no number", "", numberdb.SMS, noon, "0/0@1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var n e164.Number
			if c.number != "" {
				n = e164.MustParse(c.number)
			}
			if got := met(build(t, rows), n, c.service, c.now); got != c.want {
				t.Fatalf("met %q, want %q", got, c.want)
			}
		})
	}
	if got := met(new(Trie), e164.MustParse("447700900123"), numberdb.SMS, noon); got != "" {
		t.Fatalf("an empty trie has %q", got)
	}
}

// The first of equal rows counts: routing puts imported ones first.
func TestTheFirstOfEqualRowsCounts(t *testing.T) {
	rows := Merge([]Row{row(t, "44", 1, 10)}, []Row{row(t, "44", 1, 20)})
	if got := met(build(t, rows), e164.MustParse("447700900123"), numberdb.SMS, noon); got != "1/2@10" {
		t.Fatal(got)
	}
}

// someRows is what rates look like: country codes with up to seven further
// digits, several carriers.
func someRows(count int) []Row {
	random := rand.New(rand.NewPCG(1, 2))
	codes := make([]string, 45)
	for i := range codes {
		codes[i] = fmt.Sprint(1 + random.IntN(999))
	}
	rows := make([]Row, 0, count*3/2)
	known := map[Digits]bool{}
	for len(known) < count {
		text := codes[random.IntN(len(codes))]
		for range random.IntN(8) {
			text += string(rune('0' + random.IntN(10)))
		}
		d, _ := Parse(text)
		if known[d] {
			continue
		}
		known[d] = true
		for range 1 + random.IntN(2) {
			rows = append(rows, Row{d, Offer{
				Cost: random.Uint64N(1e8), Carrier: uint16(random.IntN(40)), Services: both, Quality: uint8(random.IntN(101)),
			}})
		}
	}
	return rows
}

// someNumbers begin as rows do.
func someNumbers(rows []Row, count int) []e164.Number {
	random := rand.New(rand.NewPCG(3, 4))
	all := make([]e164.Number, count)
	for i := range all {
		text := rows[random.IntN(len(rows))].Prefix.Reveal()
		for len(text) < 12 {
			text += string(rune('0' + random.IntN(10)))
		}
		all[i] = e164.MustParse(text)
	}
	return all
}

// A million walks meet what a search of the rows of every length finds.
func TestEveryWalkMeetsWhatASearchFinds(t *testing.T) {
	for name, of := range map[string]struct{ prefixes, walks int }{
		"many": {50_000, 1_000_000}, "few": {100, 10_000}, "one": {1, 100},
	} {
		t.Run(name, func(t *testing.T) {
			rows := someRows(of.prefixes)
			trie := build(t, rows)
			byPrefix := map[Digits][]Row{}
			for _, r := range rows {
				byPrefix[r.Prefix] = append(byPrefix[r.Prefix], r)
			}
			numbers := someNumbers(rows, min(of.walks, 100_000))
			for i := range of.walks {
				n := numbers[i%len(numbers)] + e164.Number(i/len(numbers)) // the digits are its lowest bits
				w := trie.Walk(n, numberdb.SMS, noon)
				if !meetsAll(&w, byPrefix, n) {
					t.Fatalf("%s: met %q", n.Reveal(), met(trie, n, numberdb.SMS, noon))
				}
			}
		})
	}
}

// meetsAll compares a walk with a search.
func meetsAll(w *Walk, byPrefix map[Digits][]Row, n e164.Number) bool {
	var seen []uint16
	for length := n.Len(); length > 0; length-- {
		for _, r := range byPrefix[Of(n, length)] {
			if slices.Contains(seen, r.Carrier) {
				continue
			}
			seen = append(seen, r.Carrier)
			if got, _ := w.Next(); got != (Match{r.Cost, r.Carrier, uint8(length), r.Quality}) {
				return false
			}
		}
	}
	_, more := w.Next()
	return !more
}

func TestDigits(t *testing.T) {
	for _, text := range []string{"*", "1", "0", "007", "44", "447700900123", "999999999999999"} {
		d := digits(t, text)
		if d.Reveal() != text {
			t.Errorf("%q comes back as %q", text, d.Reveal())
		}
		if len(text) < 7 && d.String() != text || len(text) >= 7 && d.String() != text[:6]+"…" {
			t.Errorf("%q is printed %q", text, d)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%x", "%s", "%q", "%08b"} {
		if got := fmt.Sprintf(verb, digits(t, "447700900123")); got != "447700…" {
			t.Errorf("a whole number is printed %q by %s", got, verb)
		}
	}
	if digits(t, "+44") != digits(t, "44") {
		t.Error("a plus makes a difference")
	}
	for _, text := range []string{"", "+", "4 4", "44x", "1234567890123456", "**", "+*", "-1"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	sorted := []string{"*", "0", "00", "01", "1", "10", "100", "2", "20", "21"}
	if !slices.IsSortedFunc(sorted, func(a, b string) int { return cmp.Compare(digits(t, a), digits(t, b)) }) {
		t.Error("a prefix does not sort before what begins with it")
	}
}

func TestReplace(t *testing.T) {
	old := &Table{Carriers: []string{"alfa", "charlie"}, Rows: []Row{row(t, "33", 0, 1), row(t, "44", 0, 1), row(t, "44", 1, 2)}}
	next := &Table{Carriers: []string{"alfa", "bravo"}, Rows: []Row{row(t, "44", 0, 5), row(t, "44", 1, 6)}}
	got, err := old.Replace(next)
	if err != nil {
		t.Fatal(err)
	}
	want := &Table{Carriers: []string{"alfa", "bravo", "charlie"}, Rows: []Row{row(t, "44", 0, 5), row(t, "44", 1, 6), row(t, "44", 2, 2)}}
	if !slices.Equal(got.Carriers, want.Carriers) || !slices.Equal(got.Rows, want.Rows) {
		t.Fatalf("%+v", got)
	}
	if old.Rows[0].Prefix != digits(t, "33") || len(old.Rows) != 3 {
		t.Fatal("the old table was changed")
	}
}

func BenchmarkPrefixWalk(b *testing.B) {
	rows := someRows(500_000)
	trie := build(b, rows)
	numbers := someNumbers(rows, 1<<20)
	b.ReportAllocs()
	b.ResetTimer()
	i, sum := 0, 0
	for b.Loop() {
		w := trie.Walk(numbers[i&(1<<20-1)], numberdb.SMS, noon)
		for _, found := w.Next(); found; _, found = w.Next() {
			sum++
		}
		i++
	}
	b.ReportMetric(float64(trie.Size())/500_000, "B/prefix")
	b.ReportMetric(float64(sum)/float64(i), "candidates/op")
}

func BenchmarkPrefixBuild(b *testing.B) {
	rows := someRows(500_000)
	Sort(rows)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Build(rows); err != nil {
			b.Fatal(err)
		}
	}
}

// What Import would not read again is not made: the edge would not start with it.
func TestReplaceRefusesTooManyRows(t *testing.T) {
	old := &Table{Carriers: []string{"alfa", "bravo"}, Rows: make([]Row, MaxRows)}
	old.Rows[0].Carrier = 1
	next := &Table{Carriers: []string{"bravo"}, Rows: make([]Row, 2)}
	if _, err := old.Replace(next); !errors.Is(err, errRows) {
		t.Errorf("one row too many: %v", err)
	}
	next.Rows = next.Rows[:1]
	if got, err := old.Replace(next); err != nil || len(got.Rows) != MaxRows {
		t.Errorf("as many as may be: %v", err)
	}
}
