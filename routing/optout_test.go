package routing

import (
	"strings"
	"testing"
	"time"

	"maskline/numberdb"
)

func TestOptOutWords(t *testing.T) {
	carrier, shop := Origin{Carrier: "alfa"}, Origin{Tenant: "shop"}
	cases := []struct {
		name          string
		origin        Origin
		from, dialled string
		text          string
		want          Verdict
	}{
		{"the word", carrier, alice, maskA, "STOP", OptOut},
		{"small letters", carrier, alice, maskA, "stop", OptOut},
		{"spaces and a full stop", carrier, alice, maskA, " \tStop . \r\n", OptOut},
		{"two full stops", carrier, alice, maskA, "STOP..", Forward},
		{"within a text", carrier, alice, maskA, "STOP that", Forward},
		{"with a dash", carrier, alice, maskA, "OPT-OUT", OptOut},
		{"an ordinary word of riders", carrier, alice, maskA, "CANCEL", Forward},
		{"end", carrier, alice, maskA, "END", Forward},
		{"yes", carrier, alice, maskA, "YES", Forward},
		{"a word of another country", carrier, alice, maskA, "ARRÊT", Forward},
		{"a word of this country", carrier, fred, maskShop, "Arrêt", OptOut},
		{"a word of every country", carrier, fred, maskShop, "stop", OptOut},
		{"nothing", carrier, alice, maskA, "", Forward},
		{"a stop among too many spaces", carrier, alice, maskA, strings.Repeat(" ", 60) + "STOP", Forward},
		{"to a public mask", carrier, carol, maskShop, "STOP", OptOut},
		{"of a party whose session has ended", carrier, bob, maskB, "STOP", OptOut},
		{"of a stranger", carrier, carol, maskA, "STOP", OutOfSession},
		{"of nobody", carrier, "", maskShop, "STOP", OptOut},
		{"through an account", shop, alice, maskA, "STOP", OptOut},
		{"from the tenant's own mask", shop, maskShop, carol, "STOP", Forward},
		{"start by somebody who has not stopped", carrier, alice, maskA, "START", Forward},
		{"to no mask", carrier, alice, bob, "STOP", UnknownMask},
		{"from a mask", carrier, maskB, maskShop, "STOP", Loop},
		{"to an emergency string", carrier, alice, "112", "STOP", EmergencyRefused},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan := decide(newRouter(t, ruled(nil)), message(c.origin, c.from, c.dialled, c.text))
			if plan.Verdict != c.want {
				t.Fatalf("verdict %v, want %v", plan.Verdict, c.want)
			}
			if c.want == OptOut && (!plan.Answer.Drop || plan.Carriers() != 0) {
				t.Fatal("the word would go on")
			}
		})
	}
}

func TestASegmentIsNoWord(t *testing.T) {
	req := message(Origin{Carrier: "alfa"}, alice, maskA, "STOP")
	req.Part = true
	if got := decide(newRouter(t, ruled(nil)), req).Verdict; got != Forward {
		t.Fatalf("verdict %v", got)
	}
}

func TestLongTextsAreNotDecoded(t *testing.T) {
	r := newRouter(t, ruled(nil))
	decoded := 0
	req := message(Origin{Carrier: "alfa"}, alice, maskA, "")
	req.Text = said{strings.Repeat("x", 160), &decoded}
	decide(r, req)
	if decoded != 0 {
		t.Fatal("a text was decoded that no rule can meet")
	}
	req.Text = said{"x", &decoded}
	decide(r, req)
	if decoded != 1 {
		t.Fatalf("a short text was decoded %d times", decoded)
	}
}

// What an opt-out ends, message by message. Alice and Bob write to each other
// by maskA and maskB, the shop to anybody from maskShop.
func TestWhatAnOptOutEnds(t *testing.T) {
	carrier, shop := Origin{Carrier: "alfa"}, Origin{Tenant: "shop"}
	back := numberdb.Binding{
		Mask: num(maskB), Party: num(bob), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: num(alice)}, Present: num(maskA),
		Services: numberdb.SMS, Tenant: "shop",
	}
	others := back
	others.Mask, others.Party = num(maskVoice), num(carol) // carol to alice, by a mask of its own
	othersOfAnother := others
	othersOfAnother.Mask, othersOfAnother.Tenant = num(maskNamed), "other"
	for _, c := range []struct {
		name    string
		session bool
		stopTo  string // the mask that alice says STOP to
		want    map[string]Verdict
	}{
		{"the tenant, by any mask of its", false, maskA, map[string]Verdict{
			"bob": OptedOut, "carol": OptedOut, "the shop": OptedOut, "another tenant's": Forward, "alice herself": Forward,
		}},
		{"the conversation with bob", true, maskA, map[string]Verdict{
			"bob": OptedOut, "carol": Forward, "the shop": Forward, "another tenant's": Forward, "alice herself": Forward,
		}},
		{"the conversation with the shop", true, maskShop, map[string]Verdict{
			"bob": Forward, "carol": Forward, "the shop": OptedOut, "another tenant's": Forward, "alice herself": Forward,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRouter(t, ruled(func(cfg *Config) { cfg.OptOut.Session = c.session }))
			table, isTable := r.state.Load().table.(*numberdb.Table)
			if !isTable {
				t.Fatal("no table")
			}
			table.Apply([]numberdb.Change{{Binding: back}, {Binding: others}, {Binding: othersOfAnother}})
			contacts := map[string]*Request{
				"bob":              message(carrier, bob, maskB, "hello"),
				"carol":            message(carrier, carol, maskVoice, "hello"),
				"the shop":         message(shop, maskShop, alice, "hello"),
				"another tenant's": message(carrier, carol, maskNamed, "hello"),
				"alice herself":    message(carrier, alice, maskA, "hello"),
			}
			check := func(when string, want map[string]Verdict) {
				t.Helper()
				for from, req := range contacts {
					if got := decide(r, req).Verdict; got != want[from] {
						t.Errorf("%s: %s: %v, want %v", when, from, got, want[from])
					}
				}
			}
			free := map[string]Verdict{"bob": Forward, "carol": Forward, "the shop": Forward, "another tenant's": Forward, "alice herself": Forward}
			check("before", free)
			if v := decide(r, message(carrier, alice, c.stopTo, "STOP")).Verdict; v != OptOut {
				t.Fatalf("STOP: %v", v)
			}
			check("after STOP", c.want)
			call := request(Voice, carrier, alice, maskA)
			if v := decide(r, call).Verdict; v != Forward {
				t.Errorf("a call: %v", v)
			}
			if v := decide(r, message(carrier, alice, c.stopTo, "start")).Verdict; v != OptIn {
				t.Fatalf("START: %v", v)
			}
			check("after START", free)
		})
	}
}

// A mask that serves somebody else brings no opt-out along.
func TestAMaskUsedAgainBringsNoOptOut(t *testing.T) {
	for _, session := range []bool{false, true} {
		r := newRouter(t, ruled(func(cfg *Config) { cfg.OptOut.Session = session }))
		carrier := Origin{Carrier: "alfa"}
		decide(r, message(carrier, alice, maskA, "STOP"))
		table, _ := r.state.Load().table.(*numberdb.Table)
		table.Apply([]numberdb.Change{
			{Binding: numberdb.Binding{Mask: num(maskA), Party: num(alice)}, Deleted: true},
			{Binding: numberdb.Binding{
				Mask: num(maskA), Party: num(carol), To: Endpoint{Kind: ToNumber, Number: num(fred)}, Present: num(maskB), Services: SMS, Tenant: "shop",
			}},
		})
		if v := decide(r, message(carrier, carol, maskA, "hello")).Verdict; v != Forward {
			t.Errorf("session %v: %v", session, v)
		}
	}
}

func TestTenantsHaveWordsOfTheirOwn(t *testing.T) {
	r := newRouter(t, ruled(func(c *Config) {
		c.TenantOptOuts = map[string]OptOutConfig{
			"shop": {Enabled: true, Stop: map[string][]string{"default": {"BASTA"}}},
			"mute": {},
		}
	}))
	carrier := Origin{Carrier: "alfa"}
	for _, c := range []struct {
		mask, text string
		want       Verdict
	}{
		{maskA, "basta", OptOut}, {maskA, "STOP", Forward}, // of the shop
		{maskFrance, "STOP", OptOut}, {maskFrance, "BASTA", Forward}, // the operator's own
	} {
		if got := decide(r, message(carrier, alice, c.mask, c.text)).Verdict; got != c.want {
			t.Errorf("%s: %v, want %v", c.text, got, c.want)
		}
	}
}

func TestExplainKeepsNoOptOut(t *testing.T) {
	r := newRouter(t, ruled(nil))
	if v := r.Explain(message(Origin{Carrier: "alfa"}, alice, maskA, "STOP")).Plan.Verdict; v != OptOut {
		t.Fatalf("verdict %v", v)
	}
	if r.state.Load().restrictions.OptedOut("shop", num(alice), Endpoint{}) {
		t.Fatal("a question changed something")
	}
}

// A word that cannot be kept is left with its upstream, and changes nothing.
func TestAnOptOutTooMany(t *testing.T) {
	r := newRouter(t, ruled(nil))
	restrictions, _ := r.state.Load().restrictions.(*numberdb.Restrictions)
	restrictions.Limit(1)
	carrier := Origin{Carrier: "alfa"}
	for _, c := range []struct {
		from string
		text string
		want Verdict
	}{
		{alice, "STOP", OptOut},
		{carol, "STOP", OptOutFull},
		{alice, "STOP", OptOut},
		{carol, "START", Forward},
		{alice, "START", OptIn},
		{carol, "STOP", OptOut},
	} {
		plan := decide(r, message(carrier, c.from, maskShop, c.text))
		if plan.Verdict != c.want || plan.Verdict.Temporary() == plan.Answer.Drop && c.want != Forward {
			t.Errorf("%s: %v with answer %+v, want %v", c.text, plan.Verdict, plan.Answer, c.want)
		}
	}
}

func TestWordsNeedAPlace(t *testing.T) {
	_, err := New(numberdb.NewTable(), Config{OptOut: OptOutConfig{Enabled: true, Stop: map[string][]string{"default": {"STOP"}}}}, newRegistry())
	if err == nil {
		t.Fatal("opt-outs would be acknowledged and forgotten")
	}
}

func TestLoops(t *testing.T) {
	const repeats, within = 5, 8 * time.Second
	e := newEchoes(LoopConfig{Repeats: repeats, Within: within})
	now := noon
	for i := range repeats {
		if e.tooMany(7, now) {
			t.Fatalf("refused after %d deliveries", i)
		}
		e.add(7, now)
		now = now.Add(within / 8)
	}
	if !e.tooMany(7, now) || e.tooMany(8, now) || e.tooMany(0, now) {
		t.Fatal("the loop was not seen, or another message taken for one")
	}
	if now = now.Add(within); e.tooMany(7, now) {
		t.Fatal("refused after the time was over")
	}
	for range 70_000 {
		e.add(7, now)
	}
	if !e.tooMany(7, now) {
		t.Fatal("the count went round")
	}
	for range repeats {
		e.add(0, now)
	}
	if e.tooMany(0, now) {
		t.Fatal("messages without a fingerprint were taken for one message")
	}
	if newEchoes(LoopConfig{Within: within}) != nil {
		t.Fatal("0 repeats are counted")
	}
}

// A loop is seen among many messages that pass once.
func TestALoopAmongOthers(t *testing.T) {
	e := newEchoes(LoopConfig{Repeats: 20, Within: 10 * time.Second})
	now, others := noon, uint64(1000)
	for rounds := 1; ; rounds++ {
		e.add(7, now)
		for range 1000 {
			others++
			e.add(others, now)
		}
		now = now.Add(50 * time.Millisecond)
		if e.tooMany(7, now) {
			return
		}
		if rounds > 60 {
			t.Fatal("a loop of 20 rounds a second at 20,000 messages a second was not seen in 3 s")
		}
	}
}

func TestDeliveredMessagesThatComeAgain(t *testing.T) {
	r := newRouter(t, func(c *Config) { c.Loop = LoopConfig{Repeats: 3, Within: time.Second} })
	req := message(Origin{Carrier: "alfa"}, alice, maskA, "round and round")
	req.Fingerprint = 42
	for range 10 { // an upstream that tries again
		if v := decide(r, req).Verdict; v != Forward {
			t.Fatalf("undelivered: %v", v)
		}
	}
	for range 3 {
		r.Delivered(&Plan{}, -1, 42, noon)
	}
	if v := decide(r, req).Verdict; v != Loop {
		t.Fatalf("delivered three times: %v", v)
	}
}
