package sip

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"maskline/sip/message"
)

// registrar runs the registration of one trunk.
type registrar struct {
	edge  *Edge
	trunk *trunk
	alarm alarm

	mu     sync.Mutex
	reg    *registration
	left   bool // it was counted out at the end
	counts [registerOutcomes]uint64
}

// RegistrationState is a registration as an operator sees it.
type RegistrationState struct {
	Registered bool      `json:"registered"`
	Until      time.Time `json:"until,omitzero"` // where it is not refreshed
	Failures   uint64    `json:"failures"`       // since the start
}

func (e *Edge) addRegistrar(t *trunk) {
	if !t.Register.Enabled {
		return
	}
	r := &registrar{edge: e, trunk: t}
	r.reg = newRegistration(t, e.tokens, len(e.registrars), t.targets(0, e.now()), func(o registerOutcome) { r.counts[o]++ })
	r.alarm.fire = func() {
		defer e.recovered("registration")
		r.do(func(now time.Time, chance float64) *sending { return r.reg.tick(now, chance) })
	}
	t.registrar = r
	e.registrars = append(e.registrars, r)
}

// start asks for the first registration.
func (r *registrar) start() {
	r.mu.Lock()
	r.reg.due = r.edge.now()
	r.mu.Unlock()
	r.alarm.fire()
}

// do lets the registration act, and sends what it wants, until it is content.
// The lock is not held while sending, which may learn that an earlier message was
// undeliverable.
func (r *registrar) do(act func(now time.Time, chance float64) *sending) {
	for act != nil {
		now := r.edge.now()
		r.mu.Lock()
		if r.trunk.name != "" {
			r.reg.locate(r.trunk.targets(0, now))
		}
		out := act(now, r.edge.chance())
		r.mu.Unlock()
		r.show(now)
		act = nil
		if out == nil {
			break
		}
		r.trunk.state.metrics.out.request(message.Register)
		if err := r.send(out); err != nil {
			act = func(now time.Time, chance float64) *sending {
				r.reg.unreachable(out.seq, now, chance)
				return r.reg.tick(now, chance)
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.edge.timers.clear(&r.alarm)
	if next := r.reg.next(); !next.IsZero() && !r.reg.gone {
		r.edge.timers.set(&r.alarm, next)
	}
	if r.reg.gone && !r.left {
		r.left = true
		r.edge.leaving.Add(-1)
	}
}

func (r *registrar) send(out *sending) error {
	socket, _ := r.trunk.from(out.to.Addr())
	return r.edge.transmit(actSend{trunk: r.trunk, socket: socket, over: r.trunk.over, to: out.to, data: out.data}, r.reg.index)
}

// show tells routing whether the trunk is registered.
func (r *registrar) show(now time.Time) {
	r.mu.Lock()
	registered := r.reg.registered(now)
	r.mu.Unlock()
	if r.trunk.state.registered.Swap(registered) != registered {
		r.edge.log.Info("registration changed", zap.String("trunk", r.trunk.Name), zap.Bool("registered", registered))
		r.edge.showCarrier(r.trunk.Carrier)
	}
}

func (r *registrar) state(now time.Time) RegistrationState {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := RegistrationState{Registered: r.reg.registered(now), Until: r.reg.until}
	for o := registerRefused; o < registerOutcomes; o++ {
		s.Failures += r.counts[o]
	}
	return s
}

// onRegisterResponse is an answer to a REGISTER of ours.
func (e *Edge) onRegisterResponse(k token, res *message.Response, source netip.AddrPort) bool {
	if k.call >= uint64(len(e.registrars)) || res.Method != message.Register {
		return false
	}
	r := e.registrars[k.call]
	if !r.isAt(source.Addr()) {
		return false
	}
	r.do(func(now time.Time, chance float64) *sending { return r.reg.answer(res, k.seq, now, chance) })
	return true
}

// isAt reports whether an address is a registrar's.
func (r *registrar) isAt(addr netip.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.reg.addresses, func(a netip.AddrPort) bool { return a.Addr() == addr })
}

func (e *Edge) onRegisterUndeliverable(k token) {
	if k.call < uint64(len(e.registrars)) {
		r := e.registrars[k.call]
		r.do(func(now time.Time, chance float64) *sending {
			r.reg.unreachable(k.seq, now, chance)
			return r.reg.tick(now, chance)
		})
	}
}

// unregister takes all bindings away, so that registrars send no more calls.
func (e *Edge) unregister() {
	for _, r := range e.registrars {
		e.leaving.Add(1)
		r.do(func(now time.Time, _ float64) *sending { return r.reg.leave(now) })
	}
}

// byContact is the trunk whose registered contact a request is for, else t. Only
// from its own networks.
func (e *Edge) byContact(t *trunk, req *message.Request) (owner *trunk, contact bool) {
	if len(e.registrars) == 0 {
		return t, false
	}
	k, ok := e.tokens.open(req.Target(), registerToken)
	if !ok || k.leg != legA || k.call >= uint64(len(e.registrars)) {
		return t, false
	}
	owner = e.registrars[k.call].trunk
	if !owner.allows(req.Source.Addr()) || owner != t && !owner.isPlain() {
		return t, false
	}
	return owner, true
}

// chance is a lot between 0 and 1.
func (e *Edge) chance() float64 {
	const bits = 53
	e.ids.Lock()
	defer e.ids.Unlock()
	return float64(e.draws.Uint64()>>(64-bits)) / (1 << bits)
}

// figures are for metrics: how long the registration holds, and what came of all.
func (r *registrar) figures(now time.Time) (time.Duration, [registerOutcomes]uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.reg.registered(now) {
		return 0, r.counts
	}
	return r.reg.until.Sub(now), r.counts
}
