package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"go.uber.org/zap"
)

// streams are the connections over TCP and TLS: those that were made to us, and
// those that we make when something is to be sent.
type streams struct {
	edge   *Edge
	parser *gosip.Parser
	ctx    context.Context // ends with the edge, and with it every dial and handshake
	stop   context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	last    uint64
	byID    map[uint64]*stream
	came    int                   // connections that were made to us
	guests  int                   // those of them that may be anybody's
	sources map[netip.Prefix]int  // those of them from there
	byTrunk map[string][]*stream  // by the trunk's name
	failed  map[streamKey]backoff // those that could not be made
	closed  bool
}

// Why a connection to us is closed at once, as metrics name it.
const (
	refusedStranger = "stranger"
	refusedMany     = "too_many"
	refusedSource   = "too_many_of_source"
	refusedTLS      = "tls"
)

var refusals = []string{refusedStranger, refusedMany, refusedSource, refusedTLS}

func newStreams(e *Edge) *streams {
	t := &streams{
		edge: e, byID: map[uint64]*stream{}, sources: map[netip.Prefix]int{},
		byTrunk: map[string][]*stream{}, failed: map[streamKey]backoff{},
	}
	t.parser = gosip.NewParser()
	t.parser.MaxMessageLength = e.cfg.MaxMessage
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t
}

// accept takes connections in until the listener is closed.
func (t *streams) accept(s *socket) {
	t.work.Go(func() {
		const pause = 20 * time.Millisecond // where descriptors are short
		for {
			conn, err := s.listener.Accept()
			switch {
			case err == nil:
				t.take(s, conn)
			case errors.Is(err, net.ErrClosed):
				return
			default:
				time.Sleep(pause)
			}
		}
	})
}

// take judges a new connection by its source, before anything is read from it.
func (t *streams) take(s *socket, conn net.Conn) {
	remote := unmapped(conn.RemoteAddr().(*net.TCPAddr).AddrPort())
	st := &stream{
		table: t, socket: s, over: s.over, remote: remote, conn: conn,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	why := refusedStranger
	if t.edge.set().knows(remote, s.over) {
		st.guest = t.edge.isGuest(remote)
		why = t.enter(st)
	}
	if why != "" {
		t.edge.metrics.streamsRefused[s.over][why].Inc()
		if why == refusedStranger {
			t.edge.strangers.refuse(remote, s.over, byAddress)
		}
		refuse(conn)
		return
	}
	t.run(st, func() { t.greet(st, conn) })
}

// refuse closes without leaving anything behind in the kernel.
func refuse(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// enter adds a connection within the limits, or says which one is reached.
func (t *streams) enter(s *stream) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	theirs := s.dialled == nil
	switch {
	case t.closed, theirs && t.came >= t.edge.cfg.MaxStreams:
		return refusedMany
	case s.guest && t.guests >= (t.edge.cfg.MaxStreams+guestShare-1)/guestShare:
		return refusedMany
	case theirs && t.sources[sourceOf(s.remote.Addr())] >= t.edge.cfg.MaxStreamsPerSource:
		return refusedSource
	}
	t.work.Add(1) // for run
	t.last++
	s.id = t.last
	t.byID[s.id] = s
	if theirs {
		t.came++
		t.sources[sourceOf(s.remote.Addr())]++
		if s.guest {
			t.guests++
		}
	} else {
		t.byTrunk[s.dialled.Name] = append(t.byTrunk[s.dialled.Name], s)
	}
	return ""
}

// run starts the goroutine of a connection that was entered. A fault of ours ends
// that connection alone.
func (t *streams) run(s *stream, f func()) {
	go func() {
		defer t.work.Done()
		defer func() {
			if fault := recover(); fault != nil {
				t.edge.panicked("connection", debug.Stack())
				s.close(endBroken)
			}
		}()
		f()
	}()
}

// greet brings a connection to us into use.
func (t *streams) greet(s *stream, conn net.Conn) {
	if s.over == overTLS {
		secure := tls.Server(conn, s.socket.tls.Load())
		if err := t.shake(secure); err != nil {
			t.tlsFailed("none", err)
			t.edge.metrics.streamsRefused[s.over][refusedTLS].Inc()
			_ = conn.Close()
			s.close("")
			return
		}
		state := secure.ConnectionState()
		s.names, conn = namesOf(&state), secure
	}
	trunk := s.trunk()
	if trunk == nil {
		t.edge.metrics.streamsRefused[s.over][refusedStranger].Inc()
		t.edge.strangers.refuse(s.remote, s.over, byCertificate)
		refuse(conn)
		s.close("")
		return
	}
	if t.settle(s, trunk, conn) {
		t.serve(s, conn)
	}
}

func (t *streams) shake(conn *tls.Conn) error {
	ctx, cancel := context.WithTimeout(t.ctx, t.edge.cfg.MessageTimeout)
	defer cancel()
	return conn.HandshakeContext(ctx)
}

// settle makes a connection to us known to those that send to the trunk.
func (t *streams) settle(s *stream, trunk *trunk, conn net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conn = conn
	if s.dialled == nil {
		t.belong(s, trunk.Name)
		if !trunk.isPlain() {
			t.identified(s)
		}
	}
	return true
}

// belong has requests in the calls of one more trunk use a connection.
func (t *streams) belong(s *stream, trunk string) {
	s.homes = append(s.homes, trunk)
	t.byTrunk[trunk] = append(t.byTrunk[trunk], s)
}

// join tells whose call came over a connection: where several trunks may have its
// source, another one than its first message showed.
func (t *streams) join(conn uint64, trunk string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.byID[conn]
	if s == nil {
		return
	}
	t.identified(s)
	if !slices.Contains(s.homes, trunk) {
		t.belong(s, trunk)
	}
}

func (t *streams) serve(s *stream, conn net.Conn) {
	t.work.Go(func() { s.write(conn) })
	s.read(conn)
}

// proves reports whether a connection is a trunk's that is known by its certificate.
func (t *streams) proves(conn uint64, trunk *trunk) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.byID[conn]
	return s != nil && (trunk.isNamed(s.names) || s.dialled != nil && s.dialled.Name == trunk.Name && s.dialled.TLS.is(&trunk.TLS))
}

// remove forgets a connection. why is empty where it was refused.
func (t *streams) remove(s *stream, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[s.id] != s {
		return
	}
	delete(t.byID, s.id)
	if s.dialled == nil {
		t.came--
		t.identified(s)
		source := sourceOf(s.remote.Addr())
		if t.sources[source]--; t.sources[source] == 0 {
			delete(t.sources, source)
		}
	}
	for _, trunk := range s.homes {
		all := t.byTrunk[trunk]
		if i := slices.Index(all, s); i >= 0 {
			all[i] = all[len(all)-1]
			all[len(all)-1] = nil
			t.byTrunk[trunk] = all[:len(all)-1]
		}
		if len(t.byTrunk[trunk]) == 0 {
			delete(t.byTrunk, trunk)
		}
	}
	if c := t.edge.metrics.streamsEnded[s.over][why]; c != nil {
		c.Inc()
	}
}

// send hands a message to a connection: the one that it is meant for; else one to
// its address; else, inside a dialog, one of the trunk from there, since the peer
// may not be reached but over those that it makes; else a new one.
func (t *streams) send(a actSend) error {
	for range 2 { // the one that was found may close meanwhile
		s, fresh := t.find(&a)
		if s == nil {
			return errNoConnection
		}
		err := s.enqueue(a.data)
		if fresh {
			t.run(s, func() { t.dial(s) })
		}
		if err == nil {
			return nil
		}
	}
	return errNoConnection
}

// answer hands an answer to the connection of its request, whoever has asked.
func (t *streams) answer(a actSend) error {
	t.mu.Lock()
	s := t.byID[a.conn]
	t.mu.Unlock()
	if s == nil {
		return errNoConnection
	}
	return s.enqueue(a.data)
}

// find returns nil where no connection can be had now; fresh is one that is to
// be made.
func (t *streams) find(a *actSend) (s *stream, fresh bool) {
	t.mu.Lock()
	if s := t.byID[a.conn]; s != nil && s.over == a.over && s.mayServe(a.trunk) {
		t.mu.Unlock()
		return s, false
	}
	var near *stream
	for _, s := range t.byTrunk[a.trunk.Name] {
		if s.over != a.over || s.remote.Addr() != a.to.Addr() || s.dialled != nil && !s.dialled.TLS.is(&a.trunk.TLS) {
			continue
		}
		if s.remote == a.to {
			near = s
			break
		}
		if a.conn != 0 { // of a dialog whose connection is gone
			near = s
		}
	}
	key := streamKey{a.trunk.Name, a.over, a.to}
	held := t.failed[key].until.After(t.edge.now())
	t.mu.Unlock()
	if near != nil {
		return near, false
	}
	if held || !a.trunk.allows(a.to.Addr()) {
		return nil, false
	}
	s = &stream{
		table: t, socket: t.edge.homeOf(a.socket, a.over), over: a.over, remote: a.to, dialled: a.trunk, homes: []string{a.trunk.Name},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if t.enter(s) != "" {
		return nil, false
	}
	return s, true
}

// mayServe reports whether a connection that a message of a call came over is one of the
// call's trunk: its own, or one from an address that several trunks have. The table is
// locked.
func (s *stream) mayServe(t *trunk) bool {
	return slices.Contains(s.homes, t.Name) || t.isPlain() && t.allows(s.remote.Addr())
}

func (t *streams) tlsFailed(trunk string, err error) {
	fault := tlsFault(err)
	t.edge.metrics.tlsFailures.WithLabelValues(trunk, fault).Inc()
	if trunk != "none" {
		t.edge.log.Warn("TLS handshake failed", zap.String("trunk", trunk), zap.String("fault", fault))
	}
}

// count is the number of connections, by transport.
func (t *streams) count() (n [transports]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.byID {
		n[s.over]++
	}
	return n
}

// close ends all connections when what waits on them is written, and waits.
func (t *streams) close() {
	t.mu.Lock()
	t.closed = true
	all := make([]*stream, 0, len(t.byID))
	for _, s := range t.byID {
		all = append(all, s)
	}
	t.mu.Unlock()
	t.stop()
	for _, s := range all {
		s.finish(endShutdown)
	}
	t.work.Wait()
}
