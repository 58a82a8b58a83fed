package prefix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"maskline/numberdb"
)

func imported(text string) (*Table, error) {
	return Import(context.Background(), strings.NewReader(text), func(name string) bool { return name != "nobody" })
}

func exported(t *Table) string {
	var out strings.Builder
	if err := t.Export(&out); err != nil {
		panic(err)
	}
	return out.String()
}

func TestImportThenExport(t *testing.T) {
	cases := []struct{ name, in, out string }{
		{
			"sorted and in one form", "carrier,prefix,cost,quality\nbravo,+4477,0.0040,\nalfa,44,1,100\nalfa,*,0,0\nalfa,4477,10.000001,\n",
			"carrier,prefix,cost,quality\nalfa,*,0,0\nalfa,44,1,100\nalfa,4477,10.000001,\nbravo,4477,0.004,\n",
		},
		{
			"the work of a spreadsheet", "\xef\xbb\xbf\"quality\",\"cost\",\"prefix\",\"carrier\"\r\n\"5\",\"1.5\",\"0044\",\"alfa\"\r\n",
			"carrier,prefix,cost,quality\nalfa,0044,1.5,5\n",
		},
		{
			"services", "carrier,prefix,cost,quality,services\nalfa,44,1,,voice\nalfa,44,2,,sms\nalfa,33,3,,\n",
			"carrier,prefix,cost,quality,services\nalfa,33,3,,\nalfa,44,2,,sms\nalfa,44,1,,voice\n",
		},
		{
			"times, the latest first", "carrier,prefix,cost,quality,valid_from\nalfa,44,1,,\nalfa,44,2,,2027-01-01T01:00:00+01:00\nalfa,44,3,,2028-01-01T00:00:00Z\n",
			"carrier,prefix,cost,quality,services,valid_from\nalfa,44,3,,,2028-01-01T00:00:00Z\nalfa,44,2,,,2027-01-01T00:00:00Z\nalfa,44,1,,,\n",
		},
		{"a header alone", "carrier,prefix,cost,quality", "carrier,prefix,cost,quality\n"},
		{"the last line without its end", "carrier,prefix,cost,quality\nalfa,44,1000000,", "carrier,prefix,cost,quality\nalfa,44,1000000,\n"},
		{"empty lines", "carrier,prefix,cost,quality\n\nalfa,44,1,\r\n\r\n", "carrier,prefix,cost,quality\nalfa,44,1,\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			table, err := imported(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := exported(table); got != c.out {
				t.Fatalf("%s", got)
			}
			again, err := imported(c.out)
			if err != nil || exported(again) != c.out {
				t.Fatalf("the second time it differs: %v", err)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	const header = "carrier,prefix,cost,quality,services,valid_from\n"
	cases := []struct{ name, in, want string }{
		{"empty", "", "line 1: the file is empty; expected the header carrier,prefix,cost,quality"},
		{"another header", "carrier,digits,cost,cost\n", `line 1: the header lacks prefix
line 1: the header lacks quality
line 1, column 9: an unknown name in the header; expected carrier,prefix,cost,quality and optionally services and valid_from
line 1, column 21 (cost): named twice in the header`},
		{"every field", header + "nobody,4x,1.0000001,101,fax,2027-01-01\n", `line 2, column 1 (carrier): names a carrier that is not configured
line 2, column 8 (prefix): expected 1 to 15 digits, with or without +, or * for every destination
line 2, column 11 (cost): expected a cost from 0 to 1000000 with at most 6 decimals, such as 0.0042
line 2, column 21 (quality): expected a whole number from 0 to 100, or nothing
line 2, column 25 (services): expected sms, voice or sms+voice, or nothing for both
line 2, column 29 (valid_from): expected an RFC 3339 time from 1970 to 2105 in whole seconds, such as 2027-01-01T00:00:00Z, or nothing`},
		{"fields", header + "alfa,44,1\n", "line 2: expected 6 fields as in the header, found 3"},
		{"the same twice", header + "alfa,44,1,,,\nbravo,44,1,,,\nalfa,+44,2,,voice,\n", "line 4, column 1 (carrier): the same carrier, prefix, service and time as line 2"},
		{"not the same", header + "alfa,44,1,,sms,\nalfa,44,1,,voice,\nalfa,44,1,,sms,2027-01-01T00:00:00Z\n", ""},
		{"no name", header + "12345678,44,1,,,\n", "line 2, column 1 (carrier): expected the name of a carrier"},
		{"a line without end", header + strings.Repeat("x", 1<<20), "line 2: longer than 1024 octets; what follows was not read"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := imported(c.in)
			var faults *numberdb.Faults
			switch {
			case c.want == "" && err == nil:
			case !errors.As(err, &faults):
				t.Fatalf("not refused for its content: %v", err)
			case err.Error() != c.want:
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestCosts(t *testing.T) {
	for text, want := range map[string]uint64{"0": 0, "0.000001": 1, "1": Unit, "1000000": MaxCost, "0001.5": 1_500_000, "999999.999999": MaxCost - 1} {
		if got, err := parseCost(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ".", ".5", "1.", "-1", "+1", "1e3", "1000000.000001", "1000001", "0,5", "99999999999999999999", "1.2.3", " 1"} {
		if _, err := parseCost(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestManyFaultsAreCounted(t *testing.T) {
	_, err := imported("carrier,prefix,cost,quality\n" + strings.Repeat("alfa,44,x,\n", 1000))
	var faults *numberdb.Faults
	if !errors.As(err, &faults) || len(faults.List) != numberdb.MaxFaults || faults.More != 1000-numberdb.MaxFaults {
		t.Fatal(err)
	}
}

func TestImportStops(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Import(cancelled, strings.NewReader("carrier,prefix,cost,quality\n"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("where the context has ended: %v", err)
	}
	fault := errors.New("the pipe broke")
	broken := io.MultiReader(strings.NewReader("carrier,prefix,cost,quality\n"), iotest.ErrReader(fault))
	if _, err := Import(t.Context(), broken, nil); !errors.Is(err, fault) {
		t.Errorf("where reading fails: %v", err)
	}
}

func FuzzImport(f *testing.F) {
	f.Add("carrier,prefix,cost,quality\nalfa,44,1,\n")
	f.Add("\"valid_from\",quality,cost,prefix,carrier\r\n2027-01-01T00:00:00Z,1,0.1,*,a\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := imported(text)
		if err != nil {
			return
		}
		first := exported(table)
		again, err := imported(first)
		if err != nil {
			t.Fatalf("an export is refused: %v", err)
		}
		if exported(again) != first {
			t.Fatal("the second export differs")
		}
		if _, err := Build(table.Rows); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkPrefixImport(b *testing.B) {
	table := &Table{Rows: someRows(500_000)}
	for i := range 40 {
		table.Carriers = append(table.Carriers, fmt.Sprintf("carrier%02d", i))
	}
	Sort(table.Rows)
	last := len(table.Rows) - 1
	for i := range table.Rows { // of equal ones, one
		if i < last && table.Rows[i].Prefix == table.Rows[i+1].Prefix && table.Rows[i].Carrier == table.Rows[i+1].Carrier {
			table.Rows[i].Services = numberdb.SMS
			table.Rows[i+1].Services = numberdb.Voice
		}
	}
	var file bytes.Buffer
	if err := table.Export(&file); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Import(context.Background(), bytes.NewReader(file.Bytes()), nil); err != nil {
			b.Fatal(err)
		}
	}
}
