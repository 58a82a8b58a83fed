package smpp

import (
	"sync/atomic"

	"maskline/smpp/pdu"
)

// fitness says how gladly a bind is given messages.
type fitness uint32

const (
	fit     fitness = iota
	failing         // it answers with faults: used after the fit ones
	stalled         // it leaves messages without an answer: used last
)

var fitnessNames = [...]string{"fit", "failing", "stalled"}

func (f fitness) String() string { return fitnessNames[f] }

// bindLoad is what those who look for a bind read of it without its lock.
type bindLoad struct {
	used atomic.Int32  // of its window
	fit  atomic.Uint32 // a fitness
}

func (l *bindLoad) fitness() fitness { return fitness(l.fit.Load()) }

// health judges a bind by its answers. The session's lock guards it.
type health struct {
	answered int64 // when the last response came
	took     int64 // how long that one took
	faults   int   // a sliding share of faulty answers, 0 to faultsAll
}

const (
	faultsAll   = 1 << 10
	faultsMany  = faultsAll / 2
	faultsFade  = 64 // a response's weight is 1/16, a tick's 1/64: about three seconds
	faultsShare = 16
)

// responded notes a response that came at the instant at.
func (h *health) responded(at, took int64, status pdu.Status) {
	h.answered, h.took = at, took
	if status == pdu.ROK && h.faults == 0 {
		return
	}
	h.faults -= h.faults / faultsShare
	if attemptOf(status) == faulty {
		h.faults += faultsAll / faultsShare
	}
}

// judge is made once a tick. oldest is when the oldest unanswered message was
// sent, or never. A bind is stalled where that is longer ago than slow, and no
// other message was answered sooner meanwhile: one response that a carrier
// forgets says nothing about the bind.
func (h *health) judge(at, oldest, slow int64) fitness {
	bad := h.faults > faultsMany
	h.faults -= (h.faults + faultsFade - 1) / faultsFade
	switch {
	case oldest != never && at-oldest > slow && (at-h.answered > slow || h.took > slow):
		return stalled
	case bad:
		return failing
	default:
		return fit
	}
}
