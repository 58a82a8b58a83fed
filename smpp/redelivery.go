package smpp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"slices"
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
	count   int // of their fingerprints, those that are forgotten already too
}

type fingerprint [16]byte

// maxUncertain bounds the table in fingerprints; beyond it the oldest goes.
const maxUncertain = 65_536

// uncertain is one message of unknown outcome. The table's lock guards it.
type uncertain struct {
	prints    []fingerprint // of what the upstream sent: more than one where segments were put together
	left      int           // of them in the table
	from      *peer
	via       *session // nil: a SIP peer
	state     certainty
	open      int // PDUs that the carrier has not answered: several where the message was cut
	until     int64
	local     uint64 // our id, once it was accepted
	remoteID  []byte
	receipted bool        // a repetition waits for the receipt
	present   e164.Number // the source that the carrier knows
	own       *own        // who wrote it, where that is the edge: nobody repeats it
	next      *uncertain
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
// its outcome is unknown; nil where none is kept, as for one of which a part was
// refused: it can only be sent again. All PDUs of a message that was cut have
// the same record. It takes no lock: remember lists it.
func (r *redeliveries) note(m *message) *uncertain {
	p := &m.parts
	switch {
	case r == nil || m.receipt != nil || p.status != pdu.ROK:
		return nil
	case p.record != nil:
		return p.record
	}
	u := &uncertain{from: m.from, state: underWay, open: 1, present: m.plan.Present, own: m.own}
	if p.several {
		u.open, u.remoteID = max(p.open, 1), slices.Clone(p.id)
		p.record = u
	}
	return u
}

// remember lists a record by the fingerprints of what the upstream will send
// again: the message, or each of the segments that it was put together from.
func (r *redeliveries) remember(t *turn, u *uncertain, m *message, via *session) {
	if u == nil || u.own != nil {
		return
	}
	var prints []fingerprint
	for p := m.joined; p != nil; p = p.next {
		prints = append(prints, t.fingerprint(r, p))
	}
	if m.joined == nil {
		prints = append(prints, t.fingerprint(r, m))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.state == answeredElse {
		return // its response came meanwhile
	}
	u.prints, u.via, u.until = prints, via, t.at+r.keep
	for _, key := range prints {
		if old := r.byPrint[key]; old != nil {
			r.forget(old) // the same again: the later one counts
		}
		r.byPrint[key] = u
		u.left++
		u.from.uncertain.Add(1)
	}
	if r.newest == nil {
		r.oldest = u
	} else {
		r.newest.next = u
	}
	r.newest = u
	for r.count += len(prints); r.count > maxUncertain; {
		r.dropOldest()
	}
}

// forget takes a record out of the table; it stays in the order until its time.
func (r *redeliveries) forget(u *uncertain) {
	u.state = answeredElse
	for _, key := range u.prints {
		if r.byPrint[key] == u {
			r.strike(u, key)
		}
	}
	u.via, u.remoteID = nil, nil
}

// strike takes one fingerprint out of the table.
func (r *redeliveries) strike(u *uncertain, key fingerprint) {
	delete(r.byPrint, key)
	u.left--
	u.from.uncertain.Add(-1)
}

func (r *redeliveries) dropOldest() {
	u := r.oldest
	if r.oldest = u.next; r.oldest == nil {
		r.newest = nil
	}
	r.count -= len(u.prints)
	r.forget(u)
}

// settle notes a late response; local is the id that an acceptance gets. tail is
// the response to the only PDU of the message, or to the one whose receipt
// stands for all. It reports whether the carrier has all of the message now.
func (r *redeliveries) settle(u *uncertain, status pdu.Status, local uint64, remoteID []byte, tail bool) bool {
	if u == nil {
		return tail && status == pdu.ROK // none is kept
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case u.state == answeredElse:
		return tail && status == pdu.ROK
	case status != pdu.ROK:
		r.forget(u)
		return false
	}
	if tail {
		u.remoteID = slices.Clone(remoteID)
	}
	if u.open--; u.open > 0 {
		return false
	}
	u.state, u.local = acceptedLate, local
	return true
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

// find looks for the message that is repeated. What is found is forgotten, but
// while its response may still come. Of segments that were put together each
// finds the same message; where one has to be sent again, all have.
func (r *redeliveries) find(key fingerprint, wants byte) (u uncertain, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.byPrint[key]
	if p == nil {
		return uncertain{}, false
	}
	u = *p
	switch {
	case p.state == underWay:
	case p.state == acceptedLate && p.left > 1:
		r.strike(p, key)
		p.receipted = p.receipted || wants != 0
	default:
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
	u, found := e.redeliveries.find(t.fingerprint(e.redeliveries, m), m.wants)
	if !found {
		return false
	}
	e.metrics.redeliveries[u.state].Inc()
	switch u.state {
	case acceptedLate:
		m.to, m.plan.Present = e.foreign.destination(u.via), u.present
		if u.receipted {
			m.wants = 0 // one receipt stands for all segments
		}
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
