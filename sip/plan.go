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
}

// route asks routing, and turns its plan into trunks.
func (a *actor) route(act actRoute, now time.Time) event {
	req := routing.Request{
		Service: routing.Voice, Origin: &a.trunk.origin, Dialled: []byte(act.dialled),
		To: act.to, From: act.from, Seed: a.call.id, Now: now,
	}
	ev := a.edge.decide(&req)
	a.emergency, a.parties = ev.emergency, newParties(act, &ev, a.trunk)
	return ev
}

func (e *Edge) decideByRouting(req *routing.Request) evRouted {
	var plan routing.Plan
	e.router.Decide(req, &plan)
	return e.plan(&plan)
}

// plan lists the trunks of a plan: the carriers in its order, the trunks of
// each in the order of the configuration.
func (e *Edge) plan(plan *routing.Plan) evRouted {
	if plan.Verdict != routing.Forward {
		r := refusalFor(plan.Verdict, plan.Answer)
		ev := evRouted{refused: &r, tenant: plan.Tenant}
		if plan.Verdict != routing.UnknownMask {
			ev.mask = plan.Mask
		}
		return ev
	}
	ev := evRouted{
		present: plan.Present, to: plan.To.Number, emergency: plan.Emergency, mask: plan.Mask, tenant: plan.Tenant,
		otherwise: refusal{503, causeNoCircuit, "no_carrier"},
	}
	switch {
	case plan.Emergency || plan.To.Kind == routing.ToNumber:
		for i := range plan.Carriers() {
			carrier := plan.Carrier(i)
			for _, t := range e.byCarrier[carrier.Name] {
				ev.candidates = append(ev.candidates, candidate{carrier: carrier, trunk: t})
			}
		}
		return ev
	case plan.To.Kind == routing.ToPeer:
		ev.otherwise = refusal{480, causeAbsent, "peer_unavailable"}
		user, t := e.peer(plan.To.Name)
		if t != nil {
			ev.user, ev.candidates = user, []candidate{{trunk: t}}
			return ev
		}
	}
	// An SMS account, or a peer that is not configured: nothing that can ring.
	ev.refused = &refusal{480, causeAbsent, "no_such_peer"}
	return ev
}

// peer finds the user and the tenant's trunk of an endpoint "user@host:port". The
// user stands there with the escapes of a URI.
func (e *Edge) peer(endpoint string) (string, *trunk) {
	at := strings.LastIndexByte(endpoint, '@')
	if at < 1 {
		return "", nil
	}
	addr, err := parseUDP(endpoint[at+1:])
	if err != nil {
		return "", nil
	}
	user, err := url.PathUnescape(endpoint[:at])
	if err != nil {
		return "", nil
	}
	for _, t := range e.trunks {
		if t.Tenant != "" && t.addr == addr {
			return user, t
		}
	}
	return "", nil
}
