package smpp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"maskline/e164"
	"maskline/smpp/pdu"
)

// redeliveries remembers messages whose outcome was not known when their
// upstream was told to try again, so that one which its carrier accepts late is
// not sent a second time. It knows them by a keyed fingerprint alone; the key is
// drawn at the start. Nothing else enters it: while there is none, a message
// costs one comparison.
type redeliveries struct {
	key  [32]byte
	keep int64

	mu      sync.Mutex
	byPrint map[fingerprint]*uncertain
	oldest  *uncertain // in the order of their coming
	newest  *uncertain
	count   int
}

type fingerprint [16]byte

// maxUncertain bounds the table; beyond it the oldest goes.
const maxUncertain = 65_536

// uncertain is one message of unknown outcome. The table's lock guards it.
type uncertain struct {
	print    fingerprint
	from     *peer
	via      *session
	state    certainty
	listed   bool
	until    int64
	local    uint64 // our id, once it was accepted
	remoteID []byte
	present  e164.Number // the source that the carrier knows
	next     *uncertain
}

// certainty is what became of it.
type certainty uint8

const (
	nothingKnown  certainty = iota // no such message
	underWay                       // its response may still come
	givenUp                        // it will hardly come: a redelivery is sent
	acceptedLate                   // the carrier has it
	answeredElse                   // it was refused late: forgotten
	redeliveryEnd                  // how many there are
)

// String is the outcome of a redelivery in metrics.
func (c certainty) String() string {
	return [redeliveryEnd]string{"", "in_flight", "sent_again", "answered", ""}[c]
}

// newRedeliveries returns nil where nothing is to be remembered.
func newRedeliveries(keep time.Duration) *redeliveries {
	if keep <= 0 {
		return nil
	}
	r := &redeliveries{keep: int64(keep), byPrint: map[fingerprint]*uncertain{}}
	_, _ = rand.Read(r.key[:])
	return r
}

// note makes the record of a message whose upstream is about to be told that
// its outcome is unknown; nil where none is kept, as for one that was cut or put
// together: its parts may fare differently. It takes no lock: remember
// lists it.
func (r *redeliveries) note(m *message) *uncertain {
	if r == nil || m.receipt != nil || m.parts.several || m.joined != nil {
		return nil
	}
	return &uncertain{from: m.from, state: underWay, present: m.plan.Present}
}

// remember lists a record by the message's fingerprint.
func (r *redeliveries) remember(t *turn, u *uncertain, m *message, via *session) {
	if u == nil {
		return
	}
	key := t.fingerprint(r, m)
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.state == answeredElse {
		return // its response came meanwhile
	}
	if old := r.byPrint[key]; old != nil {
		r.forget(old) // the same again: the later one counts
	}
	u.print, u.via, u.until, u.listed = key, via, t.at+r.keep, true
	r.byPrint[key] = u
	u.from.uncertain.Add(1)
	if r.newest == nil {
		r.oldest = u
	} else {
		r.newest.next = u
	}
	r.newest = u
	if r.count++; r.count > maxUncertain {
		r.dropOldest()
	}
}

// forget takes a record out of the table; it stays in the order until its time.
func (r *redeliveries) forget(u *uncertain) {
	u.state = answeredElse
	if u.listed {
		u.listed = false
		u.via, u.remoteID = nil, nil
		delete(r.byPrint, u.print)
		u.from.uncertain.Add(-1)
	}
}

func (r *redeliveries) dropOldest() {
	u := r.oldest
	if r.oldest = u.next; r.oldest == nil {
		r.newest = nil
	}
	r.count--
	r.forget(u)
}

// settle notes a late response; local is the id that an acceptance gets.
func (r *redeliveries) settle(u *uncertain, status pdu.Status, local uint64, remoteID []byte) {
	if u == nil {
		return // none is kept
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case u.state == answeredElse:
	case status == pdu.ROK:
		u.state, u.local, u.remoteID = acceptedLate, local, append([]byte(nil), remoteID...)
	default:
		r.forget(u)
	}
}

// giveUp notes that a response is not waited for any more.
func (r *redeliveries) giveUp(u *uncertain) {
	if u == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.state == underWay {
		u.state = givenUp
	}
}

// expire forgets what was kept long enough.
func (r *redeliveries) expire(at int64) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.oldest != nil && at >= r.oldest.until {
		r.dropOldest()
	}
}

// length is how many are kept.
func (r *redeliveries) length() int {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byPrint)
}

// find looks for the message that m repeats. What is found is forgotten, but
// while its response may still come.
func (r *redeliveries) find(key fingerprint) (u uncertain, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.byPrint[key]
	if p == nil {
		return uncertain{}, false
	}
	u = *p
	if p.state != underWay {
		r.forget(p)
	}
	return u, true
}

// redelivered ends a message that repeats one of unknown outcome, or returns
// false where it is to be sent.
func (e *Edge) redelivered(t *turn, m *message) bool {
	if m.from.uncertain.Load() == 0 {
		return false
	}
	u, found := e.redeliveries.find(t.fingerprint(e.redeliveries, m))
	if !found {
		return false
	}
	e.metrics.redeliveries[u.state].Inc()
	switch u.state {
	case acceptedLate:
		m.to, m.plan.Present = u.via.terms.peer, u.present
		e.accept(t, u.via, m, u.local, u.remoteID)
		return true
	case underWay:
		e.refuse(t, m, temporarily)
		return true
	default:
		return false
	}
}

// fingerprint is a keyed hash of who wrote what to whom, over which account or
// carrier. What a repetition may change is left out.
func (t *turn) fingerprint(r *redeliveries, m *message) fingerprint {
	if t.mac == nil {
		t.mac = hmac.New(sha256.New, r.key[:])
	}
	t.mac.Reset()
	b := append(t.scratch[:0], m.esmClass, m.protocolID, m.dataCoding)
	b = binary.BigEndian.AppendUint32(b, uint32(m.from.index))
	b = append(append(b, byte(len(m.origSource.Digits))), m.origSource.Digits...)
	b = append(append(b, byte(len(m.origDest.Digits))), m.origDest.Digits...)
	b = append(b, m.ussd...)
	for tag, value := range m.tlvs.All() {
		switch tag {
		case pdu.TagMessagePayload, pdu.TagUserMessageReference, pdu.TagMoreMessagesToSend:
		default:
			b = pdu.AppendTLV(b, tag, value)
		}
	}
	b = append(pdu.AppendTLV(b, pdu.TagMessagePayload, nil), m.payload...)
	t.mac.Write(b)
	clear(b) // no text stays
	t.scratch = t.mac.Sum(b[:0])
	return fingerprint(t.scratch[:len(fingerprint{})])
}
