package sip

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"maskline/tlsfile"
)

// Prepare makes the trunks of cfg ready; apply puts them in effect for the calls
// that come after it. A trunk is known by its name. Calls go on with the settings
// that they began with, those of a trunk that is gone too; it takes no new ones.
// What the trunk counts and its probes tell survive a change, unless its address
// changes. The files of certificates are read again, for the next connections; apply
// names those that have changed. All else of cfg is left as it is.
//
// One goroutine at a time calls Prepare and what it returns, after Listen.
func (e *Edge) Prepare(cfg Config) (apply func() (files []string), err error) {
	cfg.OwnMedia = e.cfg.OwnMedia
	renew, err := e.renewals()
	if err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	next, err := newTrunkSet(&cfg, e.set(), func(t *trunk) error { return errors.Join(e.bind(t), e.equip(t)) })
	if err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	for _, t := range next.list {
		if before := e.set().byName[t.Name]; before != nil && !tlsfile.Same(before.tls, t.tls) && before.TLS.is(&t.TLS) {
			renew = append(renew, renewal{name: "certificates of trunk " + t.Name})
		}
	}
	return func() (files []string) {
		for _, r := range renew {
			if r.socket != nil {
				r.socket.tls.Store(r.tls)
			}
			files = append(files, r.name)
		}
		if !slices.Equal(next.list, e.set().list) {
			e.adopt(next)
		}
		return files
	}, nil
}

// adopt puts a set in effect.
func (e *Edge) adopt(next *trunkSet) {
	old, probers, begun, ended := e.replace(next)
	for _, p := range probers {
		e.timers.set(&p.alarm, e.now())
	}
	if !e.draining.Load() { // nobody would take them away again
		e.begin(begun, 0)
	}
	for _, r := range ended {
		r.leave()
	}
	e.names.hurry()
	carriers := maps.Clone(old.byCarrier)
	maps.Copy(carriers, next.byCarrier)
	for name := range carriers {
		e.showCarrier(name)
	}
	e.log.Info("trunks changed", zap.Int("trunks", len(next.list)), zap.Int("draining", len(next.retired)))
}

// replace stores a set. What it returns is to be started, and to be taken away.
func (e *Edge) replace(next *trunkSet) (old *trunkSet, probers []*prober, begun, ended []*registrar) {
	e.changing.Lock()
	defer e.changing.Unlock()
	old = e.set()
	for _, t := range next.list {
		if t.state != nil {
			continue
		}
		before := old.last(t.Name)
		t.follow(before)
		if before == nil {
			t.state.metrics = e.metrics.trunk(t.Name)
		}
		if t.digest != nil && (before == nil || before.digest == nil) {
			t.state.metrics.guard()
		}
	}
	next.matcher.rename(next.list)
	begun, ended = e.moveRegistrars(old, next)
	next.retire(old.superseded(next))
	probers = e.moveProbers(old, next)
	e.trunks.Store(next)
	return old, probers, begun, ended
}

// last is the newest trunk of a name, a retired one too.
func (s *trunkSet) last(name string) *trunk {
	if t := s.byName[name]; t != nil {
		return t
	}
	for _, t := range slices.Backward(s.retired) {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// superseded marks the trunks that are not in next, and returns those that calls
// still use, oldest first.
func (s *trunkSet) superseded(next *trunkSet) (used []*trunk) {
	for _, t := range slices.Concat(s.retired, s.list) {
		switch next.byName[t.Name] {
		case t:
			continue
		case nil:
			t.retired.Store(uint32(removed))
		default:
			t.retired.Store(uint32(replaced))
		}
		if t.users.Load() > 0 { // looked at after the mark, as acquire does it the other way round
			used = append(used, t)
		}
	}
	return used
}

// follow takes over what the trunk's predecessor counts and knows.
func (t *trunk) follow(before *trunk) {
	if before == nil {
		t.initState()
		return
	}
	t.state = before.state
	if t.flood, t.in, t.out, t.texts = before.flood, before.in, before.out, before.texts; t.CPS != before.CPS {
		t.initLimits()
	}
	if t.digest != nil && before.digest != nil && t.AuthIn == before.AuthIn {
		t.digest = before.digest // used nonces stay used, known sources known
	}
	same := t.isAt(before)
	if same {
		t.resolved.Store(before.resolved.Load())
	}
	switch {
	case t.Probe.Every < 0:
		t.state.up.Store(t.addr.IsValid() || t.resolved.Load() != nil)
	case !same:
		t.state.up.Store(false) // until it answers
	}
	if !same {
		t.state.heldUntil.Store(0)
		t.state.stale.Store(false)
		t.state.claims.Store(false)
	}
}

// moveProbers gives next its probers: those of trunks that stay, and new ones. It
// ends the others and returns the new ones.
func (e *Edge) moveProbers(old, next *trunkSet) (started []*prober) {
	kept := map[*trunk]bool{}
	known := map[string]health{}
	for number, p := range old.probers {
		if next.byName[p.trunk.Name] == p.trunk {
			next.probers[number], kept[p.trunk] = p, true
			continue
		}
		known[p.trunk.Name+" "+p.trunk.Addr] = p.stop()
	}
	for _, t := range next.list {
		if kept[t] {
			continue
		}
		p := e.newProber(t)
		if p == nil {
			continue
		}
		p.health = known[t.Name+" "+t.Addr]
		if !p.health.known && t.state.up.Load() { // it was not probed before
			p.health = health{up: true, known: true}
		}
		next.probers[p.number] = p
		started = append(started, p)
	}
	return started
}

// moveRegistrars gives next its registrars: those that may go on, new ones, and
// those that end, which wait for their last answer.
func (e *Edge) moveRegistrars(old, next *trunkSet) (begun, ended []*registrar) {
	for number, r := range old.registrars {
		t := r.owner()
		over, gone := r.status()
		successor := next.byName[t.Name]
		switch {
		case over && gone:
			continue
		case over, successor == t:
		case successor != nil && registersAlike(t, successor):
			r.follow(successor)
		default:
			t.users.Add(1) // answers to it are heard until it is away
			r.end()
			ended = append(ended, r)
		}
		next.registrars[number] = r
	}
	for _, t := range next.list {
		if t.registrar != nil {
			continue
		}
		if r := e.newRegistrar(t); r != nil {
			next.registrars[r.number] = r
			begun = append(begun, r)
		}
	}
	return begun, ended
}

// registersAlike reports whether one registration does for both.
func registersAlike(a, b *trunk) bool {
	return a.Register == b.Register && a.AuthOut == b.AuthOut && a.isAt(b) && a.TLS.is(&b.TLS) && a.own == b.own && a.socket == b.socket &&
		a.CLI.Domain == b.CLI.Domain
}

// stop ends a prober and returns what it knew.
func (p *prober) stop() health {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.edge.timers.clear(&p.alarm)
	return p.health
}

// startTrunks begins probes and registrations, when the edge runs.
func (e *Edge) startTrunks(now time.Time) {
	s := e.set()
	for name := range s.byCarrier {
		e.showCarrier(name)
	}
	for _, p := range s.probers {
		e.timers.set(&p.alarm, now)
	}
	e.begin(slices.Collect(maps.Values(s.registrars)), startSpread)
}
