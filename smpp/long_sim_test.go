package smpp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// longSim lets an upstream send long messages, whole and in segments, to
// carriers that take them cut, together or as they come, and send again what it
// was told to. Carriers answer late, refuse, fall silent and lose their link. A
// failing seed is replayed by SEED=n.
type longSim struct {
	*still
	rand    *rand.Rand
	shop    *stillPeer
	binds   []*longBindEnd
	timeout time.Duration
	all     []*longMessage
	asked   map[uint32]*longPart // by sequence number
	calm    bool
}

type longBindEnd struct {
	*stillPeer
	carrier string
	waits   []longWait
	silent  bool
}

type longWait struct {
	frame
	group *longGroup
	at    int
}

// longMessage is three chunks of text. The upstream sends them as one request or
// as three.
type longMessage struct {
	name  string
	parts []*longPart
	alone bool // its segments go on one by one
}

type longPart struct {
	message *longMessage
	chunk   int // 0: all of them
	sent    time.Time
	again   time.Time // when it is sent again; zero: it is not
	open    bool
	done    bool
	refused bool
	groups  []*longGroup
}

// longGroup is one sending of a message over one bind.
type longGroup struct {
	bind    *stillPeer
	left    time.Time
	seen    []bool // chunks that came
	status  []int  // of their answers; -1: none
	lost    bool
	excused bool
}

const longChunks = 3

func newLongSim(t *testing.T, seed uint64) *longSim {
	r := rand.New(rand.NewPCG(seed, 13))
	f := &longSim{rand: r, asked: map[uint32]*longPart{}, timeout: time.Duration(1+r.IntN(6)) * time.Second}
	together := r.IntN(2) == 0
	f.still = newStill(t, func(c *Config) {
		c.AnswerWithin = time.Duration(2+r.IntN(3)) * time.Second
		c.Share = ShareConfig{Of: []float64{0, 0.25, 0.5}[r.IntN(3)], SlowerThan: time.Second}
		c.Accounts[0].Window = 6 + r.IntN(10)
		for i := range c.Carriers {
			b := &c.Carriers[i].Binds[0]
			b.Sessions, b.Window, b.ResponseTimeout = 2, 3+r.IntN(6), f.timeout
			if b.Long = LongPayload; !together {
				b.Long = []Long{LongAsItCame, LongUDH, LongSAR}[r.IntN(3)]
			}
		}
	})
	f.shop = f.account("shop")
	for _, name := range []string{"alfa", "bravo"} {
		for range 1 + r.IntN(2) {
			f.binds = append(f.binds, &longBindEnd{stillPeer: f.carrier(name), carrier: name})
		}
	}
	return f
}

// chunkText fills one part of a message that was cut.
func chunkText(name string, chunk int) string {
	return fmt.Sprintf("%s-%d%s", name, chunk, strings.Repeat(".", 152-len(name)-2))
}

func (f *longSim) step() {
	b := f.binds[f.rand.IntN(len(f.binds))]
	switch n := f.rand.IntN(100); {
	case n < 12:
		f.submitNew()
	case n < 60:
		f.answerOne(b)
	case n < 62:
		f.lose(b)
	case n < 65:
		b.silent = !b.silent
	default:
		f.wait(time.Duration(f.rand.IntN(500)) * time.Millisecond)
	}
	f.collect()
	f.repeat()
}

// wait lets time pass and reads what comes.
func (f *longSim) wait(d time.Duration) {
	for ; d > 0; d -= tick {
		f.pass(tick)
		f.collect()
	}
}

func (f *longSim) submitNew() {
	m := &longMessage{name: fmt.Sprintf("m%05d", len(f.all))}
	f.all = append(f.all, m)
	if f.rand.IntN(2) == 0 {
		m.parts = []*longPart{{message: m}}
	} else {
		m.alone = f.Edge.cfg.Carriers[0].Binds[0].Long != LongPayload
		for chunk := 1; chunk <= longChunks; chunk++ {
			m.parts = append(m.parts, &longPart{message: m, chunk: chunk})
		}
	}
	for _, p := range m.parts {
		f.submit(p)
	}
}

// submit sends a part, for the first time or again.
func (f *longSim) submit(p *longPart) {
	m := text(alice, maskOfBob, "")
	m.RegisteredDelivery = pdu.RegisteredBoth
	if p.chunk == 0 {
		whole := chunkText(p.message.name, 1) + chunkText(p.message.name, 2) + chunkText(p.message.name, 3)
		m.TLVs = pdu.AppendTLV(nil, pdu.TagMessagePayload, []byte(whole))
	} else {
		var number int
		_, _ = fmt.Sscanf(p.message.name, "m%d", &number)
		m.ESMClass = pdu.ESMUDHI
		m.ShortMessage = append([]byte{5, 0, 3, byte(number), longChunks, byte(p.chunk)}, chunkText(p.message.name, p.chunk)...)
	}
	for _, g := range p.groups {
		g.excused = g.excused || g.dead(f.now, f.timeout)
	}
	p.sent, p.again, p.open = f.now, time.Time{}, true
	f.asked[f.shop.last+1] = p
	f.shop.submit(m)
	f.collect()
}

// repeat sends again what is due.
func (f *longSim) repeat() {
	for _, m := range f.all {
		for _, p := range m.parts {
			if !p.again.IsZero() && !f.now.Before(p.again) {
				f.submit(p)
			}
		}
	}
}

// dead reports whether what was sent may be sent again: refused, lost or given
// up.
func (g *longGroup) dead(now time.Time, timeout time.Duration) bool {
	open, refused := false, false
	for i, status := range g.status {
		open = open || g.seen[i] && status < 0
		refused = refused || status > 0
	}
	return refused || open && (g.lost || now.Sub(g.left) >= timeout)
}

func (g *longGroup) accepted() bool {
	for i, status := range g.status {
		if g.seen[i] && status != int(pdu.ROK) {
			return false
		}
	}
	return true
}

// collect takes what was written to everybody.
func (f *longSim) collect() {
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
	for _, fr := range f.shop.got() {
		if fr.Command != pdu.SubmitSMResp {
			continue
		}
		p := f.asked[fr.Sequence]
		if p == nil {
			f.t.Fatal("an answer to nothing")
		}
		delete(f.asked, fr.Sequence)
		f.answeredPart(p, fr.Status)
	}
}

func (f *longSim) answeredPart(p *longPart, status pdu.Status) {
	if f.now.Sub(p.sent) > f.cfg.AnswerWithin {
		f.t.Fatalf("%s-%d: answered after %v", p.message.name, p.chunk, f.now.Sub(p.sent))
	}
	p.open = false
	switch status {
	case pdu.ROK:
		p.done = true
		if !slices.ContainsFunc(p.groups, (*longGroup).accepted) {
			f.t.Fatalf("%s-%d: acknowledged, and nobody has it", p.message.name, p.chunk)
		}
	case pdu.RSysErr, pdu.RThrottled:
		p.again = f.now.Add(time.Duration(100+f.rand.IntN(3000)) * time.Millisecond)
		if f.calm { // segments meet only where they come together
			p.again = f.now.Truncate(8 * time.Second).Add(8 * time.Second)
		}
	default:
		p.refused = true
	}
}

// arrived checks the rule: what a carrier has, or may still accept, is not sent
// again.
func (f *longSim) arrived(b *longBindEnd, fr frame) {
	m := fr.message(f.t)
	content := string(m.Payload())
	if m.ESMClass&pdu.ESMUDHI != 0 {
		_, rest, _ := pdu.SplitUDH([]byte(content))
		content = string(rest)
	}
	var number, chunk int
	if _, err := fmt.Sscanf(content, "m%05d-%d", &number, &chunk); err != nil {
		f.t.Fatal("a part that nobody wrote")
	}
	long := f.all[number]
	if len(content) > 152 {
		chunk = 0
	}
	parts := long.parts
	if long.alone {
		parts = parts[chunk-1 : chunk]
	}
	g := parts[0].last()
	if chunk <= 1 || long.alone { // a sending begins
		for _, p := range parts {
			for _, g := range p.groups {
				if !g.excused && !g.dead(f.now, f.timeout) {
					f.t.Fatalf("%s-%d: sent to %s again: %+v", long.name, chunk, b.carrier, g)
				}
			}
		}
		g = &longGroup{bind: b.stillPeer, left: f.now, seen: make([]bool, longChunks+1), status: []int{-1, -1, -1, -1}}
		for _, p := range parts {
			p.groups = append(p.groups, g)
		}
	}
	g.seen[chunk] = true
	b.waits = append(b.waits, longWait{fr, g, chunk})
	if len(b.waits) > 2*b.window.limit { // the edge knows no more late ones
		b.waits = b.waits[1:]
	}
}

func (p *longPart) last() *longGroup {
	if len(p.groups) == 0 {
		return nil
	}
	return p.groups[len(p.groups)-1]
}

func (f *longSim) answerOne(b *longBindEnd) {
	if len(b.waits) == 0 || b.silent {
		return
	}
	i := f.rand.IntN(len(b.waits))
	w := b.waits[i]
	b.waits = slices.Delete(b.waits, i, i+1)
	status := []pdu.Status{
		pdu.ROK, pdu.ROK, pdu.ROK, pdu.ROK, pdu.ROK, pdu.ROK, pdu.ROK, pdu.ROK, pdu.ROK, pdu.ROK, pdu.RxTAppn, pdu.RSysErr, pdu.RInvDstAdr,
	}[f.rand.IntN(13)]
	if f.calm {
		status = pdu.ROK
	}
	w.group.status[w.at] = int(status)
	b.respond(w.frame, status, fmt.Sprint(f.rand.Uint32()))
}

func (f *longSim) lose(b *longBindEnd) {
	f.collect()
	for _, w := range b.waits {
		w.group.lost = true
	}
	b.gone()
	f.collect()
	b.stillPeer, b.waits, b.silent = f.carrier(b.carrier), nil, false
}

// finish lets everybody behave until all is sent, and checks every count.
func (f *longSim) finish() {
	f.calm = true
	for round := 0; round < 3000 && f.unfinished() != ""; round++ {
		for _, b := range f.binds {
			b.silent = false
			for len(b.waits) > 0 {
				f.answerOne(b)
				f.collect()
			}
		}
		f.wait(200 * time.Millisecond)
		f.repeat()
	}
	if name := f.unfinished(); name != "" {
		f.t.Fatalf("%s: never taken", name)
	}
	f.pass(20 * time.Second) // what carriers forgot is given up
	f.collect()
	sets, memory := f.segments.size()
	if n := f.inFlight(); n != 0 || sets != 0 || memory != 0 {
		f.t.Fatalf("%d in flight, %d being put together, %d octets", n, sets, memory)
	}
	for _, b := range f.binds {
		if b.window.used != 0 || b.load.used.Load() != 0 {
			f.t.Fatalf("%s: window %d, counted %d", b.carrier, b.window.used, b.load.used.Load())
		}
	}
	f.redeliveries.expire(never)
	if r := f.redeliveries; r.length() != 0 || r.count != 0 || r.oldest != nil || f.shop.from().uncertain.Load() != 0 {
		f.t.Fatalf("%d are remembered, %d counted", r.length(), f.shop.from().uncertain.Load())
	}
}

// unfinished names something that is neither accepted nor refused for good.
func (f *longSim) unfinished() string {
	for _, m := range f.all {
		for _, p := range m.parts {
			if !p.done && !p.refused {
				return fmt.Sprint(m.name, "-", p.chunk)
			}
		}
	}
	return ""
}

// A long message that is sent again, whole or in segments, reaches its carrier
// once where it was accepted late.
func TestLongMessageSimulation(t *testing.T) {
	first, alone := simNumber(t, "SEED", 0)
	count, _ := simNumber(t, "SEEDS", 150)
	if alone {
		count = 1
	}
	served, again := 0, 0
	for seed := first; seed < first+count; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			f := newLongSim(t, seed)
			for range 300 {
				f.step()
			}
			f.finish()
			served += f.redelivered(acceptedLate)
			again += f.redelivered(givenUp)
		})
	}
	if !alone && (served == 0 || again == 0) {
		t.Fatalf("%d repetitions were answered, %d sent again: it shows nothing", served, again)
	}
	t.Logf("%d repetitions were answered, %d sent again", served, again)
}
