package sip

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSummary(t *testing.T) {
	b := newBench(t)
	b.routed.candidates[0].cost, b.routed.candidates[1].cost = 3, 7
	b.step("A INVITE")
	b.step("B0 503")
	b.step("1s")
	b.step("B1 200+sdp")
	b.step("A ACK")
	b.step("10s")
	b.step("A BYE")
	s := b.summary
	if s.cost != 7 {
		t.Errorf("a minute costs %d", s.cost)
	}
	if s.from != b.trunkA || s.to != b.trunks[1] || s.why != "caller" || len(s.attempts) != 2 ||
		s.answered.Sub(s.began) != time.Second || s.ended.Sub(s.answered) != 10*time.Second {
		t.Fatalf("%+v", s)
	}
}

// TestAttemptsOfASummary has one candidate refuse, one stay silent, one answer.
func TestAttemptsOfASummary(t *testing.T) {
	b := newBench(t)
	b.routed.candidates = append(b.routed.candidates, b.routed.candidates[0])
	start := b.now
	for _, in := range []string{"A INVITE", "1s", "B0 503 cause-34", "B1 100", "6s", "1s", "B2 180", "1s", "B2 183", "1s", "B2 200+sdp", "A ACK", "10s", "A BYE"} {
		b.step(in)
	}
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	want := []Attempt{
		{Endpoint: b.trunks[0].endpoint(), Outcome: "refused", Code: 503, Cause: 34, Began: at(0), Response: at(1), Ended: at(1)},
		{Endpoint: b.trunks[1].endpoint(), Outcome: "timeout", Code: 408, Began: at(1), Response: at(1), Ended: at(7)},
		{Endpoint: b.trunks[0].endpoint(), Outcome: "answered", Code: 200, Began: at(7), Response: at(8), Ringing: at(8), Answered: at(10), Ended: at(20)},
	}
	if diff := cmp.Diff(want, b.summary.attempts); diff != "" {
		t.Error(diff)
	}
	if s := b.summary; !s.ringing.Equal(at(8)) || !s.answered.Equal(at(10)) || !s.ended.Equal(at(20)) || s.codec != "PCMA/8000" || enderOf(s.why) != EndedByCaller {
		t.Errorf("%+v", s)
	}
}

func TestSummaryOfAnEmergencyCall(t *testing.T) {
	b := newBench(t)
	b.routed.emergency = true
	for _, in := range []string{"A INVITE", "B0 200+sdp", "A ACK", "A BYE"} {
		b.step(in)
	}
	if b.summary.cost != 0 {
		t.Error("it costs something")
	}
	if !b.summary.emergency {
		t.Fatal("an answered emergency call is told of as another one")
	}
}
