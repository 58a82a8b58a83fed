package smpp

import (
	"testing"
	"time"

	"maskline/smpp/pdu"
)

func (p *stillPeer) asksToUnbind() {
	p.last++
	p.still.turn.begin()
	p.handle(p.still.turn, pdu.AppendHeader(nil, pdu.Unbind, pdu.ROK, p.last))
	p.still.turn.flush()
}

// A peer that unbinds while its message is under way hears first what became of
// it.
func TestUnbindWaitsForWhatIsOpen(t *testing.T) {
	s := newStill(t, nil)
	shop, alfa := s.account("shop"), s.carrier("alfa")
	shop.submit(text(alice, maskOfBob, "in flight"))
	f := alfa.one(pdu.SubmitSM)
	shop.asksToUnbind()
	shop.submit(text(alice, maskOfBob, "too late"))
	if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.RSysErr {
		t.Fatalf("answered %02x", uint32(r.Status))
	}
	s.pass(time.Second)
	shop.none("unbound while its message is under way")
	alfa.respond(f, pdu.ROK, "1")
	if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.ROK {
		t.Fatalf("answered %02x", uint32(r.Status))
	}
	s.pass(tick)
	if u := shop.one(pdu.UnbindResp); u.Sequence != 2 || shop.state != stateClosing {
		t.Fatalf("the unbind with sequence number %d was answered, the session is %v", u.Sequence, shop.state)
	}
}

// What it has not answered itself is waited for a moment only.
func TestUnbindOfAPeerThatOwesAnswers(t *testing.T) {
	s := newStill(t, nil)
	shop, alfa := s.account("shop"), s.carrier("alfa")
	shop.submit(text(alice, maskOfBob, "x"))
	alfa.one(pdu.SubmitSM)
	alfa.asksToUnbind()
	shop.submit(text(alice, maskOfBob, "y"))
	s.pass(unbindGrace - tick)
	alfa.none("it has a moment, and is sent nothing more")
	s.pass(tick)
	alfa.one(pdu.UnbindResp)
}

func TestASecondUnbindIsAnsweredAtOnce(t *testing.T) {
	s := newStill(t, nil)
	shop, alfa := s.account("shop"), s.carrier("alfa")
	shop.submit(text(alice, maskOfBob, "x"))
	alfa.one(pdu.SubmitSM)
	shop.asksToUnbind()
	shop.none("it waits")
	shop.asksToUnbind()
	shop.one(pdu.UnbindResp)
}

// What a full window refuses costs nothing of the account's rate, and what its
// rate refuses costs nothing of its quota.
func TestWhatOneLimitRefusesCostsNothingOfAnother(t *testing.T) {
	s := newStill(t, func(c *Config) {
		c.Accounts[0].Window, c.Accounts[0].TPS, c.Accounts[0].Quota.Day = 1, 20, 3
	})
	shop, alfa := s.account("shop"), s.carrier("alfa")
	left := func() int { return s.Edge.account("shop").quota.left(s.now) }
	shop.submit(text(alice, maskOfBob, "1"))
	f := alfa.one(pdu.SubmitSM)
	for range 10 {
		shop.submit(text(alice, maskOfBob, "over the window"))
	}
	shop.allAnswered(10, pdu.RThrottled)
	alfa.respond(f, pdu.ROK, "1")
	shop.submit(text(alice, maskOfBob, "2"))
	alfa.respond(alfa.one(pdu.SubmitSM), pdu.ROK, "2")
	shop.allAnswered(2, pdu.ROK)
	for range 3 {
		shop.submit(text(alice, maskOfBob, "over the rate"))
	}
	shop.allAnswered(3, pdu.RThrottled)
	if left() != 1 {
		t.Fatalf("%d of the quota are left, want 1", left())
	}
}

// Each segment is answered in the codes of the bind that brought it.
func TestCodesOfTheBindThatASegmentCameOn(t *testing.T) {
	first := carrierReplies(Reply{Temporary: 1, Permanent: 2, Throttled: 3})
	second := carrierReplies(Reply{Temporary: 11, Permanent: 12, Throttled: 13})
	account := accountReplies()
	for status, want := range map[pdu.Status]pdu.Status{pdu.ROK: pdu.ROK, 1: 11, 2: 12, 3: 13} {
		if got := second.as(status, &first); got != want {
			t.Errorf("%d became %d, want %d", status, got, want)
		}
	}
	if got := account.as(pdu.RInvDstAdr, &account); got != pdu.RInvDstAdr {
		t.Errorf("an account hears %02x", uint32(got))
	}
}

// A reload changes a carrier's rate at once.
func TestReloadChangesACarriersRate(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Carriers[0].TPS = 1 })
	shop, alfa := s.account("shop"), s.carrier("alfa")
	for range 3 {
		shop.submit(text(alice, maskOfBob, "x"))
	}
	if n := len(alfa.got()); n != 1 {
		t.Fatalf("%d were sent at 1 a second", n)
	}
	cfg := s.cfg
	cfg.Carriers = append([]CarrierConfig(nil), cfg.Carriers...)
	cfg.Carriers[0].TPS = 0
	if _, err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	s.pass(tick)
	if n := len(alfa.got()); n != 2 {
		t.Fatalf("%d more were sent without a limit", n)
	}
}
