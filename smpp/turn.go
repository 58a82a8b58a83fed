package smpp

import (
	"hash"
	"time"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// turn is what one goroutine carries while it works off a batch of events: the
// time, the sessions that it wrote to, and scratch space. It writes nothing
// before its batch is done, so that one write carries many PDUs.
type turn struct {
	edge  *Edge
	now   time.Time
	at    int64 // now as an instant of the edge
	dirty []*session

	in      pdu.Message
	data    pdu.Data
	resp    pdu.MessageResp
	request routing.Request
	spoken  spoken // the text of in
	id      []byte
	shape   shape

	followed []followed // where this batch's messages went
	lot      uint64     // for random choices
	mac      hash.Hash  // for fingerprints
	scratch  []byte
}

func (e *Edge) newTurn() *turn {
	t := &turn{edge: e, id: make([]byte, 0, 128), lot: e.turns.Add(1) << 32}
	t.spoken.in = &t.in
	t.begin()
	return t
}

// begin reads the clock for the next batch.
func (t *turn) begin() {
	t.now = t.edge.clock()
	t.at = t.edge.at(t.now)
}

// mark notes that a session has something to write.
func (t *turn) mark(s *session) {
	for _, d := range t.dirty {
		if d == s {
			return
		}
	}
	t.dirty = append(t.dirty, s)
	if len(t.dirty) > maxDirty {
		t.flush()
	}
}

// maxDirty keeps mark's search short.
const maxDirty = 16

// flush writes what the batch has left with each marked session.
func (t *turn) flush() {
	for i, s := range t.dirty {
		s.flush(t.at)
		t.dirty[i] = nil
	}
	t.dirty = t.dirty[:0]
	clear(t.followed)
	t.followed = t.followed[:0]
}
