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
	edge   *Edge
	trunk  *trunk
	number uint64 // in tokens
	alarm  alarm

	mu       sync.Mutex
	health   health
	seq      uint16
	waiting  bool
	stopped  bool
	to       netip.AddrPort
	turn     int // which address is asked
	failures int // in a row, over a stream
	message  []byte
	every    time.Duration // until the probe is repeated
	began    time.Time     // the latest one
	giveUp   time.Time
}

const (
	probeTimeout = 4 * time.Second
	lostPause    = time.Second // between probes whose connections end after their answers
)

// newProber is nil for a trunk that is not probed.
func (e *Edge) newProber(t *trunk) *prober {
	if t.Probe.Every <= 0 || !t.callable() {
		return nil
	}
	p := &prober{edge: e, trunk: t, number: e.lastProber.Add(1)}
	p.alarm.fire = p.fire
	return p
}

// fire sends what is due. The lock is not held meanwhile: sending may learn
// that an earlier probe was undeliverable.
func (p *prober) fire() {
	defer p.edge.recovered("probe")
	data, to, k := p.due(p.edge.now())
	if data == nil {
		return
	}
	p.trunk.state.metrics.out.request(message.Options)
	t := p.trunk
	socket, _ := t.from(to.Addr())
	err := p.edge.transmit(actSend{trunk: t, socket: socket, over: t.over, to: to, data: data}, k.call)
	if err != nil {
		p.edge.probed(k, false)
	}
}

// linkLost has a trunk probed at once whose connection has ended: that makes a
// new one, and tells whether the trunk lives.
func (e *Edge) linkLost(t *trunk) {
	for _, p := range e.set().probers {
		if p.trunk.Name == t.Name {
			p.lost(e.now())
		}
	}
}

// lost is the end of a connection. A probe that had no answer over it has failed:
// a peer that takes connections only to close them is not asked without pause.
func (p *prober) lost(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.stopped:
	case p.waiting:
		p.outcome(false, now)
	default:
		p.edge.timers.set(&p.alarm, later(now, p.began.Add(lostPause)))
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// due is the next probe, or the one that waits once more, or nothing where that
// is given up.
func (p *prober) due(now time.Time) ([]byte, netip.AddrPort, token) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.stopped:
		return nil, netip.AddrPort{}, token{}
	case p.waiting && reached(p.giveUp, now):
		p.outcome(false, now)
		return nil, netip.AddrPort{}, token{}
	case p.waiting:
		p.every *= 2
	default:
		if !p.aim(now) {
			return nil, netip.AddrPort{}, token{}
		}
		p.begin(now)
	}
	repeat := now.Add(p.every)
	if p.trunk.over.reliable() {
		repeat = time.Time{}
	}
	p.edge.timers.set(&p.alarm, sooner(repeat, p.giveUp))
	return p.message, p.to, token{call: p.number, seq: p.seq}
}

// aim chooses the address to ask: the first one, and after a failure the next. It
// is false where none is known yet.
func (p *prober) aim(now time.Time) bool {
	all := p.trunk.targets(0, now)
	if len(all) == 0 {
		p.edge.timers.set(&p.alarm, now.Add(p.trunk.Probe.Every))
		return false
	}
	p.to = all[p.turn%len(all)]
	return true
}

func (p *prober) begin(now time.Time) {
	p.seq++
	p.waiting, p.every, p.began = true, t1, now
	p.giveUp = now.Add(min(p.trunk.Probe.Every, probeTimeout))
	_, address := p.trunk.from(p.to.Addr())
	own, host := "sip:"+sentBy(address), "sip:"+p.trunk.host
	k := token{call: p.number, leg: legA, seq: p.seq}
	d := message.Draft{
		Method: message.Options, Via: sentBy(address), Transport: p.trunk.over.via(), CSeq: uint32(p.seq), MaxForwards: maxForwards,
		Branch: p.edge.tokens.branch(token{call: k.call, kind: probeToken, seq: k.seq}),
		Dialog: &message.Dialog{
			CallID: p.edge.tokens.String(k), LocalURI: own, RemoteURI: host, Target: host,
			LocalTag: p.edge.tokens.String(token{call: k.call, leg: legA - 1, seq: k.seq}),
		},
		Contact: address,
	}
	p.message = d.Append(nil)
}

// outcome ends the probe that waits and sets the next one.
func (p *prober) outcome(ok bool, now time.Time) {
	p.waiting = false
	if !ok {
		p.turn++
	}
	p.edge.timers.clear(&p.alarm)
	p.edge.timers.set(&p.alarm, now.Add(p.pause(ok)))
	if p.health.judge(ok, p.trunk.Probe) {
		p.trunk.state.up.Store(ok)
		p.edge.log.Info("trunk changed", zap.String("trunk", p.trunk.Name), zap.Bool("up", ok))
		p.edge.showCarrier(p.trunk.Carrier)
	}
}

// pause is the time to the next probe. A connection that cannot be made is tried
// again soon, less and less so.
func (p *prober) pause(ok bool) time.Duration {
	if ok || !p.trunk.over.reliable() {
		p.failures = 0
		return p.trunk.Probe.Every
	}
	pause := min(mostPause<<1, firstPause<<min(p.failures, 10))
	p.failures++
	return min(p.trunk.Probe.Every, pause)
}

// probed is an answer to a probe, or the word that it was undeliverable.
func (e *Edge) probed(k token, ok bool) {
	p := e.set().probers[k.call]
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting && !p.stopped && k.seq == p.seq {
		p.outcome(ok, e.now())
	}
}

// isProbed reports whether an answer came from where the probed trunk may be.
func (e *Edge) isProbed(k token, source netip.AddrPort) bool {
	p := e.set().probers[k.call]
	return p != nil && p.trunk.trusts(source.Addr())
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
	for _, t := range e.set().byCarrier[name] {
		up = up || t.fit()
	}
	carrier.SetUp(routing.Voice, up)
}
