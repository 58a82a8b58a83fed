package routing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/routing/prefix"
)

// rates makes a table of rows "carrier prefix cost quality"; a quality of - is
// none.
func rates(t testing.TB, rows ...string) *prefix.Table {
	t.Helper()
	table := &prefix.Table{}
	for _, text := range rows {
		var carrier, digits, quality string
		var cost uint64
		if _, err := fmt.Sscan(text, &carrier, &digits, &cost, &quality); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(table.Carriers, carrier) {
			table.Carriers = append(table.Carriers, carrier)
		}
		p, err := prefix.Parse(digits)
		if err != nil {
			t.Fatal(err)
		}
		row := prefix.Row{Prefix: p, Offer: prefix.Offer{
			Carrier: uint16(slices.Index(table.Carriers, carrier)), Cost: cost * prefix.Unit, Services: SMS | Voice, Quality: prefix.NoQuality,
		}}
		if quality != "-" {
			if _, err := fmt.Sscan(quality, &row.Quality); err != nil {
				t.Fatal(err)
			}
		}
		table.Rows = append(table.Rows, row)
	}
	prefix.Sort(table.Rows)
	return table
}

// Calls of alice reach bob, 447700900002, through everything (1), bravo (20, 44,
// cost 2) and alfa (10, 44, cost 3); cheap (50) serves 49 for 1.
func TestImportedPrefixes(t *testing.T) {
	cases := []struct {
		name       string
		rows       []string
		byCost     bool
		minQuality int
		want       string
	}{
		{"none", nil, false, 0, "alfa bravo everything"},
		{"a longer prefix goes first", []string{"cheap 4477 9 -"}, false, 0, "cheap alfa bravo everything"},
		{"by priority, cost says nothing", []string{"cheap 44 0 100"}, false, 0, "alfa bravo cheap everything"},
		{"by cost", []string{"cheap 44 1 -"}, true, 0, "cheap bravo alfa everything"},
		{"an imported row beats the configuration's cost", []string{"bravo 44 5 -"}, true, 0, "alfa bravo everything"},
		{"and is one more where it is longer", []string{"bravo 447 5 -"}, true, 0, "bravo alfa everything"},
		{"a carrier of every destination keeps to its rows", []string{"everything 33 5 -"}, true, 0, "bravo alfa"},
		{"unless one of them says so", []string{"everything 33 5 -", "everything * 7 -"}, true, 0, "bravo alfa everything"},
		{"quality breaks ties of cost", []string{"bravo 44 3 60", "cheap 44 3 90"}, true, 0, "cheap bravo alfa everything"},
		{"quality is less than cost", []string{"bravo 44 3 60", "cheap 44 4 90"}, true, 0, "bravo alfa cheap everything"},
		{"too low a quality", []string{"bravo 44 1 60", "alfa 44 1 61"}, true, 61, "alfa everything"},
		{"a shorter prefix does not help it", []string{"bravo 447 1 60", "bravo 44 1 90"}, true, 61, "alfa everything"},
		{"a carrier that is not configured", []string{"nobody 44 0 -"}, true, 0, "bravo alfa everything"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRouter(t, func(cfg *Config) {
				cfg.Prefixes, cfg.MinQuality = rates(t, c.rows...), c.minQuality
				if c.byCost {
					cfg.Order = ByCost
				}
			})
			plan := decide(r, request(Voice, Origin{Carrier: "alfa"}, alice, maskA))
			if got := strings.Join(names(plan), " "); got != c.want {
				t.Fatalf("carriers %q, want %q", got, c.want)
			}
		})
	}
}

func TestAPriceThatHoldsFromAnInstantOn(t *testing.T) {
	table := rates(t, "bravo 44 1 -", "bravo 44 9 -")
	table.Rows[0].Cost, table.Rows[0].From = 9*prefix.Unit, uint32(noon.Unix())
	table.Rows[1].Cost = 1 * prefix.Unit
	r := newRouter(t, func(cfg *Config) { cfg.Prefixes, cfg.Order = table, ByCost })
	for at, want := range map[time.Duration]string{-time.Second: "bravo", 0: "alfa"} {
		req := request(Voice, Origin{Carrier: "alfa"}, alice, maskA)
		req.Now = noon.Add(at)
		if first := decide(r, req).Carrier(0).Name; first != want {
			t.Errorf("%v after noon: %s, want %s", at, first, want)
		}
	}
}

func TestPreparedPrefixesTakeEffect(t *testing.T) {
	var cfg Config
	r := newRouter(t, func(c *Config) { cfg = *c })
	cfg.Prefixes = rates(t, "cheap 4477 9 -")
	apply, err := r.Prepare(cfg)
	if err != nil {
		t.Fatal(err)
	}
	req := request(Voice, Origin{Carrier: "alfa"}, alice, maskA)
	if first := decide(r, req).Carrier(0).Name; first != "alfa" {
		t.Errorf("prepared only: %s", first)
	}
	apply()
	if first := decide(r, req).Carrier(0).Name; first != "cheap" {
		t.Errorf("applied: %s", first)
	}
}

func TestTheExplanationTellsTheOffers(t *testing.T) {
	r := newRouter(t, func(cfg *Config) {
		cfg.Prefixes, cfg.MinQuality = rates(t, "bravo 4477 4 80", "alfa 447 1 20"), 50
	})
	got := map[string]string{}
	for _, j := range r.Explain(request(Voice, Origin{Carrier: "alfa"}, alice, maskA)).Carriers {
		got[j.Carrier.Name] = fmt.Sprint(j.Place, " ", j.Fitness, " ", j.HasOffer, " ", j.Offer.Length, " ", j.Offer.Cost/prefix.Unit, " ", j.Offer.Quality)
	}
	for name, want := range map[string]string{
		"bravo": "1 fit true 4 4 80", "everything": "2 fit true 0 0 255", "alfa": "0 quality too low true 3 1 20",
		"cheap": "0 prefix not served false 0 0 0", "mobile": "0 no service true 4 0 255",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	named := r.Explain(request(Voice, Origin{Carrier: "alfa"}, alice, maskNamed)).Carriers
	if named[0].Carrier.Name != "cheap" || named[0].HasOffer {
		t.Errorf("a carrier that the binding names: %+v", named[0])
	}
}

func TestTooManyCarriers(t *testing.T) {
	if _, err := New(nil, Config{Carriers: make([]CarrierConfig, prefix.MaxCarriers+1)}, newRegistry()); err == nil {
		t.Fatal("taken")
	}
}
