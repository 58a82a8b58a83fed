package smpp

import (
	"crypto/tls"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"maskline/smpp/pdu"
)

// Read buffers in octets. A frame that is longer gets its own for a while.
const (
	readUnbound = 512
	readBound   = 32 << 10
)

// socketBuffer bounds what the kernel holds for a peer, in octets.
const socketBuffer = 256 << 10

type state uint8

const (
	stateOpen    state = iota // connected
	stateBound                // messages may pass
	stateClosing              // what is pending is written, then the connection ends
	stateClosed
)

var stateNames = [...]string{"open", "bound", "closing", "closed"}

func (s state) String() string { return stateNames[s] }

// session is one connection, in either role. Its reader goroutine handles what
// comes in, its writer goroutine writes what gathers in the outbox, the edge's
// sweeper watches its deadlines. Everybody else only appends under mu.
type session struct {
	edge   *Edge
	conn   net.Conn // what PDUs pass through: the socket, or TLS over it
	socket net.Conn
	reader *pdu.Reader // the reader goroutine's
	direct *directWriter
	dialer *dialer    // the bind of ours that it is; nil where a peer connected, unless by an outbind
	source netip.Addr // of a peer that connected
	opened int64
	done   chan struct{} // closed when the connection is cut

	stats   *bindStats // nil until the bind has its place
	settled bool       // no longer counted as not bound; the reader goroutine's

	lastRead atomic.Int64 // when octets last came
	partial  atomic.Int64 // when the PDU being received began; 0: none
	load     bindLoad     // for those who choose a bind
	holds    *holds       // where its own messages are; set when it is bound

	mu         sync.Mutex
	state      state
	terms      *terms // nil until bound
	since      time.Time
	out        outbox
	window     window
	flow       flow
	lane       queue                // segments that wait for this bind, in order
	lastOrder  uint64               // given to a segment
	unanswered int                  // requests of the peer's
	operations map[uint32]operation // of accounts, sent to the peer, by sequence number; nil until the first
	probes     probes               // enquire_link
	unbindSeq  uint32               // of our unbind; 0: none sent
	retiring   string               // why no more messages pass and the bind is ended; empty: it goes on
	retireBy   int64                // what is in flight has time until then, later the answer to our unbind
	leaving    leaving              // the peer's unbind
	closeBy    int64                // closing ends then at the latest
	reason     string               // why it was cut
	counts     counts
}

// counts are a session's totals for people.
type counts struct{ received, sent uint64 }

func (e *Edge) newSession(conn net.Conn, d *dialer) *session {
	at := e.at(e.clock())
	socket := conn
	if secured, ok := conn.(*tls.Conn); ok {
		socket = secured.NetConn()
	}
	s := &session{
		edge: e, conn: conn, socket: socket, dialer: d, opened: at,
		done: make(chan struct{}),
		out:  newOutbox(), direct: newDirectWriter(conn),
	}
	if d != nil {
		s.stats = d.stats
	}
	if tcp, ok := socket.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(socketBuffer) // the kernel would take megabytes for a peer that does not read
	}
	s.reader = pdu.NewReader(conn, pdu.MaxUnbound, readUnbound)
	s.lastRead.Store(at)
	return s
}

// serve runs the session until its connection ends.
func (s *session) serve() {
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.write()
	}()
	t := s.edge.newTurn()
	s.read(t)
	s.cut("connection closed by the peer")
	<-written
	s.end(t)
}

// end is the last that happens to a session, once its connection is cut.
func (s *session) end(t *turn) {
	t.begin()
	s.teardown(t)
	t.flush()
}

// read handles frames until the connection ends.
func (s *session) read(t *turn) {
	defer func() {
		if r := recover(); r != nil {
			s.edge.metrics.panics.Inc()
			s.cut("panic in a handler")
			s.edge.log.Error("panic while handling a PDU", zap.Stack("stack"))
		}
	}()
	for {
		if _, err := s.reader.Fill(); err != nil {
			s.refusedTLS(err)
			return
		}
		if !s.received(t) {
			return
		}
	}
}

// received handles what one read brought. It returns false where the stream
// cannot be read further.
func (s *session) received(t *turn) bool {
	t.begin()
	s.lastRead.Store(t.at)
	more := s.handleAll(t)
	if !s.reader.Partial() {
		s.partial.Store(0)
	} else if s.partial.Load() == 0 {
		s.partial.Store(t.at)
	}
	if len(t.dirty) > 0 && s.edge.crowded.Load() {
		runtime.Gosched() // readers that can run now add to the same writes
	}
	t.flush()
	return more
}

// handleAll handles every whole frame that was read. It returns false where
// the stream cannot be read further.
func (s *session) handleAll(t *turn) bool {
	for {
		frame, err := s.reader.Next()
		if err != nil {
			s.count(inbound, pdu.GenericNack, pdu.StatusOf(err))
			s.nack(t, pdu.ParseHeader(frame).Sequence, pdu.StatusOf(err))
			s.close(t, "faulty command_length")
			s.drainInput()
			return false
		}
		if frame == nil {
			return true
		}
		s.partial.Store(0)
		s.handle(t, frame)
	}
}

// drainInput reads and drops until the connection is closed, so that what was
// written last reaches a peer that is still sending.
func (s *session) drainInput() {
	s.flush(s.edge.at(s.edge.clock()))
	var sink [512]byte
	for {
		if _, err := s.conn.Read(sink[:]); err != nil {
			return
		}
	}
}

// close ends the session once what is pending was written.
func (s *session) close(t *turn, reason string) {
	s.mu.Lock()
	if s.state < stateClosing {
		s.state = stateClosing
		s.closeBy = t.at + int64(closeGrace)
		s.reason = reason
	}
	s.mu.Unlock()
	s.leave(t)
	t.mark(s)
}

// closeGrace is how long what is pending may take at the end.
const closeGrace = time.Second

// cut ends the connection at once. The first reason stays.
func (s *session) cut(reason string) {
	s.mu.Lock()
	if s.reason == "" {
		s.reason = reason
	}
	first := s.state != stateClosed
	s.state = stateClosed
	s.mu.Unlock()
	if first {
		close(s.done)
		_ = s.socket.Close() // not TLS: its farewell could wait for a peer that does not read
	}
}

// leave takes the session out of the destinations that it serves.
func (s *session) leave(t *turn) {
	s.mu.Lock()
	terms := s.terms
	s.mu.Unlock()
	if terms == nil {
		return
	}
	for _, d := range terms.feeds {
		d.remove(t, s)
	}
	s.clearLane(t)
}

// teardown ends what the session still owed and was owed. The writer has
// stopped: what it did not hand to the kernel never left.
func (s *session) teardown(t *turn) {
	s.leave(t)
	s.direct.settle()
	s.mu.Lock()
	written := s.out.written
	var owed []slot
	s.window.clear(func(o slot) {
		if m := o.message; m != nil && m.parts.open > 0 && !m.parts.lost(o.end > written) {
			o.message = nil // another PDU of it ends it
		}
		owed = append(owed, o)
	})
	s.out.pending, s.out.spare = nil, nil
	s.mu.Unlock()
	for i := range owed {
		m := owed[i].message
		s.lost(t, &owed[i], owed[i].end > written && (m == nil || !m.parts.touched()))
	}
	s.expireOperations(t, true)
	s.stats.end(s)
}
