package smpp

import (
	"fmt"
	"time"

	"maskline/smpp/pdu"
)

// simKind is what happened, seen from outside the edge.
type simKind uint8

const (
	simUp        simKind = iota // a bind stands
	simDown                     // its connection ended
	simStalled                  // the kernel takes nothing for the peer
	simTaken                    // the edge has read a message whole
	simAnswered                 // its answer left
	simArrived                  // a message is at its far end, whole
	simReplied                  // the edge has read the answer of the far end
	simReceipt                  // the edge has read a carrier's receipt whole
	simReceived                 // its answer left
	simNotified                 // a receipt is at its originator
	simConfirmed                // the edge has read the originator's answer
	simLeaked                   // a PDU holds a number that its reader must not see
	simCrashed                  // the edge died and was started again
)

func (k simKind) String() string {
	return [...]string{
		"up", "down", "stalled", "taken", "answered", "arrived", "replied", "receipt", "received", "notified",
		"confirmed", "leaked", "crashed",
	}[k]
}

// simEvent is one line of a history.
type simEvent struct {
	step    int
	at      time.Duration // since the start
	left    time.Duration // of what arrived: when the edge let it go
	kind    simKind
	peer    string
	link    int    // number of the connection
	message string // its text
	request uint32 // sequence number that an answer belongs to
	status  pdu.Status
	id      string // the id that the originator knows
	state   pdu.State
	wants   byte
	bind    *simBind
}

func (e simEvent) String() string {
	return fmt.Sprintf("step %d %v %v %s/%d message=%q request=%d status=%02x id=%q state=%v",
		e.step, e.at, e.kind, e.peer, e.link, e.message, e.request, uint32(e.status), e.id, e.state)
}

// simBind is what a bind was configured with.
type simBind struct {
	upstream bool // an account
	window   int  // each way
	next     bool // unknown: next
	timeout  time.Duration
	backup   bool
}

// simRules is what a history is judged by.
type simRules struct {
	answerWithin time.Duration
	within       time.Duration // how late the sweep may be
	parkFor      time.Duration
}

// simNoAnswer is no status of SMPP.
const simNoAnswer = pdu.Status(1<<32 - 1)

// simMessage is all that a history says of one message.
type simMessage struct {
	taken     simEvent
	answers   []simEvent
	attempts  []simAttempt
	receipts  []*simEvent // of carriers; status is that of the answer
	notified  []simEvent  // of the originator
	confirmed []simEvent
}

type simAttempt struct {
	arrived simEvent
	reply   *simEvent // nil: the edge never read one
}

// simHistory sorts a history by message.
type simHistory struct {
	rules    simRules
	events   []simEvent
	messages map[string]*simMessage
	byID     map[string]string // ids that were given out: the message
	binds    map[int]*simBind
	down     map[int]simEvent
	stalled  map[int]bool
	receipts []*simEvent          // all of carriers
	open     map[[2]int]*simEvent // the same by connection and request
	crashes  []time.Duration
	faults   []string
}

func newSimHistory(rules simRules, events []simEvent) *simHistory {
	h := &simHistory{
		rules: rules, events: events, messages: map[string]*simMessage{}, byID: map[string]string{},
		binds: map[int]*simBind{}, down: map[int]simEvent{}, stalled: map[int]bool{},
		open: map[[2]int]*simEvent{},
	}
	for _, e := range events {
		h.binds[e.link] = &simBind{} // of one that never stood
	}
	for _, e := range events { // an id may be heard on another bind before its answer
		if e.kind == simAnswered && e.id != "" {
			if other, again := h.byID[e.id]; again {
				h.fault("ids", e, "was given to ", other)
			}
			h.byID[e.id] = e.message
		}
	}
	for _, e := range events {
		if e.kind == simNotified || e.kind == simConfirmed {
			e.message = h.byID[e.id]
		}
		h.add(e)
	}
	return h
}

func (h *simHistory) fault(invariant string, e simEvent, more ...any) {
	h.faults = append(h.faults, invariant+": "+e.String()+" "+fmt.Sprint(more...))
}

func (h *simHistory) message(name string) *simMessage {
	m := h.messages[name]
	if m == nil {
		m = &simMessage{}
		h.messages[name] = m
	}
	return m
}

func (h *simHistory) add(e simEvent) {
	m := &simMessage{}
	if e.message != "" {
		m = h.message(e.message)
	}
	switch e.kind {
	case simUp:
		h.binds[e.link] = e.bind
	case simDown:
		h.down[e.link] = e
	case simStalled:
		h.stalled[e.link] = true
	case simCrashed:
		h.crashes = append(h.crashes, e.at)
	case simTaken:
		m.taken = e
	case simAnswered:
		m.answers = append(m.answers, e)
	case simArrived:
		m.attempts = append(m.attempts, simAttempt{arrived: e})
	case simReplied:
		m.replied(e)
	case simReceipt:
		e.status = simNoAnswer
		m.receipts = append(m.receipts, &e)
		h.receipts = append(h.receipts, &e)
		h.open[[2]int{e.link, int(e.request)}] = &e
	case simReceived:
		if r := h.open[[2]int{e.link, int(e.request)}]; r != nil {
			r.status = e.status
		}
	case simNotified:
		m.notified = append(m.notified, e)
	case simConfirmed:
		m.confirmed = append(m.confirmed, e)
	case simLeaked:
	}
}

func (m *simMessage) replied(e simEvent) {
	for i := range m.attempts {
		a := &m.attempts[i]
		if a.arrived.link == e.link && a.arrived.request == e.request && a.reply == nil {
			a.reply = &e
			return
		}
	}
}

// crashed reports whether the edge died between two instants.
func (h *simHistory) crashed(from, to time.Duration) bool {
	for _, at := range h.crashes {
		if at >= from && at <= to {
			return true
		}
	}
	return false
}
