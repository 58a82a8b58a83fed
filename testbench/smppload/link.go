package smppload

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"maskline/smpp/pdu"
)

// link is one bind. Its goroutine reads, handles all that one read brought, and
// writes once; the pacer and the laggard write for it in between.
type link struct {
	bench  *Bench
	side   *side
	number uint16
	conn   net.Conn
	reader *pdu.Reader
	random *rand.Rand

	generation uint64 // unlike any other connection's of the run

	mu       sync.Mutex // guards what follows
	out      []byte
	cut      error // why the connection ends
	at       int64 // when the last read was, since the beginning
	inflight int   // messages that we sent and that are not answered
	source   source
	sink     sink

	count     counters     // of the present batch
	lastRead  atomic.Int64 // when something came
	waiting   atomic.Bool  // for answers
	stallTill int64

	answers *histogram // of messages that we sent
	transit *histogram // of messages that arrived, from end to end
}

const (
	writeTimeout = 10 * time.Second
	outSize      = 16 << 10
)

var errCut = errors.New("cut on purpose")

func newLink(b *Bench, s *side, conn net.Conn) *link {
	l := &link{
		bench: b, side: s, conn: conn, generation: b.generations.Add(1),
		reader: pdu.NewReader(conn, pdu.MaxBound, b.cfg.Buffer),
	}
	l.random = rand.New(rand.NewPCG(b.cfg.Seed, l.generation))
	l.lastRead.Store(b.now())
	return l
}

// run serves the bind until the connection ends.
func (l *link) run() {
	if err := l.begin(); err == nil {
		for l.turn() == nil {
		}
	}
	_ = l.conn.Close()
	l.mu.Lock()
	l.count.abandoned += uint64(l.inflight)
	l.inflight = 0
	l.waiting.Store(false)
	l.side.orphan(&l.sink)
	l.side.orphanAgain(l.source.again)
	l.bench.merge(l)
	l.mu.Unlock()
}

// begin sends what may be sent at once.
func (l *link) begin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = l.bench.now()
	return l.finish()
}

// turn reads once and handles it.
func (l *link) turn() error {
	if l.stallTill > 0 {
		l.bench.pause(time.Duration(l.stallTill - l.bench.now()))
		l.stallTill = 0
	}
	if _, err := l.reader.Fill(); err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = l.bench.now()
	l.lastRead.Store(l.at)
	for l.cut == nil {
		frame, err := l.reader.Next()
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		if frame == nil {
			break
		}
		l.handle(pdu.ParseHeader(frame), frame[pdu.HeaderLen:])
	}
	return l.finish()
}

// finish adds what may be sent now, writes everything and tells the counts.
func (l *link) finish() error {
	l.pump()
	l.sendReceipts()
	err := l.flush()
	l.bench.add(&l.count)
	l.waiting.Store(l.inflight > 0)
	return err
}

func (l *link) flush() error {
	if len(l.out) > 0 && l.cut == nil {
		if err := l.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		if _, err := l.conn.Write(l.out); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
	}
	l.out = l.out[:0]
	return l.cut
}

// handle takes one PDU.
func (l *link) handle(h pdu.Header, body []byte) {
	switch h.Command {
	case pdu.SubmitSMResp, pdu.DeliverSMResp, pdu.GenericNack:
		l.answered(h, body)
	case pdu.SubmitSM, pdu.DeliverSM:
		l.message(h, body)
	case pdu.EnquireLink:
		l.out = pdu.AppendHeader(l.out, pdu.EnquireLinkResp, pdu.ROK, h.Sequence)
	case pdu.Unbind:
		l.out = pdu.AppendHeader(l.out, pdu.UnbindResp, pdu.ROK, h.Sequence)
		_ = l.flush() // it is over either way
		l.cut = errCut
	case pdu.UnbindResp:
		l.cut = errCut
	case pdu.EnquireLinkResp, pdu.AlertNotification:
	default:
		if !h.Command.IsResponse() {
			l.out = pdu.AppendHeader(l.out, pdu.GenericNack, pdu.RInvCmdID, h.Sequence)
		}
	}
}

// answered takes the response to a message or a receipt.
func (l *link) answered(h pdu.Header, body []byte) {
	switch {
	case l.side.sends:
		l.messageAnswered(h, body)
	case h.Command == pdu.DeliverSMResp:
		l.receiptAnswered(h)
	}
}

// message takes a submit_sm or deliver_sm.
func (l *link) message(h pdu.Header, body []byte) {
	m := &l.sink.message
	if err := m.Decode(body); err != nil {
		l.count.altered++
		l.out = pdu.AppendMessageResp(l.out, h.Command, pdu.StatusOf(err), h.Sequence, nil)
		return
	}
	if l.side.sends {
		l.receiptArrived(m, body)
		l.out = pdu.AppendMessageResp(l.out, h.Command, pdu.ROK, h.Sequence, nil)
		return
	}
	l.arrived(h, m, body)
}

// unbind ends the bind in order, for an ESME.
func (l *link) unbind() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = pdu.AppendHeader(l.out, pdu.Unbind, pdu.ROK, pdu.MaxSequence)
	_ = l.flush() // it is over either way
}
