package sip

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"maskline/sip/message"
)

// stream is one connection over TCP or TLS. One goroutine reads it and gives its
// messages on in their order; another one writes what has gathered.
type stream struct {
	table   *streams
	id      uint64
	socket  *socket // whose address our messages on it name
	over    transport
	remote  netip.AddrPort
	dialled *trunk   // that we have connected to; nil: it came to us
	homes   []string // names of the trunks that it was made to, or that calls on it came from; under the lock of table
	names   []string // of the certificate that it showed us

	guest bool // under the lock of table

	wake chan struct{} // something is to be written
	done chan struct{} // it is closed
	once sync.Once

	mu     sync.Mutex
	conn   net.Conn // nil while it is being made
	out    [][]byte
	octets int    // in out
	ending string // it is closed once out is written, and why; empty: no
	closed bool
	sent   []string // branches of the latest requests
	next   int      // where the next one stands, once there are mostSent
}

const (
	mostOut  = 1 << 20 // octets that wait to be written; a peer that reads nothing is cut off
	mostSent = 4096    // requests that a connection may take down with it, and we know of
)

// Why a connection ended, as metrics name it.
const (
	endClosed    = "closed"    // by the peer
	endBroken    = "broken"    // by the network, or it could not be made
	endIdle      = "idle"      // nothing came for too long
	endSlow      = "slow"      // a message, or the first one, took too long
	endMalformed = "malformed" // what came is no SIP
	endStuck     = "stuck"     // the peer does not read
	endStranger  = "stranger"  // its trunk is gone
	endShutdown  = "shutdown"
)

var ends = []string{endClosed, endBroken, endIdle, endSlow, endMalformed, endStuck, endStranger, endShutdown}

var errNoConnection = errors.New("no connection")

// enqueue hands a message to the writer.
func (s *stream) enqueue(data []byte) error {
	s.mu.Lock()
	if s.closed || s.ending != "" {
		s.mu.Unlock()
		return errNoConnection
	}
	if s.octets+len(data) > mostOut {
		s.mu.Unlock()
		s.close(endStuck)
		return errNoConnection
	}
	s.out, s.octets = append(s.out, data), s.octets+len(data)
	s.note(data)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// note keeps whose request is on its way, of those that want an answer.
func (s *stream) note(data []byte) {
	branch, isRequest := branchOf(data)
	switch {
	case !isRequest || bytes.HasPrefix(data, []byte("ACK ")):
	case len(s.sent) < mostSent:
		s.sent = append(s.sent, branch)
	default:
		s.sent[s.next] = branch
		s.next = (s.next + 1) % mostSent
	}
}

// finish closes the connection when all is written that waits.
func (s *stream) finish(why string) {
	s.mu.Lock()
	s.ending = why
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// close ends the connection, once. Requests that may have been lost with it are
// told to their calls.
func (s *stream) close(why string) {
	s.once.Do(func() {
		s.mu.Lock()
		s.closed = true
		conn, lost := s.conn, s.sent
		s.out, s.sent = nil, nil
		s.mu.Unlock()
		close(s.done)
		if conn != nil {
			if why == endStuck || why == endSlow {
				abort(conn)
			}
			_ = conn.Close()
		}
		s.table.remove(s, why)
		if why == endShutdown {
			return
		}
		for _, branch := range lost {
			s.table.edge.undelivered(branch)
		}
	})
}

// abort has the kernel let go of a connection when it is closed, with all that the
// peer has not taken: it would wait for a peer that does not read.
func abort(conn net.Conn) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// write empties what has gathered into the connection until it is closed.
func (s *stream) write(conn net.Conn) {
	var batch []byte
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		s.mu.Lock()
		batch = batch[:0]
		for _, data := range s.out {
			batch = append(batch, data...)
		}
		clear(s.out)
		s.out, s.octets = s.out[:0], 0
		ending := s.ending
		s.mu.Unlock()
		if len(batch) > 0 && !s.flush(conn, batch) {
			return
		}
		if ending != "" {
			s.close(ending)
			return
		}
		if cap(batch) > mostOut/4 {
			batch = nil
		}
	}
}

func (s *stream) flush(conn net.Conn, batch []byte) bool {
	_ = conn.SetWriteDeadline(time.Now().Add(s.table.edge.cfg.MessageTimeout))
	n, err := conn.Write(batch)
	s.table.edge.metrics.octets[s.over][outbound].Add(float64(n))
	switch {
	case err == nil:
		return true
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.close(endStuck)
	default:
		s.close(endBroken)
	}
	return false
}

// read gives the connection's messages on until it ends.
func (s *stream) read(conn net.Conn) {
	cfg := &s.table.edge.cfg
	framer := message.Framer{Most: cfg.MaxMessage}
	slow := s.dialled == nil // who calls us has something to say
	_ = conn.SetReadDeadline(s.deadline(slow))
	for {
		n, err := conn.Read(framer.Room())
		s.table.edge.metrics.octets[s.over][inbound].Add(float64(n))
		whole := framer.Empty()
		framer.Filled(n)
		if n > 0 {
			cut, ok := s.frames(&framer)
			if !ok {
				return
			}
			// The time of a message counts from its first octet, whatever comes after.
			if partial := !framer.Empty(); !partial || whole || cut {
				slow = partial
				_ = conn.SetReadDeadline(s.deadline(slow))
			}
		}
		if err != nil {
			s.close(endOf(err, slow))
			return
		}
	}
}

func (s *stream) deadline(slow bool) time.Time {
	if slow {
		return time.Now().Add(s.table.edge.cfg.MessageTimeout)
	}
	return time.Now().Add(s.table.edge.cfg.IdleTimeout)
}

func endOf(err error, slow bool) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && slow:
		return endSlow
	case errors.Is(err, os.ErrDeadlineExceeded):
		return endIdle
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET):
		return endClosed
	default:
		return endBroken
	}
}

// frames works off what has come. It is false where the connection is at its end.
func (s *stream) frames(f *message.Framer) (cut, ok bool) {
	for pinged := false; ; {
		kind, data, why := f.Next()
		switch kind {
		case message.FramePartial:
			return cut, true
		case message.FramePing:
			if !pinged && !s.pong() {
				return cut, false
			}
			pinged = true // one answer for all that were read at once
		case message.FrameMessage:
			if !s.message(data) {
				return cut, false
			}
			f.Cut()
			cut = true
		case message.FrameUnframed:
			s.unframed(data, why)
			return cut, false
		case message.FrameGarbage:
			s.table.edge.metrics.drops[why].Inc()
			s.close(endMalformed)
			return cut, false
		}
	}
}

// hears reports whether there is time for what has come; a known peer waits. t is
// nil where the connection is nobody's any more, and ended.
func (s *stream) hears() (t *trunk, now bool) {
	if t = s.trunk(); t == nil {
		s.close(endStranger)
		return nil, false
	}
	if t.isNewcomer(s.remote.Addr()) {
		return t, s.table.edge.hearsNewcomer(s.remote.Addr())
	}
	s.slowDown(t)
	return t, true
}

// pong answers a ping. It counts like a message.
func (s *stream) pong() bool {
	t, now := s.hears()
	return t != nil && (!now || s.enqueue([]byte("\r\n")) == nil)
}

// message judges one message and gives it on. Over a stream a malformed one ends
// the connection: what follows it cannot be trusted to be a message. It is false
// where the connection is at its end; a fault of ours is none.
func (s *stream) message(data []byte) (going bool) {
	e := s.table.edge
	defer func() {
		if fault := recover(); fault != nil {
			e.panicked("message", debug.Stack())
			going = true
		}
	}()
	t, now := s.hears()
	if !now {
		return t != nil
	}
	if drop := message.CheckStream(data); drop != message.Pass {
		e.metrics.drops[drop].Inc()
		s.close(endMalformed)
		return false
	}
	if e.drops(data) {
		return true
	}
	msg, err := s.table.parser.ParseSIP(data)
	if err != nil {
		e.metrics.garbage.Inc()
		s.close(endMalformed)
		return false
	}
	s.socket.receive(t, msg, s.remote, s.id, s.names)
	return true
}

// slowDown reads on later where the trunk sends too much: a connection, unlike a
// datagram, can make its sender wait.
func (s *stream) slowDown(t *trunk) {
	const most = time.Second
	r := t.flood.Reserve()
	wait := r.Delay()
	if wait <= 0 {
		return
	}
	if wait > most {
		r.Cancel()
		wait = most
	}
	s.table.edge.metrics.floods.Inc()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.done:
	}
}

// unframed answers a request whose end cannot be found, and ends the connection.
func (s *stream) unframed(head []byte, why message.Drop) {
	e := s.table.edge
	e.metrics.drops[why].Inc()
	t := s.trunk()
	if t == nil || message.CheckStream(head) != message.Pass || bytes.HasPrefix(head, []byte("SIP/")) {
		s.close(endMalformed)
		return
	}
	defer e.recovered("message")
	if msg, _, err := s.table.parser.ParseHeaders(head, false); err == nil {
		if reply := refuseUnframed(msg, s.remote, why); reply != nil {
			_ = s.enqueue(reply)
		}
	}
	s.finish(endMalformed)
}

// trunk is whom the connection belongs to now: a reload may have changed it.
func (s *stream) trunk() *trunk {
	set := s.table.edge.set()
	if s.dialled == nil {
		return s.table.edge.findNamed(s.remote, s.names)
	}
	return set.named(s.dialled.Name, s.remote.Addr())
}

// refuseUnframed is the answer to a request of which only the headers can be
// read; nil where there is none.
func refuseUnframed(msg gosip.Message, source netip.AddrPort, why message.Drop) []byte {
	parsed, ok := msg.(*gosip.Request)
	if !ok {
		return nil
	}
	req, fault := message.NewRequest(parsed, source)
	if req.Method == message.Ack || fault != nil && fault.Code == 0 {
		return nil
	}
	reply := message.Reply{Code: 400}
	if why == message.TooLarge {
		reply.Code = 513
	}
	return reply.Append(nil, req.Head(""))
}
