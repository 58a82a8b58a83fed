package routing

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

func newRegistry() *prometheus.Registry { return prometheus.NewRegistry() }

func TestConfiguredRules(t *testing.T) {
	carrier, shop := Origin{Carrier: "alfa"}, Origin{Tenant: "shop"}
	named := func(name string) *Request {
		req := message(carrier, "", maskShop, "hello")
		req.Sender, req.Named = []byte(name), true
		return req
	}
	short := func(code string) *Request {
		req := message(carrier, "", maskShop, "hello")
		req.Sender = []byte(code)
		return req
	}
	noText := message(carrier, alice, maskA, "")
	noText.Text = nil
	cases := []struct {
		name string
		rule RuleConfig
		req  *Request
		met  bool
	}{
		{"tenant", RuleConfig{Tenant: "shop"}, message(carrier, alice, maskA, ""), true},
		{"another tenant", RuleConfig{Tenant: "other"}, message(carrier, alice, maskA, ""), false},
		{"inbound", RuleConfig{Direction: Inbound}, message(carrier, alice, maskA, ""), true},
		{"inbound, but outbound", RuleConfig{Direction: Inbound}, message(shop, maskShop, carol, ""), false},
		{"outbound", RuleConfig{Direction: Outbound}, message(shop, maskShop, carol, ""), true},
		{"outbound, but inbound", RuleConfig{Direction: Outbound}, message(carrier, alice, maskA, ""), false},
		{"prefix", RuleConfig{Senders: []string{"33", "4477"}}, message(carrier, alice, maskA, ""), true},
		{"another prefix", RuleConfig{Senders: []string{"33"}}, message(carrier, alice, maskA, ""), false},
		{"alphanumeric", RuleConfig{Senders: []string{SenderAlphanumeric}}, named("ACME"), true},
		{"alphanumeric of digits", RuleConfig{Senders: []string{SenderAlphanumeric}}, named("12345"), true},
		{"alphanumeric, but a number", RuleConfig{Senders: []string{SenderAlphanumeric}}, message(carrier, alice, maskA, ""), false},
		{"a name is no prefix", RuleConfig{Senders: []string{"12"}}, named("12345"), false},
		{"short code", RuleConfig{Senders: []string{SenderShortCode}}, short("60123"), true},
		{"short code by prefix", RuleConfig{Senders: []string{"60"}}, short("60123"), true},
		{"withheld", RuleConfig{Senders: []string{SenderWithheld}}, short(""), true},
		{"withheld, but a short code", RuleConfig{Senders: []string{SenderWithheld}}, short("60123"), false},
		{"a word", RuleConfig{Text: []string{"prize"}}, message(carrier, alice, maskA, "Your PRIZE!"), true},
		{"part of a word", RuleConfig{Text: []string{"prize"}}, message(carrier, alice, maskA, "prizes"), false},
		{"a word next to letters of another alphabet", RuleConfig{Text: []string{"prize"}}, message(carrier, alice, maskA, "éprize"), false},
		{"a phrase", RuleConfig{Text: []string{"you won", "you lost"}}, message(carrier, alice, maskA, "You lost."), true},
		{"a word with signs", RuleConfig{Text: []string{"a+b"}}, message(carrier, alice, maskA, "a+b"), true},
		{"a pattern", RuleConfig{Text: []string{`/(?i)https?:\/\/bit\./`}}, message(carrier, alice, maskA, "see HTTP://bit.ly/x"), true},
		{"a pattern with capitals", RuleConfig{Text: []string{`/http/`}}, message(carrier, alice, maskA, "HTTP"), false},
		{"a text, but none is there", RuleConfig{Text: []string{"/^$/"}}, noText, false},
		{"all conditions", RuleConfig{Tenant: "shop", Direction: Inbound, Senders: []string{"44"}, Text: []string{"x"}}, message(carrier, alice, maskA, "x"), true},
		{"all but one", RuleConfig{Tenant: "shop", Direction: Inbound, Senders: []string{"33"}, Text: []string{"x"}}, message(carrier, alice, maskA, "x"), false},
		{"a call", RuleConfig{Senders: []string{"44"}}, request(Voice, carrier, alice, maskA), true},
		{"a call has no text", RuleConfig{Text: []string{"x"}}, request(Voice, carrier, alice, maskA), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.rule.Name, c.rule.Status = "it", 0x66
			plan := decide(newRouter(t, func(cfg *Config) { cfg.Rules = []RuleConfig{c.rule} }), c.req)
			if met := plan.Verdict == RuleRefused; met != c.met {
				t.Fatalf("verdict %v", plan.Verdict)
			}
			if c.met && plan.Answer != (Answer{Status: 0x66}) {
				t.Fatalf("answer %+v", plan.Answer)
			}
		})
	}
}

func TestTheFirstRuleThatIsMetDecides(t *testing.T) {
	decoded := 0
	r := newRouter(t, func(c *Config) {
		c.Rules = []RuleConfig{
			{Name: "long", Text: []string{"/x{10}/"}, Status: 0x401},
			{Name: "drop", Senders: []string{"44"}, Text: []string{"/^x/"}, Drop: true},
			{Name: "never", Senders: []string{"44"}, Status: 0x403},
		}
	})
	req := message(Origin{Carrier: "alfa"}, alice, maskA, "")
	req.Text = said{strings.Repeat("x", 9), &decoded}
	plan := decide(r, req)
	if plan.Verdict != RuleRefused || !plan.Answer.Drop || decoded != 1 {
		t.Fatalf("%v, %+v, decoded %d times", plan.Verdict, plan.Answer, decoded)
	}
}

func TestAPatternThatDoesNotCompile(t *testing.T) {
	for _, text := range []string{"/(/", ""} {
		_, err := New(nil, Config{Rules: []RuleConfig{{Name: "bad", Text: []string{text}}}}, newRegistry())
		if err == nil || !strings.Contains(err.Error(), `"bad"`) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzHoldsWord compares with the same question, place by place.
func FuzzHoldsWord(f *testing.F) {
	for _, seed := range [][2]string{{"YOUR PRIZE!", "PRIZE"}, {"AAAA A", "A"}, {"ÉA A", "A"}, {"A\xffB", "B"}, {"٣A", "A"}, {"AA AB", "A"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, word string) {
		if word == "" || !utf8.ValidString(text) || !utf8.ValidString(word) || len(text) > 200 {
			return
		}
		want := false
		for i := range text {
			rest, found := strings.CutPrefix(text[i:], word)
			before := []rune("." + text[:i])
			after := []rune(rest + ".")
			want = want || found && !touches(before[len(before)-1]) && !touches(after[0])
		}
		if got := holdsWord([]byte(text), []byte(word)); got != want {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}
