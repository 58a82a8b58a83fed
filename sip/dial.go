package sip

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// streamKey names the far end of connections that we make.
type streamKey struct {
	trunk string
	over  transport
	to    netip.AddrPort
}

// backoff is when a connection is tried again.
type backoff struct {
	failures int
	until    time.Time
}

const (
	firstPause = 200 * time.Millisecond
	mostPause  = 5 * time.Second
	mostFailed = 4096 // far ends that are remembered
)

// homeOf is the socket whose address messages over a new connection name: that of
// the trunk, and where only this message goes over a stream, the same with
// another transport.
func (e *Edge) homeOf(index int, over transport) *socket {
	s := e.sockets[index]
	if s.over == over {
		return s
	}
	return &socket{edge: e, index: index, over: over, local: s.local, own: sentBy(s.own) + over.params()}
}

// dial makes a connection.
func (t *streams) dial(s *stream) {
	key := streamKey{s.dialled.Name, s.over, s.remote}
	conn, err := t.connect(s)
	t.tried(key, err == nil)
	if err != nil {
		s.dialled.state.metrics.dialFailures.Inc()
		s.close(endBroken)
		return
	}
	if !t.settle(s, s.dialled, conn) {
		_ = conn.Close()
		return
	}
	t.serve(s, conn)
	t.edge.linkLost(s.dialled)
}

func (t *streams) connect(s *stream) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.ctx, t.edge.cfg.MessageTimeout)
	defer cancel()
	var d net.Dialer
	if local := s.socket.local.Addr(); !local.IsUnspecified() && local.Is4() == s.remote.Addr().Is4() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	conn, err := d.DialContext(ctx, network("tcp", s.remote.Addr()), s.remote.String())
	if err != nil || s.over != overTLS {
		return conn, err
	}
	secure := tls.Client(conn, s.dialled.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		t.tlsFailed(s.dialled.Name, err)
		refuse(conn)
		return nil, err
	}
	return secure, nil
}

// tried notes whether a connection could be made: after failures the next try
// waits, longer each time, by a time that differs between edges.
func (t *streams) tried(key streamKey, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ok {
		delete(t.failed, key)
		return
	}
	if len(t.failed) >= mostFailed {
		clear(t.failed)
	}
	b := t.failed[key]
	pause := min(firstPause<<min(b.failures, 10), mostPause)
	b.failures++
	b.until = t.edge.now().Add(pause/2 + rand.N(pause/2))
	t.failed[key] = b
}
