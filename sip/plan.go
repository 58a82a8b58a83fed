package sip

import (
	"net/url"
	"strings"
	"time"

	"maskline/routing"
)

// Router decides where calls go. *routing.Router is one.
type Router interface {
	Decide(req *routing.Request, plan *routing.Plan)
	Carrier(name string) *routing.Carrier
	// Open makes the caller of a plan with the verdict FirstContact known: done is told
	// once, soon after by at the latest, by any goroutine.
	Open(plan *routing.Plan, by time.Time, done func(opened bool))
	// Talked tells that a call of a tenant has ended, which had an answer, through a
	// carrier of this cost a minute; 0: through none.
	Talked(tenant string, cost uint64, talked time.Duration, now time.Time)
}

// route asks routing, and turns its plan into trunks.
func (a *actor) route(act actRoute, now time.Time) event {
	req := routing.Request{
		Service: routing.Voice, Origin: &a.trunk.origin, Dialled: []byte(act.dialled),
		To: act.to, From: act.from, Seed: a.call.id, Now: now,
	}
	ev := a.decide(&req)
	a.emergency, a.parties = ev.emergency, newParties(act, &ev, a.trunk)
	return ev
}

// decide asks routing, and holds on to the trunks of its answer. Where reloads have
// overtaken it again and again, the next one waits for it.
func (a *actor) decide(req *routing.Request) evRouted {
	const tries = 3
	for range tries {
		first := len(a.uses)
		ev, valid := a.hold(a.edge.decide(req))
		if valid {
			return ev
		}
		a.releaseFrom(first)
	}
	a.edge.changing.Lock()
	defer a.edge.changing.Unlock()
	ev, _ := a.hold(a.edge.decide(req))
	return ev
}

// hold keeps the trunks of a plan for the call. It is false where one of them is no
// longer in effect.
func (a *actor) hold(ev evRouted) (_ evRouted, valid bool) {
	valid = true
	for _, c := range ev.candidates {
		a.uses = append(a.uses, c.trunk)
		valid = c.trunk.acquire() && valid
	}
	return ev, valid
}

// releaseFrom lets go of the trunks that the call uses, but for the first n.
func (a *actor) releaseFrom(n int) {
	for _, t := range a.uses[n:] {
		a.edge.release(t)
	}
	a.uses = a.uses[:n]
}

func (e *Edge) decideByRouting(req *routing.Request) evRouted {
	var plan routing.Plan
	e.router.Decide(req, &plan)
	return e.plan(&plan, req.Seed)
}

// plan lists the trunks of a plan: the carriers in its order, the trunks of
// each in the order of the configuration, the addresses of each in that of DNS.
func (e *Edge) plan(plan *routing.Plan, seed uint64) evRouted {
	if plan.Verdict != routing.Forward {
		r := refusalFor(plan.Verdict, plan.Answer)
		ev := evRouted{refused: &r, tenant: plan.Tenant}
		if plan.Verdict != routing.UnknownMask {
			ev.mask = plan.Mask
		}
		if plan.Verdict == routing.FirstContact {
			ev.contact = plan
		}
		e.hear(&ev, plan.Verdict)
		return ev
	}
	ev := evRouted{
		present: plan.Present, to: plan.To.Number, emergency: plan.Emergency, mask: plan.Mask, tenant: plan.Tenant,
		otherwise: refusal{503, causeNoCircuit, "no_carrier"},
	}
	e.hear(&ev, plan.Verdict)
	switch {
	case plan.Emergency || plan.To.Kind == routing.ToNumber:
		for i := range plan.Carriers() {
			carrier := plan.Carrier(i)
			first := len(ev.candidates)
			for _, t := range e.set().byCarrier[carrier.Name] {
				ev.candidates = e.candidates(ev.candidates, carrier, t, seed)
			}
			second := plan.Presented(i)
			if second == plan.Present {
				second = 0
			}
			for j := range ev.candidates[first:] {
				ev.candidates[first+j].second, ev.candidates[first+j].cost = second, plan.Cost(i)
			}
		}
		return ev
	case plan.To.Kind == routing.ToPeer:
		ev.otherwise = refusal{480, causeAbsent, "peer_unavailable"}
		user, t := e.peer(plan.To.Name)
		if t != nil {
			ev.user, ev.candidates = user, e.candidates(nil, nil, t, seed)
			return ev
		}
	}
	// An SMS account, or a peer that is not configured: nothing that can ring.
	ev.refused = &refusal{480, causeAbsent, "no_such_peer"}
	return ev
}

// candidates adds those of one trunk.
func (e *Edge) candidates(list []candidate, carrier *routing.Carrier, t *trunk, seed uint64) []candidate {
	targets := t.targets(seed, e.now())
	for _, to := range targets[:min(len(targets), mostTried)] {
		list = append(list, candidate{carrier: carrier, trunk: t, to: to})
	}
	return list
}

// peer finds the user and the tenant's trunk of an endpoint "user@host:port". The
// user stands there with the escapes of a URI.
func (e *Edge) peer(endpoint string) (string, *trunk) {
	at := strings.LastIndexByte(endpoint, '@')
	if at < 1 {
		return "", nil
	}
	host := endpoint[at+1:]
	_, addr, err := parseAddr(host)
	named := err != nil
	user, err := url.PathUnescape(endpoint[:at])
	if err != nil {
		return "", nil
	}
	for _, t := range e.set().list {
		if t.Tenant != "" && (named && strings.EqualFold(t.host, host) && t.name != "" || !named && t.addr == addr) {
			return user, t
		}
	}
	return "", nil
}
