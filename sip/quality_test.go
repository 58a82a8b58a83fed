package sip

import (
	"slices"
	"testing"

	"go.uber.org/zap"
)

func TestOneWayAudioIsToldAndTheCallGoesOn(t *testing.T) {
	b := newBed(t, nil)
	d := b.connect(b.caller, "one")
	b.media.sessions[0].onOneWay(SideB)
	lines := b.log.FilterMessage("one-way audio: a side is not heard")
	if lines.FilterField(zap.String("trunk", "out0")).FilterField(zap.String("side", "callee")).Len() != 1 || lines.Len() != 1 {
		t.Errorf("%v", lines.All())
	}
	if b.count("one_way_total", "trunk", "out0") != 1 || b.count("one_way_total", "trunk", "in") != 0 {
		t.Error("not counted at the trunk that is not heard")
	}
	b.media.sessions[0].onOneWay(SideA)
	if b.count("one_way_total", "trunk", "in") != 1 {
		t.Error("the caller's side is not counted")
	}
	b.hangUp(b.caller, d)
	b.media.sessions[0].onOneWay(SideA) // too late
	if b.count("one_way_total", "trunk", "in") != 1 {
		t.Error("counted after the end")
	}
}

func TestQualityPerTrunk(t *testing.T) {
	b := newBed(t, nil)
	b.hangUp(b.caller, b.connect(b.caller, "one"))
	eventually(t, "the call is over", func() bool { return b.count("calls_total", "why", "caller") == 1 })
	for _, name := range []string{"mos", "loss_ratio", "jitter_seconds", "round_trip_seconds"} {
		if n := b.count(name, "trunk", "out0"); n != 1 {
			t.Errorf("%s: %v calls", name, n)
		}
		if n := b.count(name, "trunk", "in"); n != 0 {
			t.Errorf("%s: 7 packets are told of", name)
		}
	}
}

// sums is an observer that adds up.
type sums float64

func (s *sums) Observe(v float64) { *s += sums(v) }

func TestWhatIsHeardOfATrunk(t *testing.T) {
	var mos, loss, jitter, trip sums
	q := trunkQuality{mos: &mos, loss: &loss, jitter: &jitter, roundTrip: &trip}
	q.heard(&fakeStats.B)
	q.heard(&MediaSide{Packets: 100, Loss: 0.5}) // an unknown codec
	if mos != 4.2 || loss != 0.52 || jitter != 0.003 || trip != 0.08 {
		t.Errorf("%v %v %v %v", mos, loss, jitter, trip)
	}
}

func TestTheRelayLearnsTheCodec(t *testing.T) {
	b := newBed(t, nil)
	d := b.connect(b.caller, "one")
	s := b.media.sessions[0]
	b.media.mu.Lock()
	codecs := slices.Clone(s.codecs)
	b.media.mu.Unlock()
	if !slices.Equal(codecs, []string{"PCMA/8000"}) {
		t.Errorf("%v", codecs)
	}
	b.hangUp(b.caller, d)
}
