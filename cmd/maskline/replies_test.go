package main

import (
	"fmt"
	"strings"
	"testing"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/smpp/pdu"
)

const repliesConfig = `
routing: {opt_out: {replies: [{stop: "You will get no more.", start: "You will get messages again.", help: "Shop: write to us."}]}}
`

// A word is answered from the mask that it was written to, by the carrier that brought it,
// past the opt-out; the other end hears nothing of it, and the tenant of the opt-out.
func TestOptOutWordsAreAnswered(t *testing.T) {
	o := &outboundBed{carriers: startCarriers(t, "any")}
	o.cli.write("edge.yaml", fmt.Sprintf(hostedConfig, "any", o.smsc["alfa"].Addr(), "any", o.smsc["bravo"].Addr())+repliesConfig)
	o.cli.at("reload")
	o.stock(numberdb.Pool{Name: "uk"}, "", "", "", "")
	s := o.couple(0)
	alice, mask := e164.MustParse(outAlice), s.Participants[0].Dial
	for _, c := range []struct{ word, answer string }{
		{"HELP", "Shop: write to us."}, {"STOP", "You will get no more."}, {"INFO", "Shop: write to us."}, {"START", "You will get messages again."},
	} {
		if status := o.deliver("bravo", alice, mask, c.word); status != pdu.ROK {
			t.Errorf("%s is answered %#x", c.word, uint32(status))
		}
		o.eventually("the answer to "+c.word, func() bool { return len(o.smsc["bravo"].Submitted()) > 0 })
		if from := o.took("bravo", alice, c.answer); from != mask {
			t.Errorf("the answer to %s is from another mask", c.word)
		}
	}
	if n := len(o.smsc["alfa"].Submitted()); n != 0 {
		t.Errorf("%d messages went by the other carrier", n)
	}
	o.told("shop", "session.created", "optout.created", "optout.removed")
	o.eventually("they are counted", func() bool {
		return strings.Contains(o.get("/metrics").body, `maskline_api_message_replies_total{outcome="submitted"} 4`)
	})
}
