package media

import (
	"cmp"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Session is the media of one call: two sides, each with a port for RTP and
// one for RTCP. Its methods may be called from any goroutine.
//
// It is laid out to fit into 760 octets: the heap has pieces of 768, and keeps 8 of
// them. One field more costs 128. TestSessionFits tells.
type Session struct {
	relay *Relay
	*owner
	shard uint32 // sessions spread over threads by it
	index int32  // in relay.sessions, under relay.mu

	mu        sync.Mutex
	sides     [2]side
	quiet     quiet
	recording *recording // nil: nobody hears it

	waiting  uint16 // notices that the teller has
	codec    codec
	released bool
	apart    bool // nothing is relayed between the sides
	held     bool
	timedOut bool

	intruderLogged bool
}

// owner is what a session tells to whom. Nothing of it changes.
type owner struct {
	id        string
	onTimeout func(Timeout)
	events    Events
}

// side is one party. All of it is under the session's lock.
type side struct {
	network *network
	sources
	rtp      port
	rtcp     port
	payloads PayloadTypes
	seldom   *seldom // nil: nothing of it
	bypass   bypass  // nil: the backend has none

	stream       stream
	sent         Flow
	rtcpReceived uint32
	rtcpSent     uint32
	echo         echo
	spell        spell

	clock     uint32 // Hz
	cname     cname  // under which this side's stream is known to the other
	dscp      uint8
	direction Direction
	named     bool // SetRemote has been called
	unheard   bool // one-way audio was told of
}

// Local is the address that the side's SDP names for RTP; RTCP has the next
// port. Only Move changes it.
func (s *Session) Local(side Side) netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &s.sides[side]
	return netip.AddrPortFrom(d.network.cfg.Advertise, d.rtp.number)
}

// SetRemote says where a side is and what it sends. From then on we send to
// its address. Calling it again (re-INVITE, UPDATE) opens the latch for a new
// source port, at once where the address is new, else when the known source has
// been silent for a second; our own ports stay. It returns ErrRemote where the address
// cannot be used, ErrClosed after the session's end.
func (s *Session) SetRemote(which Side, r Remote) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &s.sides[which]
	r, err := r.checked(&d.network.cfg)
	if err != nil {
		return err
	}
	if s.released {
		return ErrClosed
	}
	protection := d.srtp()
	if !r.Datagrams { // else it waits: audio may come back under the same keys
		if protection, err = secure(protection, &r.SRTP, s.relay.ssrc); err != nil {
			return fmt.Errorf("%w: %w", ErrRemote, err)
		}
	}
	s.reclaim()
	d.protect(protection)
	d.stream.unsettled = d.stream.unsettled || d.datagrams != r.Datagrams
	d.sources = sourcesOf(&r)
	d.payloads, d.direction, d.dscp, d.named = r.PayloadTypes, r.Direction, r.DSCP, true
	if r.ClockRate != 0 || d.clock == 0 {
		d.clock = cmp.Or(r.ClockRate, defaultClockRate)
	}
	d.learn(r.NAT && !r.Strict)
	now := s.relay.now()
	d.rtp.redirect(r.RTP, &r, now)
	d.rtcp.redirect(r.RTCP, &r, now)
	s.holdOrResume(s.sides[A].held() || s.sides[B].held(), now)
	return nil
}

// holdOrResume notes whether the session is held. Streams pause at a hold, and the
// time of some stands still meanwhile: that is no jitter.
func (s *Session) holdOrResume(held bool, now time.Duration) {
	if held == s.held {
		return
	}
	s.held = held
	s.sides[A].stream.unsettled, s.sides[B].stream.unsettled = true, true
	s.quiet.turn(now)
}

func (d *side) held() bool {
	return d.named && (d.direction != SendRecv || !d.rtp.latch.expect.valid())
}

// Answered starts the timeouts. Before it a session may be silent for as long
// as signalling lets it. Only the first call counts.
func (s *Session) Answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quiet.since == 0 {
		s.quiet.since = s.relay.now()
	}
}

// Stats is a snapshot; after Release it stays what Release returned.
func (s *Session) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.sides {
		s.collect(&s.sides[i], s.relay.now())
	}
	st := Stats{A: s.sides[A].stats(), B: s.sides[B].stats()}
	st.A.Quality, st.B.Quality = st.A.quality(s.codec), st.B.quality(s.codec)
	return st
}

// Release ends the session. From now on nothing is relayed; the ports rest for
// Config.Drain, discarding what still comes, before another session gets them.
// Calling it again returns the same.
func (s *Session) Release() Stats {
	s.mu.Lock()
	first := !s.released
	s.reclaim()
	s.released = true
	for i := range s.sides {
		s.sides[i].hush(s.relay)
	}
	s.stopRecording()
	s.mu.Unlock()
	if first {
		s.reportIntruder()
		s.relay.retire(s)
	}
	return s.Stats()
}

// expire marks the session as timed out if it is, a step after the last look. It
// does so once.
func (s *Session) expire(now, step time.Duration) (Timeout, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released || s.timedOut {
		return 0, false
	}
	for i := range s.sides {
		s.collect(&s.sides[i], now)
	}
	t, ok := s.quiet.expired(now, s.held, &s.relay.cfg)
	if s.watch(step) && !ok {
		t, ok = TimeoutOneWay, true
	}
	s.timedOut = ok
	return t, ok
}

// reportIntruder logs the first stranger of the session, once.
func (s *Session) reportIntruder() {
	s.mu.Lock()
	from, logged := s.intruder(), s.intruderLogged
	s.intruderLogged = from.IsValid()
	s.mu.Unlock()
	if from.IsValid() && !logged {
		s.relay.log.Warn("media from a stranger dropped", zap.String("session", s.id), zap.Stringer("from", from))
	}
}

// ports lists the four ports.
func (s *Session) ports() [portsPerCall]*port {
	a, b := &s.sides[A], &s.sides[B]
	return [portsPerCall]*port{&a.rtp, &a.rtcp, &b.rtp, &b.rtcp}
}

// close closes the sockets that are open.
func (s *Session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.released = true
	s.stopRecording()
	for _, p := range s.ports() {
		if p.out != nil {
			p.out.close()
		}
	}
}
