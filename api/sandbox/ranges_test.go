package sandbox

import (
	"os"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"maskline/e164"
)

func ranges(t *testing.T) *Ranges {
	t.Helper()
	r, err := ReadRanges()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOnlyNumbersForFiction(t *testing.T) {
	r := ranges(t)
	for number, want := range map[string]bool{
		"+447700900000": true, "+447700900999": true, "+447700899999": false, "+447700901000": false, "+447911123456": false,
		"+442079460999": true, "+442079461000": false, "+441632960000": true, "+44770090000": false, "+4477009000000": false,
		"+12025550100": true, "+19995550199": true, "+12025550099": false, "+12025550200": false, "+12025551234": false,
		"+19115550100": false, "+11005550100": false, "+112025550100": false, "+52025550100": false,
		"+61491570156": true, "+61491570155": false, "+33639981234": true, "+33639971234": false, "+46701740604": false, "+46701740699": true,
	} {
		if got := r.Has(e164.MustParse(number)); got != want {
			t.Errorf("%s: %v", number, got)
		}
	}
}

// A row whose country is another one's would stock the wrong pools.
func TestRangesAreOfTheirCountries(t *testing.T) {
	r := ranges(t)
	if len(r.Countries()) < 5 || r.Countries()[0] != "GB" {
		t.Fatalf("countries %v", r.Countries())
	}
	for i := range r.rows {
		row := &r.rows[i]
		if row.anyArea {
			continue
		}
		if row.last-row.first > 9999 {
			t.Errorf("row %d has too many numbers for fiction", i)
		}
		n, err := phonenumbers.Parse(r.Masks(row.country, 0, 1)[0].Reveal(), "")
		if err != nil || phonenumbers.GetCountryCodeForRegion(row.country) != int(n.GetCountryCode()) {
			t.Errorf("row %d is not of %s", i, row.country)
		}
	}
}

func TestMasksOfACountry(t *testing.T) {
	r := ranges(t)
	all := r.Masks("GB", 0, 100_000)
	seen := map[e164.Number]bool{}
	for i, n := range all {
		if seen[n] || !r.Has(n) || !strings.HasPrefix(n.Reveal(), "+44") {
			t.Fatalf("mask %d", i)
		}
		seen[n] = true
	}
	if len(all) != 13_000 {
		t.Errorf("%d masks", len(all))
	}
	some := r.Masks("GB", 995, 10)
	if len(some) != 10 || some[0] != all[995] || some[9] != all[1004] {
		t.Error("they do not follow one another")
	}
	if got := r.Masks("GB", len(all)-3, 10); len(got) != 3 {
		t.Errorf("%d at the end", len(got))
	}
	if got := r.Masks("XX", 0, 10); len(got) != 0 {
		t.Errorf("%d of no country", len(got))
	}
}

func TestOutcomes(t *testing.T) {
	for number, want := range map[string]Outcome{
		"+447700900101": Delivered, "+447700900170": Delivered, "+447700900171": UnknownUser, "+12025550172": Absent, "+447700900079": NoCarrier,
		"+447700907100": Delivered, "+46701740680": OptedOut, "+447700900981": Blocked,
	} {
		if got := OutcomeOf(e164.MustParse(number)); got != want {
			t.Errorf("%s: %d, expected %d", number, got, want)
		}
	}
	seen := map[string]bool{}
	for _, m := range Magics() {
		if len(m.Digits) != 2 || seen[m.Digits] || m.Outcome == Delivered {
			t.Errorf("digits %q", m.Digits)
		}
		seen[m.Digits] = true
	}
}

// The table of docs/sandbox.md is that of the code.
func TestOutcomesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range Magics() {
		if row := "| " + m.Digits + " | " + m.Message + " | " + m.Call + " |\n"; !strings.Contains(string(page), row) {
			t.Errorf("the page has no row %q", row)
		}
	}
	r := ranges(t)
	for _, country := range r.Countries() {
		if !strings.Contains(string(page), "\n| "+country+" | ") {
			t.Errorf("the page does not name the numbers of %s", country)
		}
	}
}

func TestHexadecimal(t *testing.T) {
	for status, want := range map[uint32]string{0: "0x00000000", 0x0b: "0x0000000b", 0xfedcba98: "0xfedcba98"} {
		if got := hexadecimal(status); got != want {
			t.Errorf("%s, expected %s", got, want)
		}
	}
}
