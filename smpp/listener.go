package smpp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"go.uber.org/zap"
)

// serveListener serves the peers that connect to one listener until it is closed.
func (e *Edge) serveListener(ctx context.Context, l net.Listener) {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			e.admit(conn)
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
func (e *Edge) admit(conn net.Conn) {
	if s := e.open(conn); s != nil {
		e.work.Go(func() {
			defer e.closed(s)
			s.serve()
		})
	}
}

// open makes the session of a peer that has connected, or returns nil.
func (e *Edge) open(conn net.Conn) *session {
	source := remoteAddr(conn)
	if e.draining.Load() || int(e.connections.Load()) >= e.cfg.MaxConnections || !e.sources.admit(source, e.clock()) {
		e.metrics.refusedConnections.Inc()
		_ = conn.Close()
		return nil
	}
	e.connections.Add(1)
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
	if s.terms != nil {
		s.terms.account.releaseBind()
		e.log.Info("bind ended", s.fields(zap.String("reason", s.reason))...)
	}
	e.remove(s)
	e.connections.Add(-1)
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
