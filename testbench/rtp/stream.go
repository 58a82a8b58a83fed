package rtp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Stream is one end of a call. Its methods may be called from any goroutine.
type Stream struct {
	generator *Generator
	fd        int // the pacer's alone
	local     netip.AddrPort
	id        uint64
	ssrc      uint32

	mu      sync.Mutex
	packet  []byte // sent again and again with new numbers
	seq     uint32
	turns   uint32
	sending bool
	remote  netip.AddrPort
	to      unix.Sockaddr // remote
	peer    *expected
	report  Report
}

// drainEvery is at which of its turns a stream reads all that has come, not only
// what it expects.
const drainEvery = 8

// expected is what the stream at the other end sends.
type expected struct {
	ssrc    uint32
	payload []byte
	highest uint32 // packets from the first to the latest that came
	seen    []uint64
}

// Report is what a stream sent and received until now.
type Report struct {
	Sent     int
	Received int // different packets of the peer
	// Lost counts the peer's packets that are missing before the latest that
	// came. Compare Received with the peer's Sent once all has arrived.
	Lost        int
	Duplicated  int
	Late        int     // overtaken by a later one
	Foreign     int     // from the remote address, but not sent by the peer or altered
	Crossed     int     // of the foreign ones, another stream's
	WrongSource int     // not from the remote address
	Latency     Latency // of stamped packets
}

// Local is the address to receive on.
func (s *Stream) Local() netip.AddrPort { return s.local }

// SSRC is the stream's identifier on the wire.
func (s *Stream) SSRC() uint32 { return s.ssrc }

// Expect tells whose packets should arrive. Without it all that comes from the
// remote address and looks like the tone of a stream counts as received.
func (s *Stream) Expect(peer *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peer = &expected{ssrc: peer.ssrc, payload: peer.packet[headerSize:]}
}

// Start sends to the remote address until Stop, and takes packets from there
// alone. Starting again only changes the address.
func (s *Stream) Start(remote netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remote, s.to, s.sending = remote, sockaddr(remote), true
}

// Stop stops sending; the stream goes on receiving.
func (s *Stream) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sending = false
}

// Close stops sending and receiving for good. The report stays as it is.
func (s *Stream) Close() {
	s.Stop()
	g := s.generator
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, slot := range g.streams {
		if at := slices.Index(slot, s); at >= 0 {
			g.streams[i] = slices.Delete(slot, at, at+1)
			_ = unix.Close(s.fd)
		}
	}
}

// Report is a snapshot.
func (s *Stream) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.report
	if s.peer != nil {
		r.Lost = int(s.peer.highest) - r.Received
	}
	return r
}

// turn reads what has come and sends the next packet.
func (s *Stream) turn(m *message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turns++
	for m.read(s.fd) {
		s.count(m.data[:m.size], m.from, m.at)
		if s.sending && s.turns%drainEvery != 0 {
			break // there is hardly another one, and to see that would cost as much
		}
	}
	if s.sending {
		s.send()
	}
}

func (s *Stream) send() {
	n := firstSeq + s.seq
	binary.BigEndian.PutUint16(s.packet[2:], uint16(n))
	binary.BigEndian.PutUint32(s.packet[4:], n*uint32(len(s.packet)-headerSize))
	if s.generator.cfg.Tone == Stamped {
		stamp(s.packet, time.Now())
	}
	if unix.Sendto(s.fd, s.packet, unix.MSG_DONTWAIT, s.to) == nil {
		s.seq++
		s.report.Sent++
	}
}

func (s *Stream) count(b []byte, from netip.AddrPort, now time.Time) {
	r, tone := &s.report, s.generator.cfg.Tone
	switch {
	case from != s.remote:
		r.WrongSource++
		return
	case s.peer == nil && tone == Stamped && len(b) > headerSize+stampSize,
		s.peer == nil && tone.matches(b, s.packet[headerSize:]):
		r.Received++
		return
	case s.peer == nil || !tone.matches(b, s.peer.payload) || binary.BigEndian.Uint32(b[8:]) != s.peer.ssrc:
		r.Foreign++
		if tone == Stamped && len(b) == len(s.packet) && bytes.Equal(b[headerSize+stampSize:], s.packet[headerSize+stampSize:]) &&
			!bytes.Equal(b[headerSize:headerSize+8], s.peer.payload[:8]) { // of that length only where there is a peer
			r.Crossed++
		}
		return
	}
	fresh, late := s.peer.see(binary.BigEndian.Uint16(b[2:]))
	if !fresh {
		r.Duplicated++
		return
	}
	r.Received++
	if late {
		r.Late++
	}
	if tone == Stamped {
		r.Latency.add(now.Sub(stamped(b)))
	}
}

// see notes a sequence number, and tells whether it is new and whether a later
// one came before it.
func (e *expected) see(seq uint16) (fresh, late bool) {
	n := e.highest + uint32(int32(int16(seq-uint16(firstSeq+e.highest))))
	word, bit := int(n/64), uint64(1)<<(n%64)
	if n > e.highest+1<<15 { // before the first
		return false, true
	}
	for len(e.seen) <= word {
		e.seen = append(e.seen, 0)
	}
	if e.seen[word]&bit != 0 {
		return false, false
	}
	e.seen[word] |= bit
	late = n < e.highest
	e.highest = max(e.highest, n+1)
	return true, late
}
