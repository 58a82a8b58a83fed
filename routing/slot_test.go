package routing

import (
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// asked are the slots that a router has asked for.
type asked struct {
	session      numberdb.ID
	mask, caller e164.Number
	by           time.Time
}

func (a *asked) Open(session numberdb.ID, mask, caller e164.Number, by time.Time, done func(bool)) {
	*a = asked{session, mask, caller, by}
	done(true)
}

// Answers is true of every session but 8.
func (a *asked) Answers(session numberdb.ID) bool { return session != 8 }

func TestFirstContact(t *testing.T) {
	owner := numberdb.Binding{
		Mask: num(maskA), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: num(bob)}, Present: num(maskA), Services: SMS | Voice, Session: 7,
	}
	other := owner
	other.Mask, other.Session = num(maskB), 0
	known := owner
	known.Party, known.Present = num(carol), num(maskB)
	slots := &asked{}
	voice := func(_ *Config, _ *numberdb.Binding, r *Request) { r.Service = Voice }
	cases := []struct {
		name   string
		from   string
		change func(*Config, *numberdb.Binding, *Request)
		want   Verdict
	}{
		{"new", alice, nil, FirstContact},
		{"known", carol, nil, Forward},
		{"without a number", "", nil, Forward},
		{"from a short code", alice, func(_ *Config, _ *numberdb.Binding, r *Request) {
			r.From, _ = e164.ShortCode(44, "60123")
		}, Forward},
		{"the owner itself", bob, nil, Forward},
		{"a binding by hand", alice, func(_ *Config, b *numberdb.Binding, _ *Request) { b.Session = 0 }, Forward},
		{"an account as the owner", alice, func(_ *Config, b *numberdb.Binding, _ *Request) {
			b.To = numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"}
		}, FirstContact},
		{"a peer as the owner", alice, func(_ *Config, b *numberdb.Binding, r *Request) {
			b.To, r.Service = numberdb.Endpoint{Kind: numberdb.SIP, Name: "desk@pbx.example"}, Voice
		}, FirstContact},
		{"a peer that has no number", alice, func(_ *Config, b *numberdb.Binding, r *Request) {
			b.To, b.Session, r.Service = numberdb.Endpoint{Kind: numberdb.SIP, Name: "desk@pbx.example"}, 8, Voice
		}, Forward},
		{"nobody has slots", alice, func(cfg *Config, _ *numberdb.Binding, _ *Request) { cfg.Slots = nil }, Forward},
		{"refused by a rule", alice, func(cfg *Config, _ *numberdb.Binding, _ *Request) {
			cfg.Rules = []RuleConfig{{Name: "none", Senders: []string{"44"}}}
		}, RuleRefused},
		{"from a mask of a tenant's", maskB, func(_ *Config, _ *numberdb.Binding, r *Request) { r.Origin = &Origin{Tenant: "shop"} }, Forward},
		{"a call", alice, voice, FirstContact},
		{"a call of one who is known", carol, voice, Forward},
		{"a call without a number", "", voice, Forward},
		{"a call of the owner", bob, voice, Forward},
		{"a call from a mask", maskB, voice, Forward},
		{"a call to a mask of messages alone", alice, func(_ *Config, b *numberdb.Binding, r *Request) {
			r.Service, b.Services = Voice, SMS
		}, ServiceOff},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{Slots: slots, Carriers: []CarrierConfig{{Name: "alfa", Services: SMS | Voice}}}
			public := owner
			req := request(SMS, Origin{Carrier: "alfa"}, alice, maskA)
			if req.From = 0; c.from != "" {
				req.From = num(c.from)
			}
			if c.change != nil {
				c.change(&cfg, &public, req)
			}
			table := numberdb.NewTable()
			table.Apply([]numberdb.Change{{Binding: public}, {Binding: known}, {Binding: other}})
			r, err := New(table, cfg, newRegistry())
			if err != nil {
				t.Fatal(err)
			}
			r.Carrier("alfa").SetUp(SMS, true)
			r.Carrier("alfa").SetUp(Voice, true)
			plan := decide(r, req)
			if plan.Verdict != c.want {
				t.Fatalf("%v, want %v", plan.Verdict, c.want)
			}
			if x := r.Explain(req); x.Plan.Verdict != c.want {
				t.Errorf("explained as %v", x.Plan.Verdict)
			}
			if c.want != FirstContact {
				return
			}
			opened := false
			r.Open(plan, noon, func(ok bool) { opened = ok })
			if want := (asked{7, num(maskA), num(alice), noon}); !opened || *slots != want {
				t.Errorf("asked for %v", *slots)
			}
		})
	}
}

// told are the contacts that a router has told of.
type told struct{ mask, shown e164.Number }

func (c *told) Contact(_ numberdb.ID, mask, shown e164.Number, _ time.Time) bool {
	*c = told{mask, shown}
	return true
}

// Whoever counts hears by which slot a contact is, whichever side makes it.
func TestContactsHearOfSlots(t *testing.T) {
	in := numberdb.Binding{
		Mask: num(maskA), Party: num(alice), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: num(bob)}, Present: num(maskB),
		Services: SMS, Session: 7, Counted: true, Tenant: "shop",
	}
	back := in
	back.Mask, back.Party, back.To.Number, back.Present = num(maskB), num(bob), num(alice), num(maskA)
	contacts := &told{}
	table := numberdb.NewTable()
	table.Apply([]numberdb.Change{{Binding: in}, {Binding: back}})
	r, err := New(table, Config{Contacts: contacts, Carriers: []CarrierConfig{{Name: "alfa", Services: SMS}}}, newRegistry())
	if err != nil {
		t.Fatal(err)
	}
	r.Carrier("alfa").SetUp(SMS, true)
	for _, c := range []struct {
		name     string
		origin   Origin
		from, to string
		want     told
	}{
		{"the caller", Origin{Carrier: "alfa"}, alice, maskA, told{num(maskA), num(maskB)}},
		{"the owner", Origin{Carrier: "alfa"}, bob, maskB, told{num(maskB), num(maskA)}},
		{"the tenant, from the public mask", Origin{Tenant: "shop"}, maskA, alice, told{num(maskA), num(maskB)}},
	} {
		*contacts = told{}
		plan := decide(r, request(SMS, c.origin, c.from, c.to))
		if *contacts != c.want || plan.Verdict != Forward {
			t.Errorf("%s: %v, another slot", c.name, plan.Verdict)
		}
	}
}
