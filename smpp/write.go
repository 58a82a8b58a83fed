package smpp

import (
	"crypto/tls"
	"net"
	"sync"
	"syscall"
)

// directWriter writes to a socket as much as the kernel takes at once. It saves
// the writer goroutine's wake-up, which costs more than the write itself where
// PDUs come one by one.
type directWriter struct {
	mu   sync.Mutex // held from the write to its account
	raw  syscall.RawConn
	b    []byte
	n    int
	call func(fd uintptr) bool // made once, so that a write allocates nothing
}

// newDirectWriter returns nil where the connection is no socket.
func newDirectWriter(conn net.Conn) *directWriter {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	w := &directWriter{raw: raw}
	w.call = func(fd uintptr) bool {
		w.n, _ = syscall.Write(int(fd), w.b) // an error comes again to the writer goroutine
		return true
	}
	return w
}

// try writes what the kernel takes of b now and returns how much that was.
func (w *directWriter) try(b []byte) int {
	w.b, w.n = b, 0
	if err := w.raw.Write(w.call); err != nil {
		return 0
	}
	w.b = nil
	return max(w.n, 0)
}

// settle waits until a write under way is accounted for. The connection is
// closed, so no other follows.
func (w *directWriter) settle() {
	if w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
	}
}

// flush writes what is pending, if nobody else does. What the kernel does not
// take at once is left to the writer goroutine.
func (s *session) flush(at int64) {
	if s.direct == nil {
		s.out.signal()
		return
	}
	s.mu.Lock()
	b := s.out.claim(at)
	s.mu.Unlock()
	for len(b) > 0 {
		b = s.writeDirect(b, at)
	}
	s.mu.Lock()
	signal := s.out.left || s.state == stateClosing
	s.mu.Unlock()
	if signal {
		s.out.signal()
	}
}

// writeDirect writes a claim as far as the kernel takes it and returns the next
// claim.
func (s *session) writeDirect(b []byte, at int64) []byte {
	s.direct.mu.Lock()
	defer s.direct.mu.Unlock()
	n := s.direct.try(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out.wrote(n) != nil {
		s.out.left = true
		return nil
	}
	return s.out.claim(at)
}

// write is the writer goroutine: it waits for the kernel where flush does not.
func (s *session) write() {
	for {
		select {
		case <-s.out.wake:
		case <-s.done:
			return
		}
		for s.writeOnce() {
		}
	}
}

// writeOnce writes what a flush left, or what is pending; it returns false
// where nothing is.
func (s *session) writeOnce() bool {
	s.mu.Lock()
	b := s.out.claimLeft(s.edge.at(s.edge.clock()))
	closing := s.state == stateClosing && !s.out.busy // a flush under way signals when it is done
	s.mu.Unlock()
	if b == nil {
		if closing {
			if secured, ok := s.conn.(*tls.Conn); ok {
				_ = secured.CloseWrite() // the peer may take a bare end for an attack
			}
			s.cut("closed")
		}
		return false
	}
	n, err := s.conn.Write(b)
	s.mu.Lock()
	s.out.wrote(n)
	s.mu.Unlock()
	if err != nil {
		s.cut("write failed")
		return false
	}
	return true
}
