package smpp

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// flowSim drives an edge with every limit in force at once: small windows, rates
// per bind, carrier, account and mask, a share, throttling, silence, lost links.
// A failing seed is replayed by its number.
type flowSim struct {
	*still
	rand  *rand.Rand
	ups   []*stillPeer
	binds []*flowBind
	sent  map[string]*flowMessage
	next  int
	epoch int    // how often the binds that segments may take have changed
	bad   string // which are stalled
}

// flowBind is the far end of a bind of ours.
type flowBind struct {
	*stillPeer
	carrier string
	waits   []frame
	silent  bool
	latest  map[byte]string // the last segment that came first here, by reference
}

type flowMessage struct {
	up       *stillPeer
	sequence uint32
	at       time.Time
	segment  bool
	sends    []flowSend
	answers  []pdu.Status
	gone     bool // its upstream is
	epoch    int
}

type flowSend struct {
	bind   *flowBind
	status int // of the answer; -1: none
}

func newFlowSim(t *testing.T, seed uint64) *flowSim {
	r := rand.New(rand.NewPCG(seed, 7))
	f := &flowSim{rand: r, sent: map[string]*flowMessage{}}
	f.still = newStill(t, func(c *Config) {
		c.Share = ShareConfig{Of: []float64{0, 0.25, 0.5}[r.IntN(3)], SlowerThan: time.Second}
		c.Redelivery = -1 // its messages are told apart by their texts
		for i := range c.Accounts {
			c.Accounts[i].Window = 4 + r.IntN(12)
			c.Accounts[i].TPS = []int{0, 0, 20}[r.IntN(3)]
			c.Accounts[i].Quota.Day = []int{0, 0, 100}[r.IntN(3)]
		}
		for i := range c.Carriers {
			c.Carriers[i].TPS = []int{0, 0, 10}[r.IntN(3)]
			c.Carriers[i].MaskTPS = []int{0, 0, 2, 10}[r.IntN(4)]
			b := &c.Carriers[i].Binds[0]
			b.Sessions, b.Window = 3, 1+r.IntN(4)
			b.TPS = []int{0, 0, 5}[r.IntN(3)]
			b.ResponseTimeout = time.Duration(1+r.IntN(12)) * time.Second
		}
	})
	f.ups = []*stillPeer{f.account("shop"), f.account("outlet")}
	for _, name := range []string{"alfa", "bravo"} {
		for range 1 + r.IntN(3) {
			f.binds = append(f.binds, &flowBind{stillPeer: f.carrier(name), carrier: name, latest: map[byte]string{}})
		}
	}
	return f
}

func (f *flowSim) step() {
	b := f.binds[f.rand.IntN(len(f.binds))]
	switch n := f.rand.IntN(100); {
	case n < 45:
		f.submitOne(f.ups[f.rand.IntN(2)])
	case n < 80:
		f.answerOne(b)
	case n < 82:
		f.lose(b)
	case n < 83:
		f.loseUp(f.rand.IntN(2))
	case n < 85:
		b.silent = !b.silent
	default:
		f.pass(time.Duration(f.rand.IntN(300)) * time.Millisecond)
	}
	f.collect()
}

func (f *flowSim) submitOne(up *stillPeer) {
	f.next++
	id := fmt.Sprintf("%06d", f.next)
	m := text(alice, maskOfBob, id)
	segment := f.rand.IntN(3) == 0
	if segment {
		m.ESMClass = pdu.ESMUDHI
		m.ShortMessage = append([]byte{5, 0, 3, byte(f.next / 16), 255, byte(f.next%16 + 1)}, id...)
	}
	sm := &flowMessage{up: up, at: f.now, segment: segment, epoch: f.epoch}
	f.sent[id] = sm
	sm.sequence = up.last + 1
	up.submit(m)
}

// collect takes what was written to everybody.
func (f *flowSim) collect() {
	bad := ""
	for _, b := range f.binds {
		bad += b.load.fitness().String()
	}
	if bad != f.bad {
		f.bad = bad
		f.epoch++
	}
	for _, b := range f.binds {
		for _, fr := range b.got() {
			if fr.Command == pdu.SubmitSM {
				f.arrived(b, fr)
			}
		}
		if b.window.used > b.window.limit {
			f.t.Fatal("a window was exceeded")
		}
	}
	for _, up := range f.ups {
		for _, fr := range up.got() {
			for _, m := range f.sent {
				if m.up == up && m.sequence == fr.Sequence {
					m.answers = append(m.answers, fr.Status)
				}
			}
		}
	}
}

func idOf(t testing.TB, fr frame) string {
	s := fr.message(t).ShortMessage
	return string(s[len(s)-6:])
}

// arrived checks the rule: a message is sent again only after a refusal; on the
// same carrier only a throttled segment.
func (f *flowSim) arrived(b *flowBind, fr frame) {
	id := idOf(f.t, fr)
	m := f.sent[id]
	for _, s := range m.sends {
		again := m.segment && throttling(pdu.Status(max(s.status, 0)))
		if s.status <= 0 || s.bind.carrier == b.carrier && !again {
			f.t.Fatalf("%s: sent to %s again: %+v", id, b.carrier, m.sends)
		}
	}
	if m.segment && len(m.sends) == 0 && b.carrier == "alfa" { // the first candidate
		if reference := fr.message(f.t).ShortMessage[3]; b.latest[reference] > id && m.epoch == f.epoch {
			f.t.Fatalf("segment %s came after %s", id, b.latest[reference])
		} else {
			b.latest[reference] = id
		}
	}
	m.sends = append(m.sends, flowSend{b, -1})
	b.waits = append(b.waits, fr)
}

func (f *flowSim) answerOne(b *flowBind) {
	if len(b.waits) == 0 || b.silent {
		return
	}
	i := f.rand.IntN(len(b.waits))
	fr := b.waits[i]
	b.waits = append(b.waits[:i], b.waits[i+1:]...)
	all := []pdu.Status{pdu.ROK, pdu.ROK, pdu.ROK, pdu.ROK, pdu.RThrottled, pdu.RMsgQFul, pdu.RSysErr, pdu.RInvDstAdr}
	status := all[f.rand.IntN(len(all))]
	m := f.sent[idOf(f.t, fr)]
	m.sends[len(m.sends)-1].status = int(status)
	b.respond(fr, status, "1")
}

func (f *flowSim) lose(b *flowBind) {
	f.collect()
	f.epoch++
	b.gone()
	f.collect()
	b.stillPeer, b.waits, b.silent = f.carrier(b.carrier), nil, false
	clear(b.latest)
}

func (f *flowSim) loseUp(i int) {
	f.collect()
	up := f.ups[i]
	for _, m := range f.sent {
		if m.up == up && len(m.answers) == 0 {
			m.gone = true
		}
	}
	name := up.terms.account.cfg.SystemID
	up.gone()
	f.ups[i] = f.account(name)
}

// finish lets all deadlines pass, with nobody answering, and checks every
// message and every count.
func (f *flowSim) finish() {
	for range 30 {
		f.pass(time.Second)
		f.collect()
	}
	if n := f.inFlight(); n != 0 {
		f.t.Fatalf("%d are still in flight", n)
	}
	for _, c := range f.carriers {
		d := c.destination
		if d.queue.length+d.delayed.length != 0 || d.waiting() != 0 {
			f.t.Fatalf("%s: %d and %d wait, %d counted", c.cfg.Name, d.queue.length, d.delayed.length, d.waiting())
		}
		for _, up := range f.ups {
			if up.holds != nil && up.holds.by[d.index].Load() != 0 {
				f.t.Fatalf("%s: %d are still counted as held", c.cfg.Name, up.holds.by[d.index].Load())
			}
		}
	}
	for _, b := range f.binds {
		if b.window.used != 0 || b.load.used.Load() != 0 || b.lane.length != 0 {
			f.t.Fatalf("%s: window %d, counted %d, lane %d", b.carrier, b.window.used, b.load.used.Load(), b.lane.length)
		}
	}
	f.checkQuotas()
	for id, m := range f.sent {
		f.check(id, m)
	}
}

func (f *flowSim) check(id string, m *flowMessage) {
	accepted := false
	for _, s := range m.sends {
		accepted = accepted || s.status == int(pdu.ROK)
	}
	switch {
	case m.gone:
		if len(m.answers) > 0 {
			f.t.Fatalf("%s: answered on a connection that was gone", id)
		}
	case len(m.answers) != 1:
		f.t.Fatalf("%s: answers %v, sent %+v", id, m.answers, m.sends)
	case m.answers[0] == pdu.ROK && !accepted:
		f.t.Fatalf("%s: acknowledged, and nobody has it: %+v", id, m.sends)
	}
}

// checkQuotas compares what is charged with what was accepted.
func (f *flowSim) checkQuotas() {
	for _, a := range f.accountList() {
		if !a.quota.limited() {
			continue
		}
		accepted, limit := 0, int(a.quota.limit.Load())
		for _, m := range f.sent {
			if len(m.answers) == 1 && m.answers[0] == pdu.ROK && m.up.terms.account == a {
				accepted++
			}
		}
		// What was accepted for an upstream that had gone is charged too.
		if used := limit - a.quota.left(f.now); used < accepted || accepted > limit {
			f.t.Fatalf("%s: %d charged, %d accepted", a.cfg.SystemID, used, accepted)
		}
	}
}

func TestFlowSimulation(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			f := newFlowSim(t, seed)
			for range 250 {
				f.step()
			}
			f.finish()
		})
	}
}
