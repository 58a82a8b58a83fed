package smpp

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/smpp/pdu"
)

// still is an edge without sockets, goroutines or real time: a test lets time
// pass, reads what was written and answers as the far ends would.
type still struct {
	*Edge
	t        testing.TB
	turn     *turn
	now      time.Time
	registry *prometheus.Registry
}

// stillPeer is the far end of one session.
type stillPeer struct {
	*session
	still *still
	last  uint32
}

// newStill makes an edge with the carriers alfa and bravo, each of the given
// binds, and no accounts but the shop's and the outlet's.
func newStill(t testing.TB, change func(*Config)) *still {
	t.Helper()
	s := &still{t: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), registry: prometheus.NewRegistry()}
	cfg := baseConfig()
	cfg.AnswerWithin = 10 * time.Second
	cfg.EnquireLink = time.Hour
	for _, name := range []string{"alfa", "bravo"} {
		c := carrierAt(name, "192.0.2.1:2775")
		c.Binds[0].ResponseTimeout, c.Binds[0].EnquireLink = 10*time.Second, time.Hour
		cfg.Carriers = append(cfg.Carriers, c)
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	s.Edge, err = newEdge(cfg, routerOver(t, testTable(), "alfa", "bravo"), Volatile{}, zap.NewNop(),
		s.registry, func() time.Time { return s.now })
	if err != nil {
		t.Fatal(err)
	}
	s.turn = s.newTurn()
	return s
}

func (s *still) account(name string) *stillPeer {
	p := &stillPeer{session: s.newSession(deadConn{}, nil), still: s}
	p.bound(s.turn, s.accountTerms(s.accounts[name], pdu.BindTransceiver, pdu.Version34), nil)
	s.add(p.session)
	return p
}

func (s *still) carrier(name string) *stillPeer {
	c := s.carriers[name]
	p := &stillPeer{session: s.newSession(deadConn{}, c.dialers[0]), still: s}
	p.bound(s.turn, c.bindTerms(&c.cfg.Binds[0], pdu.Version34), nil)
	s.add(p.session)
	return p
}

// pass lets time pass, tick by tick.
func (s *still) pass(d time.Duration) {
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = s.now.Add(min(tick, end.Sub(s.now)))
		s.turn.begin()
		for _, session := range s.snapshot(nil) {
			session.sweep(s.turn)
		}
		s.sweepDestinations(s.turn)
		s.sweepReceipts(s.turn)
		s.sweepSegments(s.turn)
		s.redeliveries.expire(s.turn.at)
		s.turn.flush()
	}
}

// submit sends a message in a batch of its own.
func (p *stillPeer) submit(m *pdu.Message) uint32 {
	p.last++
	frame, err := m.Append(nil, pdu.SubmitSM, p.last)
	if err != nil {
		p.still.t.Fatal(err)
	}
	p.still.turn.begin()
	p.handle(p.still.turn, frame)
	p.still.turn.flush()
	return p.last
}

// got takes what was written to the peer.
func (p *stillPeer) got() (frames []frame) {
	b := p.out.claim(p.still.turn.at)
	p.out.wrote(len(b))
	for len(b) > 0 {
		h := pdu.ParseHeader(b)
		frames = append(frames, frame{h, append([]byte(nil), b[pdu.HeaderLen:h.Length]...)})
		b = b[h.Length:]
	}
	return frames
}

// one takes the only PDU that was written, of this command.
func (p *stillPeer) one(c pdu.Command) frame {
	p.still.t.Helper()
	frames := p.got()
	if len(frames) != 1 || frames[0].Command != c {
		p.still.t.Fatalf("%d PDUs, want one %08x: %v", len(frames), uint32(c), frames)
	}
	return frames[0]
}

// none fails where anything was written.
func (p *stillPeer) none(why string) {
	p.still.t.Helper()
	if frames := p.got(); len(frames) > 0 {
		p.still.t.Fatalf("%s: %d PDUs", why, len(frames))
	}
}

// answers takes the statuses of the responses that were written.
func (p *stillPeer) answers() (all []pdu.Status) {
	for _, f := range p.got() {
		if f.Command.IsResponse() {
			all = append(all, f.Status)
		}
	}
	return all
}

func (p *stillPeer) respond(f frame, status pdu.Status, id string) {
	p.still.turn.begin()
	p.handle(p.still.turn, pdu.AppendMessageResp(nil, f.Command, status, f.Sequence, []byte(id)))
	p.still.turn.flush()
}

// gone ends the connection.
func (p *stillPeer) gone() {
	p.cut("gone")
	p.still.turn.begin()
	p.teardown(p.still.turn)
	p.still.remove(p.session)
	p.still.turn.flush()
}

// segment is one part of a long message.
func segment(reference, total, part byte) *pdu.Message {
	m := text(alice, maskOfBob, "")
	m.ESMClass = pdu.ESMUDHI
	m.ShortMessage = []byte{5, 0, 3, reference, total, part, 'x'}
	return m
}

// texts lists the texts of messages.
func texts(t testing.TB, frames []frame) (all []string) {
	for i := range frames {
		all = append(all, string(frames[i].message(t).ShortMessage))
	}
	return all
}

// BenchmarkMessage is a message's way through the edge, both directions, without
// system calls: submit_sm in and out, its response back.
func BenchmarkMessage(b *testing.B) {
	for name, share := range map[string]float64{"share=0": 0, "share=0.5": 0.5} {
		b.Run(name, func(b *testing.B) {
			s := newStill(b, func(c *Config) { c.Share.Of = share })
			shop, alfa := s.account("shop"), s.carrier("alfa")
			request, _ := text(alice, maskOfBob, "a text of a usual length, which is about eighty characters for most of them ..").Append(nil, pdu.SubmitSM, 1)
			var response []byte
			id := []byte("12345678")
			b.ReportAllocs()
			for b.Loop() {
				shop.handle(s.turn, request)
				response = pdu.AppendMessageResp(response[:0], pdu.SubmitSM, pdu.ROK, alfa.window.sequence, id)
				alfa.handle(s.turn, response)
				for _, p := range []*stillPeer{shop, alfa} {
					p.out.wrote(len(p.out.claim(0)))
				}
			}
		})
	}
}
