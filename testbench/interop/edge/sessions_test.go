//go:build peers

package edge

import (
	"slices"
	"testing"
	"time"

	"maskline/e164"
	"maskline/smpp/pdu"
)

// Two people write and call through node-smpp and SIPp until their session ends:
// each sees the number by which it reaches the other, and hears afterwards that it
// has ended.
func TestASessionOfTwoAmongForeignPeers(t *testing.T) {
	m := newMasked(t, "any", anyHost)
	s := m.between([]e164.Number{rider, driver}, "--ttl", "1h")
	first, second := s.dial(0), s.dial(1)
	m.converse(first, second)
	m.sub("a stranger", func(*testing.T) {
		m.refused(stranger, first, pdu.ROK) // dropped
		m.dials("caller_refused_404", stranger, first).wait()
	})
	m.sub("after the end", func(t *testing.T) {
		if ended := m.session("end", s.ID); ended.State != "released" {
			t.Errorf("it is %s", ended.State)
		}
		before := m.decided("ended")
		m.comesLate(&s)
		if n := m.decided("ended") - before; n != 4 {
			t.Errorf("%v contacts are counted as late", n)
		}
	})
	m.finish(map[string]int{"SMPP to a carrier": 8, "SIP": 20})
}

// The members of a group reach each other by one number and see it.
func TestAGroupAmongForeignPeers(t *testing.T) {
	m := newMasked(t, "any", anyHost)
	members := []e164.Number{rider, driver, customer}
	s := m.between(members[:2], "--shape", "group")
	m.refused(customer, s.dial(0), pdu.ROK) // a stranger yet
	s = m.session("join", s.ID, "--party", customer.Reveal())
	if len(s.Participants) != len(members) {
		t.Fatalf("%d participants", len(s.Participants))
	}
	for i, member := range members {
		if s.dial(i) != s.dial(0) {
			t.Fatal("the members dial different masks")
		}
		reached := members[0]
		if i == 0 {
			reached = members[1]
		}
		if from := m.reach(member, s.dial(i), "alfa", reached); from != s.dial(0) {
			t.Errorf("member %d does not see the group's number", i)
		}
		m.calls(member, s.dial(i), "alfa", reached, s.dial(0))
	}
	m.session("end", s.ID)
	for _, member := range members {
		m.refused(member, s.dial(0), pdu.RxPAppn)
	}
	m.finish(map[string]int{"SMPP to a carrier": 7, "SIP": 18})
}

// A stranger writes to a leased number; its owner answers by text and by call to the
// slot that it sees, and reaches that stranger from the leased number.
func TestALeaseAmongForeignPeers(t *testing.T) {
	m := newMasked(t, "any", anyHost)
	s := m.session("lease", "--pool", "uk", "--tenant", "shop", "--to", "tel:"+driver.Reveal())
	public := s.dial(0)
	slots := map[e164.Number]e164.Number{}
	for _, who := range []e164.Number{stranger, guest} {
		slots[who] = m.reach(who, public, "alfa", driver)
	}
	if slots[stranger] == slots[guest] || slots[stranger] == public || slots[guest] == public {
		t.Fatal("the owner cannot tell the strangers apart")
	}
	for who, slot := range slots {
		if from := m.reach(driver, slot, "alfa", who); from != public {
			t.Error("a stranger does not see the number that it wrote to")
		}
		m.calls(driver, slot, "alfa", who, public)
	}
	m.refused(guest, slots[stranger], pdu.ROK) // it is the owner's alone
	m.session("end", s.ID)
	m.refused(stranger, public, pdu.RxPAppn)
	m.refused(driver, slots[stranger], pdu.RxPAppn)
	m.dials("caller_refused_486", driver, slots[guest]).wait()
	m.finish(map[string]int{"SMPP to a carrier": 8, "SIP": 15})
}

// Sessions end by their time and by the number of their contacts, as the networks
// hear it.
func TestSessionsEndAmongForeignPeers(t *testing.T) {
	m := newMasked(t, "any", anyHost)
	m.sub("by time", func(t *testing.T) {
		s := m.between([]e164.Number{rider, driver}, "--ttl", "3s")
		m.reach(rider, s.dial(0), "alfa", driver)
		m.eventually("the session is over", func() bool {
			sent := time.Now()
			_, status := m.text(rider, s.dial(0))
			if status == pdu.ROK && sent.After(s.ExpiresAt) {
				t.Fatal("a message after the end was taken")
			}
			if status != pdu.ROK && (status != pdu.RxPAppn || time.Now().Before(s.ExpiresAt)) {
				t.Fatalf("a message was refused before the end, or by 0x%02X", uint32(status))
			}
			return status != pdu.ROK
		})
		if late := time.Since(s.ExpiresAt); late > time.Second {
			t.Logf("the first refusal was looked for %v after the end", late)
		}
		m.dials("caller_refused_486", driver, s.dial(1)).wait()
		m.eventually("it is shown as expired", func() bool { return m.session("show", s.ID).State == "expired" })
	})
	for _, c := range []struct {
		name string
		use  func(s *shown)
	}{
		{"by one text", func(s *shown) { m.reach(rider, s.dial(0), "alfa", driver) }},
		{"by one call", func(s *shown) { m.calls(rider, s.dial(0), "alfa", driver, s.dial(1)) }},
	} {
		m.sub(c.name, func(*testing.T) {
			s := m.between([]e164.Number{rider, driver}, "--max-uses", "1")
			c.use(&s)
			m.refused(driver, s.dial(1), pdu.RxPAppn)
			m.dials("caller_refused_486", rider, s.dial(0)).wait()
			m.eventually("it is shown as used up", func() bool { return m.session("show", s.ID).State == "used_up" })
		})
	}
	m.finish(map[string]int{"SMPP to a carrier": 5, "SIP": 12})
}

// While the carrier that hosts the masks is away the conversation goes on through
// the other one, with the masks that this one hosts, in texts and calls.
func TestTheSecondMaskAmongForeignPeers(t *testing.T) {
	m := newMasked(t, "[own]", []string{"alfa", "alfa", "alfa", "bravo", "bravo", "bravo"}, "--second")
	s := m.between([]e164.Number{rider, driver})
	bravos := []e164.Number{e164.MustParse("+442079460103"), e164.MustParse("+442079460104"), e164.MustParse("+442079460105")}
	at := func(i int, bravo bool) e164.Number { // the mask of alfa or bravo that a participant dials
		if slices.Contains(bravos, s.dial(i)) == bravo {
			return s.dial(i)
		}
		return s.second(i)
	}
	for i := range 2 {
		if at(i, true) == at(i, false) || slices.Contains(bravos, at(i, false)) {
			t.Fatal("a side's masks are hosted by one carrier")
		}
	}
	host := map[bool]string{true: "bravo", false: "alfa"}[slices.Contains(bravos, s.dial(1))]
	if from := m.reach(rider, at(0, true), host, driver); from != s.dial(1) {
		t.Error("the host of the first mask does not present it")
	}
	m.node["alfa"].Close()
	m.eventually("alfa is down", func() bool {
		return m.metrics().Sum("maskline_routing_carrier_up", "carrier", "alfa", "service", "sms") == 0
	})
	if from := m.reach(rider, at(0, true), "bravo", driver); from != at(1, true) {
		t.Error("bravo does not present its own mask")
	}
	if from := m.reach(driver, at(1, true), "bravo", rider); from != at(0, true) {
		t.Error("the answer does not come from bravo's mask")
	}
	m.calls(rider, at(0, true), "bravo", driver, at(1, true)) // nobody is at alfa's SIP address
	m.finish(map[string]int{"SMPP to a carrier": 4, "SIP": 6})
}
