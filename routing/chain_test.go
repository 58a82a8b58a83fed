package routing

import (
	"fmt"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
	"maskline/numberdb"
)

// said is a text, and how often it was decoded.
type said struct {
	text    string
	decoded *int
}

func (s said) Octets() int { return len(s.text) }

func (s said) AppendText(dst []byte, _ int) []byte {
	if s.decoded != nil {
		*s.decoded++
	}
	return append(dst, s.text...)
}

func message(origin Origin, from, dialled, text string) *Request {
	req := request(SMS, origin, from, dialled)
	req.Text, req.Sender = said{text: text}, []byte(from)
	return req
}

func ruled(change func(*Config)) func(*Config) {
	return func(c *Config) {
		restrictions, err := numberdb.NewRestrictions(nil, zap.NewNop(), prometheus.NewRegistry())
		if err != nil {
			panic(err)
		}
		c.Restrictions = restrictions
		c.OptOut = OptOutConfig{
			Enabled: true, Start: []string{"START"},
			Stop: map[string][]string{"default": {"STOP", "Opt-Out"}, "33": {"arrêt"}},
		}
		if change != nil {
			change(c)
		}
	}
}

func decide(r *Router, req *Request) *Plan {
	var plan Plan
	r.Decide(req, &plan)
	return &plan
}

func rulesOf(x Explanation) (names []string) {
	for _, s := range x.Rules {
		names = append(names, s.Rule)
	}
	return names
}

func TestTheChainIsVisible(t *testing.T) {
	r := newRouter(t, ruled(func(c *Config) {
		c.Rules = []RuleConfig{{Name: "names", Senders: []string{SenderAlphanumeric}}, {Name: "prizes", Text: []string{"prize"}}}
	}))
	x := r.Explain(message(Origin{Carrier: "alfa"}, alice, maskA, "a prize"))
	want := []string{
		"emergency", "opt_out_words", "binding", "loop", "block", "opt_out", "rule:names", "rule:prizes", "carriers",
	}
	if got := rulesOf(x); !slices.Equal(got, want) {
		t.Fatalf("rules %v", got)
	}
	for i, s := range x.Rules {
		says := "passes"
		if i == 7 {
			says = "refuses: rule"
		} else if i > 7 {
			says = "not asked"
		}
		if s.What != says {
			t.Errorf("%s said %q, want %q", s.Rule, s.What, says)
		}
	}
	bare := newRouter(t, nil).Explain(message(Origin{Carrier: "alfa"}, alice, maskA, "STOP"))
	if got := rulesOf(bare); !slices.Equal(got, []string{"emergency", "binding", "loop", "carriers"}) || bare.Plan.Verdict != Forward {
		t.Fatalf("without restrictions: %v, %v", got, bare.Plan.Verdict)
	}
}

func TestRulesAreCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	cfg := Config{OutOfSession: Answer{Drop: true}, Emergency: EmergencyConfig{Numbers: map[string][]string{"default": {"112"}}}}
	ruled(nil)(&cfg)
	table := numberdb.NewTable()
	for _, b := range bindings() {
		table.Apply([]numberdb.Change{{Binding: b}})
	}
	r, err := New(table, cfg, reg)
	if err != nil {
		t.Fatal(err)
	}
	carrier := Origin{Carrier: "alfa"}
	decide(r, message(carrier, alice, "112", ""))
	decide(r, message(carrier, maskA, maskShop, ""))
	decide(r, message(carrier, carol, maskA, ""))
	decide(r, message(carrier, carol, maskShop, ""))
	decide(r, message(carrier, alice, maskA, "stop"))
	decide(r, message(carrier, alice, maskA, "start"))
	decide(r, message(carrier, alice, maskA, "hello"))
	r.Explain(message(carrier, alice, maskA, "stop"))
	rules := map[[2]string]float64{
		{"emergency", "refuse"}: 1, {"loop", "refuse"}: 1, {"binding", "drop"}: 1,
		{"opt_out_words", "opt_out"}: 1, {"opt_out_words", "opt_in"}: 1, {"carriers", "refuse"}: 1,
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "maskline_routing_rules_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			key := [2]string{m.GetLabel()[1].GetValue(), m.GetLabel()[0].GetValue()} // in the order of their names
			if got := m.GetCounter().GetValue(); got != rules[key] {
				t.Errorf("%v counted %v times, want %v", key, got, rules[key])
			}
			delete(rules, key)
		}
	}
	if len(rules) != 0 {
		t.Errorf("not there: %v", rules)
	}
}

func TestBlocksStopBothWays(t *testing.T) {
	carrier, shop := Origin{Carrier: "alfa"}, Origin{Tenant: "shop"}
	type block struct{ tenant, mask, party string }
	cases := []struct {
		name    string
		block   block
		origin  Origin
		from    string
		dialled string
		want    Verdict
	}{
		{"the sender", block{"", "", alice}, carrier, alice, maskA, Blocked},
		{"the receiver", block{"", "", bob}, carrier, alice, maskA, Blocked},
		{"the dialled mask", block{"", maskA, ""}, carrier, alice, maskA, Blocked},
		{"the presented mask", block{"", maskB, ""}, carrier, alice, maskA, Blocked},
		{"the receiver at the presented mask", block{"shop", maskB, bob}, carrier, alice, maskA, Blocked},
		{"the receiver at another mask", block{"shop", maskA, bob}, carrier, alice, maskA, Forward},
		{"another tenant's", block{"other", "", alice}, carrier, alice, maskA, Forward},
		{"outbound to the party", block{"shop", "", carol}, shop, maskShop, carol, Blocked},
		{"outbound from the mask", block{"", maskShop, ""}, shop, maskShop, carol, Blocked},
		{"a public mask to an account", block{"", "", carol}, carrier, carol, maskShop, Blocked},
		{"an emergency string", block{"", "", alice}, carrier, alice, "112", EmergencyRefused},
	}
	for _, c := range cases {
		for _, service := range []numberdb.Services{SMS, Voice} {
			if service == Voice && (c.from == maskShop || c.dialled == maskShop) {
				continue // it carries no calls
			}
			t.Run(fmt.Sprint(c.name, ", ", service), func(t *testing.T) {
				r := newRouter(t, ruled(nil))
				r.state.Load().restrictions.Note(numberdb.RestrictionChange{Restriction: numberdb.Restriction{
					Kind: numberdb.Block, Tenant: c.block.tenant, Mask: num(c.block.mask), Party: num(c.block.party),
				}})
				if got := decide(r, request(service, c.origin, c.from, c.dialled)).Verdict; got != c.want {
					t.Fatalf("verdict %v, want %v", got, c.want)
				}
			})
		}
	}
}

func TestABlockedPartyMayOptOut(t *testing.T) {
	r := newRouter(t, ruled(nil))
	restrictions := r.state.Load().restrictions
	restrictions.Note(numberdb.RestrictionChange{Restriction: numberdb.Restriction{Kind: numberdb.Block, Party: num(alice)}})
	if got := decide(r, message(Origin{Carrier: "alfa"}, alice, maskA, "STOP")).Verdict; got != OptOut {
		t.Fatalf("verdict %v", got)
	}
	if !restrictions.OptedOut("shop", num(alice), Endpoint{}) {
		t.Error("it was not kept")
	}
}

func TestDecideWithRulesAllocatesNothing(t *testing.T) {
	r := newRouter(t, ruled(func(c *Config) {
		c.Loop = LoopConfig{Repeats: 5, Within: 1e9}
		c.Rules = []RuleConfig{{Name: "prizes", Senders: []string{"44", SenderShortCode}, Text: []string{"prize", "/h(tt)+p/"}}}
	}))
	r.state.Load().restrictions.Note(numberdb.RestrictionChange{Restriction: numberdb.Restriction{Kind: numberdb.Block, Party: num(carol)}})
	var plan Plan
	for _, text := range []string{"hello", "a longer text than any word that ends messages, as most are"} {
		req := message(Origin{Carrier: "alfa"}, alice, maskA, text)
		if n := testing.AllocsPerRun(1000, func() { r.Decide(req, &plan) }); n != 0 {
			t.Errorf("%v allocations for %d octets", n, len(text))
		}
		if plan.Verdict != Forward {
			t.Errorf("verdict %v", plan.Verdict)
		}
	}
}

func BenchmarkDecideWithRules(b *testing.B) {
	long := "Hello, I am at the corner of the street with the two lamps; where are you, and shall I wait here or come over?"
	for _, c := range []struct {
		name   string
		text   string
		change func(*Config)
	}{
		{"opt-out words", long, nil},
		{"opt-out words, short text", "ok", nil},
		{"text rule", long, func(c *Config) { c.Rules = []RuleConfig{{Name: "prizes", Text: []string{"prize"}}} }},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := newRouter(b, ruled(c.change))
			restrictions := r.state.Load().restrictions
			for i := range 1000 {
				restrictions.Note(numberdb.RestrictionChange{Restriction: numberdb.Restriction{Kind: numberdb.Block, Party: num(carol) + e164.Number(i)}})
			}
			req := message(Origin{Carrier: "alfa"}, alice, maskA, c.text)
			var plan Plan
			b.ReportAllocs()
			for b.Loop() {
				r.Decide(req, &plan)
			}
			if plan.Verdict != Forward {
				b.Fatal(plan.Verdict)
			}
		})
	}
}
