package guard

import (
	"errors"
	"strings"
	"testing"

	"maskline/e164"
)

func TestStandardDestinations(t *testing.T) {
	d := standardRules(t).Destinations
	for _, c := range []struct {
		number, kind string
		denied       bool
	}{
		{"+881612345678", "satellite", true},
		{"+8821612345678", "international-network", true},
		{"+883510001234567", "international-network", true},
		{"+870773123456", "satellite", true},
		{"+979012345678", "premium", true},
		{"+808123456789", "shared-cost", true},
		{"+19005551234", "premium", true},
		{"+12025550143", "", false},
		{"+449098790000", "premium", true},
		{"+448450000000", "shared-cost", true},
		{"+448000000000", "", false},
		{"+447700900123", "", false},
		{"+447624000000", "mobile", false},
		{"+447600000000", "pager", true},
		{"+447000000000", "personal", true},
		{"+33612345678", "", false},
		{"+33899123456", "premium", true},
		{"+493012345678", "", false},
		{"+499001234567", "premium", true},
		{"+46900123456", "premium", true},
		{"+46901234567", "", false}, // Umeå
	} {
		row, found := d.Of(e164.MustParse(c.number))
		if found != (c.kind != "") || row.Kind != c.kind || (found && !row.Allowed) != c.denied {
			t.Errorf("%s: %+v, %v", c.number, row, found)
		}
	}
}

func TestTheLongestPrefixOfTheLastListCounts(t *testing.T) {
	own, err := ReadDestinations(strings.NewReader("\ufeffprefix,kind,action\n# ours\n\n+881,satellite,allow\n4477009001,fraud , deny\n447700900123,fraud,allow\n"))
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := StandardDestinations()
	d := NewDestinations(rows, own)
	for number, denied := range map[string]bool{
		"+881612345678": false, "+447700900199": true, "+447700900123": false, "+447700900299": false, "+449098790000": true,
	} {
		row, found := d.Of(e164.MustParse(number))
		if (found && !row.Allowed) != denied {
			t.Errorf("%s is denied: %v", number, !denied)
		}
	}
	if _, found := (*Destinations)(nil).Of(e164.MustParse("+881612345678")); found {
		t.Error("no destinations know one")
	}
}

func TestDestinationsThatAreNone(t *testing.T) {
	for name, text := range map[string]string{
		"no head": "881,satellite,deny\n", "letters": "prefix,kind,action\n88a,satellite,deny\n", "a field less": "prefix,kind,action\n881,deny\n",
		"another action": "prefix,kind,action\n881,satellite,maybe\n", "no kind": "prefix,kind,action\n881,,deny\n", "16 digits": "prefix,kind,action\n1234567890123456,x,deny\n",
		"a kind with digits": "prefix,kind,action\n881,+447700900123,deny\n", "a long line": "prefix,kind,action\n881,satellite,deny" + strings.Repeat(" ", 5000) + "\n",
	} {
		_, err := ReadDestinations(strings.NewReader(text))
		if !errors.Is(err, ErrDestinations) || strings.Contains(err.Error(), "881") || strings.Contains(err.Error(), "4477") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadDestinations(f *testing.F) {
	f.Add("prefix,kind,action\n881,satellite,deny\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := ReadDestinations(strings.NewReader(text))
		if err != nil && len(rows) > 0 {
			t.Error("a file with a fault gives rows")
		}
		NewDestinations(rows).Of(e164.MustParse("+8816123456"))
	})
}

func BenchmarkDestination(b *testing.B) {
	rows, _ := StandardDestinations()
	d, n := NewDestinations(rows), e164.MustParse("+447700900123")
	b.ReportAllocs()
	for b.Loop() {
		d.Of(n)
	}
}
