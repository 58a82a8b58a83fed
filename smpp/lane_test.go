package smpp

import (
	"testing"

	"maskline/smpp/pdu"
)

// parts lists the part numbers of segments.
func parts(t *testing.T, frames []frame) string {
	t.Helper()
	var all []byte
	for i := range frames {
		all = append(all, '0'+frames[i].message(t).ShortMessage[5])
	}
	return string(all)
}

// A throttled segment is sent again on its bind, and its siblings wait behind.
func TestThrottledSegmentsKeepTheirOrder(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Carriers[0].Binds[0].Window = 3 })
	shop, alfa, bravo := s.account("shop"), s.carrier("alfa"), s.carrier("bravo")
	for part := byte(1); part <= 5; part++ {
		shop.submit(segment(7, 5, part))
	}
	first := alfa.got()
	if got := parts(t, first); got != "123" {
		t.Fatalf("parts %s left", got)
	}
	for _, i := range []int{1, 0, 2} { // answered in another order than sent
		alfa.respond(first[i], pdu.RThrottled, "")
	}
	var order string
	for range 100 {
		s.pass(second / 10)
		frames := alfa.got()
		order += parts(t, frames)
		for _, f := range frames {
			alfa.respond(f, pdu.ROK, "1")
		}
	}
	if order != "12345" {
		t.Fatalf("parts came as %s", order)
	}
	bravo.none("a segment went to another carrier")
	if got := shop.answers(); len(got) != 5 {
		t.Fatalf("answered %v", got)
	}
}

// What is no segment goes elsewhere while segments wait.
func TestSegmentsGoFirst(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Carriers[0].Binds[0].Window = 2 })
	shop, alfa := s.account("shop"), s.carrier("alfa")
	for part := byte(1); part <= 3; part++ {
		shop.submit(segment(7, 3, part))
	}
	shop.submit(text(alice, maskOfBob, "later"))
	first := alfa.got()
	alfa.respond(first[0], pdu.ROK, "1")
	if got := parts(t, alfa.got()); got != "3" {
		t.Fatalf("%q left instead of part 3", got)
	}
	alfa.respond(first[1], pdu.ROK, "1")
	if got := texts(t, alfa.got()); len(got) != 1 || got[0] != "later" {
		t.Fatalf("got %q", got)
	}
}

// Other messages that wait do not turn segments away.
func TestSegmentWhileOthersWait(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Carriers[0].Binds[0].Window = 1 })
	shop, alfa, bravo := s.account("shop"), s.carrier("alfa"), s.carrier("bravo")
	shop.submit(text(alice, maskOfBob, "sent"))
	shop.submit(text(alice, maskOfBob, "waits"))
	shop.submit(segment(7, 2, 1))
	bravo.none("the segment found no room")
	alfa.respond(alfa.one(pdu.SubmitSM), pdu.ROK, "1")
	if got := parts(t, alfa.got()); got != "1" {
		t.Fatalf("%q left", got)
	}
}

func TestThrottledSegmentIsGivenUpInTime(t *testing.T) {
	s := newStill(t, nil)
	shop, alfa := s.account("shop"), s.carrier("alfa")
	shop.submit(segment(7, 2, 1))
	for range 110 {
		for _, f := range alfa.got() {
			alfa.respond(f, pdu.RMsgQFul, "")
		}
		s.pass(second / 10)
	}
	if got := shop.answers(); len(got) != 1 || got[0] != pdu.RSysErr {
		t.Fatalf("answered %v", got)
	}
	if alfa.lane.length != 0 || s.inFlight() != 0 {
		t.Fatal("it still waits")
	}
}

// The bind goes down: what waits in its lane takes the other bind, in order.
func TestLaneOfABindThatGoesDown(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Carriers[0].Binds[0].Window = 1 })
	shop := s.account("shop")
	binds := []*stillPeer{s.carrier("alfa"), s.carrier("alfa")}
	for part := byte(1); part <= 2; part++ {
		shop.submit(segment(7, 2, part))
	}
	if len(binds[0].out.pending) == 0 {
		binds[0], binds[1] = binds[1], binds[0]
	}
	if got := parts(t, binds[0].got()); got != "1" {
		t.Fatalf("%q left", got)
	}
	binds[0].gone()
	if got := parts(t, binds[1].got()); got != "2" {
		t.Fatalf("%q took the other bind", got)
	}
}

func TestLaneIsBounded(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Carriers[0].Binds[0].Window = 2 })
	shop, alfa := s.account("shop"), s.carrier("alfa")
	for part := byte(1); part <= 6; part++ {
		shop.submit(segment(7, 6, part))
	}
	if n := alfa.lane.length; n != 2 {
		t.Fatalf("%d wait", n)
	}
	if got := shop.answers(); len(got) != 2 || got[0] != pdu.RSysErr {
		t.Fatalf("answered %v", got)
	}
}

func TestQueueInsert(t *testing.T) {
	var q queue
	for _, order := range []uint64{5, 3, 9, 1, 4} {
		q.insert(&message{order: order})
	}
	var got []uint64
	for m := q.head; m != nil; m = m.next {
		got = append(got, m.order)
	}
	var back []uint64
	for m := q.tail; m != nil; m = m.prev {
		back = append(back, m.order)
	}
	for i, want := range []uint64{1, 3, 4, 5, 9} {
		if got[i] != want || back[4-i] != want || q.length != 5 {
			t.Fatalf("order %v, backwards %v", got, back)
		}
	}
}
