package routing

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/e164"
	"maskline/numberdb"
)

// wordScreen refuses texts with a word, and counts what it was asked.
type wordScreen struct{ asked int }

func (s *wordScreen) Refuses(_ string, _ e164.Number, capitals []byte) bool {
	s.asked++
	return strings.Contains(string(capitals), "SECRET")
}

func TestTextsToLeasedMasksAreScreened(t *testing.T) {
	table := numberdb.NewTable()
	leased, shared := num("+442079460011"), num("+442079460022")
	if err := table.Replace(func(put func(numberdb.Binding)) error {
		for _, mask := range []e164.Number{leased, shared} {
			put(numberdb.Binding{Mask: mask, To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"}, Present: mask, Services: numberdb.SMS | numberdb.Voice, Tenant: "shop"})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	screen := &wordScreen{}
	router, err := New(table, Config{Screen: screen, Masks: directory{leased: {State: numberdb.Held}, shared: {}}}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		to      e164.Number
		service Service
		text    string
		want    Verdict
		asked   int
	}{
		{"a code to a leased mask", leased, SMS, "your secret is 1234", RuleRefused, 1},
		{"another text", leased, SMS, "hello", Forward, 1},
		{"a shared mask", shared, SMS, "your secret is 1234", Forward, 0},
		{"a call", leased, Voice, "", Forward, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			screen.asked = 0
			req := &Request{Service: c.service, Origin: &Origin{Carrier: "alfa"}, To: c.to, From: num("+447700900101"), Dialled: []byte("x")}
			if c.text != "" {
				req.Text = said{text: c.text}
			}
			var plan Plan
			if router.Decide(req, &plan); plan.Verdict != c.want || screen.asked != c.asked {
				t.Errorf("%v, asked %d times", plan.Verdict, screen.asked)
			}
		})
	}
	apply, err := router.Prepare(Config{Masks: directory{}})
	if err != nil {
		t.Fatal(err)
	}
	apply()
	var plan Plan
	router.Decide(&Request{Service: SMS, Origin: &Origin{Carrier: "alfa"}, To: leased, From: num("+447700900101"), Dialled: []byte("x"), Text: said{text: "SECRET"}}, &plan)
	if plan.Verdict != Forward {
		t.Errorf("without a screen: %v", plan.Verdict)
	}
}
