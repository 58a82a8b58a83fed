package smpp

import (
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// planted spoils a recorded history; it returns nil where the history has
// nothing of the kind.
type planted struct {
	invariant string
	name      string
	spoil     func([]simEvent) []simEvent
}

// find is the place of the first event that fits, -1 where none does.
func find(events []simEvent, fits func(simEvent) bool) int { return slices.IndexFunc(events, fits) }

func kind(k simKind) func(simEvent) bool { return func(e simEvent) bool { return e.kind == k } }

// again puts a changed copy of the first event that fits behind it.
func again(fits func(simEvent) bool, change func(*simEvent)) func([]simEvent) []simEvent {
	return func(events []simEvent) []simEvent {
		i := find(events, fits)
		if i < 0 {
			return nil
		}
		e := events[i]
		change(&e)
		return slices.Insert(events, i+1, e)
	}
}

// dropped drops every event that fits.
func dropped(fits func(simEvent) bool) func([]simEvent) []simEvent {
	return func(events []simEvent) []simEvent {
		if find(events, fits) < 0 {
			return nil
		}
		return slices.DeleteFunc(events, fits)
	}
}

// changedTo changes the first event that fits.
func changedTo(fits func(simEvent) bool, change func(*simEvent)) func([]simEvent) []simEvent {
	return func(events []simEvent) []simEvent {
		i := find(events, fits)
		if i < 0 {
			return nil
		}
		change(&events[i])
		return events
	}
}

// many puts n copies of the first event that fits behind it, as requests of
// their own.
func many(k simKind, n int) func([]simEvent) []simEvent {
	return func(events []simEvent) []simEvent {
		i := find(events, kind(k))
		if i < 0 {
			return nil
		}
		for j := range n {
			e := events[i]
			e.request += uint32(1000 + j)
			e.step += j
			e.message = ""
			events = slices.Insert(events, i+1+j, e)
		}
		return events
	}
}

// segments changes every request that carried a segment, and its response.
func plantedSegments(change func(e *simEvent)) func([]simEvent) []simEvent {
	return func(events []simEvent) []simEvent {
		for i := range events {
			if e := &events[i]; strings.Contains(e.message, ".") && (e.kind == simArrived || e.kind == simReplied) {
				change(e)
			}
		}
		return events
	}
}

// swapped exchanges the first two segments of a message.
func swapped(e *simEvent) {
	switch long, part, _ := strings.Cut(e.message, "."); part {
	case "1":
		e.message = long + ".2"
	case "2":
		e.message = long + ".1"
	}
}

// otherBind moves the second segment of a message to another bind.
func otherBind(e *simEvent) {
	if strings.HasSuffix(e.message, ".2") {
		e.link = 1 + e.link%4
	}
}

func acknowledged(e simEvent) bool { return e.kind == simAnswered && e.status == pdu.ROK && e.id != "" }

func finalNotice(e simEvent) bool { return e.kind == simNotified && isFinal(e.state) }

var plants = []planted{
	{"one answer", "answered twice", again(kind(simAnswered), func(*simEvent) {})},
	{"one answer", "never answered", dropped(kind(simAnswered))},
	{"one answer", "answered on another connection", changedTo(kind(simAnswered), func(e *simEvent) { e.link++ })},
	{"answered in time", "answered late", changedTo(kind(simAnswered), func(e *simEvent) { e.at += time.Hour })},
	{"acknowledged means accepted", "nobody accepted", func(events []simEvent) []simEvent {
		return dropped(func(e simEvent) bool { return e.kind == simReplied })(events)
	}},
	{"acknowledged means accepted", "answered before it was accepted", changedTo(acknowledged, func(e *simEvent) { e.step = 0 })},
	{"one carrier", "sent to a second carrier", again(kind(simArrived), func(e *simEvent) { e.request += 1000 })},
	{"ids", "an id given twice", again(acknowledged, func(e *simEvent) { e.message = "another" })},
	{"our window", "too many to a peer", many(simArrived, 300)},
	{"their window", "too many from a peer", many(simTaken, 300)},
	{"asked for", "a receipt that nobody wanted", func(events []simEvent) []simEvent {
		for i := range events {
			events[i].wants = 0
		}
		return events
	}},
	{"joined with its message", "a state that nobody reported", changedTo(finalNotice, func(e *simEvent) { e.state = pdu.Deleted })},
	{"to the originator", "a receipt for another account", changedTo(finalNotice, func(e *simEvent) { e.peer = "another" })},
	{"receipt not lost", "a receipt lost", dropped(kind(simNotified))},
	{"receipt answered once", "a receipt answered twice", again(kind(simReceived), func(*simEvent) {})},
	{"receipt answered once", "a receipt never answered", dropped(kind(simReceived))},
	{"final once", "a final receipt again", func(events []simEvent) []simEvent {
		i := find(events, func(e simEvent) bool { return e.kind == simConfirmed && e.status == pdu.ROK && isFinal(e.state) })
		if i < 0 {
			return nil
		}
		e := events[i]
		e.kind = simNotified
		e.at, e.left, e.step = e.at+time.Minute, e.at+time.Minute, e.step+1000
		return append(events, e)
	}},
	{"segments in order", "segments in the wrong order", plantedSegments(swapped)},
	{"segments on one bind", "a segment on another bind", plantedSegments(otherBind)},
	{"no number of the other party", "a leak", again(kind(simArrived), func(e *simEvent) { e.kind = simLeaked })},
}

// The judge sees what is wrong: each kind of violation, planted into recorded
// histories that are clean, is found in one of them at least.
func TestPlantedViolationsAreFound(t *testing.T) {
	const enough = 200 // some kinds fit few histories
	var clean []*simHistory
	for _, p := range plants {
		t.Run(p.name, func(t *testing.T) {
			for i := range enough {
				if i == len(clean) {
					faults, h := simulate(uint64(i), simMoves)
					if len(faults) > 0 {
						t.Fatalf("seed %d is not clean: %s", i, faults[0])
					}
					clean = append(clean, h)
				}
				h := clean[i]
				events := p.spoil(slices.Clone(h.events))
				if events == nil {
					continue
				}
				for _, fault := range newSimHistory(h.rules, events).check() {
					if strings.HasPrefix(fault, p.invariant+":") {
						return
					}
				}
			}
			t.Fatalf("%q is never broken", p.invariant)
		})
	}
}
