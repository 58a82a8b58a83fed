package routing

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/e164"
	"maskline/numberdb"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func num(s string) e164.Number {
	if s == "" {
		return 0
	}
	return e164.MustParse(s)
}

const (
	maskA, maskB, maskShop, maskVoice = "441110000001", "441110000002", "441110000003", "441110000004"
	maskLoop, maskFrance, maskNamed   = "441110000005", "441110000006", "441110000007"
	alice, bob, carol, fred           = "447700900001", "447700900002", "447700900003", "33612345678"
)

func bindings() []numberdb.Binding {
	both := numberdb.SMS | numberdb.Voice
	tel := func(s string) numberdb.Endpoint { return numberdb.Endpoint{Kind: numberdb.Tel, Number: num(s)} }
	return []numberdb.Binding{
		{Mask: num(maskA), Party: num(alice), To: tel(bob), Present: num(maskB), Services: both, Tenant: "shop"},
		{Mask: num(maskB), Party: num(bob), To: tel(alice), Present: num(maskA), Services: both, Expires: noon},
		{Mask: num(maskShop), To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"}, Present: num(maskShop), Services: numberdb.SMS, Tenant: "shop"},
		{Mask: num(maskVoice), Party: num(alice), To: tel(bob), Present: num(maskB), Services: numberdb.Voice, Tenant: "shop"},
		{Mask: num(maskLoop), Party: num(alice), To: tel(maskA), Present: num(maskB), Services: both},
		{Mask: num(maskFrance), Party: num(alice), To: tel(fred), Present: num(maskB), Services: both},
		{Mask: num(maskNamed), Party: num(alice), To: tel(bob), Present: num(maskB), Services: both, Carriers: []string{"cheap", "alfa"}},
	}
}

func newRouter(t testing.TB, change func(*Config)) *Router {
	t.Helper()
	both := numberdb.SMS | numberdb.Voice
	cfg := Config{
		Carriers: []CarrierConfig{
			{Name: "everything", Priority: 1, Services: both},
			{Name: "bravo", Priority: 20, Prefixes: []string{"44"}, Services: both, Cost: 2},
			{Name: "alfa", Priority: 10, Prefixes: []string{"44", "33"}, Services: both, Cost: 3},
			{Name: "mobile", Priority: 90, Prefixes: []string{"4477"}, Services: numberdb.SMS},
			{Name: "cheap", Priority: 50, Prefixes: []string{"49"}, Services: both, Cost: 1},
		},
		UnknownMask:  Answer{Code: 404},
		OutOfSession: Answer{Drop: true, Code: 480},
		EndedSession: Answer{Code: 404},
		Emergency:    EmergencyConfig{Numbers: map[string][]string{"default": {"112", "911"}, "GB": {"999", "112"}}, Trunk: "alfa"},
		Breaker:      BreakerConfig{Window: 30 * time.Second, Ratio: 0.5, Min: 4, HalfOpenAfter: 10 * time.Second},
	}
	if change != nil {
		change(&cfg)
	}
	table := numberdb.NewTable()
	for _, b := range bindings() {
		table.Apply([]numberdb.Change{{Binding: b}})
	}
	r, err := New(table, cfg, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Carriers() {
		c.SetUp(SMS, true)
		c.SetUp(Voice, true)
	}
	return r
}

func names(p *Plan) []string {
	var all []string
	for i := range p.Carriers() {
		all = append(all, p.Carrier(i).Name)
	}
	return all
}

func request(service numberdb.Services, origin Origin, from, dialled string) *Request {
	to, _ := e164.Parse(dialled)
	return &Request{Service: service, Origin: &origin, From: num(from), To: to, Dialled: []byte(dialled), Now: noon}
}

func TestDecide(t *testing.T) {
	carrier, shop, other := Origin{Carrier: "alfa"}, Origin{Tenant: "shop"}, Origin{Tenant: "other"}
	british := Origin{Tenant: "shop", Country: "GB"}
	type want struct {
		verdict     Verdict
		present, to string
		carriers    []string
		outbound    bool
	}
	uk := []string{"mobile", "alfa", "bravo", "everything"}
	ukVoice := []string{"alfa", "bravo", "everything"}
	cases := []struct {
		name          string
		service       numberdb.Services
		origin        Origin
		from, dialled string
		want          want
	}{
		{"party to mask", SMS, carrier, alice, maskA, want{Forward, maskB, bob, uk, false}},
		{"the same by voice", Voice, carrier, alice, maskA, want{Forward, maskB, bob, ukVoice, false}},
		{"longest prefix, then the rest", SMS, carrier, alice, maskFrance, want{Forward, maskB, fred, []string{"alfa", "everything"}, false}},
		{"the binding names its carriers", SMS, carrier, alice, maskNamed, want{Forward, maskB, bob, []string{"cheap", "alfa"}, false}},
		{"public mask to an account", SMS, carrier, carol, maskShop, want{Forward, maskShop, "", nil, false}},
		{"public mask, alphanumeric sender", SMS, carrier, "", maskShop, want{Forward, maskShop, "", nil, false}},
		{"public mask without voice", Voice, carrier, carol, maskShop, want{verdict: ServiceOff}},
		{"mask without sms", SMS, carrier, alice, maskVoice, want{verdict: ServiceOff}},
		{"stranger", SMS, carrier, carol, maskA, want{verdict: OutOfSession}},
		{"withheld", Voice, carrier, "", maskA, want{verdict: OutOfSession}},
		{"ended", SMS, carrier, bob, maskB, want{verdict: Ended}},
		{"no mask", SMS, carrier, alice, bob, want{verdict: UnknownMask}},
		{"short code", SMS, carrier, alice, "60123", want{verdict: UnknownMask}},
		{"destination is a mask", SMS, carrier, alice, maskLoop, want{verdict: Loop}},

		{"tenant to any mask, from any source", SMS, other, alice, maskA, want{Forward, maskB, bob, uk, false}},
		{"tenant from its mask to the bound party", SMS, shop, maskA, alice, want{Forward, maskA, alice, uk, true}},
		{"tenant from its public mask to anyone", SMS, shop, maskShop, carol, want{Forward, maskShop, carol, uk, true}},
		{"tenant from its mask to another party", SMS, shop, maskA, carol, want{verdict: OutOfSession}},
		{"tenant from a mask of another", SMS, other, maskA, alice, want{verdict: NotAllowed}},
		{"tenant from a mask of the operator", SMS, shop, maskFrance, alice, want{verdict: NotAllowed}},
		{"tenant from a real number to a real number", SMS, shop, bob, alice, want{verdict: UnknownMask}},
		{"tenant by a service the mask lacks", SMS, shop, maskVoice, alice, want{verdict: ServiceOff}},
		{"carrier from a mask to a party", SMS, carrier, maskA, alice, want{verdict: UnknownMask}},
		{"carrier from a mask to another's", SMS, carrier, maskA, maskB, want{verdict: OutOfSession}},
		{"carrier from a mask to a public mask", SMS, carrier, maskA, maskShop, want{verdict: Loop}},
		{"a call forwarded from a mask", Voice, carrier, maskA, alice, want{verdict: UnknownMask}},

		{"emergency call of a tenant", Voice, shop, maskA, "112", want{Forward, maskA, "", []string{"alfa"}, false}},
		{"emergency string of another country", Voice, british, maskA, "911", want{verdict: UnknownMask}},
		{"emergency string of this country", Voice, british, maskA, "999", want{Forward, maskA, "", []string{"alfa"}, false}},
		{"emergency service by its name", Voice, shop, maskA, "urn:service:sos.fire", want{Forward, maskA, "", []string{"alfa"}, false}},
		{"another service", Voice, shop, maskA, "urn:service:sostenuto", want{verdict: UnknownMask}},
		{"an emergency string with a plus is a number", Voice, shop, maskA, "+112", want{verdict: UnknownMask}},
		{"emergency text", SMS, shop, maskA, "112", want{verdict: EmergencyRefused}},
		{"emergency call from a carrier", Voice, carrier, alice, "112", want{verdict: EmergencyRefused}},
		{"longer than an emergency string", Voice, shop, maskA, "1120", want{verdict: UnknownMask}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRouter(t, nil)
			var plan Plan
			r.Decide(request(c.service, c.origin, c.from, c.dialled), &plan)
			if plan.Verdict != c.want.verdict {
				t.Fatalf("verdict %v, want %v", plan.Verdict, c.want.verdict)
			}
			if plan.Verdict != Forward {
				return
			}
			if plan.Present != num(c.want.present) || plan.To.Number != num(c.want.to) || plan.Outbound != c.want.outbound {
				t.Fatalf("plan %+v", plan)
			}
			if got := names(&plan); !slices.Equal(got, c.want.carriers) {
				t.Fatalf("carriers %v, want %v", got, c.want.carriers)
			}
		})
	}
}

func TestEmergencyIsNeverMasked(t *testing.T) {
	r := newRouter(t, nil)
	var plan Plan
	r.Decide(request(Voice, Origin{Tenant: "shop"}, maskA, "112"), &plan)
	if !plan.Emergency || plan.Present != num(maskA) {
		t.Fatal("the caller was changed, or the plan does not say that this is an emergency")
	}
	r.Carrier("alfa").SetUp(Voice, false)
	r.Decide(request(Voice, Origin{Tenant: "shop"}, maskA, "112"), &plan)
	if plan.Verdict != Forward || plan.Carriers() != 1 {
		t.Fatal("a doubtful state kept an emergency call from its trunk")
	}
	without := newRouter(t, func(c *Config) { c.Emergency.Trunk = "" })
	without.Decide(request(Voice, Origin{Tenant: "shop"}, maskA, "112"), &plan)
	if plan.Verdict != EmergencyRefused || plan.Carriers() != 0 {
		t.Fatal("an emergency call has a carrier although there is no emergency trunk")
	}
}

func TestAnswers(t *testing.T) {
	r := newRouter(t, nil)
	var plan Plan
	r.Decide(request(SMS, Origin{Carrier: "alfa"}, carol, maskA), &plan)
	if plan.Answer != (Answer{Drop: true, Code: 480}) {
		t.Fatalf("out of session answers %+v", plan.Answer)
	}
	r.Decide(request(SMS, Origin{Carrier: "alfa"}, carol, bob), &plan)
	if plan.Answer != (Answer{Code: 404}) {
		t.Fatalf("unknown mask answers %+v", plan.Answer)
	}
}

func TestUnfitCarriersLeaveThePlan(t *testing.T) {
	r := newRouter(t, nil)
	req := request(Voice, Origin{Carrier: "alfa"}, alice, maskA)
	r.Carrier("alfa").SetUp(Voice, false)
	for range 4 {
		r.Carrier("bravo").Report(Voice, false, noon)
	}
	var plan Plan
	r.Decide(req, &plan)
	if got := names(&plan); !slices.Equal(got, []string{"everything"}) {
		t.Fatalf("carriers %v", got)
	}
	judged := r.Explain(req).Carriers
	why := map[string]string{}
	for _, j := range judged {
		why[j.Carrier.Name] = fmt.Sprint(j.Place, " ", j.Fitness)
	}
	want := map[string]string{
		"everything": "1 fit", "alfa": "0 down", "bravo": "0 breaker open",
		"mobile": "0 no service", "cheap": "0 prefix not served",
	}
	for name, reason := range want {
		if why[name] != reason {
			t.Errorf("%s: %q, want %q", name, why[name], reason)
		}
	}
	r.Carrier("everything").SetUp(Voice, false)
	r.Decide(req, &plan)
	if plan.Verdict != NoCarrier || !plan.Verdict.Temporary() {
		t.Fatalf("verdict %v", plan.Verdict)
	}
	r.Decide(request(SMS, Origin{Carrier: "alfa"}, alice, maskA), &plan)
	if got := names(&plan); !slices.Equal(got, []string{"mobile", "alfa", "bravo", "everything"}) {
		t.Fatalf("trouble by voice changed the plan for sms: %v", got)
	}
}

func TestByCost(t *testing.T) {
	r := newRouter(t, func(c *Config) { c.Order = ByCost })
	var plan Plan
	r.Decide(request(Voice, Origin{Carrier: "alfa"}, alice, maskA), &plan)
	if got := names(&plan); !slices.Equal(got, []string{"bravo", "alfa", "everything"}) {
		t.Fatalf("carriers %v", got)
	}
}

func TestWeightsShare(t *testing.T) {
	r := newRouter(t, func(c *Config) {
		c.Emergency.Trunk = ""
		c.Carriers = []CarrierConfig{
			{Name: "one", Weight: 1, Services: SMS}, {Name: "three", Weight: 3, Services: SMS},
		}
	})
	first := map[string]int{}
	const draws = 20_000
	for seed := range draws {
		req := request(SMS, Origin{Carrier: "x"}, alice, maskA)
		req.Seed = uint64(seed)
		var plan, again Plan
		r.Decide(req, &plan)
		r.Decide(req, &again)
		if !slices.Equal(names(&plan), names(&again)) {
			t.Fatal("the same seed gave another order")
		}
		first[plan.Carrier(0).Name]++
	}
	if share := float64(first["three"]) / draws; share < 0.73 || share > 0.77 {
		t.Fatalf("share of the carrier with weight 3 of 4 is %.3f", share)
	}
}

func TestThePlanKeepsTheBest(t *testing.T) {
	r := newRouter(t, func(c *Config) {
		c.Emergency.Trunk = ""
		c.Carriers = nil
		for i := range 40 {
			c.Carriers = append(c.Carriers, CarrierConfig{Name: fmt.Sprint("c", i), Priority: (i * 7) % 40, Services: SMS})
		}
	})
	var plan Plan
	r.Decide(request(SMS, Origin{Carrier: "x"}, alice, maskA), &plan)
	if plan.Carriers() != MaxCandidates {
		t.Fatalf("%d candidates", plan.Carriers())
	}
	for i := range MaxCandidates {
		if plan.Carrier(i).Priority != i {
			t.Fatalf("place %d has priority %d", i, plan.Carrier(i).Priority)
		}
	}
}

func TestUnknownEmergencyTrunk(t *testing.T) {
	_, err := New(numberdb.NewTable(), Config{Emergency: EmergencyConfig{Trunk: "nobody"}}, prometheus.NewRegistry())
	if err == nil {
		t.Fatal("an emergency trunk that does not exist was accepted")
	}
}

// presenting lets carriers present any mask, or their own.
var presenting = []struct {
	name   string
	change func(*Config)
}{
	{"any mask", nil},
	{"own masks", func(c *Config) {
		c.Masks = directory{num(maskB): {Carrier: "alfa"}}
		for i := range c.Carriers {
			c.Carriers[i].Present = Presenting{Some: true, Own: true}
		}
	}},
}

func TestDecideAllocatesNothing(t *testing.T) {
	for _, c := range presenting {
		r := newRouter(t, c.change)
		req := request(SMS, Origin{Carrier: "alfa"}, alice, maskA)
		var plan Plan
		if n := testing.AllocsPerRun(1000, func() { r.Decide(req, &plan) }); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
		if plan.Verdict != Forward {
			t.Errorf("%s: %v", c.name, plan.Verdict)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, c := range presenting {
		b.Run(c.name, func(b *testing.B) {
			r := newRouter(b, c.change)
			req := request(SMS, Origin{Carrier: "alfa"}, alice, maskA)
			var plan Plan
			b.ReportAllocs()
			for b.Loop() {
				r.Decide(req, &plan)
			}
		})
	}
}
