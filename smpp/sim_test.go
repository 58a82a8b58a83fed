package smpp

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/smpp/pdu"
)

// The simulation drives an edge without sockets, goroutines or real time: the
// clock, the writes, the peers' answers, losses and silence come from a seeded
// list of events. A failing seed is replayed by its number.
type simulation struct {
	t     *testing.T
	rand  *rand.Rand
	edge  *Edge
	turn  *turn
	now   time.Time
	peers []*simPeer // two upstreams, then the carriers' binds
	sent  map[string]*simMessage
	next  int
}

// simPeer is the far end of one session.
type simPeer struct {
	*session
	name   string
	up     bool // an upstream
	unread []byte
	waits  []frame // messages that it has and did not answer
	room   int
	next   bool // the bind lets unknown messages go on
}

// simMessage is what the simulation knows of one message.
type simMessage struct {
	upstream  *simPeer
	sequence  uint32
	at        time.Time
	attempts  []simAttempt
	answers   []pdu.Status
	abandoned bool // its upstream is gone
}

type simAttempt struct {
	carrier  string
	answered bool
	status   pdu.Status
	at       time.Time // of the answer
	next     bool      // an unknown outcome may go on
}

// deadConn stands for a connection that nobody reads or writes.
type deadConn struct{ net.Conn }

func (deadConn) Close() error { return nil }

func newSimulation(t *testing.T, seed uint64) *simulation {
	s := &simulation{
		t: t, rand: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
		sent: map[string]*simMessage{},
	}
	cfg := baseConfig()
	cfg.AnswerWithin = 10 * time.Second
	cfg.Accounts[0].Window, cfg.Accounts[1].Window = 8, 8
	for _, name := range []string{"alfa", "bravo", "charlie"} {
		c := carrierAt(name, "192.0.2.1:2775")
		c.Binds[0].Window = 1 + s.rand.IntN(4)
		c.Binds[0].ResponseTimeout = time.Duration(1+s.rand.IntN(12)) * time.Second
		c.Binds[0].UnknownNext = s.rand.IntN(4) == 0
		c.Binds[0].EnquireLink = time.Hour
		cfg.Carriers = append(cfg.Carriers, c)
	}
	cfg.EnquireLink = time.Hour
	var err error
	s.edge, err = newEdge(cfg, routerOver(t, testTable(), "alfa", "bravo", "charlie"), Volatile{}, zap.NewNop(),
		prometheus.NewRegistry(), func() time.Time { return s.now })
	if err != nil {
		t.Fatal(err)
	}
	s.turn = s.edge.newTurn()
	for _, a := range s.edge.accountList() {
		s.peers = append(s.peers, s.bind(&simPeer{name: a.cfg.SystemID, up: true, room: 8}))
	}
	for _, c := range s.edge.cfg.Carriers {
		s.peers = append(s.peers, s.bind(&simPeer{name: c.Name, room: c.Binds[0].Window, next: c.Binds[0].UnknownNext}))
	}
	return s
}

// bind gives a peer a fresh session.
func (s *simulation) bind(p *simPeer) *simPeer {
	s.turn.begin()
	p.unread, p.waits = nil, nil
	if p.up {
		a := s.edge.account(p.name)
		p.session = s.edge.newSession(deadConn{}, nil)
		p.bound(s.turn, s.edge.accountTerms(a, pdu.BindTransceiver, pdu.Version34), nil)
	} else {
		c := s.edge.carriers[p.name]
		p.session = s.edge.newSession(deadConn{}, c.dialers[0])
		p.bound(s.turn, c.bindTerms(&c.cfg.Binds[0], pdu.Version34), nil)
	}
	s.edge.add(p.session)
	return p
}

// step makes one event happen.
func (s *simulation) step() {
	s.now = s.now.Add(time.Duration(s.rand.IntN(400)) * time.Millisecond)
	s.turn.begin()
	p := s.peers[s.rand.IntN(len(s.peers))]
	switch n := s.rand.IntN(100); {
	case n < 40:
		s.submit(s.peers[s.rand.IntN(2)])
	case n < 65:
		s.flushWrites(p, -1)
	case n < 90:
		s.answer(s.peers[2+s.rand.IntN(3)])
	case n < 94:
		s.lose(p)
	default:
		s.sweep()
	}
	s.turn.flush()
	for _, p := range s.peers {
		if p.window.used > p.window.limit || !p.up && p.window.limit != p.room {
			s.t.Fatal("a window was exceeded")
		}
	}
}

func (s *simulation) submit(p *simPeer) {
	s.next++
	id := fmt.Sprint("m", s.next)
	s.sent[id] = &simMessage{upstream: p, sequence: uint32(s.next), at: s.now}
	frame, _ := text(alice, maskOfBob, id).Append(nil, pdu.SubmitSM, uint32(s.next))
	p.handle(s.turn, frame)
}

// flushWrites hands octets of the outbox to the far end: all, or n of them.
func (s *simulation) flushWrites(p *simPeer, n int) {
	b := p.out.claim(s.turn.at)
	if n < 0 || n > len(b) {
		n = len(b)
	}
	p.unread = append(p.unread, b[:n]...)
	if b != nil {
		p.out.wrote(n)
	}
	for len(p.unread) >= pdu.HeaderLen {
		h := pdu.ParseHeader(p.unread)
		if len(p.unread) < int(h.Length) {
			return
		}
		f := frame{h, append([]byte(nil), p.unread[pdu.HeaderLen:h.Length]...)}
		p.unread = p.unread[h.Length:]
		s.arrived(p, f)
	}
}

// arrived notes a PDU at the far end.
func (s *simulation) arrived(p *simPeer, f frame) {
	if p.up {
		for _, m := range s.sent {
			if m.upstream == p && m.sequence == f.Sequence {
				m.answers = append(m.answers, f.Status)
			}
		}
		return
	}
	m := s.sent[string(f.message(s.t).ShortMessage)]
	s.mayBeSent(m, p)
	m.attempts = append(m.attempts, simAttempt{carrier: p.name, next: p.next})
	p.waits = append(p.waits, f)
}

// mayBeSent is the rule: a second carrier only after the first one's refusal,
// or after an unknown outcome where its bind allows that. What was given up in
// the outbox of such a bind may arrive after the second carrier's.
func (s *simulation) mayBeSent(m *simMessage, p *simPeer) {
	for _, a := range m.attempts {
		refused := a.answered && a.status != pdu.ROK
		if !refused && !a.next && !p.next {
			s.t.Fatalf("sent to %s after %s had it: %+v", p.name, a.carrier, a)
		}
		if a.carrier == p.name {
			s.t.Fatalf("sent to %s twice", p.name)
		}
	}
}

// answer lets a carrier answer one of its messages, in any order.
func (s *simulation) answer(p *simPeer) {
	if len(p.waits) == 0 {
		return
	}
	i := s.rand.IntN(len(p.waits))
	f := p.waits[i]
	p.waits = append(p.waits[:i], p.waits[i+1:]...)
	statuses := []pdu.Status{pdu.ROK, pdu.ROK, pdu.ROK, pdu.RThrottled, pdu.RSysErr, pdu.RInvDstAdr, pdu.RInvSrcAdr, 0x4FF}
	status := statuses[s.rand.IntN(len(statuses))]
	m := s.sent[string(f.message(s.t).ShortMessage)]
	for j := range m.attempts {
		if a := &m.attempts[j]; a.carrier == p.name {
			a.answered, a.status, a.at = true, status, s.now
		}
	}
	p.handle(s.turn, pdu.AppendMessageResp(nil, f.Command, status, f.Sequence, []byte("1")))
}

// lose ends a connection, some of its outbox perhaps written, and binds again.
func (s *simulation) lose(p *simPeer) {
	s.flushWrites(p, s.rand.IntN(400))
	p.cut("lost")
	for _, m := range s.sent {
		if m.upstream == p && len(m.answers) == 0 {
			m.abandoned = true
		}
	}
	p.teardown(s.turn)
	s.edge.remove(p.session)
	s.bind(p)
}

func (s *simulation) sweep() {
	for _, p := range s.peers {
		p.sweep(s.turn)
	}
	s.edge.sweepDestinations(s.turn)
	s.edge.sweepReceipts(s.turn)
}

// finish lets all deadlines pass and checks every message.
func (s *simulation) finish() {
	for range 60 {
		s.now = s.now.Add(500 * time.Millisecond)
		s.turn.begin()
		s.sweep()
		for _, p := range s.peers {
			s.flushWrites(p, -1)
		}
		s.turn.flush()
	}
	if n := s.edge.inFlight(); n != 0 {
		s.t.Fatalf("%d are still in flight", n)
	}
	for id, m := range s.sent {
		s.check(id, m)
	}
}

func (s *simulation) check(id string, m *simMessage) {
	accepted, inTime := false, false
	for _, a := range m.attempts {
		if a.answered && a.status == pdu.ROK {
			limit := min(s.edge.cfg.AnswerWithin, s.edge.carriers[a.carrier].cfg.Binds[0].ResponseTimeout)
			accepted, inTime = true, inTime || a.at.Sub(m.at) < limit
		}
	}
	switch {
	case m.abandoned:
		if len(m.answers) > 0 {
			s.t.Fatalf("%s: answered %v on a connection that was gone", id, m.answers)
		}
	case len(m.answers) != 1:
		s.t.Fatalf("%s: answers %v, attempts %+v", id, m.answers, m.attempts)
	case m.answers[0] == pdu.ROK && !accepted:
		s.t.Fatalf("%s: acknowledged, and nobody has it: %+v", id, m.attempts)
	case inTime && m.answers[0] != pdu.ROK:
		s.t.Fatalf("%s: accepted in time, but answered %v: %+v", id, m.answers, m.attempts)
	}
}

func TestSimulation(t *testing.T) {
	for seed := range uint64(400) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			s := newSimulation(t, seed)
			for range 300 {
				s.step()
			}
			s.finish()
		})
	}
}

// What never left may go elsewhere, even where part of it did.
func TestLostLinkBeforeTheWrite(t *testing.T) {
	for name, octets := range map[string]int{"nothing left": 0, "all but the last octet left": -1} {
		t.Run(name, func(t *testing.T) {
			s := newSimulation(t, 1)
			up, alfa, bravo := s.peers[0], s.peers[2], s.peers[3]
			alfa.terms.bind.UnknownNext = false
			s.submit(up)
			if octets < 0 {
				octets = len(alfa.out.pending) - 1
			}
			s.flushWrites(alfa, octets)
			alfa.cut("lost")
			alfa.teardown(s.turn)
			if bravo.window.used != 1 {
				t.Fatal("the message did not go on")
			}
		})
	}
}

func TestLostLinkAfterTheWrite(t *testing.T) {
	s := newSimulation(t, 1)
	up, alfa, bravo := s.peers[0], s.peers[2], s.peers[3]
	alfa.terms.bind.UnknownNext = false
	s.submit(up)
	s.flushWrites(alfa, -1)
	alfa.cut("lost")
	alfa.teardown(s.turn)
	s.flushWrites(up, -1)
	if bravo.window.used != 0 || len(s.sent["m1"].answers) != 1 || s.sent["m1"].answers[0] != pdu.RSysErr {
		t.Fatalf("answers %v", s.sent["m1"].answers)
	}
}

// A write that is under way while its connection ends is accounted for before
// anybody judges what had left.
func TestLostLinkDuringTheWrite(t *testing.T) {
	s := newSimulation(t, 1)
	up, alfa, bravo := s.peers[0], s.peers[2], s.peers[3]
	alfa.terms.bind.UnknownNext = false
	s.submit(up)
	alfa.direct = &directWriter{}
	alfa.direct.mu.Lock() // as writeDirect does
	b := alfa.out.claim(s.turn.at)
	alfa.cut("lost")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		alfa.teardown(s.edge.newTurn())
	}()
	eventually(t, "the teardown has begun", func() bool { return s.edge.carriers["alfa"].destination.binds.Load().empty() })
	alfa.mu.Lock()
	alfa.out.wrote(len(b))
	alfa.mu.Unlock()
	alfa.direct.mu.Unlock()
	<-ended
	if bravo.window.used != 0 {
		t.Fatal("a message that had left went to the second carrier")
	}
}
