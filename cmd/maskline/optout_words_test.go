package main

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/configs"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
)

// plainText is a message of one part.
type plainText string

func (p plainText) Octets() int { return len(p) }

func (p plainText) AppendText(dst []byte, _ int) []byte { return append(dst, p...) }

// wishes remembers opt-outs of the test's one party.
type wishes struct{ out bool }

func (w *wishes) Blocked(string, e164.Number, e164.Number) bool        { return false }
func (w *wishes) OptedOut(string, e164.Number, numberdb.Endpoint) bool { return w.out }
func (w *wishes) Note(c numberdb.RestrictionChange) bool               { w.out = !c.Lifted; return true }

// The words of a configuration that says nothing of them. YES is one only of a party
// that has opted out.
func TestOptOutWordsByDefault(t *testing.T) {
	c := newCLI(t)
	cfg, err := configs.Load(c.path("edge.yaml"), func(string) (string, bool) { return "pw", true })
	if err != nil {
		t.Fatal(err)
	}
	table := numberdb.NewTable()
	mask, party, other := e164.MustParse("+442079460011"), e164.MustParse("+33612345678"), e164.MustParse("+447700900202")
	if err := table.Replace(func(put func(numberdb.Binding)) error {
		put(numberdb.Binding{Mask: mask, Party: party, To: numberdb.Endpoint{Kind: numberdb.Tel, Number: other}, Present: mask, Services: numberdb.SMS, Tenant: "shop"})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w := &wishes{}
	router, err := routing.New(table, routingConfig(cfg, w), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	say := func(text string) routing.Verdict {
		var plan routing.Plan
		router.Decide(&routing.Request{
			Service: routing.SMS, Origin: &routing.Origin{Carrier: "alfa"}, Dialled: []byte("442079460011"), To: mask, From: party, Now: time.Now(), Text: plainText(text),
		}, &plan)
		return plan.Verdict
	}
	ordinary := []routing.Verdict{routing.Forward, routing.NoCarrier}
	for _, word := range []string{"YES", "START", "HELP", "INFO", "END", "CANCEL", "please STOP", "yes please"} {
		if got := say(word); !slices.Contains(ordinary, got) || w.out {
			t.Errorf("%q of who has not opted out: %v", word, got)
		}
	}
	for _, word := range []string{"STOP", "stop.", " Unsubscribe ", "STOPALL", "QUIT", "OPTOUT", "OPT-OUT", "REMOVE", "REVOKE", "ARRET", "arrêt"} {
		if got := say(word); got != routing.OptOut || !w.out {
			t.Errorf("%q: %v", word, got)
		}
		if got := say([]string{"YES", "start", "UNSTOP"}[len(word)%3]); got != routing.OptIn || w.out {
			t.Errorf("after %q: %v", word, got)
		}
	}
}
