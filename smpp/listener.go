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
	source := remoteAddr(conn)
	if e.draining.Load() || int(e.connections.Load()) >= e.cfg.MaxConnections || !e.sources.admit(source, e.clock()) {
		e.metrics.refusedConnections.Inc()
		_ = conn.Close()
		return
	}
	e.connections.Add(1)
	s := e.newSession(conn, nil)
	s.source = source
	e.add(s)
	if e.draining.Load() {
		s.cut("draining") // drain may have looked before it was added
	}
	e.work.Go(func() {
		defer e.connections.Add(-1)
		defer e.remove(s)
		s.serve()
		s.settle()
		if s.terms != nil {
			s.terms.account.releaseBind()
			e.log.Info("bind ended", s.fields(zap.String("reason", s.reason))...)
		}
	})
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
