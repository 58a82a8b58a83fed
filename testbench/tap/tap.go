// Package tap keeps a copy of everything that a simulated party received, for
// the leak scanner.
package tap

import (
	"net"
	"sync"
)

// Limit is how many octets a tap keeps; what comes later is only counted.
const Limit = 64 << 20

// Tap is a bounded copy of received octets. The zero value is ready.
type Tap struct {
	mu    sync.Mutex
	kept  []byte
	total int
}

// Write adds what was received; it never fails.
func (t *Tap) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += len(b)
	if len(t.kept) < Limit {
		t.kept = append(t.kept, b...)
	}
	return len(b), nil
}

// Bytes is a copy of what was kept.
func (t *Tap) Bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte(nil), t.kept...)
}

// Total is how many octets were received, kept or not.
func (t *Tap) Total() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}

// Conn copies what is read from a connection.
func (t *Tap) Conn(c net.Conn) net.Conn { return &conn{c, t} }

type conn struct {
	net.Conn
	tap *Tap
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	_, _ = c.tap.Write(b[:n])
	return n, err
}
