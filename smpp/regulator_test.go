package smpp

import (
	"testing"
	"time"

	"maskline/smpp/pdu"
)

func TestRegulator(t *testing.T) {
	const ms, s = int64(time.Millisecond), int64(time.Second)
	type step struct {
		at    int64
		sign  bool // of overload; else time passes
		wants float64
	}
	cases := []struct {
		name        string
		limit, sent float64
		steps       []step
	}{
		{"half of what was sent", 0, 80, []step{{0, true, 40}}},
		{"half of the limit, where less is allowed", 50, 80, []step{{0, true, 25}}},
		{"a window of signs is one", 0, 80, []step{{0, true, 40}, {1, true, 40}, {499 * ms, true, 40}, {500 * ms, true, 20}}},
		{"never below one a second", 0, 3, []step{{0, true, 1.5}, {s, true, 1}, {2 * s, true, 1}, {3 * s, true, 1}}},
		{"up by a tenth each second", 0, 80, []step{{0, true, 40}, {999 * ms, false, 40}, {s, false, 44}, {2 * s, false, 48}}},
		{"down again from there", 0, 80, []step{{0, true, 40}, {s, false, 44}, {1500 * ms, true, 22}, {2500 * ms, false, 24.2}}},
		{"ends where it began", 0, 2, []step{{0, true, 1}, {s, false, 1.5}, {2 * s, false, 0}, {3 * s, false, 0}}},
		{"little traffic under a high limit", 100, 4, []step{{0, true, 2}, {s, false, 2.5}, {2 * s, false, 3}, {3 * s, false, 3.5}, {4 * s, false, 0}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var r regulator
			for i, step := range c.steps {
				if step.sign {
					r.lower(step.at, c.limit, c.sent)
				} else {
					r.raise(step.at)
				}
				if d := r.rate - step.wants; d > 1e-9 || d < -1e-9 {
					t.Fatalf("step %d: %v, want %v", i, r.rate, step.wants)
				}
			}
		})
	}
}

func TestMeter(t *testing.T) {
	var m meter
	for i := range 250 {
		m.add(int64(i)*10*int64(time.Millisecond), 2)
	}
	if m.rate() != 200 {
		t.Fatalf("measured %v", m.rate())
	}
}

// A carrier that takes five a second and throttles the rest settles near that,
// and gets all of its messages in the end.
func TestThrottlingCarrierIsSlowedDown(t *testing.T) {
	for _, status := range []pdu.Status{pdu.RThrottled, pdu.RMsgQFul} {
		s := newStill(t, nil)
		shop, alfa := s.account("shop"), s.carrier("alfa")
		const allowed = 5
		var accepted, refused, early, tokens int
		for tenth := range 600 { // a minute
			s.pass(second / 10)
			shop.submit(text(alice, maskOfBob, "x"))
			if tenth%10 == 0 {
				tokens = allowed
			}
			for _, f := range alfa.got() {
				if tokens > 0 {
					tokens--
					accepted++
					alfa.respond(f, pdu.ROK, "1")
				} else {
					refused++
					alfa.respond(f, status, "")
				}
			}
			shop.got()
			if tenth == 200 {
				early = refused
			}
		}
		if accepted < 200 || refused > 60 || early == 0 {
			t.Errorf("%02x: %d accepted, %d throttled, %d of them in the first 20 s", uint32(status), accepted, refused, early)
		}
	}
}

func TestThrottledBindRecovers(t *testing.T) {
	s := newStill(t, nil)
	shop, alfa := s.account("shop"), s.carrier("alfa")
	for range 40 {
		shop.submit(text(alice, maskOfBob, "x"))
	}
	for _, f := range alfa.got() {
		alfa.respond(f, pdu.RThrottled, "")
	}
	b := func() BindState {
		var b BindState
		alfa.describe(&b)
		return b
	}
	if got := b(); !got.Slowed || got.Rate != 20 {
		t.Fatalf("slowed %v to %v", got.Slowed, got.Rate)
	}
	s.pass(20 * second)
	if got := b(); got.Slowed || got.Rate != 0 {
		t.Fatalf("still at %v", got.Rate)
	}
}

// One bind of two throttles: only that one slows down.
func TestOtherBindsGoOn(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Carriers[0].Binds[0].Sessions = 2 })
	shop, one, two := s.account("shop"), s.carrier("alfa"), s.carrier("alfa")
	bravo := s.carrier("bravo")
	for len(one.out.pending) == 0 {
		shop.submit(text(alice, maskOfBob, "x"))
	}
	for _, f := range one.got() {
		one.respond(f, pdu.RThrottled, "")
	}
	for _, p := range []*stillPeer{two, bravo} {
		for _, f := range p.got() {
			p.respond(f, pdu.ROK, "1")
		}
	}
	slow := 0
	for range 50 {
		s.pass(second / 100)
		shop.submit(text(alice, maskOfBob, "x"))
		for _, f := range two.got() {
			two.respond(f, pdu.ROK, "1")
		}
		for _, f := range one.got() {
			slow++
			one.respond(f, pdu.ROK, "1")
		}
	}
	if slow > 2 || two.flow.regulator.rate != 0 {
		t.Fatalf("%d over the slowed bind in half a second", slow)
	}
	bravo.none("the carrier had a free bind")
}
