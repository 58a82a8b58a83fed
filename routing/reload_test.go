package routing

import (
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestPreparedRulesTakeEffect(t *testing.T) {
	var cfg Config
	r := newRouter(t, ruled(func(c *Config) {
		c.Rules = []RuleConfig{{Name: "old", Text: []string{"old"}}}
		cfg = *c
	}))
	carrier := Origin{Carrier: "alfa"}
	before := r.Carriers()
	r.Delivered(&Plan{}, -1, 42, noon)
	echoes := r.state.Load().echoes
	cfg.Rules = []RuleConfig{{Name: "new", Text: []string{"new"}, Drop: true}}
	cfg.OptOut.Stop = map[string][]string{"default": {"BASTA"}}
	apply, err := r.Prepare(cfg)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string, want map[string]Verdict) {
		t.Helper()
		for text, v := range want {
			if got := r.Explain(message(carrier, alice, maskA, text)).Plan.Verdict; got != v {
				t.Errorf("%s: %q: %v, want %v", when, text, got, v)
			}
		}
	}
	check("prepared only", map[string]Verdict{"old": RuleRefused, "new": Forward, "STOP": OptOut, "BASTA": Forward})
	apply()
	check("applied", map[string]Verdict{"old": Forward, "new": RuleRefused, "STOP": Forward, "BASTA": OptOut})
	if before[0] != r.Carriers()[0] || r.state.Load().echoes != echoes {
		t.Error("carriers or what was delivered began anew")
	}
	cfg.Rules = []RuleConfig{{Name: "bad", Text: []string{"/(/"}}}
	if _, err := r.Prepare(cfg); err == nil {
		t.Error("a pattern that cannot be read was taken")
	}
	check("refused", map[string]Verdict{"new": RuleRefused})
}

// What a rule of the same name has counted goes on.
func TestPreparedRulesKeepTheirCounts(t *testing.T) {
	var cfg Config
	r := newRouter(t, ruled(func(c *Config) {
		c.Rules = []RuleConfig{{Name: "prizes", Text: []string{"won"}}}
		cfg = *c
	}))
	for range 2 {
		decide(r, message(Origin{Carrier: "alfa"}, alice, maskA, "you won"))
		apply, err := r.Prepare(cfg)
		if err != nil {
			t.Fatal(err)
		}
		apply()
	}
	reg := prometheus.NewRegistry()
	if err := reg.Register(r.ruled); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, m := range families[0].GetMetric() {
		sum += m.GetCounter().GetValue()
	}
	if sum != 2 {
		t.Errorf("%v counted", sum)
	}
}

// A request meets the old rules or the new ones, whole.
func TestRulesChangeUnderTraffic(t *testing.T) {
	var cfg Config
	r := newRouter(t, ruled(func(c *Config) { cfg = *c }))
	one, two := cfg, cfg
	one.Rules = []RuleConfig{{Name: "a", Status: 1, Text: []string{"won"}}, {Name: "b", Status: 1, Senders: []string{"4"}}}
	two.Rules = []RuleConfig{{Name: "b", Status: 2, Senders: []string{"4"}}}
	apply, err := r.Prepare(one)
	if err != nil {
		t.Fatal(err)
	}
	apply()
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			req := message(Origin{Carrier: "alfa"}, alice, maskA, "you won")
			for range 5000 {
				if plan := decide(r, req); plan.Verdict != RuleRefused || plan.Answer.Status == 0 {
					t.Errorf("%v with %+v", plan.Verdict, plan.Answer)
					return
				}
			}
		})
	}
	for i := range 200 {
		next := one
		if i%2 == 0 {
			next = two
		}
		apply, err := r.Prepare(next)
		if err != nil {
			t.Fatal(err)
		}
		apply()
	}
	readers.Wait()
}

func TestPreparedCarriersTakeEffect(t *testing.T) {
	var cfg Config
	r := newRouter(t, func(c *Config) { cfg = *c })
	before := map[string]*Carrier{}
	for _, c := range r.Carriers() {
		before[c.Name] = c
		c.SetUp(Voice, true)
	}
	kept, changed := cfg.Carriers[0], cfg.Carriers[1]
	changed.Priority += 100
	cfg.Carriers = append([]CarrierConfig{changed, {Name: "new", Services: Voice}, kept}, cfg.Carriers[2:]...)
	apply, err := r.Prepare(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.Carrier("new") != nil {
		t.Error("in effect before it was applied")
	}
	apply()
	if got := r.Carrier(kept.Name); got != before[kept.Name] {
		t.Error("a carrier that did not change is another one")
	}
	c := r.Carrier(changed.Name)
	if c == before[changed.Name] || c.Priority != changed.Priority || !c.Up(Voice) {
		t.Errorf("%+v", c)
	}
	before[changed.Name].Report(Voice, false, noon) // of a call that began before
	if c.voice.breaker != before[changed.Name].voice.breaker {
		t.Error("its breaker is another one")
	}
	if n := r.Carrier("new"); n == nil || n.Up(Voice) {
		t.Errorf("%+v", n)
	}
	cfg.Carriers = nil
	if _, err := r.Prepare(cfg); err == nil {
		t.Error("the emergency trunk may go")
	}
}
