package smpp

import (
	"testing"

	"maskline/e164"
	"maskline/smpp/pdu"
)

func TestMaskPaces(t *testing.T) {
	const s = int64(second)
	p := newMaskPaces(2)
	a, b := e164.MustParse(maskOfAlice), e164.MustParse(maskOfBob)
	type step struct {
		mask  e164.Number
		at    int64
		until int64
		n     int
		want  int64 // -1: refused
	}
	for i, step := range []step{
		{a, 0, 0, 1, 0},
		{a, 0, s, 1, s / 2},
		{a, 0, s, 1, s},
		{a, 0, s, 1, -1}, // its place is too far away
		{b, 0, 0, 3, 0},  // another mask, of three segments
		{b, s, s, 1, -1},
		{b, s, 2 * s, 1, 3 * s / 2},
		{a, 3 * s / 2, 3 * s / 2, 1, 3 * s / 2}, // what was refused took no place
		{a, 9 * s, 9 * s, 1, 9 * s},
	} {
		place, _, ok := p.reserve(step.mask, step.at, step.until, step.n)
		if !ok {
			place = -1
		}
		if place != step.want {
			t.Fatalf("step %d: place %d, want %d", i, place, step.want)
		}
	}
	if newMaskPaces(0) != nil {
		t.Fatal("no limit is a limit")
	}
}

// More masks than the table holds: those in use keep their lines, the others
// are refused and not let through.
func TestMaskPacesAreBounded(t *testing.T) {
	p := newMaskPaces(1)
	placed, refused := 0, 0
	for i := range 4 * maskSets * maskWays {
		if _, _, ok := p.reserve(e164.Number(i+1), 0, 0, 1); ok {
			placed++
		} else {
			refused++
		}
	}
	if placed > maskSets*maskWays || placed < maskSets*maskWays*9/10 || refused == 0 {
		t.Fatalf("%d placed", placed)
	}
	if _, _, ok := p.reserve(e164.Number(1), 0, 0, 1); ok {
		t.Fatal("a line was forgotten while it counted")
	}
	if _, _, ok := p.reserve(e164.Number(1<<50), int64(second), int64(second), 1); !ok {
		t.Fatal("idle lines do not give way")
	}
}

// Two masks through one carrier: each leaves once a second, in its order.
func TestPacePerMask(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Carriers[0].MaskTPS = 1 })
	shop, alfa := s.account("shop"), s.carrier("alfa")
	for _, line := range []string{"1", "2", "3"} {
		shop.submit(text(alice, maskOfBob, line))
	}
	shop.submit(text(bob, maskOfAlice, "other"))
	var left []string
	at := map[string]int64{}
	for range 50 {
		for _, f := range alfa.got() {
			line := string(f.message(t).ShortMessage)
			left, at[line] = append(left, line), s.turn.at
			alfa.respond(f, pdu.ROK, "1")
		}
		s.pass(tick)
	}
	if len(left) != 4 || left[0] != "1" || left[1] != "other" || left[2] != "2" || left[3] != "3" {
		t.Fatalf("left in the order %q", left)
	}
	for _, pair := range [][2]string{{"1", "2"}, {"2", "3"}} {
		if d := at[pair[1]] - at[pair[0]]; d < int64(second-tick) || d > int64(second+2*tick) {
			t.Errorf("%s came %d ns after %s", pair[1], d, pair[0])
		}
	}
}

// Beyond its bound the next carrier gets the message.
func TestPacePerMaskFailsOver(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Carriers[0].MaskTPS = 1 })
	shop, alfa, bravo := s.account("shop"), s.carrier("alfa"), s.carrier("bravo")
	for range 3 {
		shop.submit(text(alice, maskOfBob, "x"))
	}
	if len(alfa.got()) != 1 {
		t.Fatal("not one at once")
	}
	bravo.one(pdu.SubmitSM) // the third would wait for two seconds
	if n := s.carriers["alfa"].destination.waiting(); n != 1 {
		t.Fatalf("%d wait", n)
	}
}

// The carrier goes down while messages wait for their mask.
func TestPacePerMaskWhileTheCarrierGoesDown(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Carriers[0].MaskTPS = 1 })
	shop, alfa, bravo := s.account("shop"), s.carrier("alfa"), s.carrier("bravo")
	for range 2 {
		shop.submit(text(alice, maskOfBob, "x"))
	}
	alfa.one(pdu.SubmitSM)
	alfa.gone()
	bravo.one(pdu.SubmitSM)
	if n := s.carriers["alfa"].destination.waiting(); n != 0 {
		t.Fatalf("%d still wait", n)
	}
}

func BenchmarkMaskPace(b *testing.B) {
	p := newMaskPaces(1000)
	b.ReportAllocs()
	i := int64(0)
	for b.Loop() {
		i++
		p.reserve(e164.Number(i%2000+1), i*1000, never, 1)
	}
}
