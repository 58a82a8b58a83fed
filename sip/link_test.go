package sip

import (
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"time"

	"maskline/sip/message"
)

// link is how a peer reaches the edge over TCP or TLS: it connects where it has
// something to say, and else waits to be connected to.
type link struct {
	listener       net.Listener
	client, server *tls.Config // over TLS
	mayFail        bool        // to connect, or to write

	mu     sync.Mutex
	wire   net.Conn
	framer message.Framer
	pings  int
}

func newStreamPeer(t testing.TB, over transport, names *authority) *peer {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, over: over, link: &link{listener: listener}, addr: unmapped(listener.Addr().(*net.TCPAddr).AddrPort())}
	p.link.framer.Most = 64 << 10
	if over == overTLS {
		p.link.client, p.link.server = names.config(t, "peer"), names.config(t, "peer")
	}
	t.Cleanup(p.close)
	return p
}

func (l *link) close() {
	_ = l.listener.Close()
	l.hangUp()
}

// hangUp ends the connection, and forgets it.
func (l *link) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wire != nil {
		_ = l.wire.Close()
	}
	l.wire, l.framer = nil, message.Framer{Most: 64 << 10}
}

func (l *link) get() net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wire
}

func (l *link) set(conn net.Conn) net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wire = conn
	return conn
}

// connect is the connection, made where there is none.
func (l *link) connect(p *peer) net.Conn {
	if conn := l.get(); conn != nil {
		return conn
	}
	conn, err := net.DialTimeout("tcp", p.edge.String(), 5*time.Second)
	if err != nil {
		p.t.Fatal(err)
	}
	if l.client != nil {
		secure := tls.Client(conn, l.client)
		if err := secure.Handshake(); err != nil && !l.mayFail {
			p.t.Fatal(err)
		}
		conn = secure
	}
	return l.set(conn)
}

func (l *link) send(p *peer, text string) {
	p.t.Helper()
	if _, err := l.connect(p).Write([]byte(text)); err != nil && !l.mayFail {
		p.t.Fatal(err)
	}
}

// receive is the next message. A connection that was ended is waited for anew.
func (l *link) receive(p *peer, wait time.Duration) string {
	deadline := time.Now().Add(wait)
	for time.Now().Before(deadline) {
		for more := true; more; {
			switch kind, data, _ := l.framer.Next(); kind {
			case message.FrameMessage:
				text := string(data)
				l.framer.Cut()
				return text
			case message.FramePing:
				l.pings++
			default:
				more = false
			}
		}
		conn := l.get()
		if conn == nil {
			if conn = l.accept(deadline); conn == nil {
				return ""
			}
		}
		_ = conn.SetReadDeadline(deadline)
		n, err := conn.Read(l.framer.Room())
		l.framer.Filled(n)
		if err != nil && n == 0 {
			if time.Now().Before(deadline) {
				l.hangUp()
			}
			if l.mayFail {
				return ""
			}
		}
	}
	return ""
}

func (l *link) accept(deadline time.Time) net.Conn {
	_ = l.listener.(*net.TCPListener).SetDeadline(deadline)
	conn, err := l.listener.Accept()
	if err != nil {
		return nil
	}
	if l.server != nil {
		conn = tls.Server(conn, l.server)
	}
	return l.set(conn)
}
