package sip

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/routing"
)

// slotRouter opens slots when its test likes.
type slotRouter struct {
	*routing.Router
	strange atomic.Bool // the caller is new to the mask

	mu   sync.Mutex
	wait []func(opened bool)
	by   time.Time
}

func (r *slotRouter) Open(_ *routing.Plan, by time.Time, done func(opened bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wait, r.by = append(r.wait, done), by
}

func (r *slotRouter) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.wait)
}

// answer tells all that wait.
func (r *slotRouter) answer(opened bool) {
	r.mu.Lock()
	wait := r.wait
	r.wait = nil
	r.mu.Unlock()
	for _, done := range wait {
		done(opened)
	}
}

// newSlotBed is a bed whose caller is new to the mask.
func newSlotBed(t *testing.T) (*bed, *slotRouter) {
	t.Helper()
	slots := &slotRouter{}
	slots.strange.Store(true)
	b := newBed(t, nil, func(e *Edge) {
		slots.Router = e.router.(*routing.Router)
		decide := e.decide
		e.router = slots
		e.decide = func(req *routing.Request) evRouted {
			if slots.strange.Load() && req.From == simAlice {
				return e.plan(&routing.Plan{Verdict: routing.FirstContact, Mask: simMaskA}, req.Seed)
			}
			return decide(req)
		}
	})
	return b, slots
}

// A first call waits for its slot, and holds nobody else up.
func TestAFirstCallWaitsForItsSlot(t *testing.T) {
	b, slots := newSlotBed(t)
	b.caller.send(b.caller.invite("first"))
	b.caller.expect("SIP/2.0 100")
	eventually(t, "it waits", func() bool { return slots.waiting() == 1 })
	if left := time.Until(slots.by); left > slotWithin || left < slotWithin-2*time.Second {
		t.Errorf("the slot has %v", left)
	}
	eventually(t, "it is seen", func() bool { calls := b.edge.Calls(); return len(calls) == 1 && calls[0].State == "routing" })
	if n := b.count("first_contacts_waiting"); n != 1 {
		t.Errorf("%v calls wait", n)
	}
	other := strings.ReplaceAll(b.caller.invite("other"), simAlice.Reveal(), simBob.Reveal())
	b.caller.send(other) // of somebody whom routing refuses at once
	b.caller.send(ackTo(other, b.caller.expect("SIP/2.0 404")))
	b.callees[0].silence()

	slots.strange.Store(false)
	slots.answer(true)
	invite := b.callees[0].expect("INVITE ")
	if !strings.Contains(header(invite, "From"), simMaskB.Reveal()) {
		t.Error("the called side does not see the slot")
	}
	b.callees[0].send(b.callees[0].reply(invite, 486, ""))
	b.callees[0].expect("ACK ")
	b.caller.send(ackTo(b.caller.invite("first"), b.caller.expect("SIP/2.0 486")))
	if n := b.count("first_contact_seconds", "outcome", "opened"); n < 1 {
		t.Error("the wait is not counted")
	}

	// The next one does not wait.
	d := b.connect(b.caller, "second")
	if n := slots.waiting(); n != 0 {
		t.Errorf("%d wait for a slot again", n)
	}
	b.hangUp(b.caller, d)
}

// Every end of the wait is an answer to the caller, and counted.
func TestNoSlotForACall(t *testing.T) {
	b, slots := newSlotBed(t)
	refused := func(key string) {
		t.Helper()
		answer := b.caller.expect("SIP/2.0 480")
		if header(answer, "Reason") != "Q.850;cause=41" {
			t.Errorf("the reason is %q", header(answer, "Reason"))
		}
		b.caller.send(ackTo(b.caller.invite(key), answer))
	}
	for _, opened := range []bool{false, true} { // at first not opened, then opened and not there
		key := "refused"
		if opened {
			key = "absent"
		}
		b.caller.send(b.caller.invite(key))
		eventually(t, "it waits", func() bool { return slots.waiting() == 1 })
		slots.answer(opened)
		refused(key)
	}
	b.edge.contacts.Store(mostContacts)
	b.caller.send(b.caller.invite("full"))
	refused("full")
	if n := slots.waiting(); n != 0 {
		t.Errorf("%d slots are asked for beyond the bound", n)
	}
	b.edge.contacts.Store(0)
	b.callees[0].silence()
	if n := b.count("calls_total", "why", "first_contact"); n != 3 {
		t.Errorf("%v calls ended for want of a slot", n)
	}
}

// ackTo acknowledges a refusal.
func ackTo(invite, answer string) string {
	head, _, _ := strings.Cut(invite, "Content-Type")
	head = strings.Replace(strings.Replace(head, "INVITE sip:", "ACK sip:", 1), "CSeq: 1 INVITE", "CSeq: 1 ACK", 1)
	return withBody(strings.Replace(head, "To: "+header(invite, "To"), "To: "+header(answer, "To"), 1), "")
}

// Whoever has hung up meanwhile is not put through.
func TestACallerThatDoesNotWaitForItsSlot(t *testing.T) {
	b, slots := newSlotBed(t)
	invite := b.caller.invite("one")
	b.caller.send(invite)
	eventually(t, "it waits", func() bool { return slots.waiting() == 1 })
	cancel := strings.Replace(strings.Replace(invite, "INVITE sip:", "CANCEL sip:", 1), "CSeq: 1 INVITE", "CSeq: 1 CANCEL", 1)
	head, _, _ := strings.Cut(cancel, "Content-Type")
	b.caller.send(withBody(head, ""))
	b.caller.expect("SIP/2.0 200")
	b.caller.send(ackTo(invite, b.caller.expect("SIP/2.0 487")))
	eventually(t, "it has ended", func() bool { return b.count("calls_total", "why", "cancelled") == 1 })
	slots.answer(true)
	b.callees[0].silence()
	if allocated, _ := b.media.counts(); allocated != 0 {
		t.Error("it has media ports")
	}
	if n := b.count("first_contacts_waiting"); n != 0 {
		t.Errorf("%v calls wait", n)
	}
}

// A slot that comes when the edge has ended is nobody's.
func TestASlotAfterTheEdge(t *testing.T) {
	b, slots := newSlotBed(t)
	b.caller.send(b.caller.invite("one"))
	eventually(t, "it waits", func() bool { return slots.waiting() == 1 })
	b.stop()
	b.caller.expect("SIP/2.0 503")
	slots.answer(true)
	if n := b.count("panics_total"); n != 0 {
		t.Errorf("%v panics", n)
	}
}
