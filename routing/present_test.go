package routing

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// oneBinding is a table with one binding.
type oneBinding struct{ numberdb.Binding }

func (t *oneBinding) Lookup(mask, party e164.Number, _ time.Time) (numberdb.Binding, numberdb.Status) {
	if mask == t.Mask && party == t.Party {
		return t.Binding, numberdb.Exact
	}
	return numberdb.Binding{}, numberdb.UnknownMask
}

func (t *oneBinding) IsMask(n e164.Number) bool { return n == t.Mask }

// directory knows masks.
type directory map[e164.Number]*numberdb.Mask

func (d directory) Mask(n e164.Number) (*numberdb.Mask, bool) { return d[n], d[n] != nil }

// nosy counts how often it is asked.
type nosy struct {
	directory
	asked int
}

func (n *nosy) Mask(number e164.Number) (*numberdb.Mask, bool) {
	n.asked++
	return n.directory.Mask(number)
}

// Nobody asks about masks where every carrier presents any, or a reload says so.
func TestMasksAreLookedUpWhereItMatters(t *testing.T) {
	masks := &nosy{}
	cfg := Config{Masks: masks, Carriers: []CarrierConfig{{Name: "alfa", Services: SMS}, {Name: "bravo", Services: SMS}}}
	r, err := New(&oneBinding{numberdb.Binding{
		Mask: num(maskA), Party: num(alice), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: num(bob)}, Present: num(maskB), Services: SMS,
	}}, cfg, newRegistry())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		choosy bool
		asked  int
	}{{false, 0}, {true, 1}, {false, 1}} {
		cfg.Carriers[1].Present.Some = c.choosy
		apply, err := r.Prepare(cfg)
		if err != nil {
			t.Fatal(err)
		}
		apply()
		r.Carrier("alfa").SetUp(SMS, true)
		if plan := decide(r, request(SMS, Origin{Carrier: "alfa"}, alice, maskA)); plan.Verdict != Forward || masks.asked != c.asked {
			t.Errorf("choosy %v: %v, asked %d times", c.choosy, plan.Verdict, masks.asked)
		}
	}
}

// The binding presents maskB, hosted by bravo, and after it maskShop, hosted by
// alfa, which charlie may present too.
func TestWhoMayPresentWhich(t *testing.T) {
	binding := numberdb.Binding{
		Mask: num(maskA), Party: num(alice), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: num(bob)},
		Present: num(maskB), Second: num(maskShop), Services: SMS | Voice, Tenant: "shop",
	}
	hosted := directory{
		num(maskB):    {Carrier: "bravo", Pool: "london"},
		num(maskShop): {Carrier: "alfa", Presents: []string{"charlie"}, Pool: "paris"},
	}
	own := Presenting{Some: true, Own: true}
	cases := []struct {
		name   string
		change func(cfg *Config, b *numberdb.Binding)
		down   string
		want   string
	}{
		{"everybody any", nil, "", "alfa:first bravo:first charlie:first"},
		{"everybody its own", func(cfg *Config, _ *numberdb.Binding) {
			cfg.Carriers[0].Present, cfg.Carriers[1].Present, cfg.Carriers[2].Present = own, own, own
		}, "", "bravo:first alfa:second charlie:second"},
		{"the host is down", func(cfg *Config, _ *numberdb.Binding) {
			cfg.Carriers[0].Present, cfg.Carriers[1].Present, cfg.Carriers[2].Present = own, own, own
		}, "bravo", "alfa:second charlie:second"},
		{"without a second mask", func(cfg *Config, b *numberdb.Binding) {
			cfg.Carriers[0].Present, cfg.Carriers[1].Present, cfg.Carriers[2].Present = own, own, own
			b.Second = 0
		}, "", "bravo:first"},
		{"one takes any", func(cfg *Config, _ *numberdb.Binding) {
			cfg.Carriers[0].Present, cfg.Carriers[2].Present = own, own
			cfg.Carriers[1].Priority = 99
		}, "", "bravo:first alfa:second charlie:second"},
		{"pools", func(cfg *Config, _ *numberdb.Binding) {
			cfg.Carriers[0].Present = Presenting{Some: true, Pools: []string{"rome", "london"}}
			cfg.Carriers[1].Present = Presenting{Some: true, Pools: []string{"paris"}}
			cfg.Carriers[2].Present = Presenting{Some: true, Pools: []string{"rome"}}
		}, "", "alfa:first bravo:second"},
		{"the binding's own order, then the second mask", func(cfg *Config, b *numberdb.Binding) {
			cfg.Carriers[0].Present, cfg.Carriers[1].Present, cfg.Carriers[2].Present = own, own, own
			b.Carriers = []string{"charlie", "alfa", "bravo"}
		}, "", "bravo:first charlie:second alfa:second"},
		{"masks that nobody knows", func(cfg *Config, _ *numberdb.Binding) {
			cfg.Carriers[0].Present = own
			cfg.Masks = nil
		}, "", "bravo:first charlie:first"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := binding
			cfg := Config{Masks: hosted}
			for i, name := range []string{"alfa", "bravo", "charlie"} {
				cfg.Carriers = append(cfg.Carriers, CarrierConfig{Name: name, Priority: i, Services: SMS | Voice})
			}
			if c.change != nil {
				c.change(&cfg, &b)
			}
			r, err := New(&oneBinding{b}, cfg, newRegistry())
			if err != nil {
				t.Fatal(err)
			}
			for _, carrier := range r.Carriers() {
				carrier.SetUp(SMS, carrier.Name != c.down)
			}
			x := r.Explain(request(SMS, Origin{Carrier: "alfa"}, alice, maskA))
			if got := presented(&x.Plan); got != c.want {
				t.Fatalf("%q, want %q", got, c.want)
			}
			for _, j := range x.Carriers[x.Plan.Carriers():] {
				if j.Fitness != NotPresented && j.Carrier.Name != c.down {
					t.Errorf("%s is left out: %v", j.Carrier.Name, j.Fitness)
				}
			}
		})
	}
}

func presented(p *Plan) string {
	var all []string
	for i := range p.Carriers() {
		which := map[e164.Number]string{num(maskB): "first", num(maskShop): "second"}[p.Presented(i)]
		all = append(all, fmt.Sprint(p.Carrier(i).Name, ":", which))
	}
	return strings.Join(all, " ")
}

// A tenant that writes from its mask is seen with this mask or not at all.
func TestOutboundHasNoSecondMask(t *testing.T) {
	table := &oneBinding{numberdb.Binding{
		Mask: num(maskA), Party: num(alice), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: num(bob)},
		Present: num(maskB), Second: num(maskShop), Services: SMS, Tenant: "shop",
	}}
	r, err := New(table, Config{
		Carriers: []CarrierConfig{{Name: "alfa", Services: SMS, Present: Presenting{Some: true, Own: true}}},
		Masks:    directory{num(maskShop): {Carrier: "alfa"}},
	}, newRegistry())
	if err != nil {
		t.Fatal(err)
	}
	r.Carrier("alfa").SetUp(SMS, true)
	if plan := decide(r, request(SMS, Origin{Tenant: "shop"}, maskA, alice)); plan.Verdict != NoCarrier {
		t.Fatalf("%v", plan.Verdict)
	}
}
