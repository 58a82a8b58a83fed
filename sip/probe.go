package sip

import (
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"maskline/routing"
	"maskline/sip/message"
)

// health turns the outcomes of probes into a state, with hysteresis. A trunk
// starts down, and its first success brings it up.
type health struct {
	up    bool
	known bool // there was a first outcome
	run   int  // outcomes in a row that speak against the state
}

// judge counts one outcome; it is true where the state changed.
func (h *health) judge(ok bool, p Probe) bool {
	if ok == h.up && h.known {
		h.run = 0
		return false
	}
	h.run++
	need := p.DownAfter
	if ok {
		if need = p.UpAfter; !h.known {
			need = 1
		}
	}
	h.known = true
	if h.run < need || ok == h.up {
		return false
	}
	h.up, h.run = ok, 0
	return true
}

// prober asks one trunk for its life.
type prober struct {
	edge  *Edge
	trunk *trunk
	index int
	alarm alarm

	mu      sync.Mutex
	health  health
	seq     uint16
	waiting bool
	message []byte
	every   time.Duration // until the probe is repeated
	giveUp  time.Time
}

const probeTimeout = 4 * time.Second

func (e *Edge) addProber(t *trunk) {
	if t.Probe.Every > 0 && t.addr.IsValid() {
		p := &prober{edge: e, trunk: t, index: len(e.probers)}
		p.alarm.fire = p.fire
		e.probers = append(e.probers, p)
	}
}

// fire sends what is due. The lock is not held meanwhile: sending may learn
// that an earlier probe was undeliverable.
func (p *prober) fire() {
	defer p.edge.recovered("probe")
	data, k := p.due(p.edge.now())
	if data == nil {
		return
	}
	p.trunk.state.metrics.out.request(message.Options)
	if err := p.edge.sockets[p.trunk.socket].send(data, p.trunk.addr); err != nil {
		p.edge.probed(k, false)
	}
}

// due is the next probe, or the one that waits once more, or nothing where that
// is given up.
func (p *prober) due(now time.Time) ([]byte, token) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.waiting && reached(p.giveUp, now):
		p.outcome(false, now)
		return nil, token{}
	case p.waiting:
		p.every *= 2
	default:
		p.begin(now)
	}
	p.edge.timers.set(&p.alarm, sooner(now.Add(p.every), p.giveUp))
	return p.message, token{call: uint64(p.index), seq: p.seq}
}

func (p *prober) begin(now time.Time) {
	p.seq++
	p.waiting, p.every = true, t1
	p.giveUp = now.Add(min(p.trunk.Probe.Every, probeTimeout))
	own, host := "sip:"+sentBy(p.trunk.own), "sip:"+p.trunk.host
	k := token{call: uint64(p.index), leg: legA, seq: p.seq}
	d := message.Draft{
		Method: message.Options, Via: sentBy(p.trunk.own), Transport: p.trunk.over.via(), CSeq: uint32(p.seq), MaxForwards: maxForwards,
		Branch: p.edge.tokens.branch(token{call: k.call, kind: probeToken, seq: k.seq}),
		Dialog: &message.Dialog{
			CallID: p.edge.tokens.String(k), LocalURI: own, RemoteURI: host, Target: host,
			LocalTag: p.edge.tokens.String(token{call: k.call, leg: legA - 1, seq: k.seq}),
		},
		Contact: p.trunk.own,
	}
	p.message = d.Append(nil)
}

// outcome ends the probe that waits and sets the next one.
func (p *prober) outcome(ok bool, now time.Time) {
	p.waiting = false
	p.edge.timers.clear(&p.alarm)
	p.edge.timers.set(&p.alarm, now.Add(p.trunk.Probe.Every))
	if p.health.judge(ok, p.trunk.Probe) {
		p.trunk.state.up.Store(ok)
		p.edge.log.Info("trunk changed", zap.String("trunk", p.trunk.Name), zap.Bool("up", ok))
		p.edge.showCarrier(p.trunk.Carrier)
	}
}

// probed is an answer to a probe, or the word that it was undeliverable.
func (e *Edge) probed(k token, ok bool) {
	if k.call >= uint64(len(e.probers)) {
		return
	}
	p := e.probers[k.call]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting && k.seq == p.seq {
		p.outcome(ok, e.now())
	}
}

// isProbed reports whether an answer came from where the probed trunk may be.
func (e *Edge) isProbed(k token, source netip.AddrPort) bool {
	return k.call < uint64(len(e.probers)) && e.probers[k.call].trunk.allows(source.Addr())
}

// showCarrier tells routing whether any trunk of the carrier is up.
func (e *Edge) showCarrier(name string) {
	if name == "" {
		return
	}
	carrier := e.router.Carrier(name)
	if carrier == nil {
		return
	}
	e.showing.Lock() // who tells last has seen what the others did
	defer e.showing.Unlock()
	up := false
	for _, t := range e.byCarrier[name] {
		up = up || t.state.up.Load()
	}
	carrier.SetUp(routing.Voice, up)
}
