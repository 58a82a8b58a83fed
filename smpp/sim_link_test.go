package smpp

import (
	"errors"
	"io"
	"net"

	"maskline/smpp/pdu"
)

// simConn is a connection in memory. What the edge writes gathers in out, as in
// a kernel's buffer, until the far end takes it.
type simConn struct {
	net.Conn
	in     []byte // for the edge to read
	out    []byte // written by the edge
	cut    []byte // of it, the beginning of a PDU
	left   func(frame)
	failAt int // a write fails after so many octets; negative: none does
	closed bool
}

var errSimReset = errors.New("connection reset")

func (c *simConn) Read(b []byte) (int, error) {
	if c.closed || len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.in)
	c.in = c.in[n:]
	return n, nil
}

func (c *simConn) Write(b []byte) (int, error) {
	if c.closed {
		return 0, net.ErrClosed
	}
	var err error
	if c.failAt >= 0 {
		b, err = b[:min(c.failAt, len(b))], errSimReset
	}
	c.out = append(c.out, b...)
	c.cut = append(c.cut, b...)
	c.cut = eachFrame(c.cut, c.left)
	return len(b), err
}

func (c *simConn) Close() error {
	c.closed = true
	return nil
}

// RemoteAddr is the same for all: one source.
func (c *simConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 2775} }

// eachFrame hands over the whole PDUs at the beginning of b and returns the rest.
func eachFrame(b []byte, fn func(frame)) []byte {
	for len(b) >= pdu.HeaderLen {
		h := pdu.ParseHeader(b)
		if len(b) < int(h.Length) {
			break
		}
		fn(frame{h, append([]byte(nil), b[pdu.HeaderLen:h.Length]...)})
		b = b[h.Length:]
	}
	return b
}
