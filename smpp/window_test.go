package smpp

import (
	"slices"
	"testing"

	"maskline/smpp/pdu"
)

func fill(w *window, n int, until int64) (sequences []uint32) {
	for range n {
		s := w.nextFree()
		w.put(slot{sequence: s, message: &message{}, answerBy: until, until: until})
		sequences = append(sequences, s)
	}
	return sequences
}

func TestWindowLimit(t *testing.T) {
	w := newWindow(5)
	got := fill(&w, 5, 10)
	if w.room() != 0 || !slices.Equal(got, []uint32{1, 2, 3, 4, 5}) {
		t.Fatalf("room for %d, sequences %v", w.room(), got)
	}
	w.free(w.find(3))
	if w.room() == 0 || w.find(3) != nil || w.find(4) == nil {
		t.Fatal("another slot was freed")
	}
}

func TestWindowWraps(t *testing.T) {
	w := newWindow(4)
	w.sequence = pdu.MaxSequence - 2
	if got := fill(&w, 4, 10); !slices.Equal(got, []uint32{pdu.MaxSequence - 1, pdu.MaxSequence, 1, 2}) {
		t.Fatalf("sequences %x", got)
	}
}

// A request that stays unanswered costs its slot, not its followers.
func TestWindowSkipsASlowRequest(t *testing.T) {
	w := newWindow(4)
	slow := fill(&w, 1, 1_000_000)[0]
	seen := map[uint32]bool{slow: true}
	for range 100 {
		for _, s := range fill(&w, 3, 10) {
			if seen[s] || s == 0 {
				t.Fatalf("sequence %d came again", s)
			}
			seen[s] = true
			w.free(w.find(s))
		}
	}
	if w.find(slow) == nil || w.used != 1 {
		t.Fatal("the slow request was lost")
	}
}

func TestWindowFindsOnlyItsOwn(t *testing.T) {
	w := newWindow(4)
	fill(&w, 1, 10)
	for _, s := range []uint32{0, 2, 9, 1 + uint32(len(w.slots)), 0xFFFFFFFF} {
		if w.find(s) != nil {
			t.Errorf("found %d", s)
		}
	}
	if (&window{}).find(1) != nil {
		t.Error("found one in a bind that sends nothing")
	}
}

func TestWindowExpires(t *testing.T) {
	w := newWindow(4)
	w.grow()
	m := &message{}
	w.put(slot{sequence: 1, message: m, answerBy: 50, until: 100})
	w.put(slot{sequence: 2, message: m, answerBy: 200, until: 100})
	type end struct {
		sequence uint32
		givenUp  bool
		waited   bool
	}
	at := func(now int64) (ends []end) {
		w.expire(now, (*redeliveries)(nil).note, func(s slot, givenUp bool) { ends = append(ends, end{s.sequence, givenUp, s.message != nil}) })
		return ends
	}
	for _, step := range []struct {
		at   int64
		want []end
	}{
		{49, nil},
		{50, []end{{1, false, true}}}, // the upstream's time is over, the response may still come
		{99, nil},
		{100, []end{{1, true, false}, {2, true, true}}},
		{300, nil},
	} {
		if got := at(step.at); !slices.Equal(got, step.want) {
			t.Fatalf("at %d: %v, want %v", step.at, got, step.want)
		}
	}
	if w.used != 0 || w.earliest != never {
		t.Fatalf("%d are left", w.used)
	}
	for _, s := range []uint32{1, 2} {
		if _, late := w.late.take(s); !late {
			t.Errorf("%d is not remembered", s)
		}
		if _, again := w.late.take(s); again {
			t.Errorf("%d is remembered twice", s)
		}
	}
}

func TestWindowClearsInOrder(t *testing.T) {
	w := newWindow(8)
	for range 20 { // away from the beginning
		w.free(w.find(fill(&w, 1, 10)[0]))
	}
	want := fill(&w, 8, 10)
	var got []uint32
	w.clear(func(s slot) { got = append(got, s.sequence) })
	if !slices.Equal(got, want) || w.used != 0 {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestLateSetIsBounded(t *testing.T) {
	l := lateSet{limit: 10}
	for s := range uint32(1000) {
		l.add(s+1, lateRequest{})
	}
	if len(l.by) != 10 || len(l.order) > 20 || cap(l.order) > 80 {
		t.Fatalf("%d remembered, %d in order, room for %d", len(l.by), len(l.order), cap(l.order))
	}
	if _, ok := l.take(1000); !ok {
		t.Fatal("the latest is forgotten")
	}
}

func TestAnsweredLateRequestsPushNoneOut(t *testing.T) {
	l := lateSet{limit: 4}
	l.add(1, lateRequest{})
	for s := uint32(2); s < 100; s++ {
		l.add(s, lateRequest{})
		l.take(s)
	}
	if _, ok := l.take(1); !ok {
		t.Error("one that was not answered is forgotten for those that were")
	}
	if len(l.order) > 8 {
		t.Errorf("%d in order", len(l.order))
	}
}

// take sends one segment where the pace allows it.
func (p *pace) take(at int64) bool {
	if !p.ready(at) {
		return false
	}
	p.spend(at, 1)
	return true
}

func TestPace(t *testing.T) {
	const second = int64(1e9)
	for _, perSecond := range []int{1, 7, 10, 1000, 50_000} {
		p := newPace(perSecond)
		taken := 0
		for at := int64(0); at < 10*second; at += second / 100_000 {
			if p.take(at) {
				taken++
			}
		}
		if limit := 10*perSecond + perSecond/10 + 1; taken > limit || taken < 10*perSecond-1 {
			t.Errorf("%d per second: %d in ten", perSecond, taken)
		}
	}
	unlimited := newPace(0)
	for range 1000 {
		if !unlimited.take(0) {
			t.Fatal("no limit refused")
		}
	}
	idle := newPace(10)
	idle.take(0)
	taken := 0
	for idle.take(3600 * second) {
		taken++
	}
	if taken > 2 {
		t.Fatalf("%d at once after an idle hour", taken)
	}
}

func TestProbes(t *testing.T) {
	const s = int64(1e9)
	type step struct {
		at, lastRead int64
		want         probeAction
	}
	cases := []struct {
		name  string
		steps []step
	}{
		{"traffic", []step{{29 * s, 0, probeNothing}, {40 * s, 35 * s, probeNothing}}},
		{"answered", []step{{30 * s, 0, probeSend}, {31 * s, 31 * s, probeNothing}, {60 * s, 31 * s, probeNothing}, {61 * s, 31 * s, probeSend}}},
		{"silent", []step{{30 * s, 0, probeSend}, {39 * s, 0, probeNothing}, {40 * s, 0, probeSend}, {49 * s, 0, probeNothing}, {50 * s, 0, probeGiveUp}}},
		{"one miss, then life", []step{{30 * s, 0, probeSend}, {40 * s, 0, probeSend}, {45 * s, 44 * s, probeNothing}, {74 * s, 44 * s, probeSend}, {84 * s, 44 * s, probeSend}, {94 * s, 44 * s, probeGiveUp}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var p probes
			for i, step := range c.steps {
				got := p.next(step.at, step.lastRead, 30e9)
				if got != step.want {
					t.Fatalf("step %d: %v, want %v", i, got, step.want)
				}
				if got == probeSend {
					p.sent(uint32(i+1), step.at)
				}
			}
		})
	}
}
