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
	edge   *Edge
	number uint64 // in tokens
	alarm  alarm

	mu     sync.Mutex
	trunk  *trunk
	ended  bool // by a reload: it takes itself away, and its trunk is no longer its own
	reg    *registration
	left   bool // it was counted out at the end
	counts [registerOutcomes]uint64
	latest registerFate
	told   registerFate // of them the one in the log
}

// registerFate is what came of a REGISTER, and by which code.
type registerFate struct {
	outcome registerOutcome
	code    int // 0: no answer
}

// why is the fault, empty where there is none.
func (f registerFate) why() string {
	if f.outcome < registerRefused {
		return ""
	}
	return f.outcome.String()
}

// RegistrationState is a registration as an operator sees it.
type RegistrationState struct {
	Registered bool      `json:"registered"`
	Until      time.Time `json:"until,omitzero"` // where it is not refreshed
	Failures   uint64    `json:"failures"`       // since the start
	Why        string    `json:"why,omitempty"`  // the latest REGISTER failed, as metrics name it
	Code       int       `json:"code,omitempty"` // of the registrar's answer to it; 0: none
}

// left is for how long it holds if it is not refreshed.
func (s *RegistrationState) left(now time.Time) time.Duration {
	if !s.Registered {
		return 0
	}
	return s.Until.Sub(now)
}

// newRegistrar gives a trunk its registrar, nil where it wants none.
func (e *Edge) newRegistrar(t *trunk) *registrar {
	if !t.Register.Enabled {
		return nil
	}
	r := &registrar{edge: e, trunk: t, number: e.lastRegistrar.Add(1)}
	t.state.metrics.registers()
	r.reg = newRegistration(t, e.tokens, int(r.number), t.targets(0, e.now()), func(o registerOutcome, code int) {
		r.counts[o]++
		r.latest = registerFate{o, code}
		r.trunk.state.metrics.registrations[o].Inc()
	})
	r.alarm.fire = func() {
		defer e.recovered("registration")
		r.do(func(now time.Time, chance float64) *sending { return r.reg.tick(now, chance) })
	}
	t.registrar = r
	return r
}

// owner is the trunk that is registered, in its newest version.
func (r *registrar) owner() *trunk {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trunk
}

// follow goes on for a changed trunk.
func (r *registrar) follow(t *trunk) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trunk, r.reg.trunk, t.registrar = t, t, r
}

// end marks it as one that takes itself away.
func (r *registrar) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
}

// status is whether a reload has ended it, and whether it is away.
func (r *registrar) status() (ended, gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended, r.reg.gone
}

// leave takes the registration away.
func (r *registrar) leave() {
	r.edge.leaving.Add(1)
	r.do(func(now time.Time, _ float64) *sending { return r.reg.leave(now) })
}

// registersPerSecond bounds the first registrations: carriers' registrars and
// their guards against floods do not get all of a large configuration at once.
const registersPerSecond = 50

// startSpread keeps edges that are started together from registering at the same
// instant.
const startSpread = time.Second

// begin asks for the first registrations, by lot within the spread; where that is too
// short for their rate, within longer.
func (e *Edge) begin(registrars []*registrar, spread time.Duration) {
	n := len(registrars)
	within := max(spread, time.Duration(n)*time.Second/registersPerSecond)
	for i, r := range registrars {
		j := i + int(e.chance()*float64(n-i))
		registrars[i], registrars[j] = registrars[j], r
	}
	now := e.now()
	for i, r := range registrars {
		r.start(now.Add(time.Duration((float64(i) + e.chance()) / float64(n) * float64(within))))
	}
}

// start has the first registration be due.
func (r *registrar) start(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reg.gone || r.reg.leaving {
		return // it ended before it began
	}
	r.reg.due = at
	r.edge.timers.set(&r.alarm, at)
}

// do lets the registration act, and sends what it wants, until it is content.
// The lock is not held while sending, which may learn that an earlier message was
// undeliverable.
func (r *registrar) do(act func(now time.Time, chance float64) *sending) {
	for act != nil {
		now := r.edge.now()
		r.mu.Lock()
		t := r.trunk
		if t.name != "" {
			r.reg.locate(t.targets(0, now))
		}
		out := act(now, r.edge.chance())
		r.mu.Unlock()
		r.show(now)
		act = nil
		if out == nil {
			break
		}
		t.state.metrics.out.request(message.Register)
		if err := r.send(t, out); err != nil {
			act = func(now time.Time, chance float64) *sending {
				r.reg.unreachable(out.seq, now, chance)
				return r.reg.tick(now, chance)
			}
		}
	}
	if t := r.rest(); t != nil {
		r.edge.release(t)
	}
}

// rest sets the next alarm. Of a registration that has just gone with its trunk it
// returns the trunk, which nothing else of it needs.
func (r *registrar) rest() *trunk {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.edge.timers.clear(&r.alarm)
	if next := r.reg.next(); !next.IsZero() && !r.reg.gone {
		r.edge.timers.set(&r.alarm, next)
	}
	if !r.reg.gone || r.left {
		return nil
	}
	r.left = true
	r.edge.leaving.Add(-1)
	if r.ended {
		return r.trunk
	}
	return nil
}

func (r *registrar) send(t *trunk, out *sending) error {
	socket, _ := t.from(out.to.Addr())
	return r.edge.transmit(actSend{trunk: t, socket: socket, over: t.over, to: out.to, data: out.data}, r.number)
}

// show tells routing whether the trunk is registered, and the operator what hinders
// it: once until that changes.
func (r *registrar) show(now time.Time) {
	r.mu.Lock()
	registered, t, ended := r.reg.registered(now), r.trunk, r.ended
	latest, known := r.latest, r.latest == r.told
	r.told = latest
	r.mu.Unlock()
	if why := latest.why(); why != "" && !known {
		r.edge.log.Warn("registration failed", zap.String("trunk", t.Name), zap.String("why", why), zap.Int("code", latest.code))
	}
	if !ended && t.state.registered.Swap(registered) != registered {
		r.edge.log.Info("registration changed", zap.String("trunk", t.Name), zap.Bool("registered", registered))
		r.edge.showCarrier(t.Carrier)
	}
}

func (r *registrar) state(now time.Time) RegistrationState {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := RegistrationState{Registered: r.reg.registered(now), Until: r.reg.until, Why: r.latest.why()}
	if s.Why != "" {
		s.Code = r.latest.code
	}
	for o := registerRefused; o < registerOutcomes; o++ {
		s.Failures += r.counts[o]
	}
	return s
}

// onRegisterResponse is an answer to a REGISTER of ours.
func (e *Edge) onRegisterResponse(k token, res *message.Response, source netip.AddrPort) bool {
	r := e.set().registrars[k.call]
	if r == nil || res.Method != message.Register || !r.isAt(source.Addr()) {
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
	if r := e.set().registrars[k.call]; r != nil {
		r.do(func(now time.Time, chance float64) *sending {
			r.reg.unreachable(k.seq, now, chance)
			return r.reg.tick(now, chance)
		})
	}
}

// unregister takes all bindings away, so that registrars send no more calls.
func (e *Edge) unregister() {
	for _, r := range e.set().registrars {
		if ended, _ := r.status(); !ended {
			r.leave()
		}
	}
}

// byContact is the trunk whose registered contact a request is for, else t. Only
// from its own networks.
func (e *Edge) byContact(t *trunk, req *message.Request) (owner *trunk, contact bool) {
	registrars := e.set().registrars
	if len(registrars) == 0 {
		return t, false
	}
	k, ok := e.tokens.open(req.Target(), registerToken)
	r := registrars[k.call]
	if !ok || k.leg != legA || r == nil {
		return t, false
	}
	owner = r.owner()
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
