package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// listener is a socket that peers connect to. Its TLS may be replaced while it
// serves; connections that stand keep theirs.
type listener struct {
	net.Listener                            // nil until Listen
	tls          atomic.Pointer[tls.Config] // holds nil: plain TCP
}

func (e *Edge) makeListeners() error {
	for _, cfg := range e.cfg.Listen {
		l := &listener{}
		secured, err := cfg.TLS.load()
		if err != nil {
			return fmt.Errorf("listener %s: %w", cfg.Addr, err)
		}
		l.tls.Store(secured)
		e.listeners = append(e.listeners, l)
	}
	return nil
}

// serveListener serves the peers that connect to one listener until it is closed.
func (e *Edge) serveListener(ctx context.Context, l *listener) {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			e.admit(ctx, conn, l.tls.Load())
		case errors.Is(err, net.ErrClosed):
			return
		default: // no file descriptors, a connection gone before it was taken
			e.log.Warn("accepting a connection failed", zap.Error(err))
			if !sleep(ctx, acceptPause) {
				return
			}
		}
	}
}

const acceptPause = 100 * time.Millisecond

// admit starts a session for a connection, or closes it at once where a limit
// is reached. Refusals cost no goroutine and no answer.
func (e *Edge) admit(ctx context.Context, conn net.Conn, secured *tls.Config) {
	if s := e.open(conn, secured); s != nil {
		e.work.Go(func() {
			defer e.closed(s)
			if s.handshake(ctx) {
				s.serve()
			}
		})
	}
}

// open makes the session of a peer that has connected, or returns nil.
func (e *Edge) open(conn net.Conn, secured *tls.Config) *session {
	source := remoteAddr(conn)
	if e.draining.Load() || int(e.connections.Load()) >= e.cfg.MaxConnections || !e.sources.admit(source, e.clock()) {
		e.metrics.refusedConnections.Inc()
		_ = conn.Close()
		return nil
	}
	e.connections.Add(1)
	if secured != nil {
		conn = tls.Server(conn, secured)
	}
	s := e.newSession(conn, nil)
	s.source = source
	e.add(s)
	if e.draining.Load() {
		s.cut("draining") // drain may have looked before it was added
	}
	return s
}

// closed gives back what a peer's session that has ended held.
func (e *Edge) closed(s *session) {
	s.settle()
	switch {
	case s.dialer != nil: // an SMSC's outbind
		s.dialer.ended(s.reason)
	case s.terms != nil:
		s.terms.account.releaseBind(s)
	}
	if s.terms != nil {
		e.log.Info("bind ended", s.fields(zap.String("reason", s.reason))...)
	}
	e.remove(s)
	e.connections.Add(-1)
}

// handshake settles TLS, where the connection has it. The sweeper ends the
// connection where that takes longer than a bind may.
func (s *session) handshake(ctx context.Context) bool {
	secured, isTLS := s.conn.(*tls.Conn)
	if !isTLS {
		return true
	}
	err := secured.HandshakeContext(ctx)
	if err == nil {
		return true
	}
	fault := tlsFaultOf(err)
	select {
	case <-s.done:
		fault = tlsTimeout
	default:
	}
	e := s.edge
	e.metrics.tlsFailed(e.metrics.unbound.name, fault)
	if now := e.clock(); fault != tlsClosed {
		e.sources.failed(s.source, now)
		if e.floods.allow(e.at(now)) {
			e.log.Warn("TLS refused", zap.String("reason", fault.text()), zap.Stringer("source", s.source))
		}
	}
	s.cut(fault.text())
	return false
}

// refusedTLS notes that a read ended with the peer's alert: with TLS 1.3 our
// certificate is refused after our side of the handshake is done.
func (s *session) refusedTLS(err error) {
	if _, isTLS := s.conn.(*tls.Conn); !isTLS || tlsFaultOf(err) != tlsRefusedByPeer {
		return
	}
	peer := s.edge.metrics.unbound
	if s.dialer != nil {
		peer = s.dialer.carrier.peer
	}
	s.edge.metrics.tlsFailed(peer.name, tlsRefusedByPeer)
	s.cut(tlsRefusedByPeer.text())
}

func remoteAddr(conn net.Conn) netip.Addr {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// sleep waits, or returns false where ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
