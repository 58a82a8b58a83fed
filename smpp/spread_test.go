package smpp

import (
	"testing"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// spreadStill is an edge with n binds of alfa.
func spreadStill(t testing.TB, n int, change func(*Config)) (s *still, shop *stillPeer, binds []*stillPeer) {
	t.Helper()
	s = newStill(t, func(c *Config) {
		c.Accounts[0].Window = 1000
		if change != nil {
			change(c)
		}
	})
	for range n {
		binds = append(binds, s.carrier("alfa"))
	}
	return s, s.account("shop"), binds
}

// Messages that come one by one fill many windows evenly.
func TestSpreadByFreeWindow(t *testing.T) {
	_, shop, binds := spreadStill(t, 16, nil)
	for range 16 * 50 {
		shop.submit(text(alice, maskOfBob, "x"))
	}
	least, most := 1000, 0
	for _, b := range binds {
		least, most = min(least, b.window.used), max(most, b.window.used)
	}
	if most-least > 8 {
		t.Fatalf("from %d to %d of a window", least, most)
	}
}

// A bind with a larger window takes more.
func TestSpreadByTheSizeOfWindows(t *testing.T) {
	_, shop, binds := spreadStill(t, 2, nil)
	binds[0].window.limit = 32
	for range 40 {
		shop.submit(text(alice, maskOfBob, "x"))
	}
	if n := binds[0].window.used; n < 7 || n > 9 {
		t.Fatalf("%d of 40 over the smaller one", n)
	}
}

// Every window is used before a message waits.
func TestSpreadFindsTheLastSlot(t *testing.T) {
	_, shop, binds := spreadStill(t, 8, func(c *Config) { c.Carriers[0].Binds[0].Window = 3 })
	for range 8 * 3 {
		shop.submit(text(alice, maskOfBob, "x"))
	}
	for i, b := range binds {
		if b.window.used != 3 {
			t.Fatalf("bind %d has %d", i, b.window.used)
		}
	}
}

// A bind that leaves messages unanswered, or answers with faults, is used last.
func TestUnfitBindsAreUsedLast(t *testing.T) {
	cases := map[string]func(s *still, bad *stillPeer, f frame){
		"stalled": func(s *still, _ *stillPeer, _ frame) { s.pass(3 * second) },
		"failing": func(s *still, bad *stillPeer, f frame) {
			for range 20 {
				bad.mu.Lock()
				bad.flow.responded(s.turn.at, s.turn.at, pdu.RSysErr)
				bad.mu.Unlock()
			}
			s.pass(tick)
		},
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			s, shop, binds := spreadStill(t, 2, func(c *Config) { c.Carriers[0].Binds[0].Window = 10 })
			shop.submit(text(alice, maskOfBob, "x"))
			bad, good := binds[0], binds[1]
			if bad.window.used == 0 {
				bad, good = good, bad
			}
			spoil(s, bad, bad.one(pdu.SubmitSM))
			for range 10 {
				shop.submit(text(alice, maskOfBob, "x"))
			}
			if n := len(good.got()); n != 10 {
				t.Fatalf("%d of 10 over the fit bind", n)
			}
			shop.submit(text(alice, maskOfBob, "x"))
			if n := len(bad.got()); n != 1 {
				t.Fatalf("%d over the unfit bind when the other was full", n)
			}
		})
	}
}

// Faults fade: the bind is tried again.
func TestFailingFades(t *testing.T) {
	var h health
	for range 20 {
		h.responded(0, 0, pdu.RSysErr)
	}
	if h.judge(0, never, 1) != failing {
		t.Fatal("not failing")
	}
	ticks := 0
	for h.judge(0, never, 1) == failing {
		ticks++
	}
	if ticks < 10 || ticks > 100 {
		t.Fatalf("fit again after %d ticks", ticks)
	}
	for range 200 {
		h.judge(0, never, 1)
	}
	if h.faults != 0 {
		t.Fatalf("%d are left", h.faults)
	}
}

// Segments change over from a stalled bind, and not otherwise.
func TestSegmentsLeaveAStalledBind(t *testing.T) {
	s, shop, binds := spreadStill(t, 2, nil)
	shop.submit(segment(7, 3, 1))
	bad, good := binds[0], binds[1]
	if bad.window.used == 0 {
		bad, good = good, bad
	}
	shop.submit(segment(7, 3, 2))
	if got := parts(t, bad.got()); got != "12" {
		t.Fatalf("parts %q over the first bind", got)
	}
	s.pass(3 * second)
	shop.submit(segment(7, 3, 3))
	if got := parts(t, good.got()); got != "3" {
		t.Fatalf("parts %q over the second bind", got)
	}
}

// All binds of a carrier share its rate.
func TestCarrierRate(t *testing.T) {
	s, shop, binds := spreadStill(t, 3, func(c *Config) { c.Carriers[0].TPS = 20 })
	sent := 0
	for range 100 {
		s.pass(second / 10)
		for range 5 {
			shop.submit(text(alice, maskOfBob, "x"))
		}
		for _, b := range binds {
			for _, f := range b.got() {
				sent++
				b.respond(f, pdu.ROK, "1")
			}
		}
		shop.got()
	}
	if sent < 190 || sent > 205 {
		t.Fatalf("%d in ten seconds at 20 a second", sent)
	}
}

// Sequence numbers go on from the last one to 1, on a bind in use.
func TestSequenceNumbersWrap(t *testing.T) {
	_, shop, binds := spreadStill(t, 1, nil)
	alfa := binds[0]
	alfa.window.sequence = pdu.MaxSequence - 2
	for _, want := range []uint32{pdu.MaxSequence - 1, pdu.MaxSequence, 1, 2} {
		shop.submit(text(alice, maskOfBob, "x"))
		f := alfa.one(pdu.SubmitSM)
		if f.Sequence != want {
			t.Fatalf("sequence number %08x, want %08x", f.Sequence, want)
		}
		alfa.respond(f, pdu.ROK, "1")
		if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.ROK {
			t.Fatalf("answered %02x", uint32(r.Status))
		}
	}
}

func TestOldestRequest(t *testing.T) {
	w := newWindow(8)
	w.sequence = pdu.MaxSequence - 3
	if w.oldest() != nil {
		t.Fatal("found one in an empty window")
	}
	got := fill(&w, 6, 10)
	for i, s := range got {
		if p := w.oldest(); p == nil || p.sequence != s {
			t.Fatalf("step %d: not %08x", i, s)
		}
		if i+2 < len(got) && i%2 == 0 {
			w.free(w.find(got[i+1])) // answered out of order
			got[i+1] = got[i]
		}
		if w.find(s) != nil && (i+1 == len(got) || got[i+1] != s) {
			w.free(w.find(s))
		}
	}
	if w.oldest() != nil || w.used != 0 {
		t.Fatalf("%d are left", w.used)
	}
}

// A primary that does not answer is as good as down.
func TestBackupBeforeAStalledPrimary(t *testing.T) {
	s := newStill(t, func(c *Config) {
		spare := c.Carriers[0].Binds[0]
		spare.Backup = true
		c.Carriers[0].Binds = append(c.Carriers[0].Binds, spare)
	})
	shop, primary := s.account("shop"), s.carrier("alfa")
	c := s.carriers["alfa"]
	backup := &stillPeer{session: s.newSession(deadConn{}, c.dialers[1]), still: s}
	backup.bound(s.turn, c.bindTerms(&c.cfg.Binds[1], pdu.Version34), nil)
	s.add(backup.session)
	shop.submit(text(alice, maskOfBob, "x"))
	f := primary.one(pdu.SubmitSM)
	s.pass(3 * second)
	shop.submit(text(alice, maskOfBob, "x"))
	backup.one(pdu.SubmitSM)
	primary.respond(f, pdu.ROK, "1")
	s.pass(3 * second)
	shop.submit(text(alice, maskOfBob, "x"))
	primary.one(pdu.SubmitSM)
}

// A message that claimed a carrier's one trial and found no room gives it back.
func TestTrialIsGivenBack(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Carriers[0].Binds[0].Window = 1 })
	shop, alfa, bravo := s.account("shop"), s.carrier("alfa"), s.carrier("bravo")
	for range 2 {
		shop.submit(text(alice, maskOfBob, "x")) // one is sent, one waits
	}
	alfa.one(pdu.SubmitSM)
	rc := s.router.Carrier("alfa")
	for range 1000 {
		rc.Report(routing.SMS, false, s.now)
	}
	s.now = s.now.Add(second) // half open
	shop.submit(text(alice, maskOfBob, "x"))
	bravo.one(pdu.SubmitSM)
	if !rc.Begin(routing.SMS, s.now) {
		t.Fatal("the trial is gone")
	}
}
