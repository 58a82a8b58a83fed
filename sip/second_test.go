package sip

import (
	"strings"
	"testing"

	"maskline/e164"
	"maskline/routing"
)

// A trunk whose carrier may not present the first mask is called with the second
// one, which the record names then.
func TestTheSecondMaskGoesThroughItsTrunk(t *testing.T) {
	second := e164.MustParse("441110000009")
	f := &fakeRecords{}
	b := newBed(t, func(c *Config) { c.Records = f }, func(e *Edge) {
		first := e.decide
		e.decide = func(req *routing.Request) evRouted {
			ev := first(req)
			for i := range ev.candidates {
				if i > 0 {
					ev.candidates[i].second = second
				}
			}
			return ev
		}
	})
	b.caller.send(b.caller.invite("one"))
	invite := b.callees[0].expect("INVITE ")
	if !strings.Contains(invite, simMaskB.Reveal()) || strings.Contains(invite, second.Reveal()) {
		t.Error("the first trunk is not shown the first mask alone")
	}
	b.callees[0].send(b.callees[0].reply(invite, 503, ""))
	invite = b.callees[1].expect("INVITE ")
	if strings.Contains(invite, simMaskB.Reveal()) || !strings.Contains(invite, second.Reveal()) {
		t.Error("the next trunk is not shown the second mask alone")
	}
	b.callees[1].send(b.callees[1].reply(invite, 486, ""))
	if got := f.recorded(t).Presented; got != second {
		t.Errorf("the record names %s", got.Reveal())
	}
}
