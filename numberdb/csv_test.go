package numberdb

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/e164"
)

var update = flag.Bool("update", false, "write the golden files")

func known() Known {
	in := func(names ...string) func(string) bool {
		return func(name string) bool { return slices.Contains(names, name) }
	}
	return Known{
		Carrier: in("alfa", "bravo"), Tenant: in("shop"),
		Account: func(name string) (tenant string, known bool) {
			owners := map[string]string{"shop": "shop", "taxi": "taxi", "alfa-in": ""}
			tenant, known = owners[name]
			return tenant, known
		},
		Mask:      func(n e164.Number) bool { return n == num("+449990000001") },
		Emergency: func(n e164.Number) bool { return n == short("49:11333") },
	}
}

func all(*Binding) bool { return true }

// imported is what an import of text would apply.
func imported(text string, known Known) ([]Change, error) {
	var changes []Change
	n, err := Import(context.Background(), strings.NewReader(text), known,
		func(_ context.Context, c []Change) error { changes = c; return nil })
	if n != len(changes) {
		return nil, fmt.Errorf("%d bindings counted, %d applied", n, len(changes))
	}
	return changes, err
}

func TestBrokenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.csv")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Import(t.Context(), bytes.NewReader(text), known(), func(context.Context, []Change) error {
				t.Error("something of a broken file was applied")
				return nil
			})
			var faults *Faults
			if !errors.As(err, &faults) {
				t.Fatalf("not refused for its content: %v", err)
			}
			got := err.Error() + "\n"
			if regexp.MustCompile(`[0-9]{7}|driver|nobody|stranger|charlie`).MatchString(got) {
				t.Fatal("a fault holds a value of the file")
			}
			golden := strings.TrimSuffix(file, ".csv") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestImportOfASpreadsheetsFile(t *testing.T) {
	text, err := os.ReadFile("testdata/good/spreadsheet.csv")
	if err != nil {
		t.Fatal(err)
	}
	changes, err := imported(string(text), known())
	if err != nil {
		t.Fatal(err)
	}
	want := []Change{
		{Binding: Binding{
			Mask: num("+441110000001"), Party: num("+447700900001"), To: Endpoint{Kind: Tel, Number: num("+447700900002")},
			Present: num("+441110000002"), Services: SMS | Voice, Carriers: []string{"bravo", "alfa"},
			Expires: time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC), Tenant: "shop",
		}},
		{Binding: Binding{
			Mask: num("+441110000002"), To: Endpoint{Kind: Account, Name: "shop"}, Present: num("+441110000002"), Services: SMS,
		}},
		{Binding: Binding{
			Mask: num("+441110000003"), Party: num("+541123456789"), To: Endpoint{Kind: SIP, Name: "desk,1@pbx.example.org:5090"},
			Present: num("+441110000003"), Services: Voice, Carriers: []string{"alfa"},
			Expires: time.Date(2030, 1, 31, 12, 0, 0, 123456000, time.UTC),
		}},
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Fatal(diff)
	}
}

func TestExportImportsAgainOctetForOctet(t *testing.T) {
	for name, withTenant := range map[string]bool{"with tenants": true, "without tenants": false} {
		t.Run(name, func(t *testing.T) {
			table := NewTable()
			var changes []Change
			for i := range 500 {
				b := Binding{
					Mask: num(fmt.Sprintf("+44111%07d", i/3)), Present: num(fmt.Sprintf("+44111%07d", i)), Services: SMS,
					To: Endpoint{Kind: Tel, Number: num(fmt.Sprintf("+54911%08d", i))}, Carriers: []string{"bravo", "alfa"}[:i%3],
				}
				if i%3 > 0 {
					b.Party = num(fmt.Sprintf("00447%06d", i))
				}
				switch i % 5 {
				case 0:
					b.To = Endpoint{Kind: SIP, Name: fmt.Sprintf("a,b&c=%d@[::1]:5060", i)}
					b.Services = Voice
				case 1:
					b.Expires = noon.Add(time.Duration(i) * time.Microsecond)
				case 2:
					b.To = Endpoint{Kind: Account, Name: `sh"op|1`}
				}
				if withTenant && i%7 == 0 {
					b.Tenant = "the, shop"
				}
				changes = append(changes, Change{Binding: b})
			}
			table.Apply(changes)
			var first, second bytes.Buffer
			if _, err := Export(&first, table, all); err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(first.Bytes(), []byte("\r")) || strings.Contains(strings.SplitN(first.String(), "\n", 2)[0], "tenant") != withTenant {
				t.Fatal("the form of the file is another one")
			}
			changes, err := imported(first.String(), Known{})
			if err != nil {
				t.Fatal(err)
			}
			again := NewTable()
			again.Apply(changes)
			if _, err := Export(&second, again, all); err != nil {
				t.Fatal(err)
			}
			if again.Len() != table.Len() || !bytes.Equal(first.Bytes(), second.Bytes()) {
				t.Fatal("the second export differs")
			}
		})
	}
}

func TestImportOfAHeaderAlone(t *testing.T) {
	changes, err := imported("mask,party,to,present,services,carriers,expires_at\n", Known{})
	if err != nil || len(changes) != 0 {
		t.Fatalf("%d changes, %v", len(changes), err)
	}
}

// heapAt looks at the heap when it is first written to.
type heapAt struct{ octets uint64 }

func (h *heapAt) Write(p []byte) (int, error) {
	if h.octets == 0 {
		h.octets = heapNow()
	}
	return len(p), nil
}

func heapNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// An export of many has their keys in memory, and no more.
func TestExportKeepsKeysAlone(t *testing.T) {
	const count = 100_000
	table := NewTable()
	for i := range e164.Number(count) {
		table.Apply([]Change{{Binding: Binding{
			Mask: num("+441110000000") + i/2, Party: num("+447700000000") + i, Services: SMS,
			To: Endpoint{Kind: Tel, Number: num("+447710000000") + i}, Present: num("+441110000001"), Session: ID(i % 2),
		}}})
	}
	before := heapNow()
	var w heapAt
	left, err := Export(&w, table, func(b *Binding) bool { return b.Session == 0 })
	if err != nil || left != count/2 {
		t.Fatalf("%d left out, %v", left, err)
	}
	if grown := int64(w.octets) - int64(before); grown > 40*count/2 {
		t.Errorf("%d octets for %d bindings", grown, count/2)
	}
	runtime.KeepAlive(table)
}

// What goes away while it is written is not written, and what then has another form
// ends it.
func TestExportOfATableThatChanges(t *testing.T) {
	binding := Binding{
		Mask: num("+441110000001"), Services: SMS, To: Endpoint{Kind: Tel, Number: num("+447710000000")}, Present: num("+441110000001"),
	}
	for _, c := range []struct {
		name   string
		change func(*Change)
		rows   int
		err    error
	}{
		{"deleted", func(c *Change) { c.Deleted = true }, 1, nil},
		{"selected no more", func(c *Change) { c.Binding.Session = 7 }, 1, nil},
		{"for a tenant", func(c *Change) { c.Binding.Tenant = "shop" }, 1, errTenantCame},
		{"expired", func(c *Change) { c.Binding.Expires = time.Unix(1, 0) }, 2, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := NewTable()
			first, second := binding, binding
			second.Party = num("+447700900101")
			table.Apply([]Change{{Binding: first}, {Binding: second}})
			looks := 0
			var w strings.Builder
			_, err := Export(&w, table, func(b *Binding) bool {
				if looks++; looks == 3 { // both keys are known, and the first is looked up
					change := Change{Binding: second}
					c.change(&change)
					table.Apply([]Change{change})
				}
				return b.Session == 0
			})
			if !errors.Is(err, c.err) {
				t.Fatal(err)
			}
			if rows := strings.Count(w.String(), "\n") - 1; c.err == nil && rows != c.rows {
				t.Errorf("%d rows: %s", rows, w.String())
			}
		})
	}
}

func TestImportStops(t *testing.T) {
	row := "mask,party,to,present,services,carriers,expires_at\n+441110000001,*,smpp:shop,+441110000001,sms,,\n"
	fault := errors.New("the pipe broke")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	cases := []struct {
		name  string
		ctx   context.Context
		r     io.Reader
		apply error
		want  error
	}{
		{"where reading fails", t.Context(), io.MultiReader(strings.NewReader(row), iotest.ErrReader(fault)), nil, fault},
		{"where the context has ended", cancelled, strings.NewReader(row), nil, context.Canceled},
		{"where the store refuses", t.Context(), strings.NewReader(row), fault, fault},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			applied := false
			n, err := Import(c.ctx, c.r, Known{}, func(context.Context, []Change) error { applied = true; return c.apply })
			if n != 0 || !errors.Is(err, c.want) || applied != (c.apply != nil) {
				t.Fatalf("%d bindings, applied %v, %v", n, applied, err)
			}
		})
	}
}

// endless is a file of one line that never ends.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range p[:n] {
		p[i] = '"'
	}
	e.left -= n
	return n, nil
}

func TestALineWithoutEndTakesNoMemory(t *testing.T) {
	r := io.MultiReader(strings.NewReader("mask,party,to,present,services,carriers,expires_at\n"), &endless{64 << 20})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Import(t.Context(), r, Known{}, nil)
	runtime.ReadMemStats(&after)
	if err == nil || err.Error() != "line 2: longer than 4096 octets" {
		t.Fatal(err)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<20 {
		t.Fatalf("%d octets allocated", allocated)
	}
}

func FuzzImport(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.csv")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		changes, err := imported(text, Known{})
		if err != nil {
			return
		}
		table := NewTable()
		table.Apply(changes)
		var first, second bytes.Buffer
		if _, err := Export(&first, table, all); err != nil {
			t.Fatal(err)
		}
		changes, err = imported(first.String(), Known{})
		if err != nil {
			t.Fatalf("an export is refused: %v", err)
		}
		table = NewTable()
		table.Apply(changes)
		if _, err := Export(&second, table, all); err != nil || first.String() != second.String() {
			t.Fatalf("the second export differs: %v", err)
		}
	})
}

func BenchmarkImport(b *testing.B) {
	table := NewTable()
	for i := range 100_000 {
		table.Apply([]Change{{Binding: Binding{
			Mask: num(fmt.Sprintf("+44111%07d", i)), Party: num(fmt.Sprintf("+44770%07d", i)), Services: SMS | Voice,
			To: Endpoint{Kind: Tel, Number: num(fmt.Sprintf("+44771%07d", i))}, Present: num(fmt.Sprintf("+44111%07d", i)),
			Carriers: []string{"alfa", "bravo"}, Tenant: "shop", Expires: noon,
		}}})
	}
	var file bytes.Buffer
	if _, err := Export(&file, table, all); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		n, err := Import(context.Background(), bytes.NewReader(file.Bytes()), Known{},
			func(context.Context, []Change) error { return nil })
		if n != 100_000 || err != nil {
			b.Fatal(n, err)
		}
	}
}
