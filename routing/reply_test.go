package routing

import (
	"testing"

	"maskline/numberdb"
)

type repliesHeard []Reply

func (r *repliesHeard) Reply(one Reply) { *r = append(*r, one) }

// replying is a router that answers words; those of France have texts of their own.
func replying(t *testing.T, heard *repliesHeard) *Router {
	t.Helper()
	table := numberdb.NewTable()
	tel := numberdb.Endpoint{Kind: numberdb.Tel, Number: num(bob)}
	for _, b := range []numberdb.Binding{
		{Mask: num(maskA), Party: num(alice), To: tel, Present: num(maskB), Services: SMS, Tenant: "shop"},
		{Mask: num(maskA), Party: num(fred), To: tel, Present: num(maskB), Services: SMS, Tenant: "shop"},
		{Mask: num(maskB), Party: num(alice), To: tel, Present: num(maskA), Services: SMS, Tenant: "quiet"},
		{Mask: num("18005550100"), Party: num(alice), To: tel, Present: num(maskA), Services: SMS, Tenant: "shop"},
	} {
		table.Apply([]numberdb.Change{{Binding: b}})
	}
	cfg := Config{Carriers: []CarrierConfig{{Name: "bravo", Services: SMS}, {Name: "alfa", Priority: 9, Services: SMS}}, Replier: heard}
	ruled(nil)(&cfg)
	words := cfg.OptOut
	words.Help = []string{"HELP"}
	words.Replies = []OptOutReply{{Stop: "Bye", Start: "Hello", Help: "Shop"}, {Code: "33", Stop: "Adieu"}}
	cfg.TenantOptOuts = map[string]OptOutConfig{"shop": words}
	cfg.OptOut.Help = []string{"HELP"}
	r, err := New(table, cfg, newRegistry())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Carriers() {
		c.SetUp(SMS, true)
	}
	return r
}

func TestWordsAreAnsweredOnce(t *testing.T) {
	var heard repliesHeard
	r := replying(t, &heard)
	alfa := Origin{Carrier: "alfa"}
	for _, c := range []struct {
		name   string
		origin Origin
		from   string
		to     string
		text   string
		want   Verdict
		answer string
	}{
		{"a call for help", alfa, alice, maskA, "help.", Help, "Shop"},
		{"in a country without a text for it", alfa, fred, maskA, "HELP", Forward, ""},
		{"of a tenant without texts", alfa, alice, maskB, "HELP", Forward, ""},
		{"a start that ends nothing", alfa, alice, maskA, "START", Forward, ""},
		{"a stop", alfa, alice, maskA, "STOP", OptOut, "Bye"},
		{"again, as an automaton would", alfa, alice, maskA, "STOP", OptOut, ""},
		{"help, having opted out", alfa, alice, maskA, "HELP", Help, "Shop"},
		{"a start", alfa, alice, maskA, "START", OptIn, "Hello"},
		{"a stop to a toll-free number", alfa, alice, "18005550100", "STOP", OptOut, ""},
		{"and a start", alfa, alice, maskA, "START", OptIn, "Hello"},
		{"a stop by an account", Origin{Tenant: "shop"}, alice, maskA, "STOP", OptOut, ""},
		{"a stop of a tenant without texts", alfa, alice, maskB, "STOP", OptOut, ""},
		{"a stop in another country", alfa, fred, maskA, "STOP", OptOut, "Adieu"},
		{"a start there", alfa, fred, maskA, "START", OptIn, ""},
	} {
		heard = nil
		if plan := decide(r, message(c.origin, c.from, c.to, c.text)); plan.Verdict != c.want {
			t.Errorf("%s: %v, want %v", c.name, plan.Verdict, c.want)
		}
		switch {
		case len(heard) == 0 && c.answer == "":
		case len(heard) != 1 || heard[0] != Reply{"shop", "alfa", num(c.to), num(c.from), c.want, c.answer}:
			t.Errorf("%s: %d answers, expected %q", c.name, len(heard), c.answer)
		}
	}
	heard = nil
	if r.Explain(message(alfa, alice, maskA, "HELP")); len(heard) != 0 {
		t.Error("a dry run was answered")
	}
	for a := range actions {
		if saying[a] == "" {
			t.Errorf("a dry run has no word for %v", a)
		}
	}
}

// An answer goes by the one carrier that brought the word, past the opt-out that it
// confirms; what the tenant itself writes does not.
func TestRepliesPassTheOptOut(t *testing.T) {
	var heard repliesHeard
	r := replying(t, &heard)
	decide(r, message(Origin{Carrier: "alfa"}, alice, maskA, "STOP"))
	write := func(w Writes) *Plan {
		return decide(r, message(Origin{Tenant: "shop", Carrier: "alfa", Writes: w}, maskA, alice, "Bye"))
	}
	if plan := write(WritesReply); plan.Verdict != Forward || plan.Carriers() != 1 || plan.Carrier(0).Name != "alfa" || plan.Present != num(maskA) {
		t.Errorf("an answer: %v by %d carriers", plan.Verdict, plan.Carriers())
	}
	if plan := write(WritesOwn); plan.Verdict != OptedOut {
		t.Errorf("of its own: %v", plan.Verdict)
	}
	r.Carrier("alfa").SetUp(SMS, false)
	if plan := write(WritesReply); plan.Verdict != NoCarrier {
		t.Errorf("without that carrier: %v", plan.Verdict)
	}
}
